"""Sampled toggles: against the signals of the RTL, cycle by cycle, as its waveform shows them.

The RTL is whole arrays, so that what enters a cell, and when, is theirs; every engine computes one
tile, and the cells looked at are those of its first column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.combos import WITH_RTL
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.model.cell_steps import kept_steps
from tpe.model.toggles import cell_outputs, passed_steps, sample
from tpe.pe.base import Way

# The outputs of a primitive, by the names of its instances and ports.
SIGNALS = {
    "encode": r"u_digits\.gen_encode\.u_encode\.digit_o",
    "map": r"u_map\.pp_o",
    "shift": r"u_shift\.(word_o|sum_o|carry_o)",
    "half_reduce": r"u_(half_reduce|reduce_plane|reduce_total)\.(sum_o|carry_o)",
    "add": r"u_add\.word_o",
    "accumulate": r"u_accumulate\.total_o",
}
FRONT = {"encode": r"u_encode\.digit_o", "sparse": r"u_sparse\.index_o"}
MORE: list[tuple[str, str, dict[str, Any]]] = [
    ("mac", "matrix2d", {"stages": 2, "encode": "weights", "a_type": "int5"}),
    ("mac", "matrix2d", {"stages": 3, "lanes": 2, "tree": "dadda", "a_type": "int16"}),
    ("mac", "systolic_ws", {"encode_in": "edge"}),
    ("mac", "systolic_ws", {"lanes": 2, "stages": 2}),
    ("opt1", "matrix2d", {"tree": "wallace", "lanes": 3}),
    ("opt1", "systolic_ws", {"tree": "dadda", "encode_in": "stored", "encoder": "ent"}),
    ("opt1", "systolic_ws", {"tree": "wallace", "lanes": 3}),
    ("opt2", "matrix2d", {"lanes": 1, "tree": "wallace", "b_type": "int3"}),
    ("opt2", "matrix2d", {"bw": "time"}),
    ("opt2", "cube3d", {"bw": "time", "tree": "wallace", "a_type": "int2"}),
    ("opt4c", "matrix2d", {"encoder": "booth", "a_type": "uint8"}),
    ("opt4e", "matrix2d", {"tree": "dadda"}),
]


@dataclass
class Watched:
    """A cell's primitives in the waveform: what they show in each enabled cycle."""

    engine: tpe.Engine
    case: Case
    row: int
    codes: dict[str, list[str]] = field(default_factory=dict)  # of each primitive's signals
    control: dict[str, str] = field(default_factory=dict)
    steps: list[int] = field(default_factory=list)  # which of the enabled cycles are steps
    read: int = 0  # of a sparse PE: whether B of a step was read in the enabled cycle before
    shown: dict[str, list[list[int]]] = field(default_factory=dict)

    def look(self, values: dict[str, int]) -> None:
        """Note what is settled at the end of a cycle."""
        on = {name: values.get(code, 0) for name, code in self.control.items()}
        for op, codes in self.codes.items():
            own_front = self.engine.pe.own_front and op in FRONT
            if on["accept" if op == "encode" else "busy"] if own_front else on["en"]:
                self.shown.setdefault(op, []).append([values.get(code, 0) for code in codes])
        step = on["valid"]
        if self.engine.pe.sparse and on["en"]:
            step, self.read = self.read, step
        if on["en"] and step:
            self.steps.append(len(self.shown["map"]) - 1)

    def flips(self, op: str) -> list[int]:
        """Bits that flip from step to step."""
        shown, late = self.shown[op], 0
        if not (self.engine.pe.own_front and op in FRONT):
            stages = self.engine.params.get("stages", 1)
            late = {"add": max(0, stages - 2), "accumulate": stages - 1}.get(op, 0)
            shown = [shown[i + late] for i in self.steps]
        return [
            sum((x ^ y).bit_count() for x, y in zip(*pair, strict=True)) for pair in pairwise(shown)
        ]


def engines() -> Iterator[tpe.Engine]:
    """Every combination that has a nest and RTL, and choices that change what is in a cell."""
    every = [(pe.name, array.name, {}) for pe, array in WITH_RTL if pe.nest is not None]
    for pe, array, choices in [*every, *MORE]:
        deep = {"adder_tree": (2, 1), "cube3d": (1, 1, 2), "systolic_ws": (2, 1)}
        own = {"opt3": {"depth": 16}, "opt4c": {"depth": 16}, "opt4e": {"depth": 32}}.get(pe, {})
        yield tpe.Engine(pe, array, deep.get(array, (1, 1)), **own, **choices)


