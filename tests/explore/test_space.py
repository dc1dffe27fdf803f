"""Spaces as files: what is there, what is refused, and conditions."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest

from tpe import TpeError
from tpe.explore.expressions import Expression
from tpe.explore.space import Space
from tpe.explore.space_file import read_space, space_of

SMALL = """
workload = ["gemm:8x8x8", "gemm:4x4x4"]
constraints = ["rows * cols <= 64"]
[engines]
pe = ["mac", "opt4c"]
array = ["matrix2d", "os"]
rows = { from = 2, to = 16, factor = 2 }
cols = [4, 8]
[engines.parameters]
encoder = ["booth", "ent"]
[engines.per_pe.opt4c]
depth = [64, 256]
"""


def space(text: str) -> Space:
    made = space_of(tomllib.loads(text))
    _ = made.count
    return made


def test_points_are_numbered_and_unlike() -> None:
    found = space(SMALL)
    numbers = np.concatenate([n for _, n in found.numbers()]).tolist()
    points = [found.point(n) for n in numbers]
    assert len(points) == len(set(points)) == found.count
    # mac in two arrays: 2 workloads, 2 encoders, 7 sizes; opt4c in one, with 2 depths; in the other
    # it is refused, which is a row for each workload
    assert found.count == 2 * 28 + 56 + 2
    assert {p.pe for p in points if "depth" in dict(p.parameters)} == {"opt4c"}


def test_a_sample_is_of_the_space_and_of_its_seed_alone() -> None:
    found = space(SMALL)
    every = set(np.concatenate([n for _, n in found.numbers()]).tolist())
    one = found.sample(40, seed=3)
    assert len(one) == len(set(one.tolist())) == 40 and set(one.tolist()) <= every
    assert (one == found.sample(40, seed=3)).all()
    assert one.tolist() != found.sample(40, seed=4).tolist()
    assert set(found.sample(10**6).tolist()) == every


def test_a_sample_spreads_over_axes() -> None:
    """Sobol, not luck: every value of an axis of 16 comes once or twice in 24 points."""
    text = SMALL.replace("factor = 2", "step = 1").replace("to = 16", "to = 17")
    text = text.replace('"mac", "opt4c"', '"mac"').replace('"matrix2d", "os"', '"os"')
    text = text.replace("[engines.per_pe.opt4c]\ndepth = [64, 256]\n", "").replace("<= 64", "< 1e6")
    found = space(text)
    rows = [int(str(found.point(n).size).split("x")[0]) for n in found.sample(32).tolist()]
    counts = np.bincount(rows, minlength=18)[2:18]
    assert counts.min() >= 1 and counts.max() <= 3


def test_a_condition_says_nothing_of_what_a_pe_has_not() -> None:
    found = space(SMALL.replace("rows * cols <= 64", "depth == 64"))
    points = [found.point(n) for _, ns in found.numbers() for n in ns.tolist()]
    assert {dict(p.parameters).get("depth") for p in points if p.pe == "opt4c"} == {64, None}
    assert any(p.pe == "mac" for p in points)


REFUSED = {
    ('pe = ["mac", "opt4c"]', 'pe = ["mac", "opt9"]'): "unknown pe 'opt9' (did you mean 'opt",
    ("encoder =", "encodr ="): "unknown parameter of mac, opt4c 'encodr' (did you mean 'encoder'?)",
    ('"booth"', '"boot"'): "unknown encoder 'boot' (did you mean 'booth'?)",
    ("workload =", "worklod ="): "unknown field 'worklod' (did you mean 'workload'?)",
    ("factor = 2", "facto = 2"): "unknown field of rows 'facto' (did you mean 'factor'?)",
    ("factor = 2", "factor = 1"): "a factor of 2 or more",
    ("from = 2", "from = 0"): "1 <= from <= to",
    ("cols = [4, 8]", "cols = [4, 4]"): "cols has 4 twice",
    ("cols = [4, 8]", "cols = []"): "cols has no values",
    ("cols = [4, 8]", "cols = [4, 8000]"): "size = [8000, 8000] is not legal for matrix2d",
    ("cols = [4, 8]", 'size = "4x4"'): "size and rows of engines are both given",
    ("cols = [4, 8]", ""): "cols of engines is missing",
    ("cols <= 64", "cols <= 4"): "leave no point of",
    ("rows * cols <= 64", "rowz < 4"): "unknown name 'rowz' (did you mean 'rows'?)",
    ("rows * cols <= 64", "rows < 'a'"): "a text in place of a number",
    ("rows * cols <= 64", "open('x') == 1"): "is not legal",
    ("rows * cols <= 64", "rows % (cols - cols) == 1"): "a division by zero",
    ("per_pe.opt4c", "per_pe.opt4b"): "unknown pe of engines.per_pe 'opt4b'",
    ("[engines]", "clock_ns = 2.0\n[engines]"): "clock_ns is given without library",
    ("[engines]", 'library = "tpe13"\n[engines]'): "unknown library 'tpe13'",
    ("[engines]", "objectives = ['are_um2']\n[engines]"): "unknown objective 'are_um2'",
    ("[engines]", "values = 'non'\n[engines]"): "unknown values 'non'",
    ("[engines]", "seed = -1\n[engines]"): "seed = -1 is not legal",
}


@pytest.mark.parametrize("change", REFUSED)
def test_what_is_wrong_is_named_in_a_line(change: tuple[str, str], tmp_path: Path) -> None:
    assert SMALL.count(change[0]) >= 1
    file = tmp_path / "space.toml"
    file.write_text(SMALL.replace(*change))
    with pytest.raises(TpeError) as error:
        read_space(file)
    assert REFUSED[change] in str(error.value)
    assert str(error.value).startswith(f"space file '{file}': ")
    assert "\n" not in str(error.value)


def test_constraints_that_contradict_each_other_are_named() -> None:
    with pytest.raises(TpeError, match="'rows > 99' alone leave no point of 130"):
        space(SMALL.replace('"rows * cols <= 64"', '"rows > 99", "cols < 8"'))
    with pytest.raises(TpeError, match="constraints together leave no point"):
        space(SMALL.replace('"rows * cols <= 64"', '"rows > 4", "rows < 4"'))


@pytest.mark.parametrize(
    "text",
    [
        *("__import__('os')", "rows.real > 1", "[r for r in rows]", "lambda: 1"),
        *("f'{rows}' == 'a'", "(a := 1) > 0", "rows[0] > 1", "2 ** 9 > rows", "rows > 1; cols"),
        *("rows in cols", "None == rows", "1e300 > rows", "rows", "rows + 1", "not rows", ""),
        *("x" * 2000, "rows if 1 else 2"),
        "(" * 500 + "1" + ")" * 500,
    ],
)  # fmt: skip
def test_what_is_not_of_the_language_is_refused(text: str) -> None:
    with pytest.raises(TpeError, match=r"^constraint "):
        Expression(text).value({"rows": np.array([1, 2]), "cols": 3})


@pytest.mark.parametrize(
    "text",
    ["rows * cols <= 24 and not rows == 3", "rows % 2 == 0 or cols // 2 > 2 >= rows - 1",
     "1 < rows <= 4 != cols", "rows in [1, 4] or cols not in [3, 5]", "-rows + 10 > cols / 2"],
)  # fmt: skip
def test_conditions_mean_what_they_mean_in_python(text: str) -> None:
    rng = np.random.default_rng(1)
    rows, cols = rng.integers(1, 9, (2, 200))
    plain = [bool(eval(text, {"rows": r, "cols": c})) for r, c in zip(rows, cols, strict=True)]
    assert Expression(text).value({"rows": rows, "cols": cols}).tolist() == plain
