// opt4c_2d_4x4_accumulate_kept -- a word added to a running sum that keeps a carry every Every bits.
//
// Radix-2**Every carry-save: Every bits of the sum are an adder of their own, whose carry is kept,
// and added a step later where it belongs. A pair of words is the case of Every = 1.
// Primitive : half_reduce          (arXiv:2503.06342)
// Latency   : combinational. sum_o and the carries, at their bits, sum to all, modulo 2**Width.
`default_nettype none

module opt4c_2d_4x4_accumulate_kept #(
    parameter  int unsigned Width   = 22,
    parameter  int unsigned Every   = 2,
    localparam int unsigned NumOps  = 3,                   // a word, the sum, its carries
    localparam int unsigned Carries = (Width - 1) / Every  // [j] is of bit (j + 1) Every
) (
    input  wire  logic [Width-1:0]     word_i,
    input  wire  logic [Width-1:0]     sum_i,
    input  wire  logic [Carries-1:0]   carry_i,
    output       logic [Width-1:0]     sum_o,
    output       logic [Carries-1:0]   carry_o
);

  if (Width <= Every) begin : gen_check
    $error("opt4c_2d_4x4_accumulate_kept: Width must be more than Every");
  end

  logic [Width:0] carry;  // into bit i, made in this step

  assign carry[0] = 1'b0;

  for (genvar i = 0; i < Width; i++) begin : gen_bit
    logic [NumOps-1:0] op;

    assign op[1:0] = {sum_i[i], word_i[i]};

    if (i == 0 || i % Every != 0) begin : gen_ripple
      assign op[2] = carry[i];
    end else begin : gen_kept
      assign op[2]              = carry_i[i/Every-1];
      assign carry_o[i/Every-1] = carry[i];
    end

    assign sum_o[i]   = ^op;
    assign carry[i+1] = (op[0] & op[1]) | (op[0] & op[2]) | (op[1] & op[2]);
  end

  logic unused_carry;
  assign unused_carry = ^carry;

endmodule

`default_nettype wire
