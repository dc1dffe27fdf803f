"""Mutation testing: do the benches of the RTL see a fault? How many of many they kill.

A subject is a small engine; its mutants are drawn by Yosys (`mutate_netlist`), judged in Verilator
(`mutate_bench`), and those that survive are put to a proof of equivalence (`mutate_equiv`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tpe.array.base import Handshake
from tpe.base import checks
from tpe.base.errors import TpeError
from tpe.base.table import SCHEMA_VERSION
from tpe.engine.config import Config, checked_config
from tpe.engine.parameters import checked_seed
from tpe.hdl import emit
from tpe.hdl.emit.finish import drawn, has_room
from tpe.hdl.mutate.bench import Kill, MutantSimulator, Trial
from tpe.hdl.mutate.equivalence import EQUIVALENT, judge
from tpe.hdl.mutate.float_operands import Pair, float_operands
from tpe.hdl.mutate.fused_operands import fused_operands
from tpe.hdl.mutate.netlist import Mutant, mutated
from tpe.hdl.mutate.subjects import label, require_judged, sample
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS, battery
from tpe.model.selected import as_sparse
from tpe.numbers.matrices import is_int

COUNT, LIMIT, FLOOR = 50, 20.0, 0.98  # mutants, seconds of a proof, least rate
PATIENT = Handshake(idle=0xFFF7_FFEF)  # gaps longer than what a row is in flight
# Beats as far apart as a row is in flight, five to eight cycles, and a sink that is busy behind
# each: it refuses an earlier row's word while a row is in its first cell, and none behind it.
SPACED = Handshake(idle=0xFBFB_F7DE, busy=0x3838_71CE)
MOST = 20000
FATES = ("killed", "equivalent", "survived")
_PARTS = (("u_finish", "finish"), ("u_front", "front"), ("u_cell", "cell"))


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant; `proof` is empty for the killed."""

    mutant: Mutant
    kill: Kill | None
    proof: str = ""  # equivalent, different, open

    @property
    def fate(self) -> str:
        """killed, equivalent or survived."""
        if self.kill:
            return "killed"
        return "equivalent" if self.proof == EQUIVALENT else "survived"

    @property
    def part(self) -> str:
        """Where the fault sits: encoder, front, cell, finish or array."""
        if self.mutant.module.startswith("tpe_encode"):
            return "encoder"
        return next((part for sign, part in _PARTS if sign in self.mutant.cell), "array")


