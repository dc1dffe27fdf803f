"""The Liberty reader: what a file says, in our units; several files; what is refused, and how."""

from __future__ import annotations

import gzip
import re
import time
from pathlib import Path

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.technology import function
from tpe.technology.library import Library, WireLoad
from tpe.technology.lookup import Table
from tpe.technology.read import read_liberty
from tpe.technology.technology import ALL_RESET, TPE130, technology

FULL = Path(__file__).resolve().parents[3] / "shared/liberty/sky130hd_tt.lib.gz"
OSU018 = Path("/usr/share/qflow/tech/osu018/osu018_stdcells.lib")

full = pytest.mark.skipif(not FULL.exists(), reason="needs ../shared/liberty")
osu018 = pytest.mark.skipif(not OSU018.exists(), reason="needs Debian's qflow-tech-osu018")

HEAD = """library (tiny) {
  time_unit : "1ns"; voltage_unit : "1V"; leakage_power_unit : "1nW";
  capacitive_load_unit (1, pf);
  nom_voltage : 1.2; nom_temperature : 25; nom_process : 1;
  lu_table_template (d) { variable_1 : total_output_net_capacitance;
    variable_2 : input_net_transition; index_1 ("1, 2"); index_2 ("1, 2, 3"); }
"""
INVERTER = """  cell (INV) { area : 1.5; leakage_power () { value : 2; when : "A"; }
    leakage_power () { value : 4; when : "!A"; }
    pin (A) { direction : input; capacitance : 0.002; }
    pin (Y) { direction : output; function : "A'"; /* not ; { " */
      timing () { related_pin : "A"; timing_sense : negative_unate;
        cell_rise (d) { index_1 ("0.001, 0.003"); index_2 ("0.1, 0.2, 0.4");
          values ("1, 2, 3", \\
                  "5, 6, 7"); } }
      internal_power () { related_pin : "A"; power (scalar) { values ("0.5"); } } } }
"""
NAND = """  cell (NAND2) { area : 2; pin (A) { direction : input; capacitance : 0.002; }
    pin (B) { direction : input; capacitance : 0.002; }
    pin (Y) { direction : output; function : "!(A B)"; } }
"""
BUFFER = """  cell (BUF) { area : 2; pin (A) { direction : input; capacitance : 0.002; }
    pin (Y) { direction : output; function : "A"; } }
"""
FLOP = """  cell (DFF) { area : 8; ff (IQ, IQN) { clocked_on : "C"; next_state : "D";
      clear : "!R"; }
    pin (C) { direction : input; clock : true; capacitance : 0.002; }
    pin (D, R) { direction : input; capacitance : 0.002; }
    pin (Q) { direction : output; function : "IQ"; } }
"""


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("TPE_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))


def write(folder: Path, *parts: str, name: str = "tiny.lib") -> Path:
    path = folder / name
    path.write_text("".join(parts))
    return path


def test_a_cell_is_read_in_our_units(tmp_path):
    inverter = read_liberty(write(tmp_path, HEAD, INVERTER, "}\n")).cell("INV")
    assert (inverter.area_um2, inverter.leakage_nw) == (1.5, 3.0)
    assert [(leak.power_nw, leak.when) for leak in inverter.leakages] == [(2.0, "A"), (4.0, "!A")]
    assert inverter.pin("A").capacitance_ff == 2.0
    arc = inverter.pin("Y").arcs[0]
    assert (arc.related_pin, arc.type, arc.sense) == ("A", "combinational", "negative_unate")
    assert arc.cell_rise.variables == ("slew", "load")  # the file has them the other way round
    np.testing.assert_allclose(arc.cell_rise.axes[0], [0.1, 0.2, 0.4])
    np.testing.assert_allclose(arc.cell_rise.axes[1], [1, 3])
    np.testing.assert_array_equal(arc.cell_rise.values, [[1, 5], [2, 6], [3, 7]])
    assert arc.cell_rise.at(0.15, 2.0) == pytest.approx(3.5)
    energy = inverter.pin("Y").energies[0]
    assert energy.rise.at(0.3, 7.0) == energy.fall.at(0.3, 7.0) == 500.0  # 0.5 pF V2


def test_units_scale(tmp_path):
    scaled = HEAD.replace("1ns", "10ps").replace('"1nW"', '"1pW"').replace("(1, pf)", '(2,"ff")')
    cell = read_liberty(write(tmp_path, scaled, INVERTER, "}\n")).cell("INV")
    rise = cell.pin("Y").arcs[0].cell_rise
    assert cell.leakage_nw == pytest.approx(0.003)
    assert cell.pin("A").capacitance_ff == pytest.approx(0.004)
    assert rise.values[0, 0] == pytest.approx(0.01)
    np.testing.assert_allclose(rise.axes[1], [0.002, 0.006])
    assert cell.pin("Y").energies[0].rise.at(0) == pytest.approx(1.0)  # 0.5 x 2 fF x 1 V2


def test_a_flip_flop(tmp_path):
    path = write(tmp_path, HEAD, INVERTER, NAND, FLOP, BUFFER, "}\n")
    flop = technology(path, any_speed=True).flip_flops[0]
    assert (flop.cell, flop.clock, flop.data, flop.outputs) == ("DFF", "C", "D", ("Q",))
    assert (flop.rising, flop.clear, flop.preset) == (True, "low", None)


def test_several_gzipped_files_are_one_library(tmp_path):
    """Files of one set may differ in units; cells, corner and node are one technology's."""
    pico = HEAD.replace("1ns", "1ps").replace("library (tiny)", "library (tiny_SEQ_TT)")
    files = []
    for name, text in {
        "inv": HEAD.replace("(tiny)", "(tiny_INV_TT)") + INVERTER + "}",
        "simple": HEAD.replace("(tiny)", "(tiny_SIMPLE_TT)") + NAND + "}",
        "seq": pico + FLOP + BUFFER + "}",
    }.items():
        files.append(tmp_path / f"{name}.lib.gz")
        files[-1].write_bytes(gzip.compress(text.encode()))
    made = technology(files, any_speed=True)
    assert made.name == "tiny_TT"
    assert [cell.name for cell in made.library.cells] == ["INV", "NAND2", "DFF", "BUF"]
    assert (made.node_nm, made.source) == (None, f"the user's; {ALL_RESET}")
    assert len(made.library.sha256) == 3
    for plain in made.tool_files:
        assert plain.read_text().startswith("library (tiny_")


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    first = write(tmp_path, HEAD, INVERTER, "}", name="a.lib")
    again = write(tmp_path, HEAD, INVERTER, "}", name="b.lib")
    hot = write(tmp_path, HEAD.replace("1.2", "1.1"), NAND, "}", name="c.lib")
    with pytest.raises(TpeError, match=r"b\.lib: cell INV stands in .*a\.lib already"):
        read_liberty([first, again])
    with pytest.raises(TpeError, match=r"c\.lib does not belong to .*a\.lib: voltage_v 1.1, not 1"):
        read_liberty([first, hot])


GOOD = HEAD + INVERTER + NAND + FLOP + BUFFER + "}\n"
WRONG = {
    "empty": ("", ":1: not Liberty: expected .*an empty file"),
    "a netlist": ("module x ();\nendmodule\n", ":1: not Liberty: .*found 'module x"),
    "cut in a cell": (
        GOOD[: GOOD.index("  cell (NAND2)") + 70],
        ":16: truncated: 'pin .A.' of ",
    ),
    "cut in values": (GOOD[: GOOD.index('"5, 6') + 4], ":13: .*never closed: truncated or wrong"),
    "cut in a comment": (GOOD[: GOOD.index("/* not") + 4], ":10: truncated: a comment"),
    "one brace more": (GOOD + "}\n", ":27: text after the end of the library"),
    "no statement": (GOOD.replace("area : 2;", "area = 2;"), ":16: not a Liberty statement"),
    "a unit": (GOOD.replace('"1ns"', '"1min"'), ":2: time_unit '1min': not a number and a unit"),
    "a load unit": (GOOD.replace("pf", "oz"), ":3: capacitive_load_unit .*oz.*such as .1, pf."),
    "no load unit": (GOOD.replace("capacitive_load_unit (1, pf);", ""), ":1: .*unit is missing"),
    "no leakage unit": (GOOD.replace("leakage_power_unit", "x"), ":7: value without a leakage_"),
    "area": (GOOD.replace("area : 1.5", "area : big"), ":7: area of cell .INV.: 'big' is not a"),
    "no area": (GOOD.replace("area : 8;", ""), ":19: cell DFF has no area"),
    "a table": (GOOD.replace('"5, 6, 7"', '"5, 6"'), ":12: cell_rise .d.: 5 values for axes of"),
    "a number": (GOOD.replace('"5, 6, 7"', '"5, 6, x"'), ":12: .*a value that is not a number"),
    "an axis": (GOOD.replace("0.001, 0.003", "0.003, 0.001"), ":12: .* must rise"),
    "a template": (GOOD.replace("cell_rise (d)", "cell_rise (e)"), ":12: cell_rise: no template"),
    "a function": (GOOD.replace("!(A B)", "!(A B"), ":18: pin Y: function .*a '\\)' is missing"),
    "a direction": (GOOD.replace('output; function : "A\'"', "out"), ":10: .*direction 'out'"),
    "no flip-flop": (
        HEAD + INVERTER + NAND + BUFFER + "}",
        ": no rising-edge flip-flop among 3 cells",
    ),
    "cell-poor": (HEAD + FLOP + "}", ": no inverter, no 2-input nand, no buffer among 1 cells"),
    "a falling flip-flop": (GOOD.replace('"C"', '"!C"'), ": no rising-edge flip-flop among 4"),
    "no reset": (GOOD.replace('clear : "!R";', ""), ": no flip-flop with an asynchronous reset"),
    "negative area": (GOOD.replace("area : 1.5", "area : -5"), ":7: cell INV: area -5 is not"),
    "no number": (GOOD.replace("area : 1.5", "area : nan"), ":7: .*nan.* is not"),
    "area 0": (GOOD.replace("area : 1.5", "area : 0"), ": cell INV has area 0; legal: above 0"),
    "no load": (GOOD.replace("capacitance : 0.002; }", "}", 1), ": cell INV has no pin capacit"),
    "no delays": (GOOD.replace("cell_rise (d)", "rise_transition (d)"), ": cell INV has no delay"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said_in_one_line(case, tmp_path):
    text, expected = WRONG[case]
    with pytest.raises(TpeError, match=rf"tiny\.lib{expected}") as caught:
        technology(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_the_untouched_text_is_accepted(tmp_path):
    assert len(technology(write(tmp_path, GOOD), any_speed=True).library.cells) == 4


def test_every_cut_of_a_file_is_refused(tmp_path):
    """No prefix of a library passes for one, wherever it ends."""
    end = len(GOOD.rstrip())
    for cut in range(0, end, 7):
        with pytest.raises(TpeError):
            read_liberty(write(tmp_path, GOOD[:cut]))


def test_damaged_gzip_and_missing_files(tmp_path):
    packed = gzip.compress(GOOD.encode())
    path = tmp_path / "cut.lib.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(TpeError, match=r"cut\.lib\.gz: cannot be read as Liberty: broken gzip"):
        read_liberty(path)
    path.write_bytes(packed[:30] + b"garbage" + packed[37:])
    with pytest.raises(TpeError, match=r"cut\.lib\.gz: cannot be read as Liberty: broken gzip"):
        read_liberty(path)
    with pytest.raises(TpeError, match="cannot be read as Liberty: No such file"):
        read_liberty(tmp_path / "none.lib")
    with pytest.raises(TpeError, match="cannot be read as Liberty: a folder"):
        read_liberty(tmp_path)
    with pytest.raises(TpeError, match="no Liberty file given"):
        read_liberty([])


def test_dont_use_bars_cells(tmp_path):
    path = write(tmp_path, GOOD)
    with pytest.raises(TpeError, match="no 2-input nand among 4 cells beside dont_use NAND"):
        technology(path, dont_use=["NAND*"])
    flagged = write(tmp_path, GOOD.replace("area : 8;", "area : 8; dont_use : true;"))
    with pytest.raises(TpeError, match="no rising-edge flip-flop"):
        technology(flagged)


def test_unknown_names():
    with pytest.raises(TpeError, match=r"unknown technology 'tpe13' \(did you mean 'tpe130'\?\)"):
        technology("tpe13")
    with pytest.raises(
        TpeError, match=r"unknown wire load of tpe130 'small'.*did you mean 'Small'"
    ):
        technology(wire_load="small")
    with pytest.raises(TpeError, match=r"tpe130 has no cell 'sky130_fd_sc_hd__inv_3' .did you"):
        technology().library.cell("sky130_fd_sc_hd__inv_3")


def test_the_cache_serves_equal_content_only(tmp_path):
    path = write(tmp_path, GOOD)
    first = read_liberty(path)
    assert read_liberty(path) == first
    path.write_text(GOOD.replace("area : 8", "area : 9"))
    assert read_liberty(path).cell("DFF").area_um2 == 9


def test_a_damaged_cache_is_read_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("TPE_CACHE_DIR", str(tmp_path / "cache"))
    path = write(tmp_path, GOOD)
    first = read_liberty(path)
    (kept,) = (tmp_path / "cache/liberty").glob("*.pickle")
    kept.write_bytes(kept.read_bytes()[:100])
    assert read_liberty(path) == first


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TPE_CACHE_DIR", str(tmp_path / "file"))
    with pytest.warns(UserWarning, match="Liberty is parsed anew; set TPE_CACHE_DIR"):
        assert len(read_liberty(write(tmp_path, GOOD)).cells) == 4


@pytest.mark.parametrize(
    ("path", "cells"),
    [
        pytest.param(TPE130, 48, id="tpe130"),
        pytest.param(FULL, 428, id="sky130hd", marks=full),
        pytest.param(OSU018, 32, id="osu018", marks=osu018),
    ],
)
def test_published_libraries_are_read_whole(path, cells):
    """Counts and sums against a plain search of the text, which knows no grammar."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    started = time.perf_counter()
    library = read_liberty(path)
    first = time.perf_counter() - started
    assert first < 10  # about half a second alone
    assert len(library.cells) == len(re.findall(r"^\s*cell ?\(", text, re.M)) == cells
    areas = [float(a) for a in re.findall(r"^\s*area : ([\d.]+)", text, re.M)]
    assert sum(cell.area_um2 for cell in library.cells) == pytest.approx(sum(areas))
    assert number_of_tables(library) == tables_in(text)
    assert read_liberty(path) == library


def tables_in(text: str) -> int:
    """Lists of values, those for both edges twice, without waveforms."""
    values = len(re.findall(r"\bvalues ?\(", text))
    both = len(re.findall(r"\bpower ?\(", text))
    return values + both - len(re.findall(r"normalized_driver_waveform ?\(", text))


def number_of_tables(library: Library) -> int:
    arcs = [arc for cell in library.cells for pin in cell.pins for arc in pin.arcs]
    energies = [e for cell in library.cells for pin in cell.pins for e in pin.energies]
    return sum(isinstance(v, Table) for record in (*arcs, *energies) for v in vars(record).values())


@full
def test_a_table_of_the_full_library_is_the_one_in_its_text():
    text = gzip.decompress(FULL.read_bytes()).decode()
    part = text[text.index('cell ("sky130_fd_sc_hd__xor2_1")') :]
    part = part[part.index('pin ("X")') :]
    part = part[part.index('cell_fall ("del_1_7_7")') :]
    lists = [re.findall(r"-?[\d.]+", found) for found in re.findall(r"\((\"[^)]*)\)", part)[:4]]
    table = read_liberty(FULL).cell("sky130_fd_sc_hd__xor2_1").pin("X").arcs[0].cell_fall
    np.testing.assert_allclose(table.axes[0], [float(v) for v in lists[1]])
    np.testing.assert_allclose(table.axes[1], [1e3 * float(v) for v in lists[2]])
    np.testing.assert_allclose(table.values.ravel(), [float(v) for v in lists[3]])


def test_interpolation_is_exact_where_the_surface_is_bilinear():
    rng = np.random.default_rng(1)
    slews, loads = np.sort(rng.random((2, 6)), axis=1)
    p = rng.random(4)

    def surface(s, c):
        return p[0] + p[1] * s + p[2] * c + p[3] * s * c

    table = Table(("slew", "load"), (slews, loads), surface(slews[:, None], loads))
    s, c = rng.uniform(-1, 2, (2, 500))  # beyond the axes too
    np.testing.assert_allclose(table.at(s, c), surface(s, c))
    assert table.at(s[:, None], c[:3]).shape == (500, 3)


def test_tables_of_one_axis():
    axis, values = np.array([1.0, 3.0]), np.array([10.0, 20.0])
    assert Table(("slew",), (axis,), values).at(2.0, 99.0) == 15.0
    assert Table(("load",), (axis,), values).at(99.0, 4.0) == 25.0
    assert Table(("load",), (axis[:1],), values[:1]).at(99.0, 4.0) == 10.0


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("A B + C", lambda a, b, c: (a & b) | c),
        ("A ^ B * C", lambda a, b, c: (a ^ b) & c),
        ("!A' + B C'", lambda a, b, c: a | (b & ~c)),
        ("(!A) | (!B & C)", lambda a, b, c: ~a | (~b & c)),
        ("A + B ^ C", lambda a, b, c: a | (b ^ c)),
        ("((A&B)) 1 + 0", lambda a, b, c: a & b),
    ],
)
def test_functions(text, same):
    a, b, c = (np.arange(8) >> k & 1 == 1 for k in range(3))
    values = {"A": a, "B": b, "C": c}
    np.testing.assert_array_equal(function.evaluate(text, values), same(a, b, c))
    python = function.verilog(text).replace("1'b1", "True").replace("1'b0", "False")
    np.testing.assert_array_equal(eval(python, {}, values), same(a, b, c))


@pytest.mark.parametrize("text", ["", "A +", "A ? B", "(A", "A)", "& A", "2"])
def test_what_is_no_function(text):
    with pytest.raises(TpeError, match=r"^function "):
        function.parse(text)


def test_wire_load_lengths():
    load = WireLoad("w", 2.0, 1.0, 5.0, ((1, 10.0), (4, 40.0)))
    assert [load.length(n) for n in (0, 1, 2, 4, 6)] == [0, 10, 20, 40, 50]
    assert load.load_ff(2) == 40.0
