"""Every property of the emitted ports, on traces by hand: a legal one passes, a wrong one fails.

The properties' module stands alone in a bench that plays a trace to its ports, so that inputs and
outputs can be wrong in every way.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import tpe
from tpe.hdl import emit
from tpe.hdl.emit.sva import sva_modules
from tpe.hdl.simulate.build import QUICK, Design, build

ENGINES: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {
    "dense": (
        ("mac", "systolic_os", (2, 2)),
        {
            **{"a_type": "uint8", "b_type": "uint8", "zero_points": "subtract"},
            **{"c0": "on", "overflow": "flag"},
        },
    ),
    "planes": (("opt2", "matrix2d", (2, 2)), {"bw": "time", "a_type": "int4"}),
    "sparse": (
        ("opt4c", "matrix2d", (2, 2)),
        {"depth": 8, "a_type": "int3", "b_type": "uint8", "zero_points": "subtract"},
    ),
    "chain": (("mac", "systolic_ws", (2, 2)), {"psum_depth": 2}),
    "stored": (("opt1", "systolic_os", (2, 2)), {"encode_in": "stored", "encoder": "booth"}),
    # X is nothing that a simulator of two states has: "all ones" stands for it.
    "unknown": (("mac", "systolic_ws", (2, 2)), {}),
}
WIDTHS = {"Streams": 1, "ABits": 12, "BBits": 8, "CBits": 8, "Rows": 2}
Cycle = dict[str, int]


def beats(*cycles: Cycle) -> list[Cycle]:
    return [{"rst_ni": 0}, {"rst_ni": 0}, {}, *cycles, {}, {}]


BOTH = {"a_valid_i": 1, "b_valid_i": 1, "a_ready_i": 1, "b_ready_i": 1}
WAITING = {"a_valid_i": 1, "b_valid_i": 1, "a_i": 5, "b_i": 6, "a_last_i": 1}
A = {"a_valid_i": 1, "a_ready_i": 1}
B = {"b_valid_i": 1, "b_ready_i": 1}
WORD = {"c_valid_i": 1, "c_ready_i": 1}
ALL = {"load_i": 1, "clear_i": 1, "flush_i": 1}


def two(cycle: Cycle) -> Cycle:
    """The same on both streams of A."""
    return {k: 3 if k.startswith("a_") and k != "a_i" and v else v for k, v in cycle.items()}


LEGAL: dict[str, list[Cycle]] = {
    "dense": beats(
        {**BOTH, "a_i": 9},  # 3
        WAITING,  # 4
        {**WAITING, **BOTH},  # 5
        {},  # 6
        {"c_take_i": 1},  # 7
        {"c_valid_i": 1, "c_i": 7, "overflow_i": 1},  # 8
        {**WORD, "c_i": 7, "c_take_i": 1, "overflow_i": 1, "overflow_clear_i": 1},  # 9
        {**WORD, "c_last_i": 1},  # 10
    ),
    "planes": beats(
        *[BOTH, {**BOTH, "a_last_i": 1}] * 2,  # 3 .. 6
        WORD,  # 7
        {**WORD, "c_last_i": 1},
    ),
    "sparse": beats(
        {**ALL, **B},  # 3
        {**ALL, **B, "b_last_i": 1},  # 4
        {**ALL, **two(A)},  # 5
        {**ALL, **two({**A, "a_last_i": 1})},  # 6
        {**ALL, **two(A)},  # 7
        {**ALL, **two({**A, "a_last_i": 1})},  # 8
        {**ALL, **WORD},  # 9
        {**ALL, **WORD, "c_last_i": 1, "done_i": 1},  # 10
    ),
    "chain": beats(
        B,  # 3
        {**B, "b_last_i": 1},  # 4
        {**A, "clear_i": 1},  # 5
        {**A, "a_last_i": 1, "clear_i": 1},  # 6
        {"clear_i": 1, "done_i": 1},  # 7
        {**A, "flush_i": 1},  # 8
        {**A, "a_last_i": 1, "flush_i": 1},  # 9
        {**WORD, "flush_i": 1},  # 10
        {**WORD, "c_last_i": 1, "done_i": 1, "flush_i": 1},  # 11
    ),
    "stored": beats({**BOTH, "a_last_i": 1, "a_i": 0b101_001_010_100}),
    "unknown": beats({**A, "a_last_i": 1, "clear_i": 1}, {"clear_i": 1, "done_i": 1}),
}

# kind, the cycles that are other (by their number), the property that must fail
WRONG: list[tuple[str, dict[int, Cycle], str]] = [
    ("dense", {9: {"c_valid_i": 0}}, "a_word_waits"),
    ("dense", {9: {"c_i": 8}}, "a_word_holds"),
    ("dense", {8: {"c_last_i": 1}}, "a_word_holds"),
    ("dense", {3: {"b_ready_i": 0}}, "a_beats_pair"),
    ("dense", {2: {"c_valid_i": 1}}, "a_no_word_before_a_beat"),
    ("dense", {10: {"c_last_i": 0}}, "a_last_ends_a_tile"),
    ("dense", {5: {"a_last_i": 0}}, "a_word_of_a_whole_tile"),
    ("dense", {7: {"c_take_i": 0}}, "a_taken_words_leave"),
    ("dense", {8: {"c_take_i": 1}}, "a_takes_where_there_is_room"),
    ("dense", {9: {"overflow_i": 0}}, "a_overflow_stays"),
    ("dense", {8: {"overflow_i": 0}}, "a_overflow_comes_with_a_word"),
    ("dense", {7: {"overflow_i": 1}}, "a_overflow_comes_with_a_word"),
    ("dense", {6: {"overflow_clear_i": 1}, 7: {"overflow_i": 1}}, "a_overflow_clears"),
    ("dense", {5: {"a_valid_i": 0}}, "m_a_waits"),
    ("dense", {5: {"a_i": 4}}, "m_a_holds"),
    ("dense", {5: {"a_last_i": 0}}, "m_a_holds"),
    ("dense", {5: {"b_valid_i": 0}}, "m_b_waits"),
    ("dense", {5: {"b_i": 4}}, "m_b_holds"),
    ("dense", {4: {"a_zero_i": 1}}, "m_a_zero_holds"),
    ("dense", {5: {"b_zero_i": 1}}, "m_b_zero_holds"),
    ("planes", {5: {"a_last_i": 1}}, "m_planes_alike"),
    ("planes", {6: {"a_last_i": 0}}, "m_planes_alike"),
    ("planes", {6: {"a_valid_i": 0}}, "a_word_of_a_whole_tile"),
    ("sparse", {10: {"c_last_i": 0}}, "a_last_ends_a_tile"),
    ("sparse", {2: {"done_i": 1}}, "a_done_ends_a_pass"),
    ("sparse", {7: {"a_last_i": 2}}, "m_planes_alike"),
    ("sparse", {6: {"a_last_i": 0}, 7: {"a_last_i": 3}}, "m_a_fits"),
    ("sparse", {6: {"a_last_i": 1}, 7: {"a_last_i": 2}}, "m_a_fits"),
    ("sparse", {5: {"clear_i": 0}}, "m_fresh_sums_start_clear"),
    ("sparse", {7: {"flush_i": 0}}, "m_pass_holds"),
    ("sparse", {4: {"load_i": 0}}, "m_pass_holds"),
    ("sparse", {3: {"b_valid_i": 0}, 4: {"b_valid_i": 0}, 5: {"load_i": 0}}, "m_first_pass_loads"),
    ("sparse", {4: {"b_last_i": 0}} | dict.fromkeys(range(5, 13), B), "m_b_fits"),
    ("sparse", {4: {"b_zero_i": 1}}, "m_b_zero_holds"),
    ("sparse", {4: {"b_ready_i": 0}, 5: {"b_valid_i": 1}}, "m_b_holds"),
    ("chain", {3: {"b_last_i": 1}}, "m_tile_of_b_is_whole"),
    ("chain", {6: {"a_last_i": 0}, 7: {**A, "a_last_i": 1, "done_i": 0}}, "m_rows_fit"),
    ("chain", {8: {"a_last_i": 1}}, "m_rows_alike"),
    ("chain", {7: {"flush_i": 1}}, "m_pass_holds"),
    ("chain", {5: {"clear_i": 0}}, "m_fresh_sums_start_clear"),
    ("chain", {12: {"done_i": 1}}, "a_done_ends_a_pass"),
    ("stored", {3: {"a_i": 0b011}}, "m_code_legal"),
    ("unknown", {3: {"b_valid_i": 1, "c_ready_i": 1, "flush_i": 1}}, "m_known"),
    ("unknown", {3: {"a_i": 0xFFF}}, "m_a_known"),
    ("unknown", {3: {"b_valid_i": 1, "b_i": 0xFF, "b_last_i": 1}}, "m_b_known"),
    ("unknown", {3: {"b_ready_i": 1, "c_valid_i": 1}}, "a_known"),
]


@cache
def alone(kind: str) -> str:
    """The properties' module of a kind of engine, its bind left off, under a name of its own."""
    (pe, array, size), params = ENGINES[kind]
    text = sva_modules(tpe.Engine(pe, array, size, **params))["tpe_sva"]
    text = text.split("bind tpe_engine")[0].replace("module tpe_sva", f"module sva_{kind}")
    return text.replace("$isunknown(", "&(") if kind == "unknown" else text


