"""What an engine is made of, as data, and its drawing."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import replace

import pytest
from rich.cells import cell_len

from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import Array
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.parameters import COMMON, choices_in, parameters_of
from tpe.model.engine import Engine
from tpe.model.nest_engine import NestEngine
from tpe.nest.notation import M, mac, tile
from tpe.nest.rewrites import opt3
from tpe.numbers.operands import check_accumulator
from tpe.pe.base import PE, Way
from tpe.report.describe import (
    catalogue,
    chain,
    combinations,
    describe,
    legal_arrays,
    trades,
)
from tpe.report.drawing import picture
from tpe.report.drawing_legend import legend
from tpe.testing.cases import fitted, taken

LEGAL = [(row["pe"], row["array"]) for row in combinations() if row["legal"]]
SIZES = ["1x1", "1x5", "5x1", "2x3", "4x4", "16x16", "1024x1024"]
CHOICES = [  # of the drawing
    ("opt1", "matrix2d", {"encode_in": "edge"}),
    ("mac", "systolic_os", {"encode_in": "edge", "encode": "weights"}),
    ("mac", "systolic_ws", {"lanes": 4, "stages": 2}),
    ("opt2", "systolic_ws", {"encode_in": "edge", "overlap": "load", "psum_depth": 65536}),
    ("opt1", "adder_tree", {"encode_in": "stored", "a_type": "int16"}),
    ("opt2", "cube3d", {"bw": "time", "a_type": "int16", "acc_bits": 48}),
    ("opt3", "matrix2d", {"overlap": "load", "depth": 65536, "b_type": "int16"}),
    ("opt4e", "matrix2d", {"overlap": "load", "depth": 65536, "b_type": "int16", "drift": 3}),
]
DRAWN = [(*combo, {}) for combo in LEGAL] + CHOICES


def engine_of(pe: str, array: str, size: str, choices: dict[str, object]) -> Engine:
    """An engine; a cube is as deep as it has rows, or as a step of the PE has to be."""
    record = arrays.get(array)
    rows, cols = map(int, size.split("x"))
    sides = fitted(pes.get(pe), record, (rows, cols, rows)[: len(record.sides)], choices)
    return Engine(pe, array, sides, **choices)


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
    formats = taken(pes.get(pe), a_type=types[0], b_type=types[1])
    engine = engine_of(pe, array, "8x4", formats)
    facts = describe(engine)
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    assert facts["engine"] == engine.describe()
    left_out = {p.name: p.default for p in COMMON if p.optional}
    said = {row["name"]: row["value"] for row in facts["parameters"]}
    assert said == {**left_out, **engine.params} and not left_out.keys() & engine.params.keys()
    assert facts["psum"]["bits"] == engine.pe.kernel.psum.bits(engine.widths)
    ops = [op for row in facts["stages"] for op in row["ops"]]
    steps = engine.nest.steps if engine.has_nest else ()
    assert sorted(ops) == sorted(step.op.name for step in steps)
    assert (facts["nest_why"] is None) == bool(facts["nest"]) == bool(facts["inventory"])
    for unit in facts["inventory"]:
        assert unit["built_bits"] is None or unit["needed_bits"] <= unit["built_bits"]


def test_stages_are_read_off_the_nest() -> None:
    assert stages(Engine("opt4c", "matrix2d")) == {
        "front": (["encode", "sparse"], "tpe_front_sparse"),
        "cell": (["map", "half_reduce"], "tpe_pe_opt4c"),
        "finish": (["add", "shift", "accumulate"], "tpe_finish_plane"),
        "array": (["sync"], "tpe_matrix2d_indexed"),
    }
    assert stages(Engine("opt1", "os"))["finish"] == (["add"], "tpe_finish_carry_save")
    assert stages(Engine("mac", "os"))["front"] == ([], None)


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
    facts = describe(NestEngine(opt3(mac(*tile(4, 4, 4)))))
    assert [row["to"] for row in facts["rewrites"]["chain"]] == ["opt1", "opt2", "this nest"]
    assert facts["psum"] is None and facts["arrays"] == []
    assert "no array" in facts["picture"]
    assert json.loads(json.dumps(facts)) == facts


# ---- choices ----


@pytest.mark.parametrize(("pe", "array"), LEGAL)
def test_every_design_choice_says_what_it_costs_and_saves(pe: str, array: str) -> None:
    record, place = pes.get(pe), arrays.get(array)
    for parameter in (*record.parameters, *place.parameters(record)):
        words = parameter.trade.split()
        assert {"cost", "costs"} & set(words) and {"save", "saves"} & set(words), parameter.name
        assert "\n" not in parameter.trade and len(parameter.trade) <= 88
    silent = {p.name for p in COMMON if not p.trade}
    assert silent == {p.name for p in COMMON} - {
        "encode",
        "gating",
        "sparsity",
    }  # those say what is computed


@pytest.mark.parametrize(("pe", "array"), LEGAL)
def test_choices_are_those_that_an_engine_there_takes(pe: str, array: str) -> None:
    record, place = pes.get(pe), arrays.get(array)
    free = {p.name: p for p in choices_in(place, record)}
    for parameter in parameters_of(record, place):
        ends = {parameter.legal[0], parameter.legal[-1], parameter.default}
        values = ends if isinstance(parameter.legal, range) else parameter.legal
        taken = {value for value in values if _is_taken(record, place, parameter.name, value)}
        if parameter.name in free:
            assert taken == {v for v in values if v in free[parameter.name].legal}, parameter
        elif parameter.trade:
            assert len(taken) <= 1, parameter  # the array, or the PE, has decided


def _is_taken(pe: PE, array: Array, name: str, value: object) -> bool:
    """Whether there is such an engine, or one with another choice beside."""
    words = [(p.name, w) for p in pe.parameters if isinstance(p.legal, tuple) for w in p.legal]
    for beside in ({}, *({other: w} for other, w in words if other != name)):
        with suppress(TpeError):
            params = {name: value, **beside}
            Config(pe, array, fitted(pe, array, (2,) * len(array.sides), params), **params)
            return True
    return False


def test_choices_of_some_engines() -> None:
    def names(pe: str, array: str) -> set[str]:
        return {p.name for p in choices_in(arrays.get(array), pes.get(pe))}

    assert {"stages", "lanes", "psum_depth", "encode"} <= names("mac", "ws")
    assert "encode" not in names("mac", "is") and "lanes" not in names("mac", "cube3d")
    assert "bw" in names("opt2", "os") and "bw" not in names("opt2", "ws")
    assert "a_type" not in names("mac", "ws") and "drift" in names("opt4c", "matrix2d")


def test_combinations_and_descriptions_hold_the_choices() -> None:
    (row,) = (r for r in combinations() if (r["pe"], r["array"]) == ("opt2", "systolic_ws"))
    lanes = {"name": "lanes", "default": 1, "legal": {"first": 1, "last": 1024, "step": 1}}
    assert lanes in row["choices"]
    assert all(not r["choices"] for r in combinations() if not r["legal"])
    facts = describe(Engine("opt2", "ws", "2x2"))
    shown = {r["name"] for r in facts["parameters"] if r["choice"]}
    assert shown == {c["name"] for c in row["choices"]}
    said = {r["name"]: r["trade"] for r in trades(["opt2"])}
    assert shown | {"bw"} <= said.keys() and "drift" not in said
    assert said["tree"] == next(r["trade"] for r in facts["parameters"] if r["name"] == "tree")
    json.dumps([combinations(), trades(pes.names())], allow_nan=False)


def test_reachable_rewrites_are_licensed_from_here() -> None:
    near = describe(Engine("mac"))["rewrites"]["reachable"]
    assert "defer(add, past=K)" in near and "hoist(sparse, out_of=N)" not in near


# ---- the drawing ----


def drawing_of(text: str) -> str:
    """A picture without its legend."""
    return text.split("\n\n")[0]


@pytest.mark.parametrize(("pe", "array", "choices"), DRAWN)
@pytest.mark.parametrize("size", SIZES)
def test_drawings_fit_80_columns_and_close_their_boxes(
    pe: str, array: str, choices: dict[str, object], size: str
) -> None:
    engine = engine_of(pe, array, size, choices)
    text = picture(engine)
    lines = text.splitlines()
    assert max(cell_len(line) for line in lines) <= 80
    assert all(cell_len(line) == len(line) for line in lines)  # no character of double width
    assert all(line == line.rstrip() for line in lines)
    drawing = drawing_of(text)
    passed, tree = engine.array.way is Way.PASS, M not in engine.array.dims
    most_rows, most_cols = (2, 3) if engine.pe.sparse else (3, 4)
    rows = 1 if tree and not passed else engine.rows
    cells = min(rows, most_rows) * min(engine.cols, most_cols)
    assert len(re.findall(r"[│▶] *(cell|tree)( x\w+)? *[│├]", drawing)) == cells
    assert drawing.count("┌") >= cells and drawing.count("┘") >= cells
    times = "L" if engine.widths.lanes > 1 else ""
    last = f"A[m, {rows - 1}{times}]" if passed else "A[m, k]" if tree else f"A[{rows - 1}, k]"
    assert last in drawing
    assert f"C[m, {engine.cols - 1}]" in drawing
    assert ("⋯" in drawing) == (engine.cols > most_cols)
    assert ("⋮" in drawing) == (rows > most_rows)


ARMS = {
    **dict.fromkeys("─━═", "LR"),
    **dict.fromkeys("┬┯╦", "LRD"),
    **dict.fromkeys("┴╨", "LRU"),
    **dict.fromkeys("┐┑╗", "LD"),
    **dict.fromkeys("├┝", "URD"),
    "┤": "ULD",
    **{"│": "UD", "┌": "RD", "└": "RU", "┘": "LU", "┿": "LRUD", "▶": "L", "▲": "D"},
}
WAYS = {"L": (0, -1), "R": (0, 1), "U": (-1, 0), "D": (1, 0)}
INPUTS = 12  # columns in which the wires of A begin


@pytest.mark.parametrize(("pe", "array", "choices"), DRAWN)
@pytest.mark.parametrize("size", SIZES)
def test_no_wire_of_a_drawing_dangles(
    pe: str, array: str, choices: dict[str, object], size: str
) -> None:
    drawing = drawing_of(picture(engine_of(pe, array, size, choices))).splitlines()
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
    text = picture(Engine("opt1", "ws", "4x4", psum_depth=77))
    words = " ".join(text.split())
    assert "rows in turn" not in text and "moves down, one register per cell" in words
    assert "psum buffer: 77 rows" in text and "from the buffer: 77 rows of M" in words
    assert "B[k, n] weights" in words and "in 4 cycles, then held" in words
    overlapped = picture(Engine("opt1", "ws", "4x4", overlap="load"))
    assert "B 2x8 b" in overlapped and "in registers of its own" in " ".join(overlapped.split())


def test_a_column_of_an_adder_tree_is_one_tree() -> None:
    text = picture(Engine("mac", "tree", "16x4"))
    assert text.count("tree x16") == 4 and "cell" not in text.split("\n\n")[0]
    assert "rows in turn" not in text and "one row at a time, as it is" in text


def test_a_front_in_every_cell_is_drawn_in_every_cell() -> None:
    text = picture(Engine("opt3", "matrix2d", "2x3"))
    assert text.count("│ front  │") == text.count("│ sparse │") == 6
    assert "port" not in text
    assert "every cell reads a copy at its own index" in " ".join(text.split())


def test_the_lanes_of_a_front_are_drawn() -> None:
    text = picture(Engine("opt4e", "matrix2d", "2x2"))
    assert text.count("front x4") == text.count("16 at once") == 2
    assert text.count("cell x4") == 4 and "lanes meet at every bit weight" in " ".join(text.split())


def test_the_psum_of_a_bit_weight_is_narrower() -> None:
    text = " ".join(picture(Engine("opt2", "matrix2d", "2x2")).split())
    assert "a pair of words for each of 4 bit weights, 32 to 26 bits" in text
    serial = " ".join(picture(Engine("opt2", "matrix2d", "2x2", bw="time")).split())
    assert "4 words of 32 bits, those of a bit weight and of the total" in serial
    assert "once per bit weight" in serial


def test_an_encoder_is_drawn_where_it_stands() -> None:
    def drawn(where: str) -> str:
        return " ".join(picture(Engine("opt1", "os", "3x2", encode_in=where)).split())

    assert "◆" not in drawn("cell") and "◆" not in drawn("stored")
    assert drawn("edge").count("◆") == 3 + 1 and "12 bits an operand" in drawn("edge")
    assert "stored as digits (12 bits for 8), 36 bits a cycle" in drawn("stored")


# ---- what is not written as a nest ----


def test_a_pe_without_a_nest_is_described_and_drawn() -> None:
    record = replace(pes.get("opt1"), name="unwritten", nest=None)
    engine = Engine(record, "matrix2d", "2x2")
    facts = describe(engine)
    assert json.loads(json.dumps(facts)) == facts
    assert facts["nest"] == facts["inventory"] == [] and facts["inventory_k"] is None
    assert facts["nest_why"] == "not written as a nest" == facts["inventory_why"]
    assert facts["rewrites"] == {"chain": None, "reachable": []}
    modules = {row["stage"]: row["module"] for row in facts["stages"]}
    assert modules["cell"] == "tpe_pe_opt1" and modules["finish"] == "tpe_finish_carry_save"
    assert "one finish per column (carry_save)" in " ".join(facts["picture"].split())


# ---- stages and rewrites of choices ----


def stages(engine: Engine) -> dict[str, tuple[list[str], str | None]]:
    """Primitives and module of every stage."""
    rows = describe(engine)["stages"]
    return {row["stage"]: (row["ops"], row["module"]) for row in rows}


def test_bit_weights_in_time_are_folded_in_the_cell() -> None:
    found = stages(Engine("opt2", bw="time"))
    assert found["cell"][0] == ["encode", "map", "half_reduce", "shift", "half_reduce"]
    assert found["finish"] == (["add"], "tpe_finish_total")
    assert describe(Engine("opt2", bw="time"))["pace"].startswith("4")
    assert stages(Engine("opt2"))["finish"][0] == ["shift", "half_reduce", "add"]


def test_an_encoder_outside_the_cell_is_another_stage() -> None:
    edge, stored = (stages(Engine("mac", encode_in=where)) for where in ("edge", "stored"))
    assert edge["front"] == (["encode"], "tpe_encode_row") and "stored" not in edge
    assert stored["stored"] == (["encode"], None) and stored["front"] == ([], None)
    assert "encode" not in edge["cell"][0] + stored["cell"][0]


@pytest.mark.parametrize(("pe", "array"), LEGAL)
def test_every_nest_is_reached_from_the_mac(pe: str, array: str) -> None:
    engine = engine_of(pe, array, "2x2", {})
    assert (chain(engine) is not None) == engine.has_nest


def test_what_is_built_behind_the_array_is_told():
    engine = Engine(
        "opt4c", "matrix2d", "4x4", drift=4, gating="isolate", overflow="flag", guard_bits=3,
        bias="on", requant="column", relu="on", out_type="uint8",
    )  # fmt: skip
    text = " ".join(" ".join(legend(engine)).split())
    assert "+ bias, wrapped from 35 to 32 bits, overflow flag, x multiplier / 2**shift per" in text
    assert "column, half_even, to uint8, ReLU" in text
    assert "by 4 groups at most: a FIFO per row" in text
    assert "a cell's operands are zero in cycles without a step" in text
    plain = " ".join(legend(Engine("opt4c", "matrix2d", "4x4")))
    assert not {"chain", "drift", "gating"} & set(plain.split())
