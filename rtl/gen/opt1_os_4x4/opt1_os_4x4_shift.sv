// opt1_os_4x4_shift -- a resolved word extended and shifted left by its bit weight, a constant.
//
// Primitive : shift                (arXiv:2503.06342)
// Latency   : wires only. Bits above Width are dropped: modulo 2**Width.
`default_nettype none

module opt1_os_4x4_shift #(
    parameter int unsigned InWidth = 10,
    parameter int unsigned Width   = 32,
    parameter int unsigned Amount  = 0,
    parameter int unsigned Signed  = 1   // 0: the word is not negative, whatever its top bit says
) (
    input  wire  logic [InWidth-1:0]   word_i,
    output       logic [Width-1:0]     word_o
);

  localparam int unsigned Wide = (InWidth > Width) ? InWidth : Width;

  logic [Wide-1:0] extended;

  if (Wide > InWidth) begin : gen_extend
    assign extended = {{(Wide - InWidth) {word_i[InWidth-1] && Signed != 0}}, word_i};
  end else begin : gen_same
    assign extended = word_i;
  end

  assign word_o = Width'(extended << Amount);

endmodule

`default_nettype wire
