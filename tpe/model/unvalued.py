"""One GEMM without values: cycles, traffic and firings, at any size; C stays unknown.

The cycles of a dense PE follow from the shape alone and are exact. Those of a PE whose steps
depend on its operands are exact where the encoded operand is given, and sampled where each of its
values is drawn on its own: `tpe.array.sampled`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tpe.array.base import ALWAYS, Handshake, Job, Schedule
from tpe.array.sampled import sampled_timing
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.task import layer_zeros
from tpe.model.firings import count_firings
from tpe.model.layer_run import LayerRun, repeated
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


def unvalued_run(
    engine: Config, layer: Layer, handshake: Handshake = ALWAYS, energy: bool = False
) -> LayerRun:
    """The layer without C: cycles and where they went, firings that follow from the shape.

    TpeError as a run with operands: formats and zero points that do not fit, and an accumulator
    that may not hold C. And for operands that a PE's steps depend on which are too many to make
    and not drawn one by one.
    """
    sides = _sides(layer)
    formats = engine.a_format, engine.b_format
    zeros = layer_zeros(layer, formats, engine.params["zero_points"])
    for side, number, what in zip(sides, formats, "AB", strict=True):
        _check_drawn(side, number, f"layer '{layer.name}': {what}")
    engine.require_room(layer.name, layer.k, None)
    m, n = engine.sides.pair(layer.m, layer.n)
    job = shape_job(engine, m, n, layer.k)
    if job.pe is None:  # what a bare nest skips is known of its operands alone
        index, _ = engine.sides.pair(0, 1)
        job = replace(job, a=_Side(engine, layer, index, zeros[index]).rows())
    timing, error = _timing(engine, layer, job, zeros, handshake)
    again, digits, steps = layer.repeat, timing.nonzero_digits, timing.row_steps
    counted = count_firings(engine, job, timing, sampled=error is not None)
    return LayerRun(
        name=layer.name,
        op=layer.op,
        m=layer.m,
        n=layer.n,
        k=layer.k,
        repeat=again,
        operand_source=layer.operand_source,
        C=None,
        terms=timing.cycles * again,
        nonzero_digits=None if digits is None else digits * again,
        firings=repeated(counted, again),
        tiles=job.tiles * again,
        bandwidth=engine.array.bandwidth(job) if engine.array else (None, None),
        error=None,
        fingerprint=f"none {layer.operand_source} {m} {n} {layer.k} "
        f"{[zero.tolist() for zero in zeros]} {handshake}",
        overflowed=None,
        row_steps=None if steps is None else steps * again,
        standard_error=None if error is None else error * again,
        no_energy=NO_OPERANDS if energy else None,
    )


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


def _timing(
    engine: Config, layer: Layer, job: Job, zeros: tuple[Ints, Ints], handshake: Handshake
) -> tuple[Schedule, float | None]:
    """Schedule of the job, and the standard error of its cycles: None if they are exact."""
    pe = job.pe
    if pe is None or not (pe.sparse or pe.stepped):
        return _stepped_through(engine, layer, job, handshake), None
    sides = [_Side(engine, layer, i, zeros[i]) for i in engine.sides.pair(0, 1)]
    both = isinstance(pe.pace, LockStep) and pe.pace.depends == "pairs"
    if not all(side.drawn for side in sides[: 1 + both]):
        known = replace(job, a=sides[0].rows(), b=sides[1].rows().T if both else None)
        return _stepped_through(engine, layer, known, handshake), None
    if handshake != ALWAYS:
        raise TpeError(f"layer '{layer.name}': sampled cycles know no handshake; legal: none")
    found = sampled_timing(job, *(side.draw for side in sides))
    timing = engine.chain.timed(lambda behind: found.timing, ALWAYS)
    return timing, found.standard_error


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

    def __init__(self, engine: Config, layer: Layer, index: int, zero: Ints) -> None:
        self.number = (engine.a_format, engine.b_format)[index]
        self.mode = engine.params["zero_points"]
        self.operand = _sides(layer)[index]
        self.transposed = index == 1
        self.zero = zero
        self.name = f"layer '{layer.name}': {'AB'[index]}"

    @property
    def drawn(self) -> Drawn | None:
        """How its values are drawn; None if they are given, or not drawn one by one."""
        return self.operand.drawn if isinstance(self.operand, Operand) else None

    def rows(self) -> Ints:
        """The operand itself."""
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