def ports(text: str) -> list[tuple[str, int]]:
    """Inputs of the properties' module and their bits."""
    found = []
    for width, name in re.findall(r"input +wire +logic +(?:\[(.*?)-?1?:0\])? *(\w+)", text):
        bits = WIDTHS[width] if width in WIDTHS else int(width or 0) + 1
        found.append((name, bits))
    return found


def widths(kind: str) -> dict[str, int]:
    return WIDTHS | {"Streams": 2 if kind == "sparse" else 1}


@cache
def program() -> Path:
    parts, sources = [], {}
    for number, kind in enumerate(ENGINES):
        text = alone(kind)
        sources[f"sva_{kind}"] = text
        names = layout(kind)
        at, wires = 0, []
        for name, bits in names:
            signal = f"word[{at}+:{bits}]" + (f" && sel == {number}" if name == "rst_ni" else "")
            wires.append(f".{name}({signal})")
            at += bits
        chosen = ", ".join(f".{k}({v})" for k, v in widths(kind).items())
        wires.append(".clk_i(clk)")
        parts.append(f"  sva_{kind} #({chosen}) u_{kind} ({', '.join(wires)});")
    sources["sva_bench"] = f"""module sva_bench;
  logic clk = 1'b0;
  logic [127:0] mem[32];
  logic [127:0] word = '0;
  int t = 0, sel = 0;
  always #1 clk = !clk;
  initial begin
    void'($value$plusargs("sel=%d", sel));
    $readmemh("trace.hex", mem);
  end
  always @(posedge clk) begin
    word <= mem[t];
    t    <= t + 1;
    if (t == 31) $finish;
  end
{chr(10).join(parts)}
endmodule
"""
    return build(Design(sources, "sva_bench", ("--assert",), False, QUICK)) / "sva_bench"


