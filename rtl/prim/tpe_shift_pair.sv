// tpe_shift_pair -- a (sum, carry) pair shifted left by its bit weight, a constant.
//
// The pair has Amount bits less than the result, so that nothing of it is widened: a pair that is
// exact modulo 2**(Width - Amount) becomes one that is exact modulo 2**Width.
// Primitive : shift                (arXiv:2503.06342, OPT2)
// Latency   : wires only.
`default_nettype none

module tpe_shift_pair #(
    parameter  int unsigned Width   = 32,             // of either word of the result
    parameter  int unsigned Amount  = 0,              // less than Width
    localparam int unsigned InWidth = Width - Amount
) (
    input  wire  logic [InWidth-1:0]   sum_i,
    input  wire  logic [InWidth-1:0]   carry_i,
    output       logic [Width-1:0]     sum_o,
    output       logic [Width-1:0]     carry_o
);

  if (Amount >= Width) begin : gen_check
    $error("tpe_shift_pair: Amount must be less than Width");
  end

  assign sum_o   = Width'(sum_i) << Amount;
  assign carry_o = Width'(carry_i) << Amount;

endmodule

`default_nettype wire
