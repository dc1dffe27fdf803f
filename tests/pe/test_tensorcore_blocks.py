"""MX and NVFP4 as operands of engines, against the slow definition in Python's integers."""

from __future__ import annotations

import doctest
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.numbers.slow_tensor_core import scaled_dot
from tpe.array.base import Handshake
from tpe.cli.main import app
from tpe.numbers.floats import FP32
from tpe.testing.cases import fitted

MX = ("mx_e4m3fn", "mx_e5m2", "mx_e3m2", "mx_e2m3", "mx_e2m1")
PAIRS = [*((a, b) for a in MX for b in MX), ("nvfp4", "nvfp4")]
FEW = [("mx_e4m3fn", "mx_e5m2"), ("mx_e2m1", "mx_e2m3"), ("mx_e2m1", "mx_e2m1"), PAIRS[-1]]
ARRAYS = {"systolic_ws": (3, 2), "systolic_os": (2, 3), "matrix2d": (2, 2), "adder_tree": (1, 3)}
ARRAYS["cube3d"] = (2, 2, 1)
KINDS = {("mx_e2m1", "mx_e2m1"): "mxf4", ("nvfp4", "nvfp4"): "nvf4"}  # else mxf8f6f4
BITS = {"e4m3fn": 8, "e5m2": 8, "e3m2": 6, "e2m3": 6, "e2m1": 4}


def element(name: str) -> str:
    return "e2m1" if name == "nvfp4" else name.removeprefix("mx_")


def engine(array: str, pair: tuple[str, str], **more: Any) -> tpe.Engine:
    choice = {"arch": "blackwell", "a_type": pair[0], "b_type": pair[1]}
    record = tpe.Engine("mac", array).array
    size = fitted(tpe.Engine("tensorcore").record, record, ARRAYS[array], choice)
    return tpe.Engine("tensorcore", array, size, **choice, **more)


