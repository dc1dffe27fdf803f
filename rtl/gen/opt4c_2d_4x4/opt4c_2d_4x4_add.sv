// opt4c_2d_4x4_add -- a (sum, carry) pair resolved by a carry-propagate adder, then sign-extended.
//
// Primitive : add                  (arXiv:2503.06342)
// Latency   : combinational. Exact when the value fits InWidth bits; else modulo 2**InWidth.
`default_nettype none

module opt4c_2d_4x4_add #(
    parameter int unsigned InWidth = 32,  // width at which the pair is resolved
    parameter int unsigned Width   = 32   // width of the word, InWidth or more
) (
    input  wire  logic [InWidth-1:0]   sum_i,
    input  wire  logic [InWidth-1:0]   carry_i,
    output       logic [Width-1:0]     word_o
);

  if (Width < InWidth) begin : gen_check_width
    $error("opt4c_2d_4x4_add: Width must be InWidth or more");
  end

  logic [InWidth-1:0] resolved;

  assign resolved = sum_i + carry_i;

  if (Width > InWidth) begin : gen_extend
    assign word_o = {{(Width - InWidth) {resolved[InWidth-1]}}, resolved};
  end else begin : gen_same
    assign word_o = resolved;
  end

endmodule

`default_nettype wire
