"""A PE of another hand in our arrays: its head is parsed or refused, nobody calls it checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.contract.combos import WITH_RTL
from tests.contract.test_arithmetics import OTHERS
from tpe import pe as pes
from tpe.array import combinations
from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.foreign import slang_ports
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.images import Case
from tpe.model.engine import Engine
from tpe.pe.base import PE
from tpe.report.describe import describe

PARAMETERS = """parameter int unsigned AWidth = 8, BWidth = 8, AccWidth = 24, /* one, two */
    parameter int unsigned Lanes = 1, CodeWidth = AWidth, PsumWidth = AccWidth, PlaneWidth = 1"""
BODY = """
  wire signed [AWidth-1:0] x = code_i; wire signed [BWidth-1:0] y = b_i;
  wire unused = ^{rst_ni, plane_i};
  always @(posedge clk_i) if (en_i && valid_i) psum_o <= $signed(first_i ? 0 : psum_i) + x * y;
endmodule
"""
SHARED_LINES = f"""
module tpe_pe_plain #({PARAMETERS}) (
  input wire clk_i, rst_ni, en_i, valid_i, first_i, // all on one line
  input wire [Lanes*CodeWidth-1:0] code_i, input wire [Lanes*BWidth-1:0] b_i,
  input wire [PlaneWidth-1:0] plane_i, input wire [PsumWidth-1:0] psum_i, output reg
  [PsumWidth-1:0] psum_o);{BODY}"""
OF_1995 = f"""`define OUT(w) output [w-1:0]
module tpe_pe_plain (clk_i, rst_ni, en_i, valid_i, first_i, code_i, b_i, plane_i, psum_i, psum_o);
  {PARAMETERS.replace(", /*", "; /*").replace("*/", "*/ ")};
  input clk_i, rst_ni, en_i, valid_i, first_i; input [Lanes*CodeWidth-1:0] code_i;
  input [Lanes*BWidth-1:0] b_i; input [PlaneWidth-1:0] plane_i; input [PsumWidth-1:0] psum_i;
  `OUT(PsumWidth) psum_o; reg [PsumWidth-1:0] psum_o;{BODY}"""
NAMES = [
    *("clk_i", "rst_ni", "en_i", "valid_i", "first_i"),
    *("code_i", "b_i", "plane_i", "psum_i", "psum_o"),
]

Put = Callable[[str], PE]


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts a cell's text beside `rtl/`; the record is the MAC's under another name."""
    real = sources.text

    def cell(text: str) -> PE:
        own = {"tpe_pe_plain": text}
        monkeypatch.setattr(sources, "text", lambda name: own.get(name) or real(name))
        mac = pes.get("mac")
        assert mac.hardware is not None
        return replace(mac, name="plain", hardware=replace(mac.hardware, cell="plain"))

    return cell


# ---- heads ----


@pytest.mark.parametrize("text", [SHARED_LINES, OF_1995], ids=["shared lines", "of 1995"])
def test_a_cell_with_ports_on_shared_lines_multiplies_in_an_array(text: str, put: Put) -> None:
    engine = Engine(put(text), "matrix2d", (2, 2), a_type="int4", b_type="int6", acc_bits=16)
    alias = emit.engine_modules(engine)["tpe_cell"]
    assert sources.port_names(alias) == NAMES
    assert sources.in_house_style(alias)
    for name in NAMES:
        assert f".{name}" in alias.split("u_cell")[1]
    low, high = np.arange(-8, 8), np.arange(-32, 32)
    a, b = low[:, None].repeat(3, axis=1), high[None, :].repeat(3, axis=0)
    outcome = cosim.cosimulate([Case(engine, a, b)])[0]
    assert outcome.ok and (outcome.C == 3 * np.multiply.outer(low, high)).all()


def test_widths_become_the_defaults_of_every_parameter_on_a_line(put: Put) -> None:
    engine = Engine(put(SHARED_LINES), "matrix2d", (2, 2), a_type="int4", b_type="int6")
    head = emit.engine_modules(engine)["tpe_pe_plain"].split(") (")[0]
    assert "AWidth = 4, BWidth = 6, AccWidth = 32, /* one, two */" in head
    assert "Lanes = 1, CodeWidth = 4, PsumWidth = 32, PlaneWidth = 1" in head


