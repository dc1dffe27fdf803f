"""The pictures: what is drawn is the numbers, in a palette that all eyes tell apart."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tpe.array.base import TERMS
from tpe.cli.main import app
from tpe.report import cycles_figure

pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def comparison() -> Any:
    return tpe.compare(["mac", "opt1", "opt4c"], "digits_mlp")


def _stacks(axes: Any, along: str) -> dict[str, list[tuple[float, float]]]:
    """(start, length) of every bar by its legend, read from the axes."""
    found = {}
    for container in axes.containers:
        bars = [
            (bar.get_y(), bar.get_height()) if along == "y" else (bar.get_x(), bar.get_width())
            for bar in container
        ]
        found[container.get_label()] = bars
    return found


def _check(stacks: dict[str, list[tuple[float, float]]], parts: list[Any], scale: float) -> None:
    """Every bar is its term, and stands on the ones before it."""
    ends = [0.0] * len(parts)
    drawn = {
        cycles_figure.LEGEND[term] for term in TERMS if any(getattr(p.terms, term) for p in parts)
    }
    assert drawn <= set(stacks)
    for term in TERMS:
        for i, part in enumerate(parts):
            if cycles_figure.LEGEND[term] in stacks:
                start, length = stacks[cycles_figure.LEGEND[term]][i]
                assert start == pytest.approx(ends[i])
                assert length * scale == pytest.approx(float(getattr(part.terms, term)))
                ends[i] += length
            else:
                assert getattr(part.terms, term) == Fraction(0)
    assert [end * scale for end in ends] == pytest.approx([part.cycles for part in parts])


def test_the_stacks_are_the_terms_of_the_cycles(comparison: Any) -> None:
    (axes,) = comparison.figure().axes
    assert axes.get_ylabel() == "cycles (thousands)"
    _check(_stacks(axes, "y"), [run for _, run in comparison.ran], 1000.0)
    totals = {text.get_text() for text in axes.texts}
    assert totals == {f"{run.cycles:,}" for _, run in comparison.ran}
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    assert names == ["mac\nmatrix2d\n16x16", "opt1\nmatrix2d\n16x16", "opt4c\nmatrix2d\n16x16"]


def test_every_layer_has_its_stack_in_a_panel_per_engine(comparison: Any) -> None:
    figure = comparison.figure(layers=True)
    assert len(figure.axes) == 3
    assert len({axes.get_xlim() for axes in figure.axes}) == 1  # one scale
    for axes, (label, run) in zip(figure.axes, comparison.ran, strict=True):
        assert axes.get_title() == f"{label}\nmatrix2d 16x16"
        assert axes.get_xlabel() == "cycles (thousands)"
        _check(_stacks(axes, "x"), list(run.layers), 1000.0)
    names = [tick.get_text() for tick in figure.axes[0].get_yticklabels()]
    assert names == ["fc1", "fc2", "fc3"]


@pytest.mark.parametrize("layers", [False, True])
def test_a_picture_has_a_title_a_legend_and_says_what_it_does_not(
    comparison: Any, layers: bool
) -> None:
    figure = comparison.figure(layers)
    title = figure.get_suptitle() if layers else figure.axes[0].get_title(loc="left")
    assert title == cycles_figure.TITLE and len(title.split()) <= 5
    legend = {text.get_text() for text in figure.legends[0].get_texts()}
    terms = {t for t in TERMS if any(getattr(run.terms, t) for _, run in comparison.ran)}
    assert legend == {cycles_figure.LEGEND[term] for term in terms}
    below = figure.get_supxlabel()
    assert "digits_mlp, int8 x int8, seed 0" in below and "area and energy are unknown" in below


@pytest.mark.parametrize("layers", [False, True])
def test_no_text_overlaps_another_or_leaves_the_picture(layers: bool) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        f"encoder.layer.{i}.attention.output.dense": (
            rng.integers(-128, 128, (9, 20)),
            rng.integers(-128, 128, (20, 9)),
        )
        for i in range(30)
    }
    engines = [
        tpe.Engine("mac", "os", "4x4"),
        tpe.Engine("mac", "os", "4x8", stages=2, encoder="ent"),
        tpe.Engine("opt4c", size="4x4", encode="weights"),
        tpe.Engine("opt4c", size="4x4", depth=8),
    ]
    figure = tpe.compare(engines, tpe.Workload.from_arrays(arrays)).figure(layers)
    figure.draw_without_rendering()
    texts = [text for axes in figure.axes for text in (*axes.texts, axes.title)]
    for axes in figure.axes:
        texts += [*axes.get_xticklabels()] if not layers else [*axes.get_yticklabels()]
    texts += [*figure.legends[0].get_texts(), *figure.texts]
    boxes = [t.get_window_extent() for t in texts if t.get_text() and t.get_visible()]
    assert len(boxes) > 10
    whole = figure.bbox
    for i, box in enumerate(boxes):
        inside = (box.x0 >= -1, box.y0 >= -1, box.x1 <= whole.x1 + 1, box.y1 <= whole.y1 + 1)
        assert all(inside), box
        for other in boxes[i + 1 :]:
            apart = (
                box.x1 <= other.x0 or other.x1 <= box.x0 or box.y1 <= other.y0 or other.y1 <= box.y0
            )
            assert apart, (box, other)


def test_layer_names_are_cut_only_as_far_as_they_differ() -> None:
    names = [f"encoder.layer.{i}.attention.output.dense" for i in range(40)]
    short = cycles_figure._distinct(names)
    assert len(set(short)) == 40 and max(map(len, short)) <= 40
    assert cycles_figure._distinct(["fc1", "fc2"]) == ["fc1", "fc2"]


def _luminance(colour: str) -> float:
    """Relative luminance of an sRGB colour, by WCAG 2.1."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _seen(colour: str, kind: str) -> np.ndarray:
    """A colour as a dichromat sees it, in Lab: Vienot, Brettel and Mollon, 1999."""
    parts = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    rgb = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    to_lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    lacking = {
        "normal": np.eye(3),
        "protan": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
        "deutan": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
    }[kind]
    rgb = np.clip(np.linalg.inv(to_lms) @ lacking @ to_lms @ rgb, 0, 1)
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = to_xyz @ rgb / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("kind", ["normal", "protan", "deutan"])
def test_any_two_colours_are_told_apart(kind: str) -> None:
    colours = list(cycles_figure.COLOURS.values())
    assert set(cycles_figure.COLOURS) == set(cycles_figure.LEGEND) == set(TERMS)
    for i, one in enumerate(colours):
        assert _luminance(one) < 0.6  # seen on white
        for other in colours[i + 1 :]:
            assert np.linalg.norm(_seen(one, kind) - _seen(other, kind)) > 12, (one, other)


