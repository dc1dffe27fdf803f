"""The smoke bench of a package, `PREFIX_smoke`: the bench of `vectors` on two small GEMMs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpe.array.base import Handshake
from tpe.hdl import emit
from tpe.hdl.emit import finish, resets, sources
from tpe.hdl.emit.package_files.example import example_case, k_of_beat
from tpe.hdl.emit.package_files.facts import facts
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.vectors import bench_memories, bench_source
from tpe.hdl.simulate.verify import STALLS
from tpe.model.selected import as_sparse
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import ZeroPoints

if TYPE_CHECKING:
    from tpe.engine.config import Config


def smoke_modules(engine: Config, prefix: str, reset: str = "async") -> dict[str, str]:
    """`PREFIX_smoke` and what of it is no RTL, under their last names: module name -> text.

    `reset` as in `emit.engine_modules`. Raises TpeError for an engine without RTL.
    """
    top = emit.engine_modules(engine)["tpe_engine"]
    cases = smoke_cases(engine)
    memories, words = bench_memories(cases)
    bench = bench_source(engine, prefix, top, len(cases), words, memories)
    parts = {name: sources.bench_text(name) for name in ("tpe_source", "tpe_walk")}
    parts = {f"{prefix}_smoke": bench, **emit.rename(parts, prefix)}
    return resets.rewritten(parts, reset)


def smoke_cases(engine: Config) -> list[Case]:
    """README's worked example, and a GEMM over several tiles before a sink that hesitates.

    The source never takes back what it has offered, so that the properties of the ports hold. The
    accumulator wraps, as the RTL's does; one with guard bits is asked for no more than it holds.
    """
    engine = engine.wrapping()
    rng = np.random.Generator(np.random.Philox(1))
    known = facts(engine)
    k = k_of_beat(engine, known) + 2
    if engine.chain.narrow and not finish.has_room(engine, k):
        k = 1
    m, n = known.rows + 1 if known.chained else engine.grid.m + 1, engine.grid.n + 1
    m, n = engine.sides.pair(m, n)
    a, b = _drawn(engine, rng, (m, k), "a"), _drawn(engine, rng, (k, n), "b")
    a, b = as_sparse(engine, a, b)
    zeros = {"a_zero": 0, "b_zero": 0}
    if engine.choices.zero_points is not ZeroPoints.NONE:
        zeros = {f"{x}_zero": int(_drawn(engine, rng, (1, 1), x)[0, 0]) for x in "ab"}
    hesitant = Handshake(busy=STALLS.busy)
    given = finish.drawn(engine, rng, m, n)
    return [example_case(engine), Case(engine, a, b, hesitant, chain_inputs=given, **zeros)]


def _drawn(engine: Config, rng: np.random.Generator, shape: tuple[int, int], side: str) -> Ints:
    number = engine.a_format if side == "a" else engine.b_format
    return number.drawn(rng, shape)
