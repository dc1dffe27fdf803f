// tpe_add_cut -- a (sum, carry) pair resolved by a carry-propagate adder with a register inside.
//
// The low bits are added before the register. Of the high ones a row of half adders makes a pair
// whose carry word has no bit at its low end, where the carry of the low bits goes in: behind the
// register there is one adder of two words.
// Primitive : add                  (arXiv:2503.06342)
// Latency   : 1 cycle. Modulo 2**Width.
`default_nettype none

module tpe_add_cut #(
    parameter int unsigned Width    = 32,
    parameter int unsigned LowWidth = Width / 2  // bits that are added before the register
) (
    input  wire  logic               clk_i,
    input  wire  logic               en_i,
    input  wire  logic [Width-1:0]   sum_i,
    input  wire  logic [Width-1:0]   carry_i,
    output       logic [Width-1:0]   word_o
);

  localparam int unsigned HighWidth = Width - LowWidth;

  if (LowWidth < 1 || Width < LowWidth + 2) begin : gen_check_width
    $error("tpe_add_cut: LowWidth must be 1 or more, Width LowWidth + 2 or more");
  end

  logic [LowWidth:0]    low, low_q;   // with its carry
  logic [HighWidth-1:0] high_sum, high_carry, half_q, carried;
  logic [HighWidth-1:1] carry_q;

  assign low        = (LowWidth + 1)'(sum_i[LowWidth-1:0]) + (LowWidth + 1)'(carry_i[LowWidth-1:0]);
  assign high_sum   = sum_i[Width-1:LowWidth];
  assign high_carry = carry_i[Width-1:LowWidth];

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      low_q   <= low;
      half_q  <= high_sum ^ high_carry;
      carry_q <= high_sum[HighWidth-2:0] & high_carry[HighWidth-2:0];
    end
  end

  assign carried = {carry_q, low_q[LowWidth]};
  assign word_o  = {half_q + carried, low_q[LowWidth-1:0]};

endmodule

`default_nettype wire
