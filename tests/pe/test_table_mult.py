"""`table_mult` in arrays: values by definition, cycles of a MAC, the table as part of an engine."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree
from tpe import array as arrays
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.numbers.formats import FORMATS
from tpe.numbers.multiplier_table import MultiplierTable, multiplier_table
from tpe.numbers.multipliers import MULTIPLIERS

ARRAYS = [name for name in arrays.names() if not arrays.get(name).fixed]


def engine(array: str = "matrix2d", size: str = "3x2", **parameters: object) -> tpe.Engine:
    if len(arrays.get(array).sides) == 3:
        size += "x2"
    return tpe.Engine("table_mult", array, size, **parameters)


@pytest.fixture
def lopsided(tmp_path: Path) -> tuple[str, MultiplierTable]:
    """A file of products that are neither symmetric nor zero at zero: int4 rows, uint3 columns."""
    products = np.random.default_rng(1).integers(-500, 500, (16, 8))
    np.save(tmp_path / "lopsided.npy", products)
    table = multiplier_table(products, FORMATS["int4"], FORMATS["uint3"])
    return str(tmp_path / "lopsided.npy"), table


def slow(a: np.ndarray, b: np.ndarray, products: np.ndarray) -> np.ndarray:
    """Sums of looked-up products; operands as they are, negative ones counted from the end."""
    rows = [[sum(int(products[x, y]) for x, y in zip(r, c, strict=True)) for c in b.T] for r in a]
    return np.array(rows)


def drawn(e: tpe.Engine, m: int, k: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return e.a_format.drawn(rng, (m, k)), e.b_format.drawn(rng, (k, n))


@pytest.mark.parametrize("array", ARRAYS)
def test_values_are_the_definitions_and_cycles_those_of_a_mac(array: str) -> None:
    for name, a_type in (("kulkarni", "uint8"), ("mitchell", "int8"), ("mitchell", "int5")):
        e = engine(array, a_type=a_type, table=name)
        mac = tpe.Engine("mac", array, e.size, a_type=a_type, b_type=a_type)
        products = MULTIPLIERS[name].table(e.a_format, e.b_format).products
        for m, k, n in ((1, 1, 1), (4, 13, 5)):
            a, b = drawn(e, m, k, n)
            for values in ("bits", "fast"):
                run = e.run(a, b, values=values)
                assert (run.C == slow(a, b, products)).all()
                assert run.terms == mac.run(a, b).terms


def test_cycles_of_several_lanes_are_those_of_a_mac() -> None:
    e, mac = (tpe.Engine(pe, "matrix2d", "3x2", lanes=5) for pe in ("table_mult", "mac"))
    a, b = drawn(e, 4, 13, 5)
    assert e.run(a, b).terms == mac.run(a, b).terms


def test_the_encoded_operand_is_the_row(lopsided: tuple[str, MultiplierTable]) -> None:
    path, table = lopsided
    e = engine(table=path, a_type="int4", b_type="uint3")
    a, b = drawn(e, 3, 7, 4)
    turned = engine(table=path, a_type="uint3", b_type="int4", encode="weights")
    for values in ("bits", "fast"):
        assert (e.run(a, b, values=values).C == slow(a, b, table.products)).all()
        assert (turned.run(b.T, a.T, values=values).C == slow(a, b, table.products).T).all()
    with pytest.raises(tpe.TpeError, match=r"lopsided\.npy is 16 x 8; legal for uint3 x int4: 8 x"):
        engine(table=path, a_type="uint3", b_type="int4")


def test_errors_are_told_against_exact_products() -> None:
    e = engine(a_type="uint8", table="kulkarni")
    run = e.run([[3, 3]], [[3], [1]])
    assert run.C.tolist() == [[10]] and run.rows()[0]["max_abs_error_vs_exact"] == 2
    assert run.rows()[0]["exact"] is False


def test_a_sum_beyond_the_accumulator(tmp_path: Path) -> None:
    """Room is told from the table's products, not from those that are exact."""
    np.savetxt(tmp_path / "large.csv", np.full((256, 256), 20_000), fmt="%d", delimiter=",")
    given = {"table": str(tmp_path / "large.csv"), "acc_bits": 16}
    a, b = np.zeros((1, 2), int), np.zeros((2, 1), int)
    assert engine(**given).run(a[:, :1], b[:1]).C.tolist() == [[20_000]]
    with pytest.raises(tpe.TpeError, match=r"K = 2 products of int8 and int8 need .* 17 bits"):
        engine(**given).run(a, b)
    with pytest.raises(tpe.TpeError, match=r"need .* 17 bits"):
        engine(**given).run("gemm:1x1x2", values="none")
    for values in ("bits", "fast"):
        wrapped = engine(overflow="wrap", **given).run(a, b, values=values)
        assert wrapped.C.tolist() == [[40_000 - 65_536]]
        saturated = engine(overflow="saturate", **given).run(a, b, values=values)
        assert saturated.C.tolist() == [[32_767]] and saturated.layers[0].overflowed
    small = engine(acc_bits=16, table="exact", a_type="uint2")
    assert small.run(np.full((1, 3640), 3), np.full((3640, 1), 3)).C.tolist() == [[32_760]]


