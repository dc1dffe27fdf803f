"""The parts of rtl/fp that PEs share, over all pairs of small formats, and cells of other formats.

The contract runs every choice of a PE with its default formats; here stand the others.
"""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path

import numpy as np
import pytest

import tpe
from tests.contract.agreement import break_cell
from tests.hdl.test_floats import E2M5, E5M2, FP, small, widths
from tpe.hdl.emit import rtl_names
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.cell_cosim import steps_of_pairs
from tpe.numbers.floats import E3M2, E4M3FN, FloatFormat
from tpe.testing.rtl import disturb


def files(module: str) -> list:
    """The package, and a module after those of rtl/fp that it may need."""
    parts = ("unpack", "zeros")
    return [FP.parent / "tpe_pkg.sv", *(FP / f"tpe_fp_{x}.sv" for x in parts), FP / f"{module}.sv"]


def number_of(parameter: str, word: str) -> int:
    return rtl_names.number(parameter, word)


# ---- parts ----

PARTS = """module parts #(parameter ExpWidth = 4, FracWidth = 3, Special = 0, Width = 8) (
  input  wire [Width-1:0]                    a_i,
  input  wire [Width-1:0]                    b_i,
  output wire [4 + ExpWidth + 2*FracWidth+2:0] out_o
);
  tpe_fp_multiply #(
      .AExpWidth(ExpWidth), .AWidth(Width), .ASpecial(Special),
      .BExpWidth(ExpWidth), .BWidth(Width), .BSpecial(Special)
  ) u_multiply (
      .a_i, .b_i, .sig_o(out_o[2*FracWidth+1:0]), .exp_o(out_o[2*FracWidth+2+:ExpWidth+1]),
      .sign_o(out_o[2*FracWidth+3+ExpWidth]), .zero_o(out_o[2*FracWidth+4+ExpWidth]),
      .inf_o(out_o[2*FracWidth+5+ExpWidth]), .nan_o(out_o[2*FracWidth+6+ExpWidth])
  );
endmodule
"""


@pytest.mark.parametrize("number", [E5M2, E2M5, E4M3FN, E3M2], ids=lambda x: x.name)
def test_every_product_is_exact(number: FloatFormat, tmp_path: Path):
    """Its parts by definition, and their value is that of the operands' product."""
    fraction, top = (1 << number.fraction_bits) - 1, (1 << number.exponent_bits) - 1

    def parts(a, b):
        x, y = (number.values(v).astype(np.float64) for v in (a, b))
        exponents = [v >> number.fraction_bits & top for v in (a, b)]
        whole = [
            (v & fraction) + (fraction + 1) * (e > 0)
            for v, e in zip((a, b), exponents, strict=True)
        ]
        sig, exponent = whole[0] * whole[1], sum(np.maximum(e, 1) for e in exponents)
        with np.errstate(invalid="ignore"):
            nan = np.isnan(x * y)
        infinite, zero = np.isinf(x) | np.isinf(y), (x == 0) | (y == 0)
        finite = np.isfinite(x) & np.isfinite(y)
        x, y = np.where(finite, x, 0), np.where(finite, y, 0)
        by_parts = np.ldexp(
            sig.astype(np.float64), exponent - 2 * (number.bias + number.fraction_bits)
        )
        assert (np.abs(x * y) == np.where(finite, by_parts, 0)).all()
        sign = (a ^ b) >> (number.bits - 1) & 1
        flags = (nan, infinite, zero, sign)
        word = np.zeros_like(a)
        for flag in flags:
            word = word << 1 | flag
        return (word << (number.exponent_bits + 1) | exponent) << 2 * number.fraction_bits + 2 | sig

    (tmp_path / "parts.sv").write_text(PARTS)
    params = widths(number) | {"Width": number.bits}
    params["Special"] = number_of("Special", number.nan)
    ports = {"a": "a_i", "b": "b_i", "out": "out_o"}
    listed = [*files("tpe_fp_multiply"), tmp_path / "parts.sv"]
    report = tpe.cosim(listed, "parts", parts, ports, params=params)
    assert report.ok and f"all {1 << 2 * number.bits:,} values" in report.coverage, report


