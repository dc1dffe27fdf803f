"""`tpe error`: measures by their definitions, what engines do, what is refused, the picture."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tpe.cli.main import app
from tpe.pe import usable
from tpe.report.error_figure import draw
from tpe.study.errors import QUANTILES


def between_one_and_two(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.uniform(1, 2, shape)


def test_the_measures_are_their_definitions() -> None:
    """One K, every number from fractions: nothing of what the study calls."""
    study = tpe.error("lmul", "normal:1", [48], rows=5, columns=7, seed=3)
    engine = study.engine
    (layer,) = engine.find("gemm:5x7x48:normal:1", 3).layers
    a, b = layer.activations, layer.weights
    c = engine.run(a, b).C
    row = study.find(48)
    exact = [
        [
            sum(Fraction(float(x)) * Fraction(float(y)) for x, y in zip(r, s, strict=True))
            for s in b.T
        ]
        for r in a
    ]
    unit = float(sum(abs(x) for line in exact for x in line)) / 35
    pairs = [(Fraction(float(c[i, j])), exact[i][j]) for i in range(5) for j in range(7)]
    errors = [float(got - x) / unit for got, x in pairs]
    outward = [e * (1 if x > 0 else -1) for e, (_, x) in zip(errors, pairs, strict=True)]
    assert (row.outputs, row.not_finite, row.differing) == (35, 0, sum(e != 0 for e in errors))
    assert row.unit == pytest.approx(unit)
    assert row.bias == pytest.approx(sum(errors) / 35)
    assert row.outward_bias == pytest.approx(sum(outward) / 35)
    assert row.mean_absolute == pytest.approx(sum(map(abs, errors)) / 35)
    assert row.root_mean_square == pytest.approx(math.sqrt(sum(e * e for e in errors) / 35))
    assert row.largest == pytest.approx(max(map(abs, errors)))
    assert row.quantiles == pytest.approx(tuple(np.quantile(errors, QUANTILES)))
    inside = [
        sum(low <= e < high for e in errors)
        for low, high in zip(row.edges[:-1], row.edges[1:], strict=True)
    ]
    assert sum(row.counts) == 35 and list(row.counts[:-1]) == inside[:-1]
    spread = math.sqrt(sum((e - row.bias) ** 2 for e in errors) / 35)
    assert row.bias_standard_error == pytest.approx(spread / math.sqrt(35))
    products = tpe.error("lmul", "normal:1", [48], rows=5, columns=7, seed=3, relative="products")
    sizes = np.abs(a.astype(float)) @ np.abs(b.astype(float))
    assert products.find(48).unit == pytest.approx(sizes.mean())
    assert products.find(48).bias * sizes.mean() == pytest.approx(row.bias * unit)


def test_the_bias_of_l_mul_is_apart_from_its_size() -> None:
    """Of positive numbers it stays as K grows, while the rest averages out.

    Of numbers of both signs it is in the outward bias: -3.85 % of a product without an offset.
    """
    study = tpe.error("lmul", between_one_and_two, [16, 1024], seed=1)
    few, many = study.find(16), study.find(1024)
    assert many.bias == pytest.approx(many.mean_absolute, rel=0.01)
    assert few.mean_absolute > 1.3 * many.mean_absolute and many.bias > 0.004
    assert few.largest > 2 * many.largest
    without = tpe.error("lmul", "normal:1", [256], seed=1, offset="none").find(256)
    assert abs(without.bias) < 4 * without.bias_standard_error
    assert -0.045 < without.outward_bias < -0.03


@pytest.mark.parametrize("pe", usable())
def test_every_pe_is_measured(pe: str) -> None:
    """Whatever there is and comes, unnamed; one that is exact has no error."""
    study = tpe.error(pe, lengths=[4, 9], rows=3, columns=2)
    assert [(row.k, row.reference) for row in study.rows] == [
        (k, reference) for k in (4, 9) for reference in ("exact", "fp64")
    ]
    if study.engine.arithmetic.exact:
        assert not any(row.largest or row.differing for row in study.rows)
        assert study.growth() is None
    json.dumps(study.to_json(), allow_nan=False)


def test_integers_that_wrap_are_seen() -> None:
    wrapped = tpe.error("mac", lengths=[64], acc_bits=18, overflow="wrap", operands=largest_int8)
    row = wrapped.find(64)
    assert row.differing == row.outputs == 1024
    # 64 x 127 x 127 = 1,032,256; 18 bits hold it as it is modulo 2**18, less 2**18.
    held = (1032256 + (1 << 17)) % (1 << 18) - (1 << 17)
    assert row.bias == pytest.approx((held - 1032256) / 1032256)


def largest_int8(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.full(shape, 127)


def huge(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.full(shape, 2.0**100)


def test_results_that_are_not_finite_are_counted_apart() -> None:
    row = tpe.error("lmul", huge, [4], rows=2, columns=3).find(4)
    assert (row.outputs, row.not_finite) == (0, 6) and math.isnan(row.bias)
    assert row.to_json()["bias"] is None

    def one(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        x = np.ones(shape)
        x[0] = 2.0**100 if shape[0] == 2 else 1
        return x * (2.0**100 if shape[0] == 4 else 1)

    half = tpe.error("lmul", one, [4], rows=2, columns=3).find(4)
    assert (half.outputs, half.not_finite) == (3, 3) and half.largest < 1


def test_float64_as_a_reference_says_how_far_it_is_itself() -> None:
    """2**80 + 1 - 2**80 in order is 0 in float64."""

    def cancels(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        line = np.array([2.0**80, 1.0, -(2.0**80)])
        return np.tile(line, (shape[0], 1)) if shape[1] == 3 else np.ones(shape)

    study = tpe.error("lmul", cancels, [3], rows=2, columns=2, offset="none")
    assert study.find(3, "fp64").reference_error == 1.0 and study.find(3).reference_error == 0.0
    assert study.find(3).bias == -1.0 and study.find(3, "fp64").bias == 0.0


def test_growth_is_the_slope_of_logarithms() -> None:
    """The absolute error of positive numbers grows as the result does, the relative one not."""
    study = tpe.error("lmul", between_one_and_two, [64, 256, 1024], offset="none")
    assert study.growth() == pytest.approx(0, abs=0.02)
    assert set(study.to_json()["growth"]) == {"exact", "fp64"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"lengths": []}, r"lengths = \[\] is not legal"),
        ({"lengths": [0]}, "lengths = 0 is not legal: an integer from 1 to 1048576"),
        ({"rows": 1.5}, "rows = 1.5 is not legal"),
        ({"columns": 9999}, "columns = 9999 is not legal: an integer from 1 to 4096"),
        ({"relative": "all"}, "unknown relative 'all'"),
        ({"operands": "gamma"}, "unknown distribution 'gamma'"),
        ({"engine": "macc"}, "unknown pe 'macc'"),
        (
            {"engine": tpe.Engine("mac"), "array": "os"},
            "array, size or parameters beside an Engine",
        ),
    ],
)
def test_what_is_refused(options: dict[str, object], text: str) -> None:
    with pytest.raises(tpe.TpeError, match=text):
        tpe.error(**{"engine": "mac", **options})
    with pytest.raises(tpe.TpeError, match="no row of K = 5"):
        tpe.error("mac", lengths=[4], rows=1, columns=1).find(5)


# ---- the command ----


def test_the_command_writes_what_the_function_measures(tmp_path: Path) -> None:
    target, picture = tmp_path / "errors.json", tmp_path / "errors.png"
    words = ["error", "--pe", "lmul", "--operands", "normal:1", "--lengths", "4,32", "--rows", "3"]
    words += ["--json", str(target), "--figure", str(picture)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    shown = json.loads(target.read_text())
    ours = tpe.error("lmul", "normal:1", [4, 32], rows=3, size="16x16")
    assert shown["rows"] == json.loads(json.dumps([row.to_json() for row in ours.rows]))
    assert shown["command"].startswith("tpe error --pe lmul --array ")
    assert "Against exact sums" in done.output and picture.read_bytes()[:4] == b"\x89PNG"
    again = CliRunner().invoke(app, [*shown["command"].split()[1:], "--json", str(target)])
    assert again.exit_code == 0 and json.loads(target.read_text())["rows"] == shown["rows"]


def test_the_command_refuses_in_a_line(tmp_path: Path) -> None:
    for words, text in (
        (["--lengths", "4,x"], "--lengths 4,x: 'x' is no number; legal: such as 16,64"),
        (["--figure", str(tmp_path / "x.gif")], "x.gif"),
    ):
        done = CliRunner().invoke(app, ["error", "--pe", "mac", *words])
        assert done.exit_code == 2 and text in done.output and done.output.count("\n") == 1


def test_the_picture_holds_every_k_and_says_where_nothing_is_off() -> None:
    figure = draw(tpe.error("lmul", "normal:1", [4, 32], rows=4, columns=4))
    left, right = figure.axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["K = 4", "K = 32"]
    assert len(right.lines) == 5
    figure = draw(tpe.error("mac", lengths=[4], rows=2, columns=2))
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["every output is exact"] * 2
    wrapped = tpe.error(
        "mac", lengths=[2, 64], rows=2, acc_bits=18, overflow="wrap", operands=largest_int8
    )
    assert "Not drawn, every output is exact: K = 2." in draw(wrapped)._supxlabel.get_text()
