"""Look-ups in tables of floats: every rounding by fractions, all codes, cells and arrays in RTL."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_cell
from tests.numbers.slow_group_scales import nearest
from tpe.hdl.formal.prove import lemmas, prove
from tpe.hdl.formal.solve import PROVED
from tpe.hdl.simulate.cell_cosim import model_steps, rtl_steps, steps_of_dots
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.lookup_floats import FloatTables, float_tables
from tpe.pe.floating import float_format
from tpe.pe.lut_tc_fp import A_TYPES

KINDS: list[tuple[str, dict[str, Any]]] = [
    ("int3", {}),
    ("uint2", {"table": "full"}),
    ("bipolar2", {}),
    ("ternary", {}),
]


def engine(a_type: str, b_type: str, size: Any = (2, 3), **own: Any) -> tpe.Engine:
    return tpe.Engine("lut_tc_fp", "matrix2d", size, a_type=a_type, b_type=b_type, **own)


def drawn(e: tpe.Engine, m: int, n: int, k: int, wide: bool = True) -> tuple[Any, Any]:
    """Operands over the whole formats, NaN among them; or normal ones."""
    rng = np.random.default_rng(k)
    b = e.b_format.drawn(rng, (k, n))
    if wide:
        return e.a_format.drawn(rng, (m, k)), b
    return tpe.rounded(rng.normal(size=(m, k)), e.a_format.name), b


# ---- the definition, by fractions ----


def cut(x: float, top: int, below: int, fraction_bits: int) -> Fraction:
    """x in units of 2**(top - fraction_bits - below), cut towards zero."""
    whole = Fraction(x) / Fraction(2) ** (top - fraction_bits - below)
    return Fraction(int(whole))  # int() cuts


def exponent(x: float, lowest: int) -> int:
    return max(int(np.frexp(x)[1]) - 1, lowest)


def entry(total: Fraction, size: Fraction, bits: int) -> tuple[Fraction, int]:
    """A sum in `bits` bits, and the scale's power of two."""
    if not bits:
        return total, 0
    shift = 0
    while int(size / 2**shift) >= 1 << (bits - 1):
        shift += 1
    most = (1 << (bits - 1)) - 1
    return Fraction(max(-most, min(most, round(total / 2**shift)))), shift  # ties to even


def parts(b: int, number: Any, kind: str) -> list[tuple[int, Fraction]]:
    """Of a weight: its sign in each look-up, and what that look-up counts."""
    if kind == "ternary":
        return [(b, Fraction(1))]
    bits = number.bits
    if kind == "full":
        return [((b >> p) & 1, Fraction(-(2**p) if p == bits - 1 else 2**p)) for p in range(bits)]
    if number.name.startswith("bipolar"):
        q = (b + 2**bits - 1) // 2
        return [(2 * ((q >> p) & 1) - 1, Fraction(2**p)) for p in range(bits)]
    q = b + 2 ** (bits - 1)
    return [(2 * ((q >> p) & 1) - 1, Fraction(2**p, 2)) for p in range(bits)]