@pytest.mark.parametrize("align", ["truncate", "sticky"])
@pytest.mark.parametrize("signed", [0, 1])
def test_every_alignment(align, signed):
    """A floor of the shifted number; with a sticky bit its last one is set if anything is lost."""

    def one(x: int, distance: int) -> int:
        value = x - 256 if signed and x > 127 else x
        exact = Fraction(value, 1 << distance)
        whole = floor(exact)
        return (whole | (align == "sticky" and whole != exact)) % 256

    def of(a, b):
        return np.array([one(int(u), int(d)) for u, d in zip(a, b, strict=True)])

    params = {"Width": 8, "DistWidth": 4, "Signed": signed, "Align": number_of("Align", align)}
    ports = {"a": "x_i", "b": "distance_i", "out": "x_o"}
    report = tpe.cosim(files("tpe_fp_align"), "tpe_fp_align", of, ports, params=params)
    assert report.ok and "all 4,096 values" in report.coverage, report


@pytest.mark.parametrize("width", [8, 11])
def test_every_normalisation_goes_as_far_as_there_is_room(width):
    def of(a, b):
        zeros = [width - len(f"{x:b}") if x else 0 for x in a.tolist()]
        return (a << np.minimum(zeros, b)) % (1 << width)

    params = {"Width": width, "RoomWidth": 4}
    ports = {"a": "sig_i", "b": "room_i", "out": "sig_o"}
    report = tpe.cosim(files("tpe_fp_normalise"), "tpe_fp_normalise", of, ports, params=params)
    assert report.ok and f"all {1 << (width + 4):,} values" in report.coverage, report


@small
def test_every_number_is_rounded_to_the_nearest(number: FloatFormat):
    """A significand of four bits more than the fraction, with every exponent up to overflow."""
    width = number.fraction_bits + 4

    def of(a, b):
        exponent, sig = a, b
        normal = sig >> (width - 1) == 1  # without a hidden one the exponent is 1, whatever it says
        scale = np.where(normal, np.maximum(exponent, 1), 1) - number.bias - width + 1
        codes = number.codes(np.ldexp(sig.astype(np.float64), scale))
        unknown = normal & (exponent == 0)  # is not to be: taken as one exponent less
        return np.where(unknown, codes - (1 << number.fraction_bits), codes)

    params = widths(number) | {"SigWidth": width, "InWidth": number.exponent_bits + 1}
    ports = {"a": "exp_i", "b": "sig_i", "out": "word_o"}
    ties = {"sign_i": 0, "inf_i": 0, "nan_i": 0}
    module = "tpe_fp_round"
    types = {"a": f"uint{number.exponent_bits + 1}", "b": f"uint{width}"}
    report = tpe.cosim(files(module), module, of, ports, params=params, ties=ties, types=types)
    every = 1 << (number.exponent_bits + 1 + width)
    assert report.ok and f"all {every:,} values" in report.coverage, report


# ---- cells ----

PAIRS = [
    ("fma", {"a_type": "fp16", "b_type": "fp16"}),
    ("fma", {"a_type": "fp16", "b_type": "fp16", "c_type": "fp16", "stages": 2}),
    ("fma", {"a_type": "fp32", "b_type": "fp32"}),
    ("fma", {"a_type": "fp32", "b_type": "e5m2", "c_type": "fp16"}),
    ("fma", {"a_type": "e4m3fn", "b_type": "e4m3fn"}),
    ("fma", {"a_type": "e4m3fn", "b_type": "e5m2", "c_type": "fp16"}),
    ("fma_approxnorm", {"a_type": "e4m3fn", "b_type": "e5m2", "encode": "weights"}),
    ("fma_approxnorm", {"a_type": "bf16", "b_type": "e4m3fn", "psum_form": "twos_complement"}),
    ("fma_approxnorm", {"a_type": "e5m2", "b_type": "e5m2", "normaliser": "exact"}),
    (
        "fma_approxnorm",
        {
            "psum_fraction_bits": 24,
            "int_bits": 5,
            "psum_form": "twos_complement",
            "align": "sticky",
            "normaliser": "exact",
            "c_type": "bf16",
        },
    ),
    (
        "fma_approxnorm",
        {"psum_fraction_bits": 24, "align": "sticky", "norm_k": 2, "stages": 2, "norm_lambda": 2},
    ),
    ("fma_approxnorm", {"normaliser": "none", "int_bits": 6, "psum_form": "twos_complement"}),
]


