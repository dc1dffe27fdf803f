"""The unit of scales behind an array, against fractions: every pair of small formats, then fp32."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tests.numbers.slow_group_scales import nearest
from tpe.hdl.emit import sources
from tpe.hdl.simulate import slang
from tpe.hdl.simulate.build import lint
from tpe.numbers.floats import FP32, FloatFormat
from tpe.pe.floating import float_format

TOPS = ("tpe_fp_scale", "tpe_group_scale")
E4M3 = FloatFormat("e4m3", exponent_bits=4, fraction_bits=3, bias=7)


def files(top: str) -> list[Path]:
    """A module's file and those of what it instantiates, the package first."""
    waiting, found = [top], {}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = sources.modules().get(name) or sources.packages()[name]
            waiting += sources.needs(sources.text(name))
    return [found[name] for name in sources.packages_first(dict.fromkeys(found, ""))]


def scale_widths(number: FloatFormat) -> dict[str, int]:
    return {"ScaleExpWidth": number.exponent_bits, "ScaleFracWidth": number.fraction_bits}


@pytest.mark.parametrize("top", TOPS)
def test_nothing_warns(top: str) -> None:
    texts = sources.packages_first({path.stem: path.read_text() for path in files(top)})
    assert lint(texts, top) == ""
    findings = slang.check(texts, top)
    assert not findings.errors + findings.warnings, findings


def test_every_whole_number_times_every_scale_is_rounded_once() -> None:
    """9 bits by a scale of 8: both ends of the format, its subnormals, and NaN."""

    def scaled(whole: np.ndarray, scale: np.ndarray) -> np.ndarray:
        values = E4M3.values(scale).astype(np.float64)
        with np.errstate(invalid="ignore"):  # 8 + 3 bits and more: exact in float64
            return E4M3.codes(whole * values + 0.0)

    ports = {"whole": "sum_i", "scale": "scale_i", "out": "word_o"}
    params = {"SumWidth": 8, "ExpWidth": 4, "FracWidth": 3, **scale_widths(E4M3)}
    report = tpe.cosim(
        files("tpe_fp_scale"), "tpe_fp_scale", scaled, ports, params=params, types={"whole": "int8"}
    )
    assert report.ok and "all 65,536 values" in report.coverage, report


def by_fractions(whole: np.ndarray, scale: np.ndarray, kept: str) -> np.ndarray:
    number = float_format(kept)
    found = []
    for x, code in zip(whole.tolist(), scale.tolist(), strict=True):
        value = float(number.values(np.array(code)))
        product = x * value if not np.isfinite(value) else nearest(x * Fraction(value), "fp32")
        found.append(float(product))
    with np.errstate(all="ignore"):
        return FP32.codes(np.array(found) + 0.0)


LATER = [pytest.param(name, marks=pytest.mark.full) for name in ("fp16", "bf16")]


@pytest.mark.parametrize("kept", ["fp32", *LATER])
def test_wide_sums_by_scales_of_full_width(kept: str) -> None:
    ports = {"whole": "sum_i", "scale": "scale_i", "out": "word_o"}
    params = {"SumWidth": 32, **scale_widths(float_format(kept))}
    report = tpe.cosim(
        files("tpe_fp_scale"),
        "tpe_fp_scale",
        lambda whole, scale: by_fractions(whole, scale, kept),
        ports,
        params=params,
        types={"whole": "int32"},
        vectors=5000,
    )
    assert report.ok, report


def accumulated(more: Any, word: Any, whole: Any, scale: Any) -> Any:
    """Words of two columns in fp32, by the definition, in the order of steps."""
    kept: dict[int, np.ndarray] = {}
    out = []
    with np.errstate(all="ignore"):
        for goes_on, at, sums, codes in zip(more, word.tolist(), whole, scale, strict=True):
            products = float_format("fp16").values(codes).astype(np.float64) * sums + 0.0
            before = kept[at] if goes_on else np.zeros(2, np.float32)
            kept[at] = before + products.astype(np.float32)  # 27 bits: exact in float64
            low, high = FP32.codes(kept[at].astype(np.float64)).tolist()
            out.append(high << 32 | low)
    return np.array(out, np.uint64).astype(np.int64)


# Corners of operands come first, zeros before ones: so that a sum begins there `first` is turned.
TURNED = """
module turned (
    input  wire  logic        clk_i, rst_ni, valid_i, more_i, word_i,
    input  wire  logic [31:0] sum_i, scale_i,
    output       logic        valid_o,
    output       logic [63:0] c_o
);
  tpe_group_scale #(
      .Cols(2), .SumWidth(16), .ScaleExpWidth(5), .ScaleFracWidth(10), .Words(2)
  ) u_unit (
      .clk_i, .rst_ni, .en_i(1'b1), .valid_i, .first_i(!more_i), .last_i(1'b1), .word_i, .sum_i,
      .scale_i, .valid_o, .c_o
  );
endmodule
"""
PORTS = {
    **{"clk": "clk_i", "rst": "rst_ni", "valid": "valid_i", "more": "more_i", "word": "word_i"},
    **{"whole": "sum_i", "scale": "scale_i", "out": "c_o", "out_valid": "valid_o"},
}
TYPES = {"whole": "int16", "scale": "uint16", "more": "uint1", "word": "uint1"}


def unit(folder: Path, right: str = "", wrong: str = "") -> tpe.Cosimulation:
    """Two words in any order, so that most steps meet the one that is being written."""
    every = []
    for path in files("tpe_group_scale"):
        text = path.read_text()
        if path.stem == "tpe_group_scale":
            assert not right or text.count(right) == 1
            text = text.replace(right, wrong) if right else text
        every.append(folder / path.name)
        every[-1].write_text(text)
    (folder / "turned.sv").write_text(TURNED)
    every.append(folder / "turned.sv")
    own: dict[str, Any] = {"reset": "rst_ni:low", "latency": 2, "types": TYPES, "vectors": 4000}
    return tpe.cosim(every, "turned", accumulated, PORTS, **own)


def test_words_are_added_up_step_by_step(tmp_path: Path) -> None:
    report = unit(tmp_path)
    assert report.ok and report.latency_found == 2, report


FAULTS = [
    ("if (first_q) base = '0;\n    else ", ""),
    ("written_q && total_word_q == word_q", "1'b0"),
    ("total_word_q == word_q", "1'b1"),
    (".write_addr_i(word_q)", ".write_addr_i(word_i)"),
]


@pytest.mark.full
@pytest.mark.parametrize(("right", "wrong"), FAULTS)
def test_a_fault_is_seen(right: str, wrong: str, tmp_path: Path) -> None:
    assert not unit(tmp_path, right, wrong).ok