@dataclass(frozen=True, eq=False)
class Judged:
    """A subject and its verdicts."""

    engine: Config
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, eq=False)
class MutationReport:
    """Everything that one run of mutation testing found."""

    seed: int
    subjects: tuple[Judged, ...]

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Of all subjects."""
        return tuple(v for subject in self.subjects for v in subject.verdicts)

    def count(self, fate: str) -> int:
        """How many mutants met this fate."""
        return sum(v.fate == fate for v in self.verdicts)

    @property
    def rate(self) -> float:
        """Killed, of those not shown equivalent; 1 if there are none."""
        rest = len(self.verdicts) - self.count("equivalent")
        return self.count("killed") / rest if rest else 1.0

    @property
    def raw_rate(self) -> float:
        """Killed, of all."""
        return self.count("killed") / len(self.verdicts) if self.verdicts else 1.0

    def table(self, key: Literal["part", "module"]) -> dict[str, Counter[str]]:
        """Fates by the part or the module that a mutant sits in."""
        rows: dict[str, Counter[str]] = {}
        for verdict in self.verdicts:
            name = verdict.part if key == "part" else verdict.mutant.module
            rows.setdefault(name, Counter())[verdict.fate] += 1
        return dict(sorted(rows.items()))

    def to_json(self, command: str = "") -> dict[str, Any]:
        """The report as data."""
        return {
            "schema_version": SCHEMA_VERSION,
            "command": command,
            "seed": self.seed,
            "mutants": len(self.verdicts),
            **{fate: self.count(fate) for fate in FATES},
            "rate": self.rate,
            "raw_rate": self.raw_rate,
            "by_part": {k: dict(v) for k, v in self.table("part").items()},
            "by_module": {k: dict(v) for k, v in self.table("module").items()},
            "by_kill": dict(Counter(v.kill.how for v in self.verdicts if v.kill)),
            "subjects": [
                {
                    **subject.engine.describe(),
                    "mutants": len(subject.verdicts),
                    "survivors": [
                        {"mutant": v.mutant.describe(), "proof": v.proof}
                        for v in subject.verdicts
                        if not v.kill
                    ],
                }
                for subject in self.subjects
            ],
        }


def mutate(
    count: int = COUNT,
    seed: int = 0,
    engines: Sequence[Config] | None = None,
    limit: float = LIMIT,
    begin: Callable[[str], None] = lambda name: None,
) -> MutationReport:
    """Make `count` mutants of the engines' RTL and run the benches on each.

    Without engines: `subjects()`, or for a small count a sample of them that has every part of an
    engine. `limit`: seconds for the proof of each survivor. `begin` is called with an engine's
    name as its turn comes. Raises TpeError for a count that is not legal or an engine without RTL.

    >>> report = mutate(1, engines=[Config("mac", "os", "2x2")])
    >>> len(report.verdicts)
    1
    """
    if not is_int(count) or not 0 < count <= MOST:
        raise TpeError(f"count = {count!r} is not legal: 1 to {MOST}")
    seed, limit = checked_seed(seed), checks.number(limit, "limit")
    chosen = sample(count, seed) if engines is None else [_subject(engine) for engine in engines]
    shares = [count // len(chosen) + (i < count % len(chosen)) for i in range(len(chosen))]
    judged = []
    for engine, share in zip(chosen, shares, strict=True):
        begin(label(engine))
        if share:
            judged.append(judge_engine(engine, share, seed, limit))
    return MutationReport(seed, tuple(judged))


def _subject(engine: object) -> Config:
    """An engine whose mutants the benches can judge: of a known arithmetic, with RTL."""
    config = checked_config(engine)
    require_judged(emit.record(config))
    return config


def judge_engine(engine: Config, count: int, seed: int, limit: float) -> Judged:
    """The verdicts on `count` mutants of one engine."""
    netlist = mutated(emit.engine_modules(engine), "tpe_engine", count, seed)
    kills = MutantSimulator(engine, netlist, list(trials(engine, seed))).kills(netlist.mutants)
    verdicts = []
    for mutant in netlist.mutants:
        kill = kills.get(mutant.number)
        proof = "" if kill else judge(netlist, "tpe_engine", mutant, limit)
        verdicts.append(Verdict(mutant, kill, proof))
    return Judged(engine, tuple(verdicts))


def trials(engine: Config, seed: int) -> Iterator[Trial]:
    """What judges mutants: the battery of `verify`, streams held apart, and sums that wrap.

    Of floating point operands of its own in place of corners that are held constant, and no sum
    wraps.
    """
    cases = list(battery(engine, seed, held=engine.arithmetic.integral))
    yield from (Trial(case) for case in cases)
    for k in (2, 7, 33):
        for case in cases:
            if case.a.shape[1] == k:
                yield Trial(case, apart=True)
    shaped = [{"a": a, "b": b} for a, b in classes(engine, seed + 1)]
    for changes in (*_wrapping(engine, seed + 1), *shaped, *_long(engine, seed + 2)):
        yield Trial(_changed(cases[0], seed + 3, changes))
    if engine.chain.staged:
        for more, case in enumerate(case for case in cases if case.a.shape[1] in (2, 7)):
            yield Trial(_changed(case, seed + 4 + more, {"a": case.a, "b": case.b}))
    for case in cases:
        if case.a.shape[1] in (2, 7, 33) and case.handshake == STALLS:
            yield Trial(replace(case, handshake=PATIENT))


def classes(engine: Config, seed: int) -> Iterable[Pair]:
    """A (M, K) and B (K, N), values, of every class that its sums have; none of integers.

    >>> len(list(classes(Config("mac", "os", "2x2"), 0)))
    0
    """
    if engine.arithmetic.integral:
        return ()
    fused = emit.record(engine).kernel.fused
    return fused_operands(engine, seed) if fused else float_operands(engine, seed)


def _changed(case: Case, seed: int, changes: dict[str, Any]) -> Case:
    """The case with other operands, and values for its finish chain of their shape."""
    rng = np.random.Generator(np.random.Philox(seed))
    given = drawn(case.engine, rng, changes["a"].shape[0], changes["b"].shape[1])
    a, b = as_sparse(case.engine, changes["a"], changes["b"])
    return replace(case, chain_inputs=given, **{**changes, "a": a, "b": b})


def _long(engine: Config, seed: int) -> Iterator[dict[str, Any]]:
    """More rows of A than an array has in flight, so that a busy sink meets all of its cells."""
    rng = np.random.Generator(np.random.Philox(seed))
    m, (a, b) = 4 * sum(engine.size), (engine.a_format, engine.b_format)
    for k in (3, 9):
        for busy in (STALLS.busy, 0x6B2D_1A94):
            yield {
                "a": a.drawn(rng, (m, k)),
                "b": b.drawn(rng, (k, 3)),
                "handshake": Handshake(idle=STALLS.idle, busy=busy),
            }
    yield {"a": a.drawn(rng, (m, 9)), "b": b.drawn(rng, (9, 3)), "handshake": SPACED}


def _wrapping(engine: Config, seed: int) -> Iterator[dict[str, Any]]:
    """Operands whose sums go once around the accumulator: the extremes, and a mixture of them.

    One with guard bits may only be asked for what it holds: more than fits without them.
    """
    if not engine.arithmetic.integral:
        return  # nothing wraps
    rng = np.random.Generator(np.random.Philox(seed))
    x, y = (f.corners().tolist() for f in (engine.a_format, engine.b_format))
    top, other = max(x, key=abs), max(y, key=abs)
    k = 2 + (1 << engine.widths.acc) // abs(top * other)
    if engine.selection:  # of which as many are left
        k = -(-k // engine.selection.sparsity.n) * engine.selection.sparsity.m
    while engine.chain.narrow and not has_room(engine, k):
        k //= 2
    for busy in (0, STALLS.busy | 0x00FF_0000):
        handshake = Handshake(idle=0, busy=busy)
        yield {
            "a": np.full((engine.grid.m, k), top),
            "b": np.full((k, 3), other),
            "handshake": handshake,
        }
        yield {
            "a": rng.choice(x, (engine.grid.m, k)),
            "b": rng.choice(y, (k, 3)),
            "handshake": handshake,
        }


def survivors(report: MutationReport) -> Iterable[tuple[Config, Verdict]]:
    """The mutants that neither a bench killed nor a proof found equivalent."""
    for subject in report.subjects:
        for verdict in subject.verdicts:
            if verdict.fate == "survived":
                yield subject.engine, verdict