def case_of(engine: tpe.Engine) -> Case:
    """One output, or of an array that passes psums two columns of weights; a third zeros."""
    rng = np.random.default_rng(3)
    lanes = engine.widths.lanes
    m, k = (11, 4 * lanes - (lanes > 1)) if engine.array.way is Way.PASS else (1, 37)
    formats = (engine.a_format, engine.b_format)
    a, b = (
        rng.integers(f.low, f.high + 1, shape)
        for f, shape in zip(formats, ((m, k), (k, 1)), strict=True)
    )
    a[rng.random(a.shape) < 0.3] = 0
    return Case(engine, a, b)


@pytest.fixture(scope="module")
def watched(tmp_path_factory) -> list[Watched]:
    """All engines in one simulator, with what its waveform shows of their cells."""
    cases = [case_of(e) for e in engines()]
    path = tmp_path_factory.mktemp("toggles") / "w.vcd"
    assert all(outcome.ok for outcome in cosimulate(cases, waves=path))
    found = [
        (i, Watched(case.engine, case, row))
        for i, case in enumerate(cases)
        for row in range(2 if case.engine.array.way is Way.PASS else 1)
    ]
    with path.open() as file:
        names, clock = declared(file)
        for i, one in found:
            connect(one, f"tpe_bench.u_{i}.", names)
        values: dict[str, int] = {}
        for moment in moments(file):
            if moment.get(clock) == 1:  # what is settled before this edge
                for _, one in found:
                    one.look(values)
            values |= moment
    return [one for _, one in found]


def declared(file) -> tuple[dict[str, str], str]:
    """Code of every signal by its path, and the clock's."""
    scope, names = [], {}
    for words in map(str.split, file):
        if words[:1] == ["$scope"]:
            scope.append(words[2])
        elif words[:1] == ["$upscope"]:
            scope.pop()
        elif words[:1] == ["$var"]:
            names[".".join([*scope, words[4]])] = words[3]
        elif words[:1] == ["$enddefinitions"]:
            break
    return names, next(code for name, code in names.items() if name.endswith("tpe_bench.clk"))


def connect(one: Watched, harness: str, names: dict[str, str]) -> None:
    """Find the signals of one cell."""
    own = {n.split(harness, 1)[1]: code for n, code in names.items() if harness in n}
    place = re.compile(rf"(.*\.gen_row\[{one.row}\](\.u_row)?)\.gen_col\[0\]\.u_cell\.en_i$")
    (match,) = [m for m in map(place.match, own) if m]
    row, cell = match[1] + ".", match[0].removesuffix("en_i")
    sparse = one.engine.pe.sparse
    one.control["en"] = own[row + "en" if sparse else cell + "en_i"]
    one.control["valid"] = own[row + "read_valid_q" if sparse else cell + "valid_i"]
    for op, pattern in SIGNALS.items():
        one.codes[op] = matching(own, cell, pattern)
    if one.engine.pe.own_front:
        front = row + "gen_front[0]."
        (one.control["accept"],) = matching(own, front, r"u_lane\.accept")
        (one.control["busy"],) = matching(own, front, r"u_lane\.valid_o")
        for op, pattern in FRONT.items():
            one.codes[op] = matching(own, front, pattern)
    one.codes = {op: codes for op, codes in one.codes.items() if codes}


def matching(own: dict[str, str], scope: str, pattern: str) -> list[str]:
    """Codes of the signals in a scope, each once: an instance inside another of the name is it."""
    regex = re.compile(rf"(.*\.)?{pattern}(\[\d+\])*$")
    names = sorted(n for n in own if n.startswith(scope) and regex.match(n[len(scope) :]))
    return [own[n] for n in names if "u_encode.u_encode" not in n]


def moments(file) -> Iterator[dict[str, int]]:
    """The changes at each time, by code."""
    changed: dict[str, int] = {}
    for line in file:
        if line[0] == "#":
            yield changed
            changed = {}
        elif line[0] == "b":
            bits, code = line[1:].split()
            changed[code] = int(re.sub("[xz]", "0", bits), 2)
        elif line[0] in "01":
            changed[line[1:].strip()] = int(line[0])
    yield changed


def modelled(one: Watched) -> list[dict[str, list[int]]]:
    """Flips by primitive, of every tile that the cell works on."""
    engine = one.engine
    a, b = one.case.a, one.case.b
    a, b = (b.T, a.T) if engine.params["encode"] == "weights" else (a, b)
    if engine.array.way is Way.PASS:
        held = range(one.row * engine.widths.lanes, a.shape[1], engine.k_tile)
        steps = [passed_steps(engine, a, b[:, 0], k) for k in held]
    else:
        steps = [kept_steps(engine, a[0], b[:, 0])]
    return [
        {op: out.flips().tolist() for op, out in cell_outputs(engine, s).items()} for s in steps
    ]


def label(engine: tpe.Engine) -> str:
    """What is looked at."""
    return f"{engine.name} {engine.params}"


