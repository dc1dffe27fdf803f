"""One trace of operands through every cycle rule: what lanes take alone, and what waiting adds.

A *lane* works at a pace of its own until it *meets* the others: everybody waits for the slowest.
For every rule and number of lanes: `mean`, what a lane takes alone, and `max`, what it takes with
its waiting; both per operand that a lane takes, and per meeting. The maximum grows with the number
of lanes while the mean stays, and that decides which rule is ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tpe import array as arrays
from tpe import pe as pes
from tpe.base.errors import TpeError, unknown
from tpe.engine.task import see, task_of
from tpe.model.engine import Engine
from tpe.model.values import bit_level
from tpe.numbers import groups
from tpe.numbers.digits import ENCODINGS
from tpe.numbers.operands import Ints
from tpe.numbers.words import wrap
from tpe.pe.meetings import Operands, Rule
from tpe.study.trace_rules import rules
from tpe.workloads import Layer, Workload
from tpe.workloads.assumed import assumed_line

WORKLOAD = "gemm:4096x32x128:normal:20"
LANES = (1, 4, 8, 16, 32, 64)
MOST_LANES = 1024
COMMON = ("a_type", "b_type", "zero_points", "encode")  # parameters that a trace has
CHECKED = (16, 4)  # rows of A and columns of B whose dot products are computed bit by bit


@dataclass
class Tally:
    """Sums over all meetings of a rule with one number of lanes."""

    rule: Rule
    lanes: int
    operands: int = 0
    meetings: int = 0
    seats: int = 0  # lanes of all meetings
    alone: int = 0  # cycles of all lanes alone
    cycles: int = 0  # of all meetings
    lane_cycles: int = 0  # the same, times the lanes that meet
    waits: Ints = field(default_factory=lambda: np.zeros(1, np.int64))  # lanes, by cycles waited

    def add(self, x: Operands, repeat: int) -> None:
        """Take in the meetings of some rows."""
        met = self.rule.meetings(x, self.lanes)
        waits = np.bincount((met.cycles[:, None] - met.alone).ravel())
        size = max(len(waits), len(self.waits))
        padded = (np.pad(w, (0, size - len(w))) for w in (self.waits, waits * repeat))
        self.waits = sum(padded, np.zeros(size, np.int64))
        cycles = int(met.cycles.sum()) * repeat
        self.operands += x.a.size * repeat
        self.meetings += len(met.cycles) * repeat
        self.seats += met.alone.size * repeat
        self.alone += int(met.alone.sum()) * repeat
        self.cycles += cycles
        self.lane_cycles += cycles * met.alone.shape[1]

    def row(self) -> dict[str, Any]:
        """One row of the result: cycles per operand of a lane and per meeting, and the waiting."""
        return {
            "rule": self.rule.name,
            "pe": self.rule.pe,
            "lanes": self.lanes,
            "operands": self.operands,
            "mean": self.alone / self.operands,
            "max": self.lane_cycles / self.operands,
            "meetings": self.meetings,
            "meeting_mean": self.alone / self.seats,
            "meeting_max": self.cycles / self.meetings,
            "waits": _histogram(self.waits),
        }


@dataclass(frozen=True, eq=False)
class OperandTrace:
    """A trace's result: `rows` by rule and lanes, digit histograms, exactness of the values.

    digits: by encoding, operands of A by how many non-zero digits they have; "slices" are Sibia's.
    exact: by PE, whether the dot products computed its way equal A @ B; `products` of them.
    """

    workload: str
    seed: int
    params: dict[str, Any]
    operands: int
    rows: tuple[dict[str, Any], ...]
    digits: dict[str, dict[int, int]]
    exact: dict[str, bool]
    products: int
    assumed: str | None = None  # which operands are assumed, in a line

    @property
    def ok(self) -> bool:
        """Whether every dot product is exact."""
        return all(self.exact.values())

    def find(self, rule: str, lanes: int) -> dict[str, Any]:
        """The row of a rule with a number of lanes."""
        return next(row for row in self.rows if (row["rule"], row["lanes"]) == (rule, lanes))

    def to_json(self) -> dict[str, Any]:
        """The result as data."""
        return {
            "workload": self.workload,
            "seed": self.seed,
            "params": self.params,
            "operands": self.operands,
            "rules": [
                {"name": r.name, "pe": r.pe, "lane": r.lane, "meets": r.meets} for r in rules()
            ],
            "rows": list(self.rows),
            "digits": self.digits,
            "exact": self.exact,
            "dot_products": self.products,
            "assumed_operands": self.assumed,
            "ok": self.ok,
        }


def trace(
    workload: str | Workload = WORKLOAD,
    lanes: Sequence[int] = (),
    *,
    seed: int = 0,
    model: Mapping[str, Any] | None = None,
    **params: Any,
) -> OperandTrace:
    """Put one trace of operands through every rule; defaults are those of `tpe trace`.

    `params`: a_type, b_type, zero_points, encode, as `tpe.Engine` takes them; `model`: inputs,
    batch, dims of an ONNX model. Row m of the encoded operand meets column m mod N of the other,
    where a rule reads both. `lanes`: default 1, 4, 8, 16, 32 and 64, as far as the workload has
    rows to be encoded. Raises TpeError for an unknown workload or illegal lanes.

    >>> result = trace("gemm:64x4x32:normal:20", [1, 8])
    >>> row = result.find("stripes", 8)
    >>> row["mean"], row["max"], result.ok
    (8.0, 8.0, True)
    """
    for name in params:
        if name not in COMMON:
            raise unknown("parameter of a trace", name, COMMON)
    carrier = Engine(pes.BASELINE, arrays.DEFAULT, (1, 1), overflow="wrap", **params)
    found = (
        workload
        if isinstance(workload, Workload)
        else carrier.find(workload, seed, **(model or {}))
    )
    counts = check_lanes(lanes or [n for n in LANES if n <= _fewest_rows(found, carrier)])
    tallies = [Tally(rule, n) for rule in rules() for n in counts]
    digits: dict[str, Ints] = {}
    exact: dict[str, bool] = {}
    products = 0

    def gemm(layer: Layer) -> Ints:
        nonlocal products
        _check_rows(layer, carrier, max(counts))
        a, b = _encoded(layer, carrier)
        x = Operands(a, b.T[np.arange(len(a)) % b.shape[1]], carrier.widths.a, carrier.widths.b)
        for tally in tallies:
            for part in x.rows(tally.lanes if tally.rule.by_rows else 1):
                tally.add(part, layer.repeat)
        _add_digits(digits, x, layer.repeat)
        m, n = CHECKED
        for name, right in _exact(a[:m], b[:, :n], carrier).items():
            exact[name] = exact.get(name, True) and right
        products += min(m, a.shape[0]) * min(n, b.shape[1])
        c = carrier.run_task(task_of(layer)).C
        assert c is not None
        return c

    found.drive(gemm)
    histograms = {name: _histogram(count) for name, count in digits.items()}
    total = max(tally.operands for tally in tallies)
    rows = tuple(tally.row() for tally in tallies)
    chosen = {name: carrier.params[name] for name in COMMON}
    assumed = assumed_line((layer.name, layer.operand_source) for layer in found.layers)
    return OperandTrace(found.name, seed, chosen, total, rows, histograms, exact, products, assumed)


def check_lanes(lanes: Sequence[int]) -> list[int]:
    """The numbers of lanes, each once, ascending; TpeError for none or an illegal one."""
    if isinstance(lanes, str) or not isinstance(lanes, Sequence):
        raise TpeError(f"lanes = {lanes!r} is not legal: a list of integers")
    for n in lanes:
        if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= MOST_LANES:
            raise TpeError(f"lanes = {n!r} is not legal: an integer from 1 to {MOST_LANES}")
    if not lanes:
        raise TpeError("lanes is empty; legal: at least one number of lanes")
    return sorted(set(lanes))


def _rows(layer: Layer, carrier: Engine) -> int:
    """Rows of the encoded operand."""
    rows, _ = carrier.sides.pair(layer.m, layer.n)
    return rows


def _fewest_rows(workload: Workload, carrier: Engine) -> int:
    return min(_rows(layer, carrier) for layer in workload.layers)


def _check_rows(layer: Layer, carrier: Engine, lanes: int) -> None:
    """Rules whose lanes are rows need as many of them as there are lanes."""
    rows = _rows(layer, carrier)
    if rows < lanes:
        name = next(rule.pe for rule in rules() if rule.by_rows)
        raise TpeError(
            f"lanes = {lanes} is not legal: layer '{layer.name}' has {rows} rows to be encoded, "
            f"and a row is a lane of {name}; legal: up to {rows}"
        )


def _encoded(layer: Layer, carrier: Engine) -> tuple[Ints, Ints]:
    """The encoded operand (M, K) and the other one (K, N), as an array gets them."""
    task = task_of(layer)
    seen = see(task, carrier.a_format, carrier.b_format, carrier.params["zero_points"])
    a, b = carrier.sides.operands(seen.a, seen.b)
    return np.ascontiguousarray(a, np.int64), np.ascontiguousarray(b, np.int64)


def _add_digits(digits: dict[str, Ints], x: Operands, repeat: int) -> None:
    """Count the operands of A by their non-zero digits, in every encoding."""
    for name in (*ENCODINGS, "slices"):
        if name == "slices":
            count = np.bitwise_count(groups.slice_masks(x.a, x.a_bits))
            most = groups.slices(x.a_bits)
        else:
            count = groups.digit_counts(x.a, x.a_bits, name)
            most = ENCODINGS[name].count(x.a_bits)
        found = np.bincount(count.ravel(), minlength=most + 1) * repeat
        digits[name] = found + digits[name] if name in digits else found


def _histogram(count: Ints) -> dict[int, int]:
    """How many there are of each number that there is."""
    return {int(n): int(count[n]) for n in np.flatnonzero(count)}


def _exact(a: Ints, b: Ints, carrier: Engine) -> dict[str, bool]:
    """By PE, whether A @ B computed bit by bit, the PE's own way, is A @ B."""
    types = {name: carrier.params[name] for name in COMMON} | {"acc_bits": 48}
    exact = {}
    for name in dict.fromkeys(rule.pe for rule in rules()):
        engine = Engine(name, arrays.DEFAULT, (1, 1), **types)
        exact[name] = bool((bit_level(engine, a, b) == wrap(a @ b, 48)).all())
    return exact