def by_definition(e: tpe.Engine, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """C by the text of `tpe.numbers.lookup_floats`, one number after another."""
    form, lanes = float_format(e.a_format.name), e.widths.lanes
    kind, below, bits = (e.params[x] for x in ("table", "align_bits", "table_bits"))
    number = e.encoded_formats()[1]
    c = np.empty((len(a), b.shape[1]), np.float32)
    for m, n in np.ndindex(c.shape):
        psum = Fraction(0)
        for k in range(0, a.shape[1], lanes):
            group, weights = a[m, k : k + lanes].tolist(), b[k : k + lanes, n].tolist()
            top = max((exponent(x, 1 - form.bias) for x in group if x), default=0)
            unit = Fraction(2) ** (top - form.fraction_bits - below)
            cuts = [cut(x, top, below, form.fraction_bits) for x in group]
            size = Fraction(sum(abs(x) for x in cuts))
            planes = list(zip(*(parts(w, number, kind) for w in weights), strict=True))
            for p, plane in enumerate(planes):
                signs, weight = [sign for sign, _ in plane], plane[0][1]
                total = Fraction(sum(s * x for s, x in zip(signs, cuts, strict=True)))
                found, shift = entry(total, size, bits)
                if kind == "half" and not number.name.startswith("bipolar") and p == 0:
                    found -= entry(Fraction(sum(cuts)), size, bits)[0]
                psum = nearest(psum + found * 2**shift * weight * unit, "fp32")
        c[m, n] = float(psum)
    return c


@pytest.mark.parametrize("a_type", A_TYPES)
@pytest.mark.parametrize(("b_type", "own"), KINDS)
def test_every_rounding_is_in_its_place(a_type: str, b_type: str, own: dict[str, Any]) -> None:
    for k, more in product(
        (1, 6, 13), ({}, {"table_bits": 8, "align_bits": 5}, {"align_bits": 0, "lanes": 3})
    ):
        e = engine(a_type, b_type, **own, **more)
        a, b = drawn(e, 2, 2, k)
        a = np.where(np.isfinite(a.astype(float)), a, 1)
        small = tpe.rounded(
            np.ldexp(a.astype(float), -20 if a_type in ("fp16", "bf16") else -3), a_type
        )
        for left in (a, small):
            if abs(left.astype(float)).max() * 2**8 * 4 > 2.0**126:
                left = tpe.rounded(left.astype(float) * 2.0**-40, a_type)
            exact = by_definition(e, left.astype(float), b)
            for path in ("bits", "fast"):
                assert (e.run(left, b, values=path).C == exact).all(), (e, more, k, path)


def test_long_sums_and_other_sizes() -> None:
    for b_type, own in KINDS:
        e = engine("bf16", b_type, table_bits=8, **own)
        a, b = drawn(e, 3, 4, 5000, wide=False)
        c = e.run(a, b).C
        assert (engine("bf16", b_type, (1, 5), table_bits=8, **own).run(a, b).C == c).all()
        assert (e.run(a[:1], b[:, :2], values="bits").C == c[:1, :2]).all()
        assert (
            by_definition(e, a[:1, :500].astype(float), b[:500, :1])
            == e.run(a[:1, :500], b[:500, :1]).C
        ).all()


@pytest.mark.parametrize("a_type", ["e4m3fn", "e5m2"])
@pytest.mark.parametrize("kind", ["half", "full", "ternary"])
def test_tables_of_all_pairs_of_bytes_are_their_sums(a_type: str, kind: str) -> None:
    """All 65 536 pairs; enough bits below, so that nothing is cut: L[i] = -L[~i] among them."""
    form = float_format(a_type)
    codes = np.array(list(product(range(256), repeat=2)))
    rule = FloatTables(form, kind, 2, align_bits=29)
    table, top, missing = float_tables(codes, rule)
    with np.errstate(all="ignore"):
        a, b = form.values(codes).astype(np.float64).T
        signs = {"half": [(-1, -1), (1, -1)], "full": [(0, 0), (1, 0), (0, 1), (1, 1)]}
        signs["ternary"] = [(1, 0), (-1, 1), (0, 1), (1, 1)]
        exact = np.stack([np.where(i, i * a, 0) + np.where(j, j * b, 0) for i, j in signs[kind]], 1)
    finite = np.isfinite(a) & np.isfinite(b)
    assert (missing == ~finite).all() and finite.any() and missing.any()
    found = np.ldexp(table.astype(np.float64), (top + rule.unit)[:, None])
    assert (found[finite] == exact[finite]).all()


@pytest.mark.parametrize("a_type", A_TYPES)
def test_every_activation_times_every_weight_is_exact(a_type: str) -> None:
    """One activation a group: significands of 11 bits times weights of 5 fit fp32."""
    values = float_format(a_type).values(np.arange(1 << float_format(a_type).bits))
    a = np.unique(values[np.isfinite(values)])[:: 7 if len(values) > 256 else 1]
    for b_type, own in (
        ("int5", {}),
        ("int4", {"table": "full"}),
        ("bipolar3", {}),
        ("ternary", {}),
    ):
        e = engine(a_type, b_type, **own)
        b = np.unique(e.b_format.sweep())[None, :]
        exact = a[:, None].astype(np.float64) * b
        ours = e.run(a[:, None], b).C
        inside = abs(a) < 2.0**121  # no plane overflows
        normal = (abs(a) >= 2.0**-120) | (a == 0)  # planes of smaller ones are rounded, one by one
        assert (ours == exact)[inside & normal].all()
        assert (abs(ours - exact) <= 3 * 2.0**-149)[~normal].all()


def test_infinity_and_nan_make_nan_of_their_group_alone() -> None:
    e = engine("fp16", "int2", lanes=2)
    a = np.array([[np.inf, 1.0], [np.nan, 0.0], [2.0, -3.0]])
    assert np.isnan(e.run(a, [[1], [0]]).C[:2]).all()
    assert np.isnan(e.run(a, [[0], [0]]).C[:2]).all() and e.run(a, [[1], [1]]).C[2, 0] == -1


def test_fewer_bits_are_larger_errors() -> None:
    """Beside exact sums: cut to 8 bits below, fp32 sums; tables of 8 bits, of 4."""
    errors = []
    for own in ({"align_bits": 29}, {}, {"align_bits": 0}, {"table_bits": 8}, {"table_bits": 4}):
        e = engine("fp16", "int4", **own)
        a, b = drawn(e, 16, 16, 512, wide=False)
        exact = a.astype(np.float64) @ b
        errors.append(float(np.sqrt(np.mean((e.run(a, b).C - exact) ** 2)) / np.std(exact)))
    assert errors[0] < 1e-6 < errors[2] < errors[3] < errors[4] and errors[0] <= errors[1]
    assert errors[1] < 2e-5 and errors[2] < 2e-3 and errors[3] < 0.02 < errors[4] < 0.3


def test_group_scales_meet_it_in_matmul() -> None:
    rng = np.random.default_rng(3)
    x, w = rng.normal(size=(4, 300)), rng.normal(size=(300, 5))
    tensor = tpe.quantise_integers(w, "int4", per="group", group=128, axis=0)
    exact = tpe.rounded(x, "bf16").astype(np.float64) @ tensor.values()
    ours = tpe.matmul(engine("bf16", "int4"), x, tensor)
    assert abs(ours - exact).max() < 1e-3 * abs(exact).max()


def test_what_does_not_go_together_is_said_in_a_line() -> None:
    for own, text in (
        ({"a_type": "int8"}, "a_type = 'int8' is not legal for pe lut_tc_fp"),
        ({"b_type": "ternary", "table": "half"}, "'half' .* 'ternary'; legal: another"),
        ({"table_bits": 3}, r"table_bits = 3 is not legal: 0 \| 4 \| 5"),
        ({"align_bits": 30}, "align_bits = 30 is not legal: an integer from 0 to 29"),
        ({"zero_points": "offset"}, "unknown zero_points 'offset'; legal: none"),
    ):
        with pytest.raises(tpe.TpeError, match=text):
            tpe.Engine("lut_tc_fp", **own)
    with pytest.raises(tpe.TpeError, match="of floats: lut_tc_fp"):
        tpe.Engine("lut_tc", a_type="bf16")


# ---- RTL ----


def groups(e: tpe.Engine, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of groups at random, bits of A as they fall, and weights."""
    rng = np.random.default_rng(count)
    lanes, bits = e.widths.lanes, e.widths.a
    near = rng.integers(0, 1 << bits, (count, 1)) ^ rng.integers(
        0, 1 << (bits // 2), (count, lanes)
    )
    codes = np.where(rng.random((count, 1)) < 0.5, near, rng.integers(0, 1 << bits, (count, lanes)))
    b = e.encoded_formats()[1].drawn(rng, (count, lanes))
    return codes, b


CELLS = [("fp16", "int3", {"lanes": 4})]
FURTHER = [
    ("e4m3fn", "ternary", {"table_bits": 8, "stages": 2}),
    ("e5m2", "uint3", {"table": "full", "align_bits": 29}),
    ("bf16", "bipolar2", {"table_bits": 5, "lanes": 3}),
    ("bf16", "int8", {"lanes": 6, "stages": 2, "align_bits": 0}),
    ("e4m3fn", "int2", {"table_bits": 8, "lanes": 2}),
]


@pytest.mark.parametrize(
    ("a_type", "b_type", "own"),
    [*CELLS, *(pytest.param(*x, marks=pytest.mark.full) for x in FURTHER)],
)
def test_a_cell_on_groups_of_any_bits(a_type: str, b_type: str, own: dict[str, Any]) -> None:
    e = engine(a_type, b_type, (1, 1), **own)
    steps, _ = steps_of_dots(e, *groups(e, 20000))
    first = steps.first & (np.arange(len(steps)) % 5 != 0)  # psums go on from group to group
    first[0] = 1
    steps = type(steps)(first, steps.code, steps.b, steps.plane, steps.en, steps.valid)
    assert rtl_steps(e, steps).tolist() == model_steps(e, steps).tolist()


@pytest.mark.full
def test_a_fault_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    e = engine("fp16", "int3", (1, 1))
    steps, _ = steps_of_dots(e, *groups(e, 200))
    break_cell(
        monkeypatch, "tpe_pe_lut_tc_fp", "(plane_i == '0) ? code_i", "(plane_i != '0) ? code_i"
    )
    assert rtl_steps(e, steps).tolist() != model_steps(e, steps).tolist()


def cases(a_type: str, b_type: str, **own: Any) -> list[Case]:
    e = engine(a_type, b_type, **own)
    chosen = [Case(e, *drawn(e, 5, 4, k), STALLS) for k in (1, 2, 7)]
    return [*chosen, *(Case(e, *drawn(e, 5, 4, k, wide=False)) for k in (12, 21))]


def test_arrays_of_both_kinds_of_entries() -> None:
    found = cases("fp16", "int3", overlap="stream")
    assert_all_agree(found + cases("e4m3fn", "bipolar2", table_bits=8, lanes=3))


@pytest.mark.full
def test_arrays_of_all_tables() -> None:
    found = cases("bf16", "ternary", table_bits=6, stages=2, stall="registered")
    found += cases("e5m2", "uint3", table="full", align_bits=29, overlap="drain")
    found += cases("bf16", "int8", lanes=6) + cases("fp16", "ternary", lanes=2, align_bits=0)
    assert_all_agree(found + cases("e4m3fn", "bipolar1", table_bits=16))


def test_what_is_proved_of_it() -> None:
    e = engine("bf16", "int4", lanes=3)
    assert lemmas(e)[:3] == ["table", "sum", "finish"] and "array" not in lemmas(e)
    report = prove(e, 60, only=("table",))
    assert [proof.result for proof in report.proofs] == [PROVED]
    assert [line.split(":")[0] for line in report.uncovered][:2] == [
        "front of lut_tc_fp",
        "cell of lut_tc_fp",
    ]