def test_our_own_text_is_read_as_a_parser_reads_it() -> None:
    """The quick way for text with a port a line, held to the parser on every module of ours."""
    for name in sources.modules():
        text = sources.text(name)
        assert sources.in_house_style(text), name
        found = slang_ports.head(text)
        assert sources.port_names(text) == [port.name for port in found.ports]
        assert sources.parameters(text) == found.parameters
        assert sources.instances(text) == {x for x in found.instances if x.startswith("tpe_")}


def test_instances_are_found_however_they_are_written() -> None:
    text = """module tpe_x (input a);
  tpe_add#(.Width(4)) first(.a(a)), \\sec.ond (.a(a));
  // tpe_map u_map (.a(a));
  generate if (1) begin : g tpe_fifo
    odd_name (.a); end endgenerate
endmodule"""
    assert sources.instances(text) == {"tpe_add", "tpe_fifo"}


REFUSED = {
    "a missing port": (("en_i, ", ""), "has no port 'en_i', which arrays connect"),
    "a port too many": (("en_i,", "en_i, mode_i,"), "port 'mode_i' is connected by no array"),
    "a width of its own": (
        ("[Lanes*BWidth-1:0] b_i", "[Lanes*Wide-1:0] b_i"),
        "port 'b_i' is as wide as 'Wide' says",
    ),
    "a broken head": (("output reg", "output reg ]"), "tpe_pe_plain"),
    "an unpacked port": (("plane_i,", "plane_i [2],"), "port 'plane_i' is an unpacked array"),
    "a wildcard": (("en_i,", "en_i, .q(unused),"), "is an interface or an expression"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_head_that_does_not_fit_is_refused(name: str, put: Put) -> None:
    (old, new), message = REFUSED[name]
    assert SHARED_LINES.count(old) == 1
    pe = put(SHARED_LINES.replace(old, new))
    with pytest.raises(TpeError) as error:
        emit.engine_modules(Engine(pe, "matrix2d", (2, 2)))
    assert message in str(error.value) and "\n" not in str(error.value)


# ---- what is said of it ----


def test_the_list_of_checked_pes_is_what_the_contract_runs() -> None:
    ran = {pe.name for pe, _ in WITH_RTL} | {name for name in OTHERS if pes.get(name).rtl}
    said = {name for name in pes.names() if pes.rtl_checked(pes.get(name)) == "contract tests"}
    assert said == ran
    unknown = {pe.name for pe, _, _ in combinations()} - set(pes.names())
    assert not unknown


def test_another_pe_is_said_to_be_unchecked_everywhere(put: Put, capsys: Any) -> None:
    pe = put(SHARED_LINES)
    engine = Engine(pe, "matrix2d", (2, 2))
    assert engine.describe()["rtl_checked"] == "not checked"
    assert engine.run([[1]], [[1]]).to_frame()["rtl_checked"].tolist() == ["not checked"]
    assert describe(engine)["engine"]["rtl_checked"] == "not checked"
    top = emit.engine_modules(engine)["tpe_engine"]
    assert "// The RTL of pe plain is not checked against its model: tpe verify." in top
    renamed = replace(pes.get("mac"), title="of another hand")  # under a name that is taken
    assert pes.rtl_checked(renamed) == "not checked"
    assert pes.rtl_checked(replace(pe, hardware=None)) == "model only"
    own = emit.engine_modules(Engine("mac", "matrix2d", (2, 2)))["tpe_engine"]
    assert "not checked" not in own


def test_the_commands_say_so_of_a_file_put_into_the_folder(
    put: Put, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    pe, real = put(SHARED_LINES), pes.get
    for listing in ("names", "usable"):
        monkeypatch.setattr(pes, listing, lambda: ("mac", "plain"))
    monkeypatch.setattr(pes, "get", lambda name: pe if name == "plain" else real(name))
    shown = CliRunner().invoke(app, ["show", "--pe", "plain", "--size", "2x2"])
    assert "checked  not checked: tpe verify compares the RTL" in shown.stdout, shown.output
    listed = CliRunner().invoke(app, ["list"]).stdout
    assert "not checked" in listed and "contract tests" in listed
    words = ["emit", "--pe", "plain", "--size", "2x2", "-o", str(tmp_path / "out")]
    emitted = CliRunner().invoke(app, words)
    assert "the RTL of this PE is not checked" in emitted.stdout, emitted.output
