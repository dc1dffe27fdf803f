"""Mutation testing: do the benches of the RTL see a fault? How many of many they kill.

A subject is a small engine; its mutants are drawn by Yosys (`mutate_netlist`), judged in Verilator
(`mutate_bench`), and those that survive are put to a proof of equivalence (`mutate_equiv`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from tpe import pe as pes
from tpe.array import combinations
from tpe.array.base import Handshake
from tpe.engine import Engine
from tpe.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.mutate_bench import Bench, Kill, Trial
from tpe.hdl.mutate_equiv import EQUIVALENT, judge
from tpe.hdl.mutate_netlist import Mutant, mutated
from tpe.hdl.verify import STALLS, battery, corner_values
from tpe.pe.base import PE
from tpe.table import SCHEMA_VERSION

COUNT, LIMIT, FLOOR = 50, 20.0, 0.98  # mutants, seconds of a proof, least rate
MOST = 20000
FATES = ("killed", "equivalent", "survived")
# Three digits of A, an odd number of planes; four rows, so that a stalled sink meets a drain.
_TYPES: dict[str, Any] = {"a_type": "int6", "b_type": "int4", "acc_bits": 16, "overflow": "wrap"}
_DEPTH = 8  # of resident B: two groups of the sparse PEs, so that GEMMs take several passes
_LEAST = 3  # subjects of a small sample
_PER_SUBJECT = 20  # mutants for which a subject is worth its build
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

    engine: Engine
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, eq=False)
class Report:
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
    engines: Sequence[Engine] | None = None,
    limit: float = LIMIT,
    begin: Callable[[str], None] = lambda name: None,
) -> Report:
    """Make `count` mutants of the engines' RTL and run the benches on each.

    Without engines: `subjects()`, or for a small count a sample of them that has every part of an
    engine. `limit`: seconds for the proof of each survivor. `begin` is called with an engine's
    name as its turn comes. Raises TpeError for a count that is not legal or an engine without RTL.
    """
    if not 0 < count <= MOST:
        raise TpeError(f"count = {count} is not legal: 1 to {MOST}")
    chosen = list(engines) if engines is not None else sample(count, seed)
    shares = [count // len(chosen) + (i < count % len(chosen)) for i in range(len(chosen))]
    judged = []
    for engine, share in zip(chosen, shares, strict=True):
        begin(label(engine))
        if share:
            judged.append(judge_engine(engine, share, seed, limit))
    return Report(seed, tuple(judged))


def judge_engine(engine: Engine, count: int, seed: int, limit: float) -> Judged:
    """The verdicts on `count` mutants of one engine."""
    netlist = mutated(emit.engine_modules(engine), "tpe_engine", count, seed)
    kills = Bench(engine, netlist, list(trials(engine, seed))).kills(netlist.mutants)
    verdicts = []
    for mutant in netlist.mutants:
        kill = kills.get(mutant.number)
        proof = "" if kill else judge(netlist, "tpe_engine", mutant, limit)
        verdicts.append(Verdict(mutant, kill, proof))
    return Judged(engine, tuple(verdicts))


def trials(engine: Engine, seed: int) -> Iterator[Trial]:
    """What judges mutants: the battery of `verify`, streams held apart, and sums that wrap."""
    cases = list(battery(engine, seed))
    yield from (Trial(case) for case in cases)
    for k in (2, 7, 33):
        for case in cases:
            if case.a.shape[1] == k:
                yield Trial(case, apart=True)
    yield from (Trial(replace(cases[0], **sums)) for sums in _wrapping(engine, seed + 1))


def _wrapping(engine: Engine, seed: int) -> Iterator[dict[str, Any]]:
    """Operands whose sums go once around the accumulator: the extremes, and a mixture of them."""
    rng = np.random.Generator(np.random.Philox(seed))
    x, y = (corner_values(f.low, f.high) for f in (engine.a_format, engine.b_format))
    top, other = max(x, key=abs), max(y, key=abs)
    k = 2 + (1 << engine.widths.acc) // abs(top * other)
    for busy in (0, STALLS.busy | 0x00FF_0000):
        handshake = Handshake(idle=0, busy=busy)
        yield {
            "a": np.full((engine.rows, k), top),
            "b": np.full((k, 3), other),
            "handshake": handshake,
        }
        yield {
            "a": rng.choice(x, (engine.rows, k)),
            "b": rng.choice(y, (k, 3)),
            "handshake": handshake,
        }


def subjects() -> list[Engine]:
    """A small engine of every PE in every array that takes it, and of every choice of its RTL."""
    found: list[Engine] = []
    for pe, array, reason in combinations():
        if reason is not None or not pe.rtl:
            continue
        choices = [{}] if any(e.pe is pe for e in found) else [{}, *_choices(pe)]
        found += [_small(pe, array, choice) for choice in choices]
    return [*found, *_zero_pointed(found[0])]


def subjects_of(pe: str) -> list[Engine]:
    """The subjects of one PE; TpeError for an unknown one, and for one without RTL."""
    record = pes.get(pe)
    found = [engine for engine in subjects() if engine.pe is record]
    if not found:
        raise TpeError(f"pe {record.name} is model only: it has no RTL")
    return found


def _small(pe: PE, array: Any, choice: dict[str, Any]) -> Engine:
    depth = {"depth": _DEPTH} if pe.parameter("depth") else {}
    return Engine(pe, array, (4, 2), **{**_TYPES, **depth, **choice})


def _choices(pe: PE) -> Iterator[dict[str, Any]]:
    """Every other value of every parameter that the PE's RTL takes."""
    for parameter in pe.parameters:
        if parameter.rtl:
            for value in parameter.legal:
                if value != parameter.default:
                    yield {parameter.name: value}


def _zero_pointed(engine: Engine) -> Iterator[Engine]:
    """The operands' converters: unsigned operands, zero points subtracted or set off."""
    assert engine.pe is not None and engine.array is not None
    for mode in ("none", "subtract", "offset"):
        types = {**_TYPES, "a_type": "uint5", "b_type": "uint4", "zero_points": mode}
        yield Engine(engine.pe, engine.array, (4, 2), **types)


def sample(count: int, seed: int) -> list[Engine]:
    """The subjects for `count` mutants: all, or a few, drawn by `seed`, that have every part."""
    every = subjects()
    if count >= _PER_SUBJECT * len(every):
        return every
    random.Random(seed).shuffle(every)
    front = [e for e in every if emit.record(e).front != "none"][:1]
    rest = [e for e in every if e not in front]
    return [*front, *rest][: max(_LEAST, count // _PER_SUBJECT)]


def label(engine: Engine) -> str:
    """PE, array and the choices that are not the default's."""
    pe = emit.record(engine)
    own = {p.name: p.default for p in pe.parameters if p.rtl} | {"zero_points": "none"}
    other = [f"{k}={engine.params[k]}" for k, v in own.items() if engine.params[k] != v]
    return " ".join([engine.name, *other])


def survivors(report: Report) -> Iterable[tuple[Engine, Verdict]]:
    """The mutants that neither a bench killed nor a proof found equivalent."""
    for subject in report.subjects:
        for verdict in subject.verdicts:
            if verdict.fate == "survived":
                yield subject.engine, verdict