def test_flips_are_those_of_the_rtl(watched):
    for one in watched:
        tiles = modelled(one)
        assert set(one.codes) == set(tiles[0]), label(one.engine)
        for op in one.codes:
            rtl, where = one.flips(op), (label(one.engine), one.row, op)
            if one.engine.pe.own_front and op == "encode":  # of groups, ahead of their steps
                assert [x for x in rtl if x] == [x for x in tiles[0][op] if x], where
                continue
            if one.engine.params.get("bw") == "time" and one.engine.widths.digits > 1:
                rtl = rtl[:-1]  # the closing step
            for tile in tiles:  # a change from tile to tile is in none of them
                assert rtl[: len(tile[op])] == tile[op], where
                rtl = rtl[len(tile[op]) + 1 :]
            assert not rtl, where
            assert sum(map(sum, (tile[op] for tile in tiles))) > 0, where


def test_sampling_is_seeded_and_says_its_size():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (6, 40)), rng.integers(-128, 128, (40, 5))
    e = tpe.Engine("opt1", "os", (2, 2))
    one, two = (e.toggles(a, b, seed=4, window=20) for _ in range(2))
    assert one == two != sample(e, a, b, seed=5, window=20)
    assert one.steps == 8 * 19
    assert one.bits["map"] == one.steps * 4 * 10
    assert 0.2 < one.activity("half_reduce") < 0.6


def test_operands_that_stand_still_do_not_flip():
    e = tpe.Engine("mac", "os", (1, 1))
    toggles = e.toggles(np.full((1, 30), 7), np.full((30, 1), -3))
    assert toggles.flips["map"] == toggles.flips["half_reduce"] == toggles.flips["add"] == 0
    assert toggles.flips["accumulate"] > 0


def test_bad_windows_and_a_pe_without_a_nest_are_refused():
    e = tpe.Engine("mac")
    unwritten = tpe.Engine(replace(e.record, name="unwritten", nest=None))
    for engine, options in ((e, {"window": 1}), (unwritten, {})):
        with pytest.raises(tpe.TpeError) as error:
            engine.toggles([[1]], [[1]], **options)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("place", ["edge", "stored"])
def test_an_encoder_that_stands_elsewhere_is_not_in_the_cell(place):
    toggles = tpe.Engine("opt1", "os", encode_in=place).toggles([[1, 2, 3]], [[5], [5], [5]])
    inside = tpe.Engine("opt1", "os").toggles([[1, 2, 3]], [[5], [5], [5]])
    assert set(inside.flips) - set(toggles.flips) == {"encode"}
    assert {op: inside.flips[op] for op in toggles.flips} == toggles.flips


@pytest.mark.parametrize("engine", list(engines()), ids=lambda e: e.name)
def test_a_cell_has_the_copies_of_the_inventory(engine):
    """Widths and copies of what is counted, against the hardware read off the nest."""
    case = case_of(engine)
    toggles = engine.toggles(case.a, case.b)
    for unit in engine.inventory():
        if unit.op in toggles.bits and unit.op in ("encode", "map", "add", "accumulate"):
            built = engine.pe.built(engine.widths)[unit.op]
            copies = unit.copies // engine.grid.chain
            words = engine.widths.digits if unit.op == "encode" else 1
            assert toggles.bits[unit.op] == toggles.steps * copies * words * built, unit


def test_windows_of_passed_psums_stay_in_a_block_of_rows():
    """K of more than one tile: rows beyond psum_depth come in another pass."""
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (64, 9)), rng.integers(-128, 128, (9, 3))
    e = tpe.Engine("opt1", "ws", (4, 2), psum_depth=10)
    short = sample(e, a[:64], b, positions=40)
    assert 40 * 3 <= short.steps < 40 * 9 + 1  # blocks of 10 rows, the last of 4
    assert sample(e, a[:, :4], b[:4], positions=40).steps == 40 * 63


def test_passed_psums_are_the_sums_before_the_cell():
    rng = np.random.default_rng(1)
    a, b = rng.integers(-128, 128, (5, 7)), rng.integers(-128, 128, 7)
    steps = passed_steps(tpe.Engine("opt1", "ws", (3, 1)), a, b, 5)
    (pair,) = steps.psum.values()
    assert (sum(pair) % 2**32 == a[:, :5] @ b[:5] % 2**32).all()


def test_a_window_is_the_first_steps_of_all():
    rng = np.random.default_rng(2)
    a, b = rng.integers(-128, 128, 300), rng.integers(-128, 128, 300)
    e = tpe.Engine("opt4e", "matrix2d", (1, 1), depth=32)
    every, some = kept_steps(e, a, b), kept_steps(e, a, b, 50)
    assert 50 <= len(some) < len(every)
    for op, outputs in cell_outputs(e, some.cut(50)).items():
        assert (outputs.words == cell_outputs(e, every)[op].words[:50]).all()
