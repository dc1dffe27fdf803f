"""What an engine is made of, as data, and its drawing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from rich.cells import cell_len

from tpe import array as arrays
from tpe import pe as pes
from tpe.drawing import picture
from tpe.engine import Engine
from tpe.notation import mac, tile
from tpe.operands import check_accumulator
from tpe.pe.base import Way
from tpe.rewrites import opt3
from tpe.show import catalogue, chain, combinations, describe, legal_arrays

LEGAL = [(row["pe"], row["array"]) for row in combinations() if row["legal"]]
SIZES = ["1x1", "1x5", "5x1", "2x3", "4x4", "16x16", "1024x1024"]


def test_catalogue_is_the_registries() -> None:
    content = catalogue()
    assert [row["name"] for row in content["pes"]] == list(pes.names())
    assert [row["name"] for row in content["arrays"]] == list(arrays.names())
    assert {"name": "int8", "bits": 8, "signed": True, "low": -128, "high": 127} in content[
        "formats"
    ]
    for row in content["pes"]:
        assert row["arrays"] == legal_arrays(pes.get(row["name"]))
        assert len(row["title"].split()) <= 5
    json.dumps(content, allow_nan=False)


@pytest.mark.parametrize(("pe", "array"), LEGAL)
@pytest.mark.parametrize("types", [("int8", "int8"), ("int4", "int4"), ("int16", "int5")])
def test_describe_is_data_that_holds_together(pe: str, array: str, types: tuple[str, str]) -> None:
    engine = Engine(pe, array, "8x4", a_type=types[0], b_type=types[1])
    facts = describe(engine)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["engine"] == engine.describe()
    assert {row["name"]: row["value"] for row in facts["parameters"]} == engine.params
    assert facts["psum"]["bits"] == engine.pe.psum.bits(engine.widths)
    ops = [op for row in facts["stages"] for op in row["ops"]]
    assert sorted(ops) == sorted(step.op.name for step in engine.nest.steps)
    for unit in facts["inventory"]:
        assert unit["built_bits"] is None or unit["needed_bits"] <= unit["built_bits"]


def test_stages_are_read_off_the_nest() -> None:
    def stages(*of: str) -> dict[str, tuple[list[str], str | None]]:
        rows = describe(Engine(*of))["stages"]
        return {row["stage"]: (row["ops"], row["module"]) for row in rows}

    assert stages("opt4c", "matrix2d") == {
        "front": (["encode", "sparse"], "tpe_front_sparse"),
        "cell": (["map", "half_reduce"], "tpe_pe_opt4c"),
        "finish": (["add", "shift", "accumulate"], "tpe_finish_plane"),
        "array": (["sync"], "tpe_matrix2d_indexed"),
    }
    assert stages("opt1", "os")["finish"] == (["add"], "tpe_finish_carry_save")
    assert stages("mac", "os")["front"] == ([], None)


def test_inventory_is_for_the_most_that_the_accumulator_holds() -> None:
    engine = Engine("mac", "os", "2x2", acc_bits=20)
    terms = describe(engine)["inventory_k"]
    check_accumulator("largest", terms, engine.a_format, engine.b_format, 20)
    with pytest.raises(ValueError, match="need an accumulator of 21 bits"):
        check_accumulator("larger", terms + 1, engine.a_format, engine.b_format, 20)
    assert describe(Engine("opt4c", "matrix2d", "2x2", depth=64))["inventory_k"] == 64


def test_the_chain_is_the_papers() -> None:
    assert chain(Engine("mac")) == []
    assert chain(Engine("opt1")) == [
        {"from": "mac", "to": "opt1", "rewrites": ["defer(add, past=K)", "share(add, along=M)"]}
    ]
    steps = chain(Engine("opt4c"))
    assert steps is not None
    assert [row["to"] for row in steps] == ["opt1", "opt2", "opt3", "opt4", "opt4c"]
    assert set(steps[-1]["rewrites"]) == {
        f"share({op}, along=M)" for op in ("add", "shift", "accumulate")
    }


def test_the_chain_of_a_nest_of_ones_own() -> None:
    facts = describe(Engine(opt3(mac(*tile(4, 4, 4)))))
    assert [row["to"] for row in facts["rewrites"]["chain"]] == ["opt1", "opt2", "this nest"]
    assert facts["psum"] is None and facts["arrays"] == []
    assert "no array" in facts["picture"]
    assert json.loads(json.dumps(facts)) == facts


def test_reachable_rewrites_are_licensed_from_here() -> None:
    near = describe(Engine("mac"))["rewrites"]["reachable"]
    assert "defer(add, past=K)" in near and "hoist(sparse, out_of=N)" not in near


# ---- the drawing ----


@pytest.mark.parametrize(("pe", "array"), LEGAL)
@pytest.mark.parametrize("size", SIZES)
def test_drawings_fit_80_columns_and_close_their_boxes(pe: str, array: str, size: str) -> None:
    engine = Engine(pe, array, size)
    text = picture(engine)
    lines = text.splitlines()
    assert max(cell_len(line) for line in lines) <= 80
    assert all(cell_len(line) == len(line) for line in lines)  # no character of double width
    assert all(line == line.rstrip() for line in lines)
    drawing = text.split("\nA[m, k]")[0]
    most_rows, most_cols = (2, 3) if engine.pe.sparse else (3, 4)
    cells = min(engine.rows, most_rows) * min(engine.cols, most_cols)
    assert drawing.count(" cell ") == cells
    assert drawing.count("┌") >= cells and drawing.count("┘") >= cells
    assert f"A[{engine.rows - 1}, k]" in text
    assert f"C[m, {engine.cols - 1}]" in text
    assert ("⋯" in text) == (engine.cols > most_cols)
    assert ("⋮" in text) == (engine.rows > most_rows)


ARMS = {
    **dict.fromkeys("─━═", "LR"),
    **dict.fromkeys("┬┯╦", "LRD"),
    **dict.fromkeys("┴╨", "LRU"),
    **dict.fromkeys("┐┑╗", "LD"),
    **dict.fromkeys("├┝", "URD"),
    **{"│": "UD", "┌": "RD", "└": "RU", "┘": "LU", "┿": "LRUD", "▶": "L", "▲": "D"},
}
WAYS = {"L": (0, -1), "R": (0, 1), "U": (-1, 0), "D": (1, 0)}
INPUTS = 12  # columns in which the wires of A begin


@pytest.mark.parametrize(("pe", "array"), LEGAL)
@pytest.mark.parametrize("size", SIZES)
def test_no_wire_of_a_drawing_dangles(pe: str, array: str, size: str) -> None:
    drawing = picture(Engine(pe, array, size)).split("\nA[m, k]")[0].splitlines()
    grid = [f"{line:<84}" for line in drawing]
    for y, line in enumerate(drawing):
        for x, character in enumerate(line):
            for arm in ARMS.get(character, ""):
                dy, dx = WAYS[arm]
                ends = grid[y + dy][x + dx]
                left_out = "⋯" in grid[y][max(0, x - 2) : x + 3]
                begins = arm == "L" and (x <= INPUTS or line[: x + dx].strip() == "rows in turn")
                assert ends != " " or left_out or begins, (y, x, character, arm, line)


def test_the_skewed_drawing_shows_the_skew() -> None:
    text = picture(Engine("opt1", "os", "16x16"))
    assert "─15▯" in text and " 15▯" in text
    assert "row m enters m cycles late" in " ".join(text.split())


def test_the_drawing_of_a_sparse_row_has_a_front_and_a_port() -> None:
    text = picture(Engine("opt4c", "matrix2d", "16x16", depth=1024))
    assert text.count("front ") >= 2 and "port 0" in text and "port 15" in text
    assert "B buffer: 1,024 x 16 words of 8 bits" in text


def test_the_drawing_says_which_tensor_is_encoded() -> None:
    assert "A[m, k]  weights, transposed" in picture(Engine("opt1", encode="weights"))
    assert "A[m, k]  activations" in picture(Engine("opt1"))


def test_an_array_that_passes_psums_is_drawn_without_a_drain() -> None:
    array = replace(arrays.get("os"), name="passing", way=Way.PASS)
    text = picture(Engine("opt1", array, "4x4"))
    assert "rows in turn" not in text and "moves down, one register per cell" in text
    assert "B[k, n]  weights" in text and "held in the cells" in text
