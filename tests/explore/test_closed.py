"""Rows of many sizes at once are those of single runs, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import tpe
from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import Array
from tpe.base.table import COLUMNS
from tpe.explore.closed import ClosedGroup, is_closed, quotient

SHAPES = {"a": (5, 7, 3), "b": (33, 1, 9), "c": (1, 40, 17)}  # M, K, N
ONES = tpe.Workload.from_arrays(
    {name: (np.ones((m, k), int), np.ones((k, n), int)) for name, (m, k, n) in SHAPES.items()}
)
SIZES = ((1, 1), (3, 5), (17, 2))
CHOICES: tuple[dict[str, Any], ...] = (
    *({}, {"encode": "weights"}, {"relu": "on"}, {"sparsity": "2:4"}, {"psum_depth": 3}),
    *({"stages": 2}, {"bw": "time"}),
)
STANDING = [
    (pe, array) for pe in pes.names() for array in arrays.names()
    if arrays.get(array).refuses(pes.get(pe)) is None
]  # fmt: skip


def sizes(array: Array, lanes: int) -> list[tuple[int, ...]]:
    """Some sizes of an array; the side that decides a cell's lanes is the same in all."""
    sides = array.sides
    found = [(*size, 1)[: len(sides)] for size in SIZES]
    if array.lanes_side is None:
        return found
    place = sides.index(array.lanes_side)
    return [tuple(lanes if i == place else n for i, n in enumerate(size)) for size in found]


def engines(pe: str, array: Array) -> Iterator[tuple[dict[str, Any], list[tuple[int, ...]]]]:
    """Parameters, and sizes that differ in nothing that they decide."""
    own = array.parameters(pes.get(pe))
    overlaps = next((p.legal for p in own if p.name == "overlap"), ("none",))
    for overlap in overlaps:
        for choice in CHOICES:
            for lanes in (1,) if array.lanes_side is None else (1, 4):
                yield {"overlap": overlap, **choice}, sizes(array, lanes)


def cell(value: Any, place: int) -> Any:
    """One row's value of a column of a group."""
    if isinstance(value, np.ndarray):
        return value[place].item() if value.ndim else value.item()
    return value


def compared(pe: str, name: str) -> int:
    """Rows that were compared of a PE in an array."""
    array, count = arrays.get(name), 0
    for given, places in engines(pe, array):
        known = {p.name for p in (*array.parameters(pes.get(pe)), *pes.get(pe).parameters)}
        parameters = {k: v for k, v in given.items() if k in known or k not in ("overlap",)}
        try:
            engine = tpe.Engine(pe, name, places[0], **parameters)
            workload = ONES if engine.arithmetic.integral else engine.find("gemm:37x21x65")
        except tpe.TpeError:
            continue
        if not is_closed(engine, "none"):
            continue
        group = ClosedGroup(engine, workload, 0)
        sides = [np.array(side) for side in zip(*places, strict=True)]
        try:
            columns, ids = group.columns(sides), group.point_ids(sides)
        except tpe.TpeError as refusal:
            with pytest.raises(tpe.TpeError) as same:
                engine.run(workload, values="none")
            assert str(same.value) == str(refusal)
            continue
        assert group.fits(sides)
        for i, size in enumerate(places):
            row = tpe.Engine(pe, name, size, **parameters).run(workload, values="none").totals()
            ours = {column: cell(columns.get(column), i) for column in COLUMNS}
            assert row == {**ours, "point_id": ids[i]}, (parameters, size)
            count += 1
    return count


@pytest.mark.parametrize("array", arrays.names())
def test_rows_are_those_of_runs(array: str) -> None:
    """Of the plainest PE here; of every one in the full tier."""
    assert compared("mac", array) > 10


def test_rows_of_a_pe_that_takes_bit_planes() -> None:
    assert compared("lut_tc", "matrix2d") > 0


@pytest.mark.full
@pytest.mark.parametrize(("pe", "array"), STANDING)
def test_rows_of_every_pe_are_those_of_runs(pe: str, array: str) -> None:
    if is_closed(tpe.Engine(pe, array), "none"):
        assert compared(pe, array) > 0


def test_ratios_are_rounded_once() -> None:
    rng = np.random.default_rng(0)
    above, below = rng.integers(1, 2**62, (2, 2000))
    expected = [x / y for x, y in zip(above.tolist(), below.tolist(), strict=True)]
    assert quotient(above, below).tolist() == expected
    assert (above / below).tolist() != expected  # of floats, two roundings more


def test_what_64_bits_do_not_hold_is_refused() -> None:
    engine = tpe.Engine("mac", "os", 2, acc_bits=40)
    group = ClosedGroup(engine, tpe.workload("gemm:1048576x1024x1048576"), 0)
    assert not group.fits([np.array([1024]), np.array([1024])])
    assert group.fits([np.array([4]), np.array([4])])
