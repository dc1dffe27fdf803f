"""Forms of an engine: legal, equal in what they compute, and priced beside the plain one."""

from __future__ import annotations

import json
import shlex
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.contract.combos import WITH_RTL, combo_id
from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.engine.config import Config
from tpe.model.engine import Engine
from tpe.study.cost_file import read_cost
from tpe.study.forms import best, formed, forms
from tpe.study.points import compare
from tpe.study.price import price, users_price
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology


@pytest.mark.parametrize(("pe", "array"), WITH_RTL, ids=map(combo_id, WITH_RTL))
def test_a_form_computes_the_same(pe: Any, array: Any) -> None:
    """Nothing in common with the choice of forms but the product."""
    plain = Config(pe, array, (2,) * len(array.sides))
    rng = np.random.default_rng(3)
    a, b = rng.integers(-128, 128, (5, 37)), rng.integers(-128, 128, (37, 3))
    for form in forms(plain):
        found = Engine.of(formed(plain, form))
        assert all(found.params[name] == value for name, value in form.items())
        assert np.array_equal(found.run(a, b).C, a @ b)


def test_which_pes_have_forms() -> None:
    found = {pe.name: len(forms(Config(pe, array))) for pe, array in WITH_RTL}
    assert found["mac"] == found["opt1"] == found["opt2"] == 1
    assert found["opt4c"] == 3 and found["opt3"] == found["opt4e"] == 2


def test_what_was_asked_for_stays() -> None:
    engine = Config("opt4c", "matrix2d", "2x2", encoder="booth", acc_bits=28)
    for form in forms(engine):
        params = formed(engine, form).params
        assert (params["encoder"], params["acc_bits"]) == ("booth", 28)


def test_the_best_of_a_mac_is_one_of_its_forms() -> None:
    tech, recipes = technology(), find_recipes("sklansky/fast,sklansky/small")
    asked = []

    def priced(engine: Config, form: Any) -> Any:
        asked.append(dict(form))
        return price(engine, tech, recipes, vary=())

    engine = Config("mac", "matrix2d", "4x4", stages=3)
    found, plain = best(engine, priced), price(engine, tech, recipes, vary=())
    assert asked == [{}, *map(dict, forms(engine))]
    own = [option for option in found.options if not option.form]
    assert [o.period_ns for o in own] == [o.period_ns for o in plain.options]
    periods = [option.period_ns for option in found.options]
    assert periods == sorted(periods) and len(own) < len(periods)
    size = (16, 16)
    option = found.densest(size)
    assert option.form and option.params["negate"] == "row" and "stages" not in option.params
    other = plain.densest(size)
    cost, of_plain = (o.area_um2(size) * o.period_ns for o in (option, other))
    assert cost < 0.95 * of_plain


def test_a_users_numbers_have_one_form(tmp_path: Any) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("pe,clock_ns,area_um2,energy_fj_per_mac,leakage_uw\nmac,1.0,900,,\n")
    engine = Config("mac", "matrix2d", "4x4")
    price_of = partial(users_price, costs=read_cost(str(file)))
    found = best(engine, lambda one, form: price_of(one))
    assert {len(option.form) for option in found.options} == {0}


def test_a_lean_comparison_takes_the_best_and_says_so(tmp_path: Path) -> None:
    """--lean: not what -p gave; the command of its JSON, run again, gives the same rows."""
    file, again = tmp_path / "own.json", tmp_path / "again.json"
    words = ("--pe", "mac", "--iso", "area", "--recipe", "sklansky/fast", "--no-energy")
    words += ("-p", "stages=3", "-p", "tree=chain", "--workload", "gemm:32x32x64")
    plain = CliRunner().invoke(app, ["compare", *words])
    lean = CliRunner().invoke(app, ["compare", *words, "--lean", "--json", str(file)])
    assert (plain.exit_code, lean.exit_code) == (0, 0), lean.output
    assert "biased = on" in lean.stdout and "biased" not in plain.stdout
    content = json.loads(file.read_text())
    command = shlex.split(content["command"])[1:]
    assert "--lean" in command and not any("negate" in word for word in command)
    assert CliRunner().invoke(app, [*command, "--json", str(again)]).exit_code == 0
    assert json.loads(again.read_text())["rows"] == content["rows"]
    fixed = CliRunner().invoke(app, ["compare", *words, "--lean", "-p", "biased=off"])
    assert "biased = on" not in fixed.stdout and fixed.exit_code == 0


def test_lean_is_of_synthesis(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["compare", "--pe", "mac", "--lean", "--cost", "x.csv"])
    assert done.exit_code == 2 and "--lean and --cost are both given" in done.stderr
    with pytest.raises(TpeError, match="lean is given without iso"):
        compare(["mac"], "gemm:8x8x8", lean=True)
