"""Floating-point formats against NumPy's own float32, and by definition."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import numpy as np
import pytest

import tpe
from tpe.base import registry
from tpe.base.jit import compiled
from tpe.numbers.float_words import fp32_sum
from tpe.numbers.floats import BF16, FP32, FloatFormat
from tpe.numbers.formats import number_format

E4M3 = FloatFormat("e4m3fn", 4, 3, bias=7, infinity=False, nan="top")
FINITE = FloatFormat("e2m1", 2, 1, bias=1, infinity=False, nan="none")
THEIRS = FloatFormat("theirs", 4, 3, bias=7, infinity=False, nan="top")
FLUSHED = FloatFormat("flushed", 4, 3, bias=7, subnormals=False)


def bits(x: np.ndarray) -> np.ndarray:
    return x.astype(np.float32).view(np.uint32).astype(np.int64)


def awkward(rng: np.random.Generator, count: int) -> np.ndarray:
    """float32 of any code, the special ones among them."""
    codes = rng.integers(0, 1 << 32, count, dtype=np.uint32)
    codes[: count // 8] = rng.choice(bits(FP32.corners()), count // 8).astype(np.uint32)
    return codes.view(np.float32)


def test_fp32_is_numpys_float32():
    x = awkward(np.random.default_rng(0), 100_000)
    whole = x[~np.isnan(x)]
    assert (FP32.codes(whole) == bits(whole)).all()
    assert (FP32.values(bits(whole)).view(np.uint32) == whole.view(np.uint32)).all()
    assert set(FP32.codes(x[np.isnan(x)])) == {0x7FC00000}
    wide = np.random.default_rng(1).normal(size=50_000) * 2.0 ** np.arange(-160, -110).repeat(1000)
    assert (FP32.codes(wide) == bits(wide)).all()


def test_bf16_rounds_float32_to_nearest_even():
    x = awkward(np.random.default_rng(2), 100_000)
    x = x[np.isfinite(x)]
    raw = bits(x)
    expected = (raw + 0x7FFF + ((raw >> 16) & 1)) >> 16  # a carry goes on, up to infinity
    assert (BF16.codes(x) == expected).all()


@pytest.mark.parametrize("number", [BF16, E4M3, FINITE, FLUSHED], ids=lambda x: x.name)
def test_every_value_has_the_code_that_it_came_from(number):
    codes = np.arange(1 << number.bits)
    values = number.values(codes)
    again = number.values(number.codes(values))
    assert (np.isnan(values) == np.isnan(again)).all()
    kept = ~np.isnan(values)
    assert (values[kept] == again[kept]).all()
    assert (np.signbit(values[kept]) == np.signbit(again[kept])).all()
    if number is not FLUSHED:
        assert (number.codes(values[kept]) == codes[kept]).all()


def test_formats_without_infinity_end_at_their_largest():
    assert E4M3.high == 448.0 and FINITE.high == 6.0
    assert E4M3.values(E4M3.codes(np.array([1e9, -np.inf]))).tolist() == [448.0, -448.0]
    assert np.isnan(E4M3.values(np.array(0x7F)))
    with pytest.raises(tpe.TpeError, match="e2m1 has no NaN"):
        FINITE.codes(np.array([np.nan]))


def test_flushed_subnormals_are_zero_in_and_out():
    assert FLUSHED.values(np.array([1, 7, 8])).tolist() == [0, 0, FLUSHED.smallest_normal]
    assert FLUSHED.codes(np.array([FLUSHED.smallest_normal * 0.9, 1e-9])).tolist() == [0, 0]


def test_the_bit_level_sum_is_numpys():
    rng = np.random.default_rng(3)
    add = compiled(fp32_sum)
    near = np.ldexp(rng.normal(size=40_000), rng.integers(-30, 30, 40_000)).astype(np.float32)
    tiny = (rng.normal(size=40_000) * 2.0**-126).astype(np.float32)
    for x in (awkward(rng, 40_000), near, tiny):
        y = x[rng.permutation(len(x))]
        with np.errstate(all="ignore"):
            y[: len(y) // 4] = -x[: len(y) // 4] * np.float32(1 + 2**-20)  # near cancellation
            total = x + y
        expected = np.where(np.isnan(total), 0x7FC00000, bits(total))
        words = [add(int(a), int(b)) for a, b in zip(bits(x), bits(y), strict=True)]
        assert (np.array(words) == expected).all()


def test_operands_of_another_format_are_named():
    e = tpe.Engine("lmul", size=(2, 2))
    with pytest.raises(
        tpe.TpeError, match=r"layer 'gemm': A holds 0.1 at \[0, 0\]; legal for a_ty"
    ):
        e.run([[0.1]], [[1.0]])
    assert e.run(tpe.rounded([[0.1]], "bf16"), [[1]]).C.tolist() == [[0.10400390625]]
    with pytest.raises(tpe.TpeError, match=r"B are bool; legal: integers or floats"):
        e.run([[1.0]], [[True]])
    with pytest.raises(tpe.TpeError, match=r"A are not a rectangular array"):
        e.run([[1.0], [1.0, 2.0]], [[1.0]])
    with pytest.raises(tpe.TpeError, match=r"A is 1 x 2 and B 1 x 1; legal: M x K and K x N"):
        e.run([[1.0, 2.0]], [[1.0]])
    with pytest.raises(tpe.TpeError, match="int8 is no floating-point format"):
        tpe.rounded([1.0], "int8")
    with pytest.raises(tpe.TpeError, match=r"x is object; legal: integers or floats"):
        tpe.rounded([None], "bf16")


def test_numbers_that_are_not_finite_go_through():
    e = tpe.Engine("lmul", size=(2, 2))
    inf, nan = np.inf, np.nan
    run = e.run([[inf, 1.0], [inf, -inf], [nan, 0.0], [0.0, 0.0]], [[1.0, 0.0], [1.0, 1.0]])
    assert run.C.tolist()[0][0] == inf and np.isnan(run.C[1:3]).all() and np.isnan(run.C[0, 1])
    assert run.C[3].tolist() == [0.0, 0.0]
    row = run.rows()[0]
    assert row["exact"] is False and row["max_abs_error_vs_exact"] is None
    assert row["bias_relative"] is None


def test_formats_are_found_by_name():
    assert number_format("bf16") is BF16 and number_format("int8").bits == 8
    with pytest.raises(tpe.TpeError, match=r"unknown a_type 'bf61' \(did you mean 'bf16'\?\)"):
        number_format("bf61", "a_type")


def test_a_run_of_floats_is_saved_with_its_values(tmp_path):
    e = tpe.Engine("lmul", size=(2, 2))
    run = e.run([[1.5, -2.0]], [[3.0], [np.inf]])
    run.save(tmp_path / "run.json", values=True)
    loaded = tpe.Run.load(tmp_path / "run.json")
    assert loaded.C.dtype == np.float32 and loaded.C.tolist() == run.C.tolist()
    assert loaded.rows()[0]["max_abs_error_vs_exact"] is None


def test_a_format_of_another_package_is_found(monkeypatch):
    points = [EntryPoint("theirs", f"{__name__}:THEIRS", "tpe.formats")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if "for" in group else [])
    registry.homes.cache_clear()
    try:
        assert number_format("theirs") is THEIRS
        (layer,) = tpe.workload("gemm:4x5x6:normal:3", a_type="theirs", b_type="bf16").layers
        again = THEIRS.values(THEIRS.codes(layer.activations))
        assert (again == layer.activations).all() and layer.activations.dtype == np.float32
        assert {"name": "theirs", "bits": 8, "signed": True, "low": -448.0, "high": 448.0} in (
            tpe.list_all()["formats"]
        )
        with pytest.raises(tpe.TpeError, match=r"a_type = 'theirs' is not legal .* legal: bf16"):
            tpe.Engine("lmul", a_type="theirs")
    finally:
        registry.homes.cache_clear()
