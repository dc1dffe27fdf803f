"""What an array is given while its power is measured: operands by distribution, or a workload's.

`normal:SIGMA` and `uniform` are those of `gemm:...` workloads; `relu:SIGMA` has the negative half
of A at zero, `sparse:SHARE` that share of A, drawn at random, the rest normal of sigma 20, of
floating point 1; A is the side that is encoded. Anything else is a workload with values: the first
rows and columns of each layer, as many as the array takes. A `Sample` is one GEMM of all layers of
a workload.
"""

from __future__ import annotations

from math import isqrt

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.task import task_of
from tpe.hdl import emit
from tpe.hdl.simulate.images import Case
from tpe.model.engine import Engine
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import FORMATS, IntFormat
from tpe.numbers.operands import Ints
from tpe.synth.area.designs import sized
from tpe.synth.power.sampled import Sample

Operands = str | Sample

LARGEST_SIDE = 4  # of the array that is simulated for one PE
STEPS = 256  # operands of K of one output in each lane


def smaller(engine: Config, most: int = LARGEST_SIDE) -> Config:
    """The engine with at most `most` cells along M and N; K, which decides a cell, stays."""
    return sized(engine, engine.array.cut(engine.size, most))


def cases_of(engine: Config, operands: Operands, seed: int, cycles: int) -> list[Case]:
    """GEMMs of about `cycles` cycles in all; TpeError for operands that are none.

    A sample has been drawn, with a seed of its own.
    """
    if cycles < 16:
        raise TpeError(f"cycles = {cycles} is not legal: 16 or more")
    if isinstance(operands, Sample):
        return [_sampled(engine, operands, cycles)]
    kind, _, value = operands.partition(":")
    if kind in ("relu", "sparse"):
        number = _number(operands, value)
        usual = 1 if isinstance(engine.a_format, FloatFormat) else 20
        normal = f"normal:{number if kind == 'relu' else usual:g}"
        case = _drawn(engine, normal, seed, cycles)
        return [Case(engine, _thinned(case.a, kind, number, seed), case.b)]
    if kind in ("normal", "uniform"):
        return [_drawn(engine, operands, seed, cycles)]
    return _layers(engine, operands, seed, cycles)


def _number(operands: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    most = 1.0 if operands.startswith("sparse") else 1e6
    if not 0 < number <= most:
        raise TpeError(f"operands = '{operands}' is not legal: relu:SIGMA or sparse:SHARE (0..1)")
    return number


def _thinned(a: Ints, kind: str, number: float, seed: int) -> Ints:
    if kind == "relu":
        return np.maximum(a, 0)
    rng = np.random.Generator(np.random.Philox(seed + 1))
    return np.where(rng.random(a.shape) < number, 0, a)


def _drawn(engine: Config, spec: str, seed: int, cycles: int) -> Case:
    m, n, k = _shape(engine, cycles)
    layer = Engine.of(engine).find(f"gemm:{m}x{n}x{k}:{spec}", seed).layers[0]
    task = task_of(layer)
    return Case(engine, task.a, task.b)


def _shape(engine: Config, cycles: int) -> tuple[int, int, int]:
    """M x N x K that keep the array busy for about that long."""
    grid = engine.grid
    if engine.array.chained:
        return (*engine.sides.pair(max(4, cycles // 4), grid.n), 4 * engine.k_tile)
    steps = min(STEPS, cycles)
    tiles = max(1, round(cycles / (steps * _pace(engine))))
    return (*engine.sides.pair(grid.m * tiles, grid.n), steps * engine.widths.lanes)


def _sampled(engine: Config, sample: Sample, cycles: int) -> Case:
    """One GEMM of a sample, on the engine that takes operands as its array sees them."""
    seen, window = _as_seen(engine), cycles
    case = Case(seen, *sample.operands(*_sampled_shape(engine, sample.mean_k, window)))
    taken = case.run().cycles
    if taken > 2 * cycles:  # short sums, whose draining is most of the time
        window = cycles * cycles // taken
        case = Case(seen, *sample.operands(*_sampled_shape(engine, sample.mean_k, window)))
    return case


def _as_seen(engine: Config) -> Config:
    """The engine without what stands before its array: widening and taking out zero points.

    Its PEs are the same; one that is not of integers has nothing there. TpeError if the formats
    that the array sees are none of an operand.
    """
    encoded, other = engine.encoded_formats()
    sides = engine.sides.pair(encoded, other)
    if not any(isinstance(number, IntFormat) for number in sides):
        return engine
    stored = engine.a_format, engine.b_format  # what enters as it is keeps its name
    names = [
        number.name if number == own else f"int{number.bits}"
        for number, own in zip(sides, stored, strict=True)
    ]
    for name, number in zip(names, sides, strict=True):
        if name not in FORMATS and number not in stored:
            raise TpeError(f"energy is unknown: nothing is simulated of {number.name}, {name}")
    return sized(engine, a_type=names[0], b_type=names[1], zero_points="none")


def _sampled_shape(engine: Config, mean_k: float, cycles: int) -> tuple[int, int, int]:
    """M x N x K that keep the array busy for about that long, K that of the workload's outputs.

    K is cut where one simulation is too short for it: `STEPS`, or four tiles of a chain.
    """
    grid, k = engine.grid, max(1, round(mean_k))
    if engine.array.chained:
        k = min(k, 4 * engine.k_tile)
        m, n = max(4, cycles // 4), grid.n * (4 // -(-k // engine.k_tile))
    else:
        k = min(k, STEPS * engine.widths.lanes)
        tiles = max(1, round(cycles / (-(-k // engine.widths.lanes) * _pace(engine))))
        m, n = grid.m * (tiles // isqrt(tiles)), grid.n * isqrt(tiles)
    return (*engine.sides.pair(m, n), k)


def _pace(engine: Config) -> float:
    """About how many cycles an operand of K takes in a lane."""
    pe = emit.record(engine)
    return 2.5 if pe.sparse or pe.grouped else pe.planes(engine.widths)


def _layers(engine: Config, spec: str, seed: int, cycles: int) -> list[Case]:
    """A corner of every layer of a workload, each about as long."""
    layers = [task_of(layer) for layer in Engine.of(engine).find(spec, seed).layers]
    cases = []
    for task in layers:
        m, n = np.shape(task.a)[0], np.shape(task.b)[1]
        tall, wide = _corner(engine, np.shape(task.a)[1], cycles // len(layers))
        zeros = int(np.max(task.a_zero)), int(np.max(task.b_zero))
        a, b = task.a[: min(m, tall)], task.b[:, : min(n, wide)]
        cases.append(Case(engine, a, b, a_zero=zeros[0], b_zero=zeros[1]))
    return cases


def _corner(engine: Config, k: int, cycles: int) -> tuple[int, int]:
    """Rows of A and columns of B of a layer of that K that take about so many cycles."""
    grid = engine.grid
    if engine.array.chained:
        return engine.sides.pair(max(4, cycles * engine.k_tile // max(k, 1)), grid.n)
    tiles = max(1, round(cycles * engine.widths.lanes / (k * _pace(engine))))
    return engine.sides.pair(grid.m * tiles, grid.n)
