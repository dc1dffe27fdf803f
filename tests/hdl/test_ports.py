"""Port lists as records: what is read, what changes make of it, and how it is printed."""

from __future__ import annotations

import pytest

import tpe
from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.emit import ports, sources
from tpe.hdl.foreign import slang_ports

HOUSE = """\
    input  wire  logic                       clk_i,
    // the beat
    input  wire  logic signed [Rows*W-1:0]   a_i,    // rows of A
    output       logic [N-1:0][2:0]          digit_o"""


@pytest.mark.parametrize("module", sorted(sources.modules()))
def test_the_lists_of_rtl_are_printed_as_they_stand(module: str) -> None:
    text = sources.text(module)
    assert f"(\n{sources.ports(text)}\n);" in text


def test_a_list_is_read_as_a_parser_reads_it() -> None:
    for name in sources.modules():
        text = sources.text(name)
        parsed = ports.read_head(slang_ports.head(text))
        bare = [(p.name, p.direction, p.dims.replace(" ", "")) for p in sources.port_records(text)]
        assert bare == [(p.name, p.direction, p.dims.replace(" ", "")) for p in parsed]


def test_a_port_has_its_parts() -> None:
    clock, a, digit = ports.read(HOUSE)
    assert clock == ports.input_port("clk_i")
    assert (a.type, a.dims, a.comment) == ("logic signed", "[Rows*W-1:0]", "rows of A")
    assert a.above == ("the beat",) and a.elements == ("Rows", "W")
    assert (digit.direction, digit.net, digit.dims) == ("output", "", "[N-1:0][2:0]")


def test_what_was_read_can_be_read_again() -> None:
    listed = ports.read(HOUSE)
    assert ports.read(ports.text(listed)) == listed


def test_changes_return_other_lists() -> None:
    listed = ports.read(HOUSE)
    wide = ports.resized(listed, "a_i", "Wide")
    assert [p.dims for p in wide] == ["", "[Rows*Wide-1:0]", "[N-1:0][2:0]"]
    more = ports.inserted(wide, "a_i", ports.input_port("b_i"), ports.input_port("c_i"))
    assert [p.name for p in more] == ["clk_i", "a_i", "b_i", "c_i", "digit_o"]
    assert [p.name for p in ports.renamed(more, "c_i", "d_i")][3] == "d_i"
    assert listed == ports.read(HOUSE)


REFUSED = {
    "no such port": lambda: ports.find(ports.read(HOUSE), "x_i"),
    "renamed": lambda: ports.renamed(ports.read(HOUSE), "x_i", "y_i"),
    "inserted": lambda: ports.inserted(ports.read(HOUSE), "x_i", ports.input_port("y_i")),
    "not a vector of elements": lambda: ports.resized(ports.read(HOUSE), "clk_i", "W"),
    "two dimensions": lambda: ports.resized(ports.read(HOUSE), "digit_o", "W"),
    "no port": lambda: ports.read("    wire x,"),
    "unpacked": lambda: ports.read("    input  wire  logic x_i [2],"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_done_is_one_line(name: str) -> None:
    with pytest.raises(TpeError) as error:
        REFUSED[name]()
    assert "legal: " in str(error.value) and "\n" not in str(error.value)


def test_a_comment_without_room_stands_above_its_port() -> None:
    long = ports.input_port("a_i", "[W-1:0]", "a comment " * 8)
    printed = ports.text((long, ports.output_port("b_o", "", "short")))
    assert printed.splitlines()[0] == f"    // {long.comment}"
    assert max(map(len, printed.splitlines())) <= ports.LINE
    assert printed.splitlines()[-1].endswith("b_o   // short")


def test_ports_of_another_hand_are_printed_in_columns() -> None:
    text = "module m (input a, b, input signed [7:0] w, output reg [3:0] c); endmodule"
    assert ports.text(ports.read_head(slang_ports.head(text))).splitlines() == [
        "    input  wire                 a,",
        "    input  wire                 b,",
        "    input  wire  signed [7:0]   w,",
        "    output       reg [3:0]      c",
    ]


def test_a_top_has_its_ports_in_columns() -> None:
    engine = tpe.Engine(
        "opt1",
        "os",
        (2, 2),
        a_type="uint8",
        zero_points="subtract",
        overflow="flag",
        requant="column",
        encode_in="edge",
    )
    top = emit.engine_modules(engine)["tpe_engine"]
    records = sources.port_records(top)
    listed = {p.name: p for p in records}
    assert listed["a_i"].elements == ("Rows*Lanes", "AOperand")
    assert listed["a_zero_i"].dims == "[AOperand-1:0]"
    assert listed["c_o"].elements == ("Cols", "YWidth")
    assert list(listed)[-9:] == [
        *("c_ready_i", "scale_i", "shift_i", "out_zero_i", "c_take_o"),
        *("overflow_clear_i", "overflow_o", "c_last_o", "c_o"),
    ]
    lines = [line for line in ports.text(records).splitlines() if not line.startswith("    //")]
    assert len({line.index(f" {p.name}") for line, p in zip(lines, records, strict=True)}) == 1
    assert ports.text(records) in top
