"""What a nest or an engine costs before any RTL of it exists: predicted, with intervals.

A nest is priced by its inventory, as the PEs were whose RTL was mapped: `rewrites.reachable` gives
nests, some hundreds of them a few steps from the MAC, and each has an area and a clock here. Their
cycles are not predicted: a nest's are its own, on operands of a workload or of a sample.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.spec import EngineSpec
from tpe.model.nest_engine import NestEngine
from tpe.nest.notation import Nest
from tpe.numbers.formats import Format, IntFormat
from tpe.predict.cost_model import CostModel, cycle_matrix, cycles_model, parts_model
from tpe.predict.features import features, matrix
from tpe.predict.table import Floats
from tpe.predict.training import SAMPLE, SLACKS, cycle_inputs, is_data_dependent, steps_of

if TYPE_CHECKING:
    import pandas as pd

PREDICTED = "predicted"
LIBRARY = "tpe130"
BATCH = 1 << 16  # rows that are predicted at once
Priced = Nest | EngineSpec


@dataclass(frozen=True, eq=False)
class Prediction:
    """Costs of engines or nests, one after another, none of them measured.

    period_ns   (rows,): the shortest clock period
    clock_ns    (rows,): the clock that areas are for
    area_um2    (rows,): of a PE, with its share of front and finish, at that clock
    intervals   {"period_ns" | "area_um2": (lower, upper)}: nine of ten new ones lie there, if they
                are like those of training
    outside     of every row the inputs that no PE of training had so, "" where there are none: a
                guess
    """

    names: tuple[str, ...]
    period_ns: Floats
    clock_ns: Floats
    area_um2: Floats
    intervals: dict[str, tuple[Floats, Floats]]
    outside: tuple[str, ...]
    model: str

    def rows(self) -> list[dict[str, Any]]:
        """A row for each, marked as predicted."""
        found = []
        for i, name in enumerate(self.names):
            row: dict[str, Any] = {"name": name, "cost_source": f"{PREDICTED}: {self.model}"}
            for column in ("period_ns", "clock_ns", "area_um2"):
                row[column] = float(getattr(self, column)[i])
                if column in self.intervals:
                    low, high = self.intervals[column]
                    row |= {f"{column}_low": float(low[i]), f"{column}_high": float(high[i])}
            found.append({**row, "outside": self.outside[i] or None})
        return found

    def to_frame(self) -> pd.DataFrame:
        """`rows` as a table."""
        import pandas as pd

        return pd.DataFrame(self.rows())


def predict_cost(
    subjects: Priced | Iterable[Priced],
    clock_ns: float | None = None,
    model: str | None = None,
) -> Prediction:
    """Area and shortest period of engines and nests, by the model that ships, on tpe130.

    subjects  a `Nest`, a `NestEngine`, an `Engine` or a `Config`, or many of them
    clock_ns  the clock that areas are for; default: each at its shortest period
    model     forest, "forest of ratio", boosted, "boosted of ratio", log-linear or "closed form";
              default: the best on held-out groups, which models/CARD.md names

    A clock below the shortest period is met by nothing: the area is that of the fastest, and
    `clock_ns` its period. Raises TpeError for what is neither, and for an unknown model.

    >>> from tpe.nest.notation import mac, tile
    >>> from tpe.nest.rewrites import opt1
    >>> plain = mac(*tile(4, 4, 4))
    >>> found = predict_cost([plain, opt1(plain)])
    >>> bool(found.period_ns[1] < found.period_ns[0]), found.rows()[0]["cost_source"][:9]
    (True, 'predicted')
    """
    engines = _engines(subjects)
    if clock_ns is not None and not 0 < clock_ns < 1e6:
        raise TpeError(f"clock_ns = {clock_ns!r} is not legal: above 0, in ns")
    learned = parts_model(model)
    x = matrix((features(engine) for engine in engines), learned.names)
    names = tuple(_name(engine) for engine in engines)
    return priced(x, learned, names, clock_ns)


def priced(
    x: Floats, learned: CostModel, names: Sequence[str] = (), clock_ns: float | None = None
) -> Prediction:
    """`predict_cost` of inputs as numbers, (rows, inputs of the model), in batches."""
    batches = range(0, max(len(x), 1), BATCH)
    costs = np.concatenate([learned.predict(x[i : i + BATCH]) for i in batches])
    period = costs[:, 0]
    clock = period if clock_ns is None else np.maximum(period, clock_ns)
    area = _at(costs[:, 1:], clock / period)
    least = learned.ratio("period_ns")
    wide = max(learned.ratio(f"area_um2@{slack:g}") for slack in SLACKS)
    intervals = {
        "period_ns": (period / least, period * least),
        "area_um2": (area / wide, area * wide),
    }
    outside = tuple(learned.hull.outside(x))
    label = f"{learned.name}, {LIBRARY}"
    return Prediction(tuple(names), period, clock, area, intervals, outside, label)


def _at(areas: Floats, slack: Floats) -> Floats:
    """Areas at a slack, between those of `SLACKS`: straight in the logarithm of both; never more
    at a slower clock."""
    logs, at = np.log(np.minimum.accumulate(areas, axis=1)), np.log(SLACKS)
    place = np.clip(np.searchsorted(at, np.log(slack), side="right") - 1, 0, len(SLACKS) - 2)
    part = np.clip((np.log(slack) - at[place]) / (at[place + 1] - at[place]), 0.0, 1.0)
    rows = np.arange(len(areas))
    found: Floats = np.exp(logs[rows, place] * (1 - part) + logs[rows, place + 1] * part)
    return found


def _engines(subjects: Priced | Iterable[Priced]) -> list[EngineSpec]:
    every = [subjects] if isinstance(subjects, Nest | EngineSpec) else list(subjects)
    found = []
    for one in every:
        if isinstance(one, Nest):
            one = NestEngine(one)
        if not isinstance(one, EngineSpec):
            raise TpeError(f"subject is a {type(one).__name__}; legal: a tpe.Nest or an engine")
        found.append(one)
    return found


def _name(engine: EngineSpec) -> str:
    return engine.name


# ---- cycles ----


@dataclass(frozen=True)
class PredictedCycles:
    """Cycles of a GEMM; of a dense PE they are not predicted but computed: low = cycles = high."""

    cycles: float
    low: float
    high: float
    source: str
    outside: str = ""


def predict_cycles(
    engine: Config, m: int, n: int, k: int, a: Any = None, b: Any = None, model: str | None = None
) -> PredictedCycles:
    """Cycles of C (m, n) = A (m, k) @ B (k, n) on an engine, from a few operands of A and B.

    a, b  some rows of A and columns of B, as long as they come; by default drawn, of int8 with
          sigma 20. Of these alone the steps of an operand are counted: the GEMM is not run
    model  as for `predict_cost`

    Cycles that do not depend on operands are those of the array, exact. Raises TpeError for sizes
    below 1.

    >>> predict_cycles(Config("mac", "matrix2d", "4x4"), 8, 8, 8)
    PredictedCycles(cycles=60.0, low=60.0, high=60.0, source='computed', outside='')
    """
    from tpe.model.engine import Engine

    if min(m, n, k) < 1:
        raise TpeError(f"m, n, k = {m}, {n}, {k} is not legal: 1 or more each")
    if not is_data_dependent(engine):
        ones = (np.broadcast_to(np.int64(1), sides) for sides in ((m, k), (k, n)))
        exact = float(Engine.of(engine).run(*ones, values="none").cycles)
        return PredictedCycles(exact, exact, exact, "computed")
    rng = np.random.default_rng(0)
    shape = SAMPLE[0], min(k, SAMPLE[1])
    some_a = _drawn(rng, shape, engine.a_format) if a is None else np.asarray(a)
    shape = some_a.shape[1], 1
    some_b = _drawn(rng, shape, engine.b_format) if b is None else np.asarray(b)
    learned = cycles_model(model)
    row = cycle_inputs(engine, m, n, k, steps_of(engine, some_a, some_b))
    x = cycle_matrix(matrix([row], learned.names), learned.names)
    found = float(learned.predict(x)[0, 0])
    ratio = learned.ratio("cycles")
    outside = learned.hull.outside(x)[0]
    source = f"{PREDICTED}: {learned.name}"
    return PredictedCycles(found, found / ratio, found * ratio, source, outside)


def _drawn(rng: np.random.Generator, shape: tuple[int, int], number: Format) -> Any:
    """Normal of sigma 20, of narrower formats an eighth of their range, clipped to the format."""
    assert isinstance(number, IntFormat), "only cycles of integers depend on operands"
    sigma = min(20.0, (number.high - number.low + 1) / 8)
    return np.clip(rng.normal(0, sigma, shape).round(), number.low, number.high).astype(np.int64)
