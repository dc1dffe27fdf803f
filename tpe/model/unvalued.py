"""One GEMM without values: cycles, traffic and firings, at any size; C stays unknown.

The cycles of a dense PE follow from the shape alone and are exact. Those of a PE whose steps
depend on its operands are exact where the encoded operand is given, and sampled where each of its
values is drawn on its own: `tpe.array.sampled`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from tpe.array.base import ALWAYS, Handshake, Job, Schedule
from tpe.array.sampled import Estimate, sampled_timing
from tpe.base.errors import TpeError
from tpe.base.shared import shared
from tpe.engine.config import Config
from tpe.engine.spec import EngineSpec
from tpe.engine.task import layer_zeros
from tpe.model.layer_run import LayerRun
from tpe.model.schedule import shape_job, timing_of
from tpe.numbers.formats import Format
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import coded
from tpe.pe.paces import LockStep
from tpe.workloads.base import Layer
from tpe.workloads.draw import Drawn
from tpe.workloads.lazy import LazyLayer, Operand

NO_OPERANDS = "energy follows the operands, and values = none has none"
LONGEST_WALK = 1 << 28  # cycles that a handshake is stepped through
VALUES = ("auto", "fast", "bits", "none")


def values_of(layer: Layer, values: str) -> str:
    """How a layer's C is computed: `values` itself, or what `auto` means for it.

    >>> values_of(Layer("fc", "fc", [[1]], [[2]]), "auto")
    'fast'
    """
    if values != "auto":
        return values
    return "none" if isinstance(layer, LazyLayer) and layer.too_large else "fast"


@dataclass(frozen=True)
class UnvaluedLayer:
    """A layer of which no C is computed, as an engine sees it.

    TpeError as a run with operands: formats and zero points that do not fit, and an accumulator
    that may not hold C.
    """

    engine: EngineSpec
    layer: Layer

    def __post_init__(self) -> None:
        _ = self.zeros
        formats = self.engine.a_format, self.engine.b_format
        for side, number, what in zip(_sides(self.layer), formats, "AB", strict=True):
            _check_drawn(side, number, f"layer '{self.layer.name}': {what}")
        self.engine.require_room(self.layer.name, self.layer.k, None)

    @cached_property
    def zeros(self) -> tuple[Ints, Ints]:
        """Zero points of A and of B."""
        formats = self.engine.a_format, self.engine.b_format
        return layer_zeros(self.layer, formats, self.engine.params["zero_points"])

    @property
    def shape(self) -> tuple[int, int, int]:
        """M, N and K, M that of the encoded operand."""
        return *self.engine.sides.pair(self.layer.m, self.layer.n), self.layer.k

    @property
    def sides(self) -> list[_Side]:
        """The encoded operand and the other one."""
        both = self.engine.sides.pair(0, 1)
        return [_Side(self.engine, self.layer, i, self.zeros[i]) for i in both]

    def fingerprint(self, handshake: Handshake = ALWAYS) -> str:
        """Which operands these are, as far as is known, and the handshake."""
        m, n, k = self.shape
        zeros = [zero.tolist() for zero in self.zeros]
        return f"none {self.layer.operand_source} {m} {n} {k} {zeros} {handshake}"

    def run(self, estimate: Estimate, counts: dict[str, Any], handshake: Handshake) -> LayerRun:
        """The layer without C: its cycles, and the `counts` that `tpe.model.layer_run` makes."""
        layer, error = self.layer, estimate.standard_error
        return LayerRun(
            name=layer.name,
            op=layer.op,
            m=layer.m,
            n=layer.n,
            k=layer.k,
            repeat=layer.repeat,
            operand_source=layer.operand_source,
            C=None,
            error=None,
            fingerprint=self.fingerprint(handshake),
            overflowed=None,
            standard_error=None if error is None else error * layer.repeat,
            bits_per_weight=layer.bits_per_weight if isinstance(layer, LazyLayer) else None,
            a_type=layer.a_type if isinstance(layer, LazyLayer) else None,
            b_type=layer.b_type if isinstance(layer, LazyLayer) else None,
            **counts,
        )


def estimate_of(
    engine: Config, unvalued: UnvaluedLayer, handshake: Handshake
) -> tuple[Job, Estimate]:
    """The job of a layer without values and its schedule, sampled where it has to be.

    TpeError for operands that a PE's steps depend on which are too many to make and not drawn one
    by one.
    """
    layer = unvalued.layer
    job = shape_job(engine, *unvalued.shape)
    pe = job.pe
    if not (pe.sparse or pe.stepped or pe.grouped):
        return job, Estimate(_stepped_through(engine, layer, job, handshake), None)
    sides = unvalued.sides
    both = isinstance(pe.pace, LockStep) and pe.pace.depends == "pairs"
    if not all(side.drawn for side in sides[: 1 + both]):
        b = sides[1].rows().T if both else None
        known = replace(job, a=sides[0].rows(), b=b, source=sides[0].source)
        return known, Estimate(_stepped_through(engine, layer, known, handshake), None)
    if handshake != ALWAYS:
        raise TpeError(f"layer '{layer.name}': sampled cycles know no handshake; legal: none")
    if engine.scale_group:
        raise TpeError(
            f"layer '{layer.name}': sampled cycles know no groups of K; legal: without scale_group"
        )
    sample = replace(job, source=sides[0].source)
    found = sampled_timing(sample, *(side.draw for side in sides))
    timing = engine.chain.timed(lambda behind: found.timing, ALWAYS)
    return job, Estimate(timing, found.standard_error)


def _sides(layer: Layer) -> tuple[Operand | np.ndarray, Operand | np.ndarray]:
    if isinstance(layer, LazyLayer):
        return layer.sides
    return layer.activations, layer.weights


def _check_drawn(side: Operand | np.ndarray, number: Format, where: str) -> None:
    """What would be drawn must fit the engine's format."""
    if not isinstance(side, Operand) or side.drawn is None:
        return
    drawn = side.drawn.format
    if drawn.low < number.low or drawn.high > number.high:
        raise TpeError(f"{where} is {drawn.name}, which {number.name} does not hold")


