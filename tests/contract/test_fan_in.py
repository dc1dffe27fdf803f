"""The compressors that the papers give: words in, per PE, for int8."""

from __future__ import annotations

import pytest

import tpe


def compressors(pe: str, **parameters: object) -> list[int]:
    """Fan-in of every compressor in the cell."""
    engine = tpe.Engine(pe, "matrix2d", (2, 2), **parameters)
    return [unit.fan_in for unit in engine.inventory() if unit.op == "half_reduce"]


def test_fan_in_of_the_optimisations():
    assert compressors("opt1") == [6]  # 4 partial products and the pair
    assert compressors("opt3") == compressors("opt4c") == [3]  # a digit and the pair
    assert compressors("opt4e") == [6]  # four digits and the pair
    assert compressors("mac") == [4]  # its accumulator is behind the adder


@pytest.mark.parametrize("kp", [1, 4, 16])
def test_opt2_reduces_kp_words_and_the_pair_at_every_bit_weight(kp):
    in_cell, in_finish = compressors("opt2", lanes=kp)
    assert (in_cell, in_finish) == (kp + 2, 2 * 4)
    units = tpe.Engine("opt2", "matrix2d", (2, 2), lanes=kp).inventory()
    tree = next(unit for unit in units if unit.op == "half_reduce")
    assert tree.copies == 2 * 2 * 4  # one per cell and bit weight
