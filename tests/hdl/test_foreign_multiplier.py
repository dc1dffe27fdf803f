"""A multiplier in Verilog, read off pair by pair."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

import tpe
from tpe.hdl.foreign.cosim import example
from tpe.numbers.formats import FORMATS
from tpe.numbers.multipliers import MULTIPLIERS, named_table

UINT8, INT4, UINT4, INT3 = (FORMATS[name] for name in ("uint8", "int4", "uint4", "int3"))

KULKARNI = """
module block2(input [1:0] a, b, output [3:0] p);
  assign p = (a == 3 && b == 3) ? 4'd7 : a * b;
endmodule
module block4(input [3:0] a, b, output [7:0] p);
  wire [3:0] hh, hl, lh, ll;
  block2 u0(a[3:2], b[3:2], hh); block2 u1(a[3:2], b[1:0], hl);
  block2 u2(a[1:0], b[3:2], lh); block2 u3(a[1:0], b[1:0], ll);
  assign p = {hh, 4'd0} + {2'd0, hl, 2'd0} + {2'd0, lh, 2'd0} + {4'd0, ll};
endmodule
module kulkarni8(input [7:0] a, b, output [15:0] p);
  wire [7:0] hh, hl, lh, ll;
  block4 u0(a[7:4], b[7:4], hh); block4 u1(a[7:4], b[3:0], hl);
  block4 u2(a[3:0], b[7:4], lh); block4 u3(a[3:0], b[3:0], ll);
  assign p = {hh, 8'd0} + {4'd0, hl, 4'd0} + {4'd0, lh, 4'd0} + {8'd0, ll};
endmodule
"""
# Neither symmetric nor zero at zero: x is the row, whatever the names say.
LOPSIDED = """
module lopsided(output signed [9:0] z, input [3:0] y, input [2:0] a);
  assign z = 10'd3 * {6'd0, y} - {{7{a[2]}}, a} + 10'd5;
endmodule
"""


def test_all_pairs_of_kulkarni_by_circuit(tmp_path: Path) -> None:
    path = tmp_path / "kulkarni.v"
    path.write_text(KULKARNI)
    assert named_table(str(path), UINT8, UINT8) == MULTIPLIERS["kulkarni"].table(UINT8, UINT8)


def test_a_signed_multiplier() -> None:
    assert named_table(str(example()), INT4, INT4) == MULTIPLIERS["exact"].table(INT4, INT4)


def test_operands_are_in_the_order_of_the_ports(tmp_path: Path) -> None:
    path = tmp_path / "lopsided.sv"
    path.write_text(LOPSIDED)
    table = named_table(str(path), UINT4, INT3)
    for y, a in product(range(16), range(-4, 4)):
        assert table.of(y, a) == 3 * y - a + 5


BAD = {
    "module a(input [3:0] x, y, output [7:0] p); reg [3:0] q;\n"
    "always @(posedge x[0]) q = y; assign p = x * y + q; endmodule": "a combinational module",
    "module a(input [3:0] x, y, output [7:0] p); endmodule module b; endmodule": "a, b on top",
    "module a(input clk, input [3:0] x, y, output [7:0] p); assign p = x; endmodule": "a has input "
    "clk, input x, input y, output p; legal: two inputs, one output, no clock",
    "module a(input [3:0] x, input [2:0] y, output p); assign p = 0; endmodule": "port 'y' has 3 "
    "bits; legal for uint4, the second operand: 4",
    "module a(input [3:0] x, y, output [63:0] p); assign p = x; endmodule": "port 'p' is 64 bits",
    "module a(input [8:0] x, y, output [7:0] p); assign p = x; endmodule": "port 'x' is 9 bits",
    "module a; endmodule": "a has no port",
    "module a(input [3:0] x;": r"expected '\)'",
    '`include "other.v"\nmodule a(input [3:0] x, y, output p); endmodule': "No such file",
    "": "no module on top",
}


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_multiplier_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.v"
    (tmp_path / "other.v").write_text("")
    path.write_text(text)
    with pytest.raises(tpe.TpeError, match=BAD[text]) as error:
        named_table(str(path), UINT4, UINT4)
    assert str(error.value).startswith(str(path)) and "\n" not in str(error.value)