def drawn(name: str, shape: tuple[int, int], axis: int, rng: np.random.Generator) -> tpe.Blocks:
    """Blocks of any elements but few that are no numbers; scales near one, some NaN or the ends."""
    codes = rng.integers(0, 1 << BITS[element(name)], shape)
    if name in ("mx_e4m3fn", "mx_e5m2"):
        special = (codes & 0x7F) >= (0x7F if name == "mx_e4m3fn" else 0x7C)
        codes = np.where(special & (rng.random(shape) < 0.98), codes & 0x3F, codes)
    size, middle, top = (16, 0x38, 0x7F) if name == "nvfp4" else (32, 127, 255)
    count = [-(-n // size) if i == axis else n for i, n in enumerate(shape)]
    scales = middle + rng.integers(-9, 10, count)
    odd = rng.random(count)
    scales = np.where(odd < 0.04, top, np.where(odd < 0.08, 0, scales))
    return tpe.Blocks.of(name, codes, scales, axis=axis)


def by_hand(a: tpe.Blocks, b: tpe.Blocks) -> np.ndarray:
    """C (M, N) by Python's integers, k ascending."""
    pair = a.format.name, b.format.name
    own = KINDS.get(pair, "mxf8f6f4"), (element(pair[0]), element(pair[1])), 0
    rows = list(zip(a.codes.tolist(), a.scales.tolist(), strict=True))
    columns = list(zip(b.codes.T.tolist(), b.scales.T.tolist(), strict=True))
    words = [[scaled_dot(x, y, (p, q), *own) for y, q in columns] for x, p in rows]
    return FP32.values(np.array(words))


def same(c: Any, expected: np.ndarray) -> bool:
    assert c.dtype == np.float32
    return np.array_equal(c, expected, equal_nan=True)


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_c_is_the_slow_definition(pair):
    rng = np.random.default_rng(PAIRS.index(pair))
    e = engine("matrix2d", pair)
    turned = engine("matrix2d", pair, encode="weights")
    finite = 0
    for k in (1, 16, 32, 45, 64, 160, 203):  # one block and many, whole and short
        a, b = drawn(pair[0], (3, k), 1, rng), drawn(pair[1], (k, 5), 0, rng)
        expected = by_hand(a, b)
        finite += np.isfinite(expected).sum()
        for values in ("fast", "bits"):
            assert same(e.run(a, b, values=values).C, expected), f"K = {k}, {values}"
        assert same(turned.run(a, b, values="bits").C, expected), f"K = {k}, turned"
    assert finite > 40  # of 105: it is not all NaN


@pytest.mark.parametrize("pair", FEW, ids="-".join)
@pytest.mark.parametrize("array", ARRAYS)
def test_c_and_cycles_are_the_same_in_every_array(array, pair):
    rng = np.random.default_rng(7)
    a, b = drawn(pair[0], (5, 131), 1, rng), drawn(pair[1], (131, 4), 0, rng)
    e = engine(array, pair)
    assert e.lanes == (64 if pair in KINDS else 32)
    assert same(e.run(a, b, values="bits").C, by_hand(a, b))
    lanes = {} if array in ("adder_tree", "cube3d") else {"lanes": e.lanes}
    other = tpe.Engine("mac", array, e.size, **lanes)
    ones = np.ones((5, 131), int), np.ones((131, 4), int)
    for handshake in (Handshake(), Handshake(idle=0b1011, busy=0b110)):
        ours, dense = (
            e.run(a, b, handshake=handshake),
            other.run(*ones, handshake=handshake),
        )
        assert ours.cycles == dense.cycles and ours.terms == dense.terms
    unvalued = e.run("gemm:5x4x131", values="none")
    assert unvalued.C is None and unvalued.cycles == e.run(a, b).cycles


@pytest.mark.parametrize("pair", FEW, ids="-".join)
def test_numbers_are_quantised_along_k_by_the_rule_of_their_format(pair):
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(3, 70)), rng.normal(size=(70, 2)) * 2.0 ** rng.integers(-4, 5, (70, 2))
    a[1, :32] = 0  # zero blocks of a row
    e = engine("matrix2d", pair)
    whole = {"tensor_scale": 1.0} if pair[0] == "nvfp4" else {}
    blocks = tpe.quantise(a, pair[0], axis=1, **whole), tpe.quantise(b, pair[1], axis=0, **whole)
    expected = by_hand(*blocks)
    assert same(e.run(a, b).C, expected) and same(e.run(*blocks).C, expected)
    assert same(e.run(blocks[0], b).C, expected)
    exact = blocks[0].values() @ blocks[1].values()
    assert np.allclose(expected, exact, rtol=1e-5, atol=1e-4)
    (layer,) = e.run(a, b).layers
    assert layer.error.largest == np.abs(expected - exact).max()


def test_a_block_of_nan_is_nan_in_its_row_or_column_alone():
    for pair in FEW:
        a, b = np.full((3, 64), 6.0), np.full((64, 2), 6.0)  # which every one of them holds
        a[1, 40], b[3, 1] = np.nan, np.inf
        c = engine("matrix2d", pair).run(a, b, values="bits").C
        assert np.isnan(c).tolist() == [[False, True], [True, True], [False, True]]
        assert (c[[0, 2], 0] == 64 * 36).all()


def test_zero_blocks_give_plus_zero_whatever_their_scale():
    for pair in FEW:
        for scale in (0, 0x7E):
            size = 16 if pair[0] == "nvfp4" else 32
            zeros = np.zeros((1, 64), int)
            a = tpe.Blocks.of(pair[0], zeros, np.full((1, 64 // size), scale))
            b = np.full((64, 1), -3.0)
            c = engine("matrix2d", pair).run(a, b, values="bits").C
            assert c.tolist() == [[0.0]] and not np.signbit(c).any()


def test_what_pads_a_short_block_changes_nothing():
    rng = np.random.default_rng(5)
    for pair in FEW:
        e = engine("matrix2d", pair)
        a, b = rng.normal(size=(2, 37)), rng.normal(size=(37, 3))
        longer = np.pad(a, ((0, 0), (0, 91))), np.pad(b, ((0, 91), (0, 0)))
        assert same(e.run(a, b).C, e.run(*longer).C)


def test_bits_a_cycle_hold_the_scales():
    sizes = {  # 2 x 2 cells: two rows of A a step, elements and then scales
        FEW[0]: (2 * (32 * 8 + 8), 2 * (32 * 8 + 8)),
        FEW[1]: (2 * (32 * 4 + 8), 2 * (32 * 6 + 8)),
        FEW[2]: (2 * (64 * 4 + 2 * 8), 2 * (64 * 4 + 2 * 8)),
        FEW[3]: (2 * (64 * 4 + 4 * 8), 2 * (64 * 4 + 4 * 8)),
    }
    for pair, bits in sizes.items():
        (layer,) = engine("matrix2d", pair).run("gemm:2x2x64").layers
        assert layer.bandwidth == bits


def test_a_product_of_reals_has_the_scales_of_both_tensors():
    rng = np.random.default_rng(11)
    x, w = rng.normal(size=(2, 3, 48)) * 1e-4, rng.normal(size=(48, 5)) * 300
    for pair in FEW:
        e = engine("matrix2d", pair)
        a, b = tpe.quantise(x.reshape(6, 48), pair[0]), tpe.quantise(w, pair[1], axis=0)
        whole = a.tensor_scale * b.tensor_scale
        assert (whole == 1) == (pair[0] != "nvfp4")
        expected = by_hand(a, b).astype(np.float64) * whole
        assert (tpe.matmul(e, x, w) == expected.reshape(2, 3, 5)).all()
        assert (tpe.matmul(e, a, b) == expected).all()
        assert np.abs(expected - x.reshape(6, 48) @ w).max() < 0.2 * np.abs(expected).max()
        apart = tpe.matmul(e, x * 4, w, scales=(4.0, None))
        assert np.allclose(apart, 4 * expected.reshape(2, 3, 5), rtol=1e-6)


def illegal(pair: tuple[str, str]) -> str:
    return f"{pair[0]} x {pair[1]} into fp32 is not legal for arch = "


REFUSED = {  # parameters -> what is said
    "arch": (
        {"arch": "hopper", "a_type": "mx_e5m2"},
        f"{illegal(('mx_e5m2',) * 2)}hopper: fp16 into fp32 or fp16; .*e5m2 into fp32; legal "
        "with arch = blackwell$",
    ),
    "two block formats": (
        {"a_type": "nvfp4", "b_type": "mx_e2m1"},
        f"{illegal(('nvfp4', 'mx_e2m1'))}blackwell: .*; any two of mx_e4m3fn, mx_e5m2, mx_e3m2, "
        "mx_e2m3, mx_e2m1 into fp32; nvfp4 into fp32$",
    ),
    "one in blocks": ({"a_type": "mx_e2m1", "b_type": "e2m1"}, illegal(("mx_e2m1", "e2m1"))),
    "the other": ({"a_type": "e4m3fn", "b_type": "mx_e4m3fn"}, "e4m3fn x mx_e4m3fn into fp32"),
    "half": ({"a_type": "nvfp4", "acc_bits": 16}, "nvfp4 x nvfp4 into fp16 is not legal"),
    "late": ({"a_type": "nvfp4", "c_add": "late"}, "nvfp4 x nvfp4 is legal with c_add = fused, pr"),
    "parts": ({"a_type": "mx_e5m2", "split_k": 2}, "legal with .* and split_k = 1"),
    "integers": ({"a_type": "mx_int8"}, "unknown a_type 'mx_int8' .*mx_e2m1, nvfp4$"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_refused_in_a_line(name):
    params, message = REFUSED[name]
    with pytest.raises(tpe.TpeError, match=message) as error:
        tpe.Engine("tensorcore", **{"arch": "blackwell", **params})
    assert "\n" not in str(error.value)


def test_a_pe_that_computes_otherwise_names_who_takes_them():
    with pytest.raises(tpe.TpeError, match=r"PEs that take it: tensorcore$"):
        tpe.Engine("fma", a_type="mx_e4m3fn")


OPERANDS = {  # A, the other side being ones -> what is said
    "axis": (lambda x: tpe.quantise(x.T, "nvfp4", axis=0, tensor_scale=1.0), "legal: M x K, in bl"),
    "format": (lambda x: tpe.quantise(x, "mx_e2m1"), "in blocks of mx_e2m1; legal: of nvfp4, or n"),
    "tensor": (lambda x: tpe.quantise(x, "nvfp4"), "A has tensor_scale = .*; tpe.matmul takes oth"),
    "text": (lambda x: [["a"] * 32], "A are <U1; legal: integers or floats"),
    "row": (lambda x: x[0], "A have 1 dimension"),
    "k": (lambda x: x[:, 1:], "A is 2 x 31 and B 32 x 1; legal: M x K and K x N with the same K"),
}


@pytest.mark.parametrize("name", OPERANDS)
def test_operands_that_are_none_are_refused_in_a_line(name):
    make, message = OPERANDS[name]
    e = engine("matrix2d", ("nvfp4", "nvfp4"))
    x = np.random.default_rng(0).normal(size=(2, 32))
    with pytest.raises(tpe.TpeError, match=message) as error:
        e.run(make(x), np.ones((32, 1)))
    assert "\n" not in str(error.value)


def test_a_product_of_blocks_that_do_not_fit_is_refused_in_a_line():
    e = engine("matrix2d", ("nvfp4", "nvfp4"))
    x, w = np.random.default_rng(0).normal(size=(2, 32)), np.ones((32, 1))
    blocks = tpe.quantise(x, "nvfp4")
    few = tpe.Blocks(blocks.format, 1, np.zeros((2, 32), np.uint8), np.zeros((2, 1), np.uint8))
    for made, scales, message in (
        (few, None, "x: elements are 2 x 32 and scales 2 x 1; legal for nvfp4: .* every 16"),
        (tpe.quantise(x, "nvfp4", axis=0), None, "x is in blocks along axis 0 of 2; legal: M x K"),
        (blocks, (2.0, None), "x is in blocks and x_scale is given; legal: None"),
    ):
        with pytest.raises(tpe.TpeError, match=message):
            tpe.matmul(e, made, w, scales)


def test_codes_and_scales_that_do_not_fit_are_refused():
    codes = np.zeros((2, 32), int)
    for made, message in (
        ((codes + 16, np.zeros((2, 2), int)), "elements hold 16; legal for nvfp4: codes 0 to 15"),
        ((codes, np.full((2, 2), 128)), "scales hold 128; legal for nvfp4: codes 0 to 127"),
        ((codes, np.zeros((2, 1), int)), "scales 2 x 1; legal for nvfp4: .* every 16 elements al"),
        ((codes * 0.5, np.zeros((2, 2), int)), "elements are float64; legal: integers"),
        (([[1], [2, 3]], [[1]]), "codes are not a rectangular array"),
    ):
        with pytest.raises(tpe.TpeError, match=message):
            tpe.Blocks.of("nvfp4", *made)
    mine = tpe.Blocks.of("mx_int8", [[-128, 127]], [[127]])
    assert mine.codes.dtype == np.int8 and mine.values().tolist() == [[-2.0, 1.984375]]


@pytest.mark.parametrize("do", ["emit", "verify", "synthesise", "prove"])
def test_rtl_is_refused_and_the_line_says_why(do, tmp_path: Path):
    e = engine("matrix2d", FEW[0])
    more = {"emit": (tmp_path / "rtl",)}.get(do, ())
    with pytest.raises(
        tpe.TpeError, match=r"mx_e4m3fn x mx_e5m2, whose scales no .*model only"
    ) as x:
        getattr(tpe, do)(e, *more)
    assert "\n" not in str(x.value)


def test_the_command_line_runs_and_refuses():
    words = ["--pe", "tensorcore", "--size", "2x2", "-p", "arch=blackwell"]
    words += ["-p", "a_type=mx_e3m2", "-p", "b_type=mx_e4m3fn"]
    ran = CliRunner().invoke(app, ["run", *words, "--workload", "gemm:3x2x70", "--json", "-"])
    assert ran.exit_code == 0, ran.output
    pair, row = ("mx_e3m2", "mx_e4m3fn"), json.loads(ran.stdout)["layers"][0]
    assert row["cycles"] == engine("matrix2d", pair).run("gemm:3x2x70").cycles
    for verb in ("emit", "verify"):
        said = CliRunner().invoke(app, [verb, *words])
        assert said.exit_code == 2 and "whose scales no cell has a port for" in said.stderr


def test_none_of_it_was_measured_and_that_is_said():
    for pair in FEW:
        assert tpe.describe(engine("matrix2d", pair))["evidence"] == "oracle only"


def test_runs_are_told_apart_by_codes_and_scales_and_are_saved(tmp_path: Path):
    e = engine("matrix2d", ("mx_e2m1", "mx_e2m1"))
    one = [[2] * 32]  # of 1.0; 4 is 2.0: the same numbers, other codes
    a = tpe.Blocks.of("mx_e2m1", one, [[128]]), tpe.Blocks.of("mx_e2m1", [[4] * 32], [[127]])
    assert (a[0].values() == a[1].values()).all()
    b = np.ones((32, 1))
    runs = [e.run(x, b) for x in (*a, tpe.Blocks.of("mx_e2m1", one, [[128]]))]
    prints = [run.layers[0].fingerprint for run in runs]
    assert prints[0] == prints[2] != prints[1]
    runs[0].save(tmp_path / "run.json", values=True)
    loaded = tpe.Run.load(tmp_path / "run.json")
    assert loaded.engine == e and (loaded.C == runs[0].C).all() and loaded.rows() == runs[0].rows()


def test_errors_are_those_of_the_sums_of_what_was_quantised():
    e = engine("matrix2d", ("mx_e4m3fn", "mx_e4m3fn"))
    study = tpe.error(e, "normal:1", [32, 1024], rows=4, columns=4)
    short, long = study.find(32), study.find(1024)
    assert short.largest < 1e-6 < 1e-4 and 0 < long.mean_absolute < 1e-5
    cut = tpe.error(e, lambda rng, shape: rng.normal(size=shape), [64], rows=2, columns=2)
    assert cut.find(64).largest < 1e-5


def test_the_page_on_blocks_runs_as_it_stands():
    page = Path(__file__).parents[2] / "docs/howto/blocks.md"
    done = doctest.testfile(str(page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert done.attempted > 8 and not done.failed