def _stepped_through(engine: Config, layer: Layer, job: Job, handshake: Handshake) -> Schedule:
    """The exact timing; under a handshake it is stepped through cycle by cycle."""
    if handshake != ALWAYS:
        cycles = timing_of(engine, job, ALWAYS).cycles.total
        if cycles > LONGEST_WALK:
            raise TpeError(
                f"layer '{layer.name}' takes {cycles} cycles; a handshake is stepped through, "
                f"legal: up to {LONGEST_WALK}"
            )
    return timing_of(engine, job, handshake)


class _Side:
    """One operand of a layer as the array sees it: a row for each row of A, or column of B."""

    def __init__(self, engine: EngineSpec, layer: Layer, index: int, zero: Ints) -> None:
        self.number = (engine.a_format, engine.b_format)[index]
        self.mode = engine.params["zero_points"]
        self.operand = _sides(layer)[index]
        self.transposed = index == 1
        self.zero = zero
        self.layer = layer
        self.name = f"layer '{layer.name}': {'AB'[index]}"

    @property
    def drawn(self) -> Drawn | None:
        """How its values are drawn; None if they are given, or not drawn one by one."""
        return self.operand.drawn if isinstance(self.operand, Operand) else None

    @property
    def source(self) -> tuple[object, ...]:
        """What determines the operand as the array sees it."""
        return (self.layer, self.transposed, self.number.name, str(self.mode))

    def rows(self) -> Ints:
        """The operand itself, made once inside of `tpe.base.shared.sharing`."""
        return shared(self.source, self._rows)

    def _rows(self) -> Ints:
        made = self.operand() if isinstance(self.operand, Operand) else self.operand
        self.number.read(made, self.name, "M x K", f"{self.name[-1].lower()}_type")
        seen = coded(made, self.zero, self.number, self.mode)
        return seen.T if self.transposed else seen

    def draw(self, rows: int, k: int, stream: int) -> Ints:
        """Other rows of the same distribution, with zero points of rows drawn from its own."""
        assert self.drawn is not None
        values = self.drawn.sample((rows, k), stream)
        zero = self.zero.reshape(-1)
        if zero.size > 1:
            rng = np.random.Generator(np.random.Philox(stream))
            zero = zero[rng.integers(zero.size, size=rows)]
        return np.array(coded(values, zero.reshape(-1, 1), self.number, self.mode), np.int64)
