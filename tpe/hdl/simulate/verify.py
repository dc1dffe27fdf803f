"""`verify`: an engine's RTL against its model on a battery of GEMMs, or on the user's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tpe.array.base import ALWAYS, Handshake
from tpe.base.errors import TpeError
from tpe.base.files import check_writable
from tpe.base.table import SCHEMA_VERSION
from tpe.engine.config import Config, checked_config
from tpe.engine.parameters import checked_seed
from tpe.engine.task import task_of
from tpe.hdl.emit.finish import drawn, has_room
from tpe.hdl.simulate.cosim import Outcome, cosimulate, memory_words
from tpe.hdl.simulate.images import Case, counts
from tpe.hdl.simulate.toolchain import has_fst_headers
from tpe.model.engine import Engine
from tpe.model.selected import as_sparse
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import ZeroPoints

DEPTHS = (1, 2, 3, 4, 5, 7, 8, 16, 17, 33)  # values of K in the battery
STALLS = Handshake(idle=0x0412_8011, busy=0x2080_1402)  # a source and a sink that hesitate
_LARGEST = 1 << 22  # beats or words of one memory of the bench


@dataclass(frozen=True, eq=False)
class VerificationReport:
    """What `verify` found: `outcomes` in order, and their sums."""

    engine: Config
    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> bool:
        """Whether every value and every cycle count agrees."""
        return all(outcome.ok for outcome in self.outcomes)

    @property
    def vectors(self) -> int:
        """Outputs compared."""
        return sum(outcome.C.size for outcome in self.outcomes)

    @property
    def mismatches(self) -> int:
        """Outputs that differ."""
        return sum(outcome.mismatches for outcome in self.outcomes)

    @property
    def cycles_model(self) -> int:
        """Cycles of all GEMMs by the model."""
        return sum(outcome.cycles_model for outcome in self.outcomes)

    @property
    def cycles_rtl(self) -> int:
        """Cycles of all GEMMs that the RTL took."""
        return sum(outcome.cycles_rtl for outcome in self.outcomes)

    def to_json(self, command: str = "") -> dict[str, Any]:
        """The report as data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": command,
            "engine": self.engine.describe(),
            "ok": self.ok,
            "vectors": self.vectors,
            "mismatches": self.mismatches,
            "cycles_model": self.cycles_model,
            "cycles_rtl": self.cycles_rtl,
            "runs": [
                {
                    "m": outcome.case.a.shape[0],
                    "n": outcome.case.b.shape[1],
                    "k": outcome.case.a.shape[1],
                    "idle": outcome.case.handshake.idle,
                    "busy": outcome.case.handshake.busy,
                    "mismatches": outcome.mismatches,
                    "first_mismatch": outcome.first_mismatch() or None,
                    "deadlock": outcome.deadlock or None,
                    "cycles_model": outcome.cycles_model,
                    "cycles_rtl": outcome.cycles_rtl,
                    "overflow_model": outcome.overflow_model,
                    "overflow_rtl": outcome.overflow_rtl,
                }
                for outcome in self.outcomes
            ],
        }


def verify(
    engine: Config,
    workload: str = "",
    seed: int = 0,
    waves: str | Path | None = None,
    reset: str = "async",
) -> VerificationReport:
    """Run the engine's RTL in Verilator beside the model; every output and every cycle count.

    Without a workload: the battery, GEMMs of several K with one tile and more, full-range
    operands and the extreme ones held constant, with and without idle source and busy sink.
    `waves`: leave the waveforms of everything there, as FST or VCD by the ending. `reset`: of
    the registers, "async" or "sync". Raises TpeError for another one, and for an engine without
    RTL.

    >>> report = verify(Config("mac", "os", "2x2"), "gemm:2x2x3")
    >>> report.ok, report.vectors
    (True, 4)
    """
    cases = cases_of(checked_config(engine), workload, checked_seed(seed))
    target = None if waves is None else waves_file(Path(waves))
    return VerificationReport(engine, tuple(cosimulate(cases, target, reset=reset)))


