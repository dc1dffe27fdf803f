"""Cases of engines whose groups of K have scales: scales drawn, words by the definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpe.engine.task import Task, see
from tpe.hdl.emit import scales
from tpe.model.engine import Engine
from tpe.numbers.floats import FP32
from tpe.numbers.group_scales import GroupScales, scaled_sums
from tpe.numbers.operands import Ints
from tpe.numbers.words import wrap

if TYPE_CHECKING:
    from tpe.engine.config import Config


def drawn_scales(engine: Config, k: int, n: int) -> Ints:
    """Codes of a scale for every group and column: any that is a number other than 0."""
    number = scales.scale_format(engine)
    groups = -(-k // engine.scale_group)
    rng = np.random.default_rng(k * 8191 + n)
    any_code = rng.integers(0, 1 << number.bits, (groups, n))
    near = number.codes(rng.normal(size=(groups, n)))
    codes = np.where(rng.random((groups, n)) < 0.25, any_code, near)
    values = number.values(codes)
    fine = np.isfinite(values) & (values != 0)
    return np.where(fine, codes, number.codes(np.ones(1))[0]).astype(np.int64)


def scaled_words(engine: Config, a: Ints, b: Ints) -> Ints:
    """Words of C (M, N), signed, of operands with the scales that are drawn for them."""
    k, size = a.shape[1], engine.scale_group
    codes = drawn_scales(engine, k, b.shape[1])
    kept = scales.scale_format(engine).values(codes).astype(np.float32)
    found = GroupScales(size, kept)
    model = Engine.of(engine)
    sums = (
        model.product(
            see(
                Task("case", "case", a[:, start:end], b[start:end]),
                engine.a_format,
                engine.b_format,
                engine.params["zero_points"],
            )
        )
        for start, end in found.spans(k)
    )
    return wrap(FP32.codes(scaled_sums(sums, found)), FP32.bits)


def regrouped(size: int, beat: int, a: Ints, b: Ints, pads: list[int]) -> tuple[Ints, Ints]:
    """A (M, K) and B (K, N) with every group of `size` operands of K padded to whole beats."""
    left, right = [], []
    for start in range(0, a.shape[1], size):
        of_a, of_b = a[:, start : start + size], b[start : start + size]
        rest = -len(of_b) % beat
        left.append(np.pad(of_a, ((0, 0), (0, rest)), constant_values=pads[0]))
        right.append(np.pad(of_b, ((0, rest), (0, 0)), constant_values=pads[1]))
    return np.concatenate(left, axis=1), np.concatenate(right)


def taken(engine: Config, tiles: tuple[int, int], k: int, n: int) -> dict[str, Ints]:
    """What words of the array take with them, in their order: tiles of N, of M, groups, rows.

    tiles: of M and of N.
    """
    grid, (m_tiles, n_tiles) = engine.grid, tiles
    codes = drawn_scales(engine, k, n)
    groups = len(codes)
    full = np.zeros((groups, n_tiles * grid.n), np.int64)
    full[:, :n] = codes
    shape = (n_tiles, m_tiles, groups, grid.m)
    by_tile = full.reshape(groups, n_tiles, grid.n).transpose(1, 0, 2)
    wide = np.broadcast_to(by_tile[:, None, :, None], (*shape, grid.n))
    group = np.indices(shape)[2]
    told = (group == groups - 1) << 1 | (group == 0)
    return {"group_scale_i": wide.reshape(-1, grid.n), "group_i": told.reshape(-1, 1)}