def test_an_engine_is_its_tables_content(
    lopsided: tuple[str, MultiplierTable], tmp_path: Path
) -> None:
    path, table = lopsided
    e = engine(table=path, a_type="int4", b_type="uint3")
    name = e.params["table"]
    assert name.startswith(f"{path}@")
    e.save(tmp_path / "engine.toml")
    loaded = tpe.Engine.load(tmp_path / "engine.toml")
    again = pickle.loads(pickle.dumps(e))
    assert e == loaded == again and e.hash == loaded.hash == again.hash
    assert e.pe.kernel.table == again.pe.kernel.table == table
    assert not pickle.loads(pickle.dumps(table)).products.flags.writeable
    np.save(path, table.products + 1)
    for stale in (lambda: tpe.Engine.load(tmp_path / "engine.toml"), lambda: engine(table=name)):
        with pytest.raises(tpe.TpeError, match=r"its content is .* it has changed"):
            stale()
    other = engine(table=path, a_type="int4", b_type="uint3")
    assert other != e and other.hash != e.hash
    assert engine(table="MITCHELL") == engine() != engine(table="kulkarni")


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ({"table": "booth"}, "unknown multiplier 'booth'; legal: mitchell, kulkarni, exact, FILE"),
        ({"table": 3}, "unknown multiplier '3'"),
        ({"a_type": "int9"}, "a_type = 'int9' is not legal for pe table_mult"),
        ({"zero_points": "offset"}, "unknown zero_points 'offset'; legal: none"),
        ({"table": "none.npy"}, "none.npy: cannot be read as multiplier: No such file"),
    ],
)
def test_what_is_refused(parameters: dict[str, object], text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text.replace(".", r"\.")):
        engine(**parameters)


def test_every_pair_equals_the_rtl() -> None:
    """Of every multiplier that has some, signed, unsigned and mixed; K = 1, then sums of them."""
    cases = []
    for name, types in (
        ("kulkarni", ("uint8", "uint8")),
        ("kulkarni", ("int8", "uint5")),
        ("mitchell", ("uint8", "int8")),
        ("exact", ("int8", "int8")),
    ):
        e = engine(size="4x4", a_type=types[0], b_type=types[1], table=name)
        cases.append(Case(e, e.a_format.sweep()[:, None], e.b_format.sweep()[None, :]))
        cases += [Case(e, *drawn(e, 5, k, 6), STALLS) for k in (1, 33)]
    assert_all_agree(cases)


def test_a_file_has_no_rtl(lopsided: tuple[str, MultiplierTable], tmp_path: Path) -> None:
    e = engine(table=lopsided[0], a_type="int4", b_type="uint3")
    assert e.rtl_checked == "model only" and engine().rtl_checked == "contract tests"
    with pytest.raises(
        tpe.TpeError, match=r"with table = .*lopsided\.npy@\w+ is model only: it has"
    ):
        tpe.emit(e, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_exact_table_is_a_mac_to_a_model() -> None:
    exact, mac = engine(table="exact"), tpe.Engine("mac", "matrix2d", "3x2")
    x, w = np.random.default_rng(0).normal(size=(2, 6, 6))
    assert (tpe.matmul(exact, x, w) == tpe.matmul(mac, x, w)).all()
    assert tpe.evaluate_model("digits_mlp", exact).metrics == (
        tpe.evaluate_model("digits_mlp", mac).metrics
    )
    off = np.abs(tpe.matmul(engine(), x, w) - x @ w).max()
    assert np.abs(tpe.matmul(mac, x, w) - x @ w).max() < off < 1


def test_error_studies_hold_the_products_errors() -> None:
    study = tpe.error(engine(a_type="uint8", table="kulkarni"), lengths=[4], rows=2, columns=2)
    errors = MULTIPLIERS["kulkarni"].table(FORMATS["uint8"], FORMATS["uint8"]).errors
    assert study.multiplier == errors
    assert study.to_json()["multiplier"]["largest"] == 14_450
    assert tpe.error("mac", lengths=[4], rows=2, columns=2).multiplier is None


def test_the_command_line_says_so(tmp_path: Path) -> None:
    np.save(
        tmp_path / "t.npy", MULTIPLIERS["mitchell"].table(FORMATS["int8"], FORMATS["int8"]).products
    )
    words = ["error", "--pe", "table_mult", "-p", f"table={tmp_path / 't.npy'}", "--lengths", "2"]
    code = "from tpe.cli.main import app; app()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"-p table={tmp_path / 't.npy'}@" in done.stdout.replace("\n", "")
    assert "The products themselves" in done.stdout and "3.7 %" in done.stdout
    words[4] = "table=none.npy"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "none.npy" in done.stderr