def cases_of(engine: Config, workload: str, seed: int) -> list[Case]:
    """The GEMMs to check: the battery, or the layers of a workload."""
    return _workload_cases(engine, workload, seed) if workload else list(battery(engine, seed))


def battery(engine: Config, seed: int, held: bool = True) -> Iterator[Case]:
    """The GEMMs that `verify` runs by default.

    The accumulator wraps in them, as the RTL's does: a narrow one is no reason not to check it.
    One with guard bits is asked for no more than it holds. `held`: with the corners that are held
    constant.
    """
    guarded = engine.chain.narrow > 0
    engine = Config(engine.record, engine.array, engine.size, **engine.wrapping().params)
    depths = [k for k in DEPTHS if not guarded or has_room(engine, k)]
    rng = np.random.Generator(np.random.Philox(seed))
    zeros: dict[str, Any] = {"a_zero": 0, "b_zero": 0}
    for k in depths:
        for handshake in (ALWAYS, STALLS):
            # In a chain, more rows than it holds: they pass through and may meet a busy sink.
            chained = engine.grid.m == 1
            m = 4 * sum(engine.size) if chained else 2 * engine.grid.m - 1
            n = engine.grid.n + 1
            a, b = _draw(engine, rng, (m, k), "a"), _draw(engine, rng, (k, n), "b")
            a, b = as_sparse(engine, a, b)
            if engine.choices.zero_points is not ZeroPoints.NONE:
                zeros = {f"{x}_zero": int(_draw(engine, rng, (1, 1), x)[0, 0]) for x in "ab"}
            given = drawn(engine, rng, m, n)
            yield Case(engine, a, b, handshake, chain_inputs=given, **zeros)
    for case in corners(engine, 9 if 16 in depths else 1) if held else ():
        given = drawn(engine, rng, engine.grid.m, engine.grid.n)
        yield replace(case, chain_inputs=given, **zeros)


def corners(engine: Config, k: int) -> Iterator[Case]:
    """Extreme operands held constant over a tile: every pair of the formats' corners."""
    for x in engine.a_format.corners():
        for y in engine.b_format.corners():
            a, b = np.full((engine.grid.m, k), x), np.full((k, engine.grid.n), y)
            yield Case(engine, *as_sparse(engine, a, b))


def _draw(engine: Config, rng: np.random.Generator, shape: tuple[int, int], side: str) -> Ints:
    number = engine.a_format if side == "a" else engine.b_format
    return number.drawn(rng, shape)


def _workload_cases(engine: Config, spec: str, seed: int) -> list[Case]:
    cases = []
    for layer in Engine.of(engine).find(spec, seed).layers:
        task = task_of(layer)
        if np.size(task.a_zero) > 1 or np.size(task.b_zero) > 1:
            raise TpeError(f"layer '{layer.name}' has a zero point per row or column: model only")
        case = Case(engine, task.a, task.b, ALWAYS, int(task.a_zero), int(task.b_zero))
        words = memory_words([counts(case)])
        if words > _LARGEST:
            raise TpeError(
                f"layer '{layer.name}' is too large to co-simulate: {layer.m} x {layer.n} x "
                f"{layer.k} takes {words} words of a memory; legal: up to {_LARGEST}"
            )
        cases.append(case)
    return cases


def waves_file(path: Path) -> Path:
    """The absolute path of a wave file that can be written; TpeError for any other."""
    if path.suffix not in (".fst", ".vcd"):
        raise TpeError(f"waves {path}: unknown ending '{path.suffix}'; legal: .fst, .vcd")
    check_writable(str(path))
    if path.suffix == ".fst" and not has_fst_headers():
        raise TpeError(
            f"waves {path}: FST needs headers; on Debian: apt install zlib1g-dev liblz4-dev; "
            "or name a .vcd file"
        )
    return path.resolve()
