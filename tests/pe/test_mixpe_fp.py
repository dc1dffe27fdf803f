"""`mixpe_fp`: float activations times narrow weights, every rounding in its order by fractions."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import tpe
from tests.numbers.slow_group_scales import nearest
from tpe.numbers.floats import FloatFormat
from tpe.numbers.quantise import quantised
from tpe.pe.floating import float_format
from tpe.pe.mixpe_fp import A_TYPES, B_TYPES

EXACT: dict[str, Any] = {name: float_format(name) for name in A_TYPES}


def engine(a_type: str = "bf16", b_type: str = "int4", **own: object) -> tpe.Engine:
    return tpe.Engine("mixpe_fp", "systolic_ws", "3x2", a_type=a_type, b_type=b_type, **own)


def every(number: FloatFormat) -> np.ndarray:
    """All codes' values, NaN once."""
    values = number.values(np.arange(1 << number.bits))
    return np.unique(values)


@pytest.mark.parametrize("a_type", A_TYPES)
@pytest.mark.parametrize("path", ["bits", "fast"])
@pytest.mark.parametrize("step", [13, pytest.param(1, marks=pytest.mark.full)])
def test_every_activation_times_every_weight(a_type: str, path: str, step: int) -> None:
    """65 536 codes, subnormals and infinities too: exact in fp32 but where it overflows."""
    e = engine(a_type, "int5")
    a = np.unique(np.concatenate([every(EXACT[a_type])[::step], [0, np.inf, -np.inf, np.nan]]))
    b = np.arange(-16, 16)
    with np.errstate(all="ignore"):
        exact = (a.astype(np.float64)[:, None] * b).astype(np.float32)
    ours = e.run(a[:, None], b[None, :], values=path).C
    assert np.array_equal(ours, exact, equal_nan=True)
    with np.errstate(all="ignore"):
        product = a.astype(np.float64)[:, None] * b
    finite = np.isfinite(a)[:, None] & (abs(product) < 2.0**128)
    assert (ours.astype(np.float64) == product)[np.broadcast_to(finite, ours.shape)].all()


def by_fractions(a: np.ndarray, q: np.ndarray, size: int, scales: np.ndarray) -> np.ndarray:
    """The order of the module: psums rounded a step, scaled psums, sums of groups."""
    c = np.empty((len(a), q.shape[1]), np.float32)
    for m, n in np.ndindex(c.shape):
        total = Fraction(0)
        for group, start in enumerate(range(0, q.shape[0], size)):
            psum = Fraction(0)
            for x, y in zip(a[m, start : start + size], q[start : start + size, n], strict=True):
                psum = nearest(psum + Fraction(float(x)) * int(y), "fp32")
            total = nearest(
                total + nearest(psum * Fraction(float(scales[group, n])), "fp32"), "fp32"
            )
        c[m, n] = float(total)
    return c


@pytest.mark.parametrize("a_type", A_TYPES)
@pytest.mark.parametrize(("k", "group"), [(1, 4), (9, 4), (300, 128), (5000, 128)])
def test_roundings_are_in_their_order(a_type: str, k: int, group: int) -> None:
    rng = np.random.default_rng(k)
    x = tpe.rounded(rng.normal(size=(2, k)) * 2.0 ** rng.integers(-8, 8, (2, k)), a_type)
    w = rng.normal(size=(k, 3))
    tensor = tpe.quantise_integers(w, "int4", per="group", group=group, axis=0)
    e = engine(a_type, scale_group=group, scale_type="fp16")
    scales = tpe.rounded(tensor.scales, "fp16")
    ours = tpe.matmul(e, x, w)
    assert (ours == by_fractions(x, tensor.integers().astype(int), group, scales)).all()
    assert (tpe.matmul(e, x, tensor) == ours).all()


def test_zero_points_are_taken_out_before_the_array() -> None:
    rng = np.random.default_rng(2)
    x, w = tpe.rounded(rng.normal(size=(3, 20)), "bf16"), rng.normal(size=(20, 4)) + 0.5
    tensor = tpe.quantise_integers(w, "uint4", per="group", group=8, axis=0)
    assert tensor.zeros is not None
    q = tensor.integers().astype(int) - np.repeat(tensor.zeros, 8, axis=0)[:20].astype(int)
    ours = tpe.matmul(engine("bf16", "int5"), x, tensor)
    assert (ours == by_fractions(x, q, 8, tensor.scales.astype(np.float32))).all()
    with pytest.raises(tpe.TpeError, match=r"w less its zero points holds -.*legal for b_type"):
        tpe.matmul(engine("bf16", "uint4"), x, tensor)


def test_the_order_of_roundings_is_not_that_of_dequantised_weights() -> None:
    rng = np.random.default_rng(3)
    x, w = tpe.rounded(rng.normal(size=(8, 512)), "bf16"), rng.normal(size=(512, 8))
    tensor = tpe.quantise_integers(w, "int4", per="group", group=128, axis=0)
    exact = x.astype(np.float64) @ tensor.values()
    grouped = tpe.matmul(engine("bf16"), x, tensor)
    first = tpe.matmul(tpe.Engine("fma", "systolic_ws", "3x2"), x, tensor)
    assert (grouped != first).any()
    errors = [abs(c - exact).max() for c in (grouped, first)]
    assert errors[0] < 0.1 * errors[1]  # weights rounded to bf16 lose far more


def test_without_groups_columns_have_scales() -> None:
    rng = np.random.default_rng(4)
    x, w = rng.normal(size=(3, 20)), rng.normal(size=(20, 4))
    tensor = tpe.quantise_integers(w, "int4", per="channel", axis=0)
    assert (tpe.matmul(engine(), x, w) == tpe.matmul(engine(), x, tensor)).all()
    scale = abs(w).max(axis=0) / 7
    codes = quantised(w, engine().b_format, scale, "w")
    run = engine().run(tpe.rounded(x, "bf16"), codes.astype(int)).C
    assert tpe.matmul(engine(), x, w) == pytest.approx(run * scale, rel=1e-6)


def test_runs_count_groups_and_add_them_in_fp32() -> None:
    rng = np.random.default_rng(5)
    a, b = tpe.rounded(rng.normal(size=(4, 20)), "fp16"), rng.integers(-8, 8, (20, 3))
    plain, e = engine("fp16"), engine("fp16", scale_group=8)
    parts = [plain.run(a[:, i : i + 8], b[i : i + 8]) for i in (0, 8, 16)]
    run = e.run(a, b)
    assert (run.C == parts[0].C + parts[1].C + parts[2].C).all()
    assert (e.run(a, b, values="bits").C == run.C).all()
    assert run.cycles == sum(part.cycles for part in parts) + 2
    ones = np.ones((3, 3))
    assert (run.C == by_fractions(a, b, 8, ones)).all()


def test_what_it_takes() -> None:
    with pytest.raises(tpe.TpeError, match="a_type = 'int8' is not legal for pe mixpe_fp"):
        engine("int8")
    with pytest.raises(tpe.TpeError, match="encode = weights, mixpe_fp takes activations"):
        tpe.Engine("mixpe_fp", "systolic_is")
    with pytest.raises(tpe.TpeError, match="is model only"):
        tpe.verify(engine())
    for b_type in B_TYPES:
        e = engine("fp16", b_type)
        b = e.b_format.sweep()[None, :]
        assert (e.run([[1.5]], b, values="bits").C == 1.5 * b).all()
