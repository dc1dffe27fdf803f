"""Sampled toggles: against the signals of the RTL, cycle by cycle, as its waveform shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import tpe
from tpe.digits import encoding
from tpe.hdl import pe_cosim
from tpe.hdl.build import build
from tpe.hdl.cosim import simulate
from tpe.toggles import cell_outputs, sample

# Which signals of a cell are the outputs of which primitive: the last two parts of their path.
LANE = r"gen_lane\[0\]\.u_partial_products\."
SIGNALS = {
    "mac": {
        "encode": LANE + "digit",
        "map": LANE + "pp",
        "shift": LANE + "pp_o",
        "half_reduce": r"u_cell\.(sum|carry)",
        "add": r"u_cell\.product",
        "accumulate": r"u_cell\.psum_d",
    },
    "opt1": {
        "encode": LANE + "digit",
        "map": LANE + "pp",
        "shift": LANE + "pp_o",
        "half_reduce": r"u_cell\.(sum_d|carry_d)",
    },
    "opt4c": {"map": r"u_cell\.pp", "half_reduce": r"u_cell\.(sum_d|carry_d)"},
}


def waveform(path: Path) -> Iterator[dict[str, int]]:
    """Every signal's value at the end of each clock cycle in which the cell takes a step."""
    head, _, body = path.read_text().partition("$enddefinitions $end\n")
    names, clock = declared(head)
    values: dict[str, int] = {}
    for moment in body.split("\n#"):
        lines = moment.splitlines()[1:]
        changed = dict(change(line) for line in lines if line[:1] in ("b", "0", "1"))
        if changed.get(clock) == 1:  # what is settled before this edge
            settled = {name: values.get(code, 0) for name, code in names.items()}
            if find(settled, r"u_0\.en$")[0] and find(settled, r"u_0\.valid$")[0]:
                yield settled
        values |= changed


def declared(head: str) -> tuple[dict[str, str], str]:
    """Code of every signal by its path, and the clock's."""
    scope, names = [], {}
    for words in map(str.split, head.splitlines()):
        if words[:1] == ["$scope"]:
            scope.append(words[2])
        elif words[:1] == ["$upscope"]:
            scope.pop()
        elif words[:1] == ["$var"]:
            names[".".join([*scope, words[4]])] = words[3]
    return names, next(code for name, code in names.items() if name.endswith("tpe_bench.clk"))


def change(line: str) -> tuple[str, int]:
    """Code and value of one line of changes."""
    if line[0] == "b":
        bits, code = line[1:].split()
        return code, int(re.sub("[xz]", "0", bits), 2)
    return line[1:], int(line[0])


def find(values: dict[str, int], pattern: str) -> list[int]:
    return [value for name, value in values.items() if re.search(pattern, name)]


def signals(values: dict[str, int], pattern: str) -> int:
    """All bits of a primitive's outputs, as one number: each signal in its own 64 bits or more."""
    found = {n: v for n, v in values.items() if re.search(rf"\.{pattern}(\[\d+\])*$", n)}
    total = 0
    for name in sorted(found):
        total = total << 512 | found[name]
    assert found, pattern
    return total


@pytest.mark.parametrize("pe", SIGNALS)
def test_flips_are_those_of_the_rtl(pe, tmp_path):
    rng = np.random.default_rng(3)
    count = 60
    a, b = rng.integers(-128, 128, count), rng.integers(-128, 128, count)
    e = tpe.Engine(pe, "matrix2d", (1, 1))
    outputs = list(cell_outputs(e, a, b))
    planes = np.repeat(np.arange(e.widths.digits), count) if e.pe.sparse else np.zeros(count, int)
    if e.pe.sparse:
        code = encoding(e.encoder).encode(a, 8).T.reshape(-1).astype(np.int64)
        taken = code != 0
        code, b, planes = code[taken], np.tile(b, e.widths.digits)[taken], planes[taken]
    else:
        code = a
    first = np.r_[1, np.diff(planes) != 0].astype(np.int64)
    ones = np.ones(len(code), np.int64)
    steps = pe_cosim.Steps(first, code, b, planes, ones, ones)
    assert len(outputs) == len(steps)
    design = replace(pe_cosim.design(e), flags=("--trace", "--trace-structs"))
    (tmp_path / "job").mkdir()
    (tmp_path / "job" / "a.hex").write_bytes(pe_cosim._memory(e, steps, 1))
    job = {"folder": str(tmp_path / "job"), "sel": 0, "a_beats": len(steps) + 1}
    job |= dict.fromkeys(pe_cosim.UNUSED, 0)
    simulate(build(design), [job], tmp_path, tmp_path / "w.vcd")
    waves = list(waveform(tmp_path / "w.vcd"))
    assert len(waves) == len(steps)
    for op, pattern in SIGNALS[pe].items():
        rtl = [signals(values, pattern) for values in waves]
        flips_rtl = [(x ^ y).bit_count() for x, y in pairwise(rtl)]
        words = [[word for word, _ in step[op]] for step in outputs]
        flips = [
            sum((x ^ y).bit_count() for x, y in zip(one, two, strict=True))
            for one, two in pairwise(words)
        ]
        assert flips == flips_rtl, op
    assert set(SIGNALS[pe]) == set(outputs[0])


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


def test_a_bare_nest_and_bad_windows_are_refused():
    nest = tpe.Engine("mac").nest
    for engine, options in ((tpe.Engine(nest), {}), (tpe.Engine("mac"), {"window": 1})):
        with pytest.raises(tpe.TpeError):
            engine.toggles([[1]], [[1]], **options)
