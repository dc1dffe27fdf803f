"""`mixpe`: all 4096 pairs of int8 and int4, every narrow weight, arrays, groups by command."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

import tpe
from tests.cli.test_cli import run
from tests.contract.agreement import assert_all_agree, break_cell
from tpe import array as arrays
from tpe.hdl.simulate import cell_cosim
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.formats import FORMATS
from tpe.pe import get
from tpe.pe.mixpe import A_TYPES, B_TYPES

TAKEN = [name for name in arrays.usable() if not arrays.get(name).refuses(get("mixpe"))]


def engine(array: str = "matrix2d", size: str = "4x4", **own: object) -> tpe.Engine:
    return tpe.Engine("mixpe", array, size, **own)


def drawn(e: tpe.Engine, m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return e.a_format.drawn(rng, (m, k)), e.b_format.drawn(rng, (k, n))


def test_all_pairs_of_every_type_are_exact() -> None:
    """By the kernel: int8 x int4 is 4096 of them; activations up to 8 bits with every weight."""
    narrow = [name for name in A_TYPES if FORMATS[name].bits <= 8]
    for a_type, b_type in product(narrow, B_TYPES):
        e = engine(a_type=a_type, b_type=b_type)
        a, b = e.a_format.sweep()[:, None], e.b_format.sweep()[None, :]
        assert (e.run(a, b, values="bits").C == a @ b).all(), (a_type, b_type)
    assert engine().a_format.sweep().size * engine().b_format.sweep().size == 4096


def test_wide_activations_and_long_sums() -> None:
    for a_type, b_type in (("int16", "int4"), ("uint16", "uint4"), ("uint8", "uint2")):
        e = engine(a_type=a_type, b_type=b_type, lanes=3)
        for m, n, k in ((1, 1, 1), (3, 2, 5000)):
            a, b = drawn(e, m, n, k)
            assert (e.run(a, b, values="bits").C == a.astype(object) @ b.astype(object)).all()
    a, b = np.full((1, 5000), -128), np.full((5000, 1), -8)
    assert engine().run(a, b, values="bits").C.tolist() == [[5_120_000]]


def test_it_stands_in_three_arrays_at_the_pace_of_a_mac() -> None:
    assert TAKEN == ["matrix2d", "systolic_is", "systolic_os", "systolic_ws"]
    for name, k, stages in product(TAKEN, (1, 9), (1, 2)):
        e, mac = (
            tpe.Engine(pe, name, "3x2", b_type="int4", stages=stages) for pe in ("mixpe", "mac")
        )
        a, b = drawn(e, 5, 4, k)
        assert e.run(a, b).terms == mac.run(a, b).terms and (e.run(a, b).C == a @ b).all()


def test_wide_weights_are_told_what_is_narrow() -> None:
    with pytest.raises(tpe.TpeError, match=r"b_type = 'int8' is not legal for pe mixpe: .* int4"):
        engine(b_type="int8")


# ---- RTL ----


UNSIGNED = {"a_type": "uint8", "b_type": "uint4", "lanes": 3, "stages": 2}


@pytest.mark.parametrize("own", [UNSIGNED, pytest.param({}, marks=pytest.mark.full)])
def test_all_pairs_equal_the_rtl_and_so_do_sums_of_them(own: dict[str, object]) -> None:
    """Both sides unsigned, and int8 x int4, whose pairs the contract has in the landing tier, too;
    K = 1, and K that no lanes divide, under stalls."""
    e = engine(acc_bits=18, overflow="wrap", **own)
    cases = [Case(e, e.a_format.sweep()[:, None], e.b_format.sweep()[None, :])]
    cases += [Case(e, *drawn(e, 5, 6, k), STALLS) for k in (1, 33)]
    assert_all_agree(cases)


def test_a_chain_of_encoded_weights() -> None:
    chained = {"psum_depth": 3, "encode": "weights", "b_type": "int3"}
    e = engine("systolic_ws", "2x3", **chained)
    assert_all_agree([Case(e, *drawn(e, 5, 4, k), STALLS) for k in (1, 7)])


FAULTS = [
    ("tpe_shift_add", "product_o -= row", "product_o += row"),
    ("tpe_shift_add", "(word << i)", "(word << (i / 2))"),
    ("tpe_pe_mixpe", "$signed(product_s[l])", "product_s[l]"),
]


@pytest.mark.full
@pytest.mark.parametrize(("module", "right", "wrong"), FAULTS, ids=lambda x: x[:20])
def test_a_fault_is_seen(
    module: str, right: str, wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    e = engine(size="1x1")
    pairs = np.broadcast_arrays(e.a_format.sweep()[:, None], e.b_format.sweep()[None, :])
    steps, _ = cell_cosim.steps_of_pairs(e, *(x.ravel() for x in pairs))
    break_cell(monkeypatch, module, right, wrong)
    assert (cell_cosim.rtl_steps(e, steps) != cell_cosim.model_steps(e, steps)).any()


@pytest.mark.full
@pytest.mark.parametrize("array", TAKEN)
def test_arrays_of_every_weight(array: str) -> None:
    cases = []
    for b_type, lanes, stages in product(B_TYPES, (1, 4), (1, 2)):
        e = engine(array, "2x3", b_type=b_type, lanes=lanes, stages=stages)
        cases += [Case(e, *drawn(e, 5, 4, k), STALLS) for k in (1, 2, 13)]
    assert_all_agree(cases)


# ---- the command line ----


def test_groups_on_the_command_line(tmp_path: Path) -> None:
    usual = ["--pe", "mixpe", "--array", "ws", "--size", "4x4"]
    found = tmp_path / "e.json"
    group = ["-p", "scale_group=128", "-p", "scale_type=fp16"]
    done = run("evaluate", "digits_mlp", *usual, *group, "--json", str(found))
    assert done.exit_code == 0, done.stderr
    assert "-p scale_group=128 -p scale_type=fp16" in done.stdout.replace("\n", "")
    assert json.loads(found.read_text())["metrics"]["accuracy"] > 0.95
    rows = tmp_path / "r.json"
    done = run("run", *usual, *group, "--workload", "gemm:8x8x300", "--json", str(rows))
    assert done.exit_code == 0, done.stderr
    cycles = json.loads(rows.read_text())["totals"]["cycles"]
    assert cycles == tpe.Engine("mixpe", "ws", "4x4", scale_group=128).run("gemm:8x8x300").cycles
    done = run("emit", *usual, *group, "-o", str(tmp_path / "out"))
    assert done.exit_code == 2 and done.stderr.count("\n") == 1
    assert "scale_group = 128 is model only" in done.stderr
