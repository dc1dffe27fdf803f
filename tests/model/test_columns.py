"""Columns that a run's table gets more of: declared, checked, kept in files; of any package."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import tpe
from tpe.base import registry
from tpe.base.columns import COLUMN, OWNERS, RUN_COLUMNS, Column
from tpe.base.table import COLUMNS
from tpe.cli.main import app
from tpe.cli.schema import schema
from tpe.model.columns import ColumnSet

A, B = np.arange(-6, 6).reshape(3, 4), np.arange(-4, 4).reshape(4, 2)
RUN = tpe.Engine("opt4c", size="4x4").run({"first": (A, B), "second": (B, A[:2])})


def stalls(run: tpe.Run) -> dict[str, list[Any]]:
    waits = [layer.tiles * 10 for layer in run.layers]
    return {
        "dram_stall": [*waits, sum(waits)],
        "dram": [*("LPDDR4" for _ in waits), "LPDDR4"],
        "dram_bound": [*(wait > 10 for wait in waits), True],
        "dram_pj": [np.float32(1.5), None, None],  # of two layers
    }


STALLS = ColumnSet(
    "stalls",
    (
        Column("dram_stall", "integer", "cycles", "waiting for memory"),
        Column("dram", "text", "", "kind of memory"),
        Column("dram_bound", "flag", "", "whether memory is what bounds"),
        Column("dram_pj", "number", "pJ", "energy of the memory"),
    ),
    stalls,
)
OF_ONE_LAYER = ColumnSet("stalls", STALLS.columns[:1], {"dram_stall": [7, 12345]})
NAMES = [column.name for column in STALLS.columns]
NO_SET = "stalls"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """What packages install beside tpe: (name, attribute of this module) of `tpe.columns`."""

    def pretend(*found: tuple[str, str]) -> None:
        points = [EntryPoint(name, f"{__name__}:{home}", "tpe.columns") for name, home in found]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)
        registry.homes.cache_clear()

    yield pretend
    registry.homes.cache_clear()


def made(*columns: Column, **values: list[Any]) -> ColumnSet:
    return ColumnSet("mine", columns, values)


# ---- the table's own ----


def test_every_column_of_the_table_says_what_it_is_and_who_fills_it() -> None:
    assert COLUMNS == tuple(column.name for column in RUN_COLUMNS) == tuple(COLUMN)
    for column in RUN_COLUMNS:
        assert column.doc and column.by and set(column.by) <= set(OWNERS), column
        unit = {"us", "ns", "nm", "um2", "mw", "pj"} & {column.name.rsplit("_", 1)[-1]}
        assert not unit or column.unit.lower() in unit, column


def test_a_columns_type_is_that_of_frames_and_of_json() -> None:
    frame = RUN.to_frame()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        column.name: column.dtype for column in RUN_COLUMNS
    }
    with pytest.raises(tpe.TpeError, match=r"unknown type of column 'x' 'int'.*legal: text"):
        Column("x", "int", "", "")
    with pytest.raises(tpe.TpeError, match="column 'a b' is not legal"):
        Column("a b", "text", "", "")


# ---- more of them ----


def test_a_run_gets_columns_in_rows_frames_and_json() -> None:
    run = RUN.with_columns(STALLS)
    assert type(run) is tpe.Run and RUN.more_columns == () and "dram" not in RUN.rows()[0]
    rows = run.rows()
    assert [[row[name] for name in NAMES] for row in rows] == [
        [10, "LPDDR4", False, 1.5],
        [10, "LPDDR4", False, None],
    ]
    assert [run.totals()[name] for name in NAMES] == [20, "LPDDR4", True, None]
    assert list(rows[0]) == [*COLUMNS, *NAMES]
    frame = run.to_frame()
    kinds = ["Int64", "string", "boolean", "Float64"]
    assert [str(frame.dtypes[name]) for name in NAMES] == kinds
    assert frame[list(COLUMNS)].equals(RUN.to_frame())
    content = json.loads(json.dumps(run.to_json()))
    assert content["layers"][1]["dram_stall"] == 10 and content["totals"]["dram_bound"] is True
    assert content["columns"][0] == {
        "name": "dram_stall",
        "type": "integer",
        "unit": "cycles",
        "doc": "waiting for memory",
        "by": ["stalls"],
    }
    assert "columns" not in RUN.to_json()
    assert run.rows([run.layers[1]]) == rows[1:]


def test_a_run_with_columns_is_saved_and_pickled(tmp_path: Path) -> None:
    run = RUN.with_columns(STALLS).with_columns(
        made(Column("size", "number", "", "of it"), size=[1, 2, 3])
    )
    run.save(tmp_path / "run.json")
    for again in (tpe.Run.load(tmp_path / "run.json"), pickle.loads(pickle.dumps(run))):
        assert again.rows() == run.rows() and again.totals() == run.totals()
        assert again.more_columns == run.more_columns
        assert [one.by for one in again.added] == ["stalls", "mine"]
    content = json.loads((tmp_path / "run.json").read_text())
    content["columns"][0]["values"]["dram"][0] = 3
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(tpe.TpeError, match=r"run\.json: column 'dram' of columns 'stalls': 3 is"):
        tpe.Run.load(tmp_path / "run.json")


def test_energy_is_such_a_set() -> None:
    run = tpe.Engine("opt4c", size="4x4").run({"fc": (A, B)}, energy=True)
    assert [one.by for one in run.added] == ["energy"] and run.more_columns == ()
    assert run.rows()[0]["energy_pe_pj"] == run.layers[0].pe_pj
    with pytest.raises(tpe.TpeError, match=r"and was not asked for; legal: Engine\.run"):
        RUN.with_columns("energy")


def test_energies_of_a_file_in_which_columns_were_not_kept_are_there(tmp_path: Path) -> None:
    run = tpe.Engine("opt4c", size="4x4").run({"fc": (A, B)}, energy=True)
    run.save(tmp_path / "run.json")
    content = json.loads((tmp_path / "run.json").read_text())
    del content["columns"]
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert tpe.Run.load(tmp_path / "run.json").rows() == run.rows()


# ---- what is refused ----


def test_a_name_that_another_has_is_refused_and_both_are_named() -> None:
    for name, owner in (
        ("cycles", r"tpe \(run\)"),
        ("energy_pe_pj", r"tpe \(energy, synthesis\)"),
        ("firings", r"tpe \(a layer's firings\)"),
        ("dram", "columns 'stalls'"),
    ):
        mine = made(Column(name, "number", "", "mine"), **{name: [1, 2, 3]})
        with pytest.raises(
            tpe.TpeError, match=f"two have column '{name}': {owner} and columns 'mine'; legal: one"
        ):
            RUN.with_columns(STALLS).with_columns(mine)
    twice = made(*[Column("x", "text", "", "")] * 2, x=["a", "b", "c"])
    with pytest.raises(tpe.TpeError, match="two have column 'x': columns 'mine' and columns"):
        RUN.with_columns(twice)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("integer", 1.5),
        ("integer", True),
        ("integer", "1"),
        ("number", "1"),
        ("number", float("nan")),
        ("number", np.inf),
        ("flag", 1),
        ("text", 1),
        ("text", b"x"),
    ],
)
def test_a_value_of_another_type_is_refused(kind: str, value: Any) -> None:
    with pytest.raises(tpe.TpeError, match=f"column 'x' of columns 'mine': .*legal: {kind}$"):
        RUN.with_columns(made(Column("x", kind, "", ""), x=[None, value, None]))


def test_every_row_has_a_value_of_every_column_that_is_declared() -> None:
    x = Column("x", "number", "", "")
    with pytest.raises(tpe.TpeError, match="x' of columns 'mine' has 2 values; legal: 3, of each"):
        RUN.with_columns(made(x, x=[1, 2]))
    with pytest.raises(tpe.TpeError, match="fill y; legal: those that they declare, x"):
        RUN.with_columns(made(x, y=[1, 2, 3]))
    large = made(Column("x", "integer", "", ""), x=[2**70, 0, 0])
    with pytest.raises(tpe.TpeError, match=r"x = \d+ does not fit a table"):
        RUN.with_columns(large).to_frame()
    assert RUN.with_columns(large).rows()[0]["x"] == 2**70


# ---- of another package ----


def test_a_set_of_another_package_is_found_by_name(installed: Callable[..., None]) -> None:
    installed(("stalls", "STALLS"))
    assert RUN.with_columns("stalls").rows() == RUN.with_columns(STALLS).rows()
    with pytest.raises(
        tpe.TpeError,
        match=r"unknown tpe\.columns 'stall'.*legal: energy, operands, sparsity, storage, stalls",
    ):
        RUN.with_columns("stall")


def test_what_is_no_set_of_that_name_is_refused(installed: Callable[..., None]) -> None:
    installed(("other", "STALLS"), ("none", "NO_SET"))
    for name in ("other", "none"):
        with pytest.raises(tpe.TpeError, match=r"is no such record; legal: a tpe\.model\.columns"):
            RUN.with_columns(name)


def test_the_command_line_asks_for_it(installed: Callable[..., None], tmp_path: Path) -> None:
    installed(("stalls", "STALLS"))
    names = {"json": tmp_path / "out.json", "table": tmp_path / "out.parquet"}
    words = ["run", "--pe", "opt4c", "--size", "4x4", "--workload", "gemm:4x4x4"]
    one = [*words, "--columns", "stalls,energy"]
    files = [word for name, path in names.items() for word in (f"--{name}", str(path))]
    done = CliRunner().invoke(app, [*one, *files])
    assert done.exit_code == 2 and "legal: 2, of each layer and of all together" in done.output
    installed(("stalls", "OF_ONE_LAYER"))
    done = CliRunner().invoke(app, [*one, *files])
    assert done.exit_code == 0, done.output
    assert "--energy --columns stalls" in done.output and "dram_stall, cycles" in done.output
    assert "12,345" in done.output and "Energy of the PEs" in done.output
    document = json.loads(names["json"].read_text())
    jsonschema.validate(document, schema("run"))
    assert document["layers"][0]["dram_stall"] == 7
    assert pd.read_parquet(names["table"])["dram_stall"].tolist() == [7]
    for wrong in ("stall", "stalls,stalls", ""):
        done = CliRunner().invoke(app, [*words, "--columns", wrong])
        assert done.exit_code == 2 and "legal: " in done.output
