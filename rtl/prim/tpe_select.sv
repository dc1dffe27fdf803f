// tpe_select -- of NumOps words the one at a place.
//
// Primitive : select, in front of a cell whose other operand has structured sparsity N:M
// Latency   : combinational.
`default_nettype none

module tpe_select #(
    parameter  int unsigned NumOps     = 4,  // 2, 4, 8, ...: M
    parameter  int unsigned Width      = 8,
    localparam int unsigned PlaceWidth = $clog2(NumOps)
) (
    input  wire  logic [NumOps*Width-1:0]   op_i,     // word 0 lowest
    input  wire  logic [PlaceWidth-1:0]     place_i,
    output       logic [Width-1:0]          op_o
);

  if (NumOps < 2 || NumOps != 2 ** PlaceWidth) begin : gen_check
    $error("tpe_select: NumOps is a power of two, 2 at least");
  end

  logic [NumOps-1:0][Width-1:0] op;
  assign op   = op_i;
  assign op_o = op[place_i];

endmodule

`default_nettype wire