def cells(pairs):
    name = lambda x: "-".join([x[0], *(f"{v}" for v in x[1].values())])  # noqa: E731
    return pytest.mark.parametrize(("pe", "params"), pairs, ids=map(name, pairs))


def stepped(e: tpe.Engine) -> tuple[int, np.ndarray, np.ndarray]:
    """Random steps, and C after each of them, of the RTL and of the model."""
    codes = [x.codes(x.sweep()) for x in e.encoded_formats()]
    a, b = (x.ravel() for x in np.meshgrid(*codes, indexing="ij"))
    rng = np.random.default_rng(6)  # as many of any exponents, and zeros, which meet small sums
    some = [rng.integers(0, 1 << x.bits, a.size) for x in e.encoded_formats()]
    some = [np.where(rng.random(a.size) < 0.15, 0, x) for x in some]
    a, b = (np.concatenate(x) for x in zip((a, b), some, strict=True))
    disturbed = disturb(e, steps_of_pairs(e, a, b)[0])
    taken = np.flatnonzero(disturbed.en & disturbed.valid)
    shown = cell_cosim.rtl_steps(e, disturbed)[taken]
    return len(taken), shown, cell_cosim.model_steps(e, disturbed)[taken]


@cells(PAIRS)
def test_a_cell_is_its_model_step_by_step(pe, params):
    steps, shown, expected = stepped(tpe.Engine(pe, "systolic_os", (1, 1), **params))
    assert steps > 5000 and len(np.unique(expected)) > 1000
    assert (shown == expected).all()


# ---- faults that somebody might write ----

FAULTS = {
    "a product of zero aligns the psum": (
        "fma", "tpe_fp_fused_add",
        "prod_zero ? {1'b1, {(ProdExp - 1) {1'b0}}} : prod_exp_i - prod_shift",
        "prod_exp_i - prod_shift",
    ),
    "a subnormal sum is normalised": (
        "fma", "tpe_fp_fused_add", ".room_i (exponent)", ".room_i ('1)",
    ),
    "a sum of zero takes the product's sign": (
        "fma", "tpe_fp_fused_add", "prod_sign_i && sign;", "prod_sign_i;",
    ),
    "what is lost in alignment is forgotten": (
        "fma", "tpe_fp_fused_add", "(tpe_pkg::AlignSticky)", "(tpe_pkg::AlignTruncate)",
    ),
    "infinity times zero is infinite": ("fma", "tpe_fp_multiply", "|| (a_inf && b_zero) ", ""),
    "ties go up": ("fma", "tpe_fp_round", "(rest || sig_i[LowWidth])", "1'b1"),
    "a carry does not count": (
        "fma_approxnorm", "tpe_fp_approx_add", "top + ExpWidth'(carry)", "top",
    ),
    "the larger exponent is taken for the larger number": (
        "fma_approxnorm", "tpe_fp_approx_add", "subtract && sum[Width]", "1'b0 && sum[Width]",
    ),
    "a product of zero normalises": (
        "fma_approxnorm", "tpe_pe_fma_approxnorm", "if (zero) psum_d", "if (zero && first) psum_d",
    ),
    "a subnormal is not shifted back": (
        "fma_approxnorm", "tpe_finish_fma_approxnorm", "WideExp'(1) - exponent : '0", "'0 : '0",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch):
    pe, module, right, wrong = FAULTS[fault]
    break_cell(monkeypatch, module, right, wrong)
    steps, shown, expected = stepped(tpe.Engine(pe, "systolic_os", (1, 1)))
    assert steps and (shown != expected).any()