@cache
def layout(kind: str) -> list[tuple[str, int]]:
    own = ports(alone(kind))
    wide = {"a_valid_i", "a_ready_i", "a_last_i"}
    return [
        (name, widths(kind)["Streams"] if name in wide else bits)
        for name, bits in own
        if name != "clk_i"
    ]


def fired(kind: str, trace: list[Cycle], folder: Path) -> set[str]:
    """Names of the properties that fail on a trace."""
    lines = []
    for cycle in [*trace, *[{}] * (32 - len(trace))]:
        word, at = 0, 0
        for name, bits in layout(kind):
            value = cycle.get(name, int(name == "rst_ni"))
            assert 0 <= value < 1 << bits, (name, value)
            word |= value << at
            at += bits
        lines.append(f"{word:032x}")
    (folder / "trace.hex").write_text("\n".join(lines) + "\n")
    done = subprocess.run(
        [program(), f"+sel={list(ENGINES).index(kind)}", "+verilator+error+limit+1000"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    return set(re.findall(r"Assertion failed in \S*?(\w+):", done.stdout + done.stderr))


@pytest.mark.parametrize("kind", ENGINES)
def test_a_legal_trace_breaks_no_property(kind, tmp_path):
    assert fired(kind, LEGAL[kind], tmp_path) == set()


@pytest.mark.parametrize(
    ("kind", "changes", "name"), WRONG, ids=[f"{k}-{n}-{i}" for i, (k, _, n) in enumerate(WRONG)]
)
def test_a_wrong_trace_breaks_its_property(kind, changes, name, tmp_path):
    trace = [dict(cycle) for cycle in LEGAL[kind]] + [{}] * 4
    for at, change in changes.items():
        trace[at] = {**trace[at], **change}
    assert name in fired(kind, trace, tmp_path)


def test_every_property_has_a_trace_that_breaks_it():
    emitted = {
        name for kind in ENGINES for name in re.findall(r"\b([am]_\w+): (?:assert|`)", alone(kind))
    }
    assert emitted == {name for _, _, name in WRONG}
    assert len(emitted) > 30


def test_inputs_are_assumed_where_a_prover_asks():
    text = sva_modules(tpe.Engine("mac", "os", (2, 2)))["tpe_sva"]
    assert "`define TPE_INPUT assume" in text.split("`else")[0]
    inputs = re.findall(r"\bm_\w+: (\S+) property", text)
    outputs = re.findall(r"\ba_\w+: (\S+) property", text)
    assert set(inputs) == {"`TPE_INPUT"} and set(outputs) == {"assert"}
    free = sva_modules(tpe.Engine("mac", "os", (2, 2)), held=False)["tpe_sva"]
    assert "m_a_waits" not in free and "m_a_known" in free


def test_two_packages_with_properties_fit_one_design():
    both: dict[str, str] = {}
    for prefix, size in (("left", (2, 2)), ("right", (2, 3))):
        e = tpe.Engine("mac", "ws", size)
        both |= emit.rename({**emit.engine_modules(e), **sva_modules(e)}, prefix)
    assert {"left_sva", "right_sva"} <= both.keys()
    assert all("tpe_" not in text for name, text in both.items() if name.endswith("_sva"))