@pytest.mark.parametrize(
    ("ending", "head"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
)
def test_files_are_of_their_kind_and_equal_when_drawn_again(
    comparison: Any, ending: str, head: bytes, tmp_path: Path
) -> None:
    first, again = tmp_path / f"a.{ending}", tmp_path / f"b.{ending}"
    comparison.save_figure(first)
    comparison.save_figure(again)
    assert first.read_bytes().startswith(head)
    assert first.read_bytes() == again.read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


def test_dollar_signs_in_names_are_no_formulas(tmp_path: Path) -> None:
    ones = np.ones((2, 2), int)
    given = tpe.Workload.from_arrays({"a$\\frac$": (ones, ones)})
    comparison = tpe.compare({"x$_{$": "mac"}, given)
    comparison.save_figure(tmp_path / "x.png", layers=True)


def test_too_many_layers_are_refused() -> None:
    ones = np.ones((1, 1), int)
    names = [f"l{i}" for i in range(cycles_figure.MOST_LAYERS + 1)]
    given = tpe.Workload.from_arrays(dict.fromkeys(names, (ones, ones)))
    with pytest.raises(tpe.TpeError, match="legal: at most 300"):
        tpe.compare(["mac"], given, size="1x1").figure(layers=True)


def test_the_command_draws(tmp_path: Path) -> None:
    file = tmp_path / "cycles.svg"
    result = CliRunner().invoke(app, ["compare", "--figure", str(file), "--workload", "gemm:4x4x4"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert f"picture in {file}" in result.stdout and "█" not in result.stdout
    assert cycles_figure.TITLE in file.read_text()


def test_without_matplotlib_the_pip_command_is_named_before_any_work(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tpe.Engine, "run", lambda *_, **__: pytest.fail("ran"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    result = CliRunner().invoke(app, ["compare", "--figure", str(tmp_path / "x.png")])
    assert result.exit_code == 2
    assert "matplotlib is not installed; run: pip install -e '.[report]'" in result.stderr
