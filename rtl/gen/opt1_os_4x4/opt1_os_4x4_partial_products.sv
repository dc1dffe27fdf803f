// opt1_os_4x4_partial_products -- every digit of an operand times B, at its weight: their sum is a * b.
//
// Primitives: encode, map, shift   (arXiv:2503.06342)
// A negative multiple is the complement of the positive one plus 1. Negate says where that 1 goes:
// into an adder in every map, so that each word is a digit times B; to the bits that the next word,
// shifted two further, leaves free, so that the last word alone needs an adder; or nowhere, so that
// the sum lacks 4**i for every negative digit i. With Biased the sign bit of every word is
// inverted: no word is negative, and the sum is 2**(BWidth+1) (4**NumDigits - 1) / 3 more; but
// where valid_i is low words are not biased, and zero for digits of zero. What is lacking, and what
// is too much, depends on a alone: opt1_os_4x4_row_digits has it for all columns.
// Latency   : combinational. The sum of the words is exact modulo 2**Width; with Biased they sum to
//             less than 2**(BWidth + 2 NumDigits), and are exact if Width is that.
`default_nettype none

module opt1_os_4x4_partial_products #(
    parameter  int unsigned AWidth    = 8,
    parameter  int unsigned BWidth    = 8,
    parameter  int unsigned Width     = 16,               // of a shifted partial product
    parameter  int unsigned Encoder   = opt1_os_4x4_pkg::EncoderBooth,
    parameter  int unsigned Coded     = 0,                // 1: a_i is digits, see opt1_os_4x4_unpack
    parameter  int unsigned Negate    = opt1_os_4x4_pkg::NegateAdder,
    parameter  int unsigned Biased    = 0,                // 1: no word is negative
    parameter  int unsigned CodeWidth = 8,
    localparam int unsigned NumDigits = (AWidth + 1) / 2
) (
    input  wire  logic                              valid_i,  // 0: no bias; digits may be zero
    input  wire  logic [CodeWidth-1:0]              a_i,
    input  wire  logic [BWidth-1:0]                 b_i,
    output       logic [NumDigits-1:0][Width-1:0]   pp_o
);

  localparam int unsigned WordWidth = BWidth + 2;

  if (Negate > opt1_os_4x4_pkg::NegateRow) begin : gen_check
    $error("opt1_os_4x4_partial_products: Negate must be one of opt1_os_4x4_pkg");
  end

  logic [WordWidth-1:0]                sign;      // inverts the sign bit, or nothing
  logic [NumDigits-1:0][2:0]           digit;
  logic [NumDigits-1:0]                negative;  // the 1 of the word is still to be added
  logic [NumDigits-1:0][WordWidth-1:0] word;
  logic [NumDigits-1:0][Width-1:0]     shifted;

  assign sign = {valid_i && Biased != 0, {(WordWidth - 1) {1'b0}}};

  opt1_os_4x4_digits #(
      .AWidth   (AWidth),
      .Encoder  (Encoder),
      .Coded    (Coded),
      .CodeWidth(CodeWidth)
  ) u_digits (
      .a_i,
      .digit_o(digit)
  );

  for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
    localparam bit Whole = (Negate == opt1_os_4x4_pkg::NegateAdder)
        || (Negate == opt1_os_4x4_pkg::NegateFreeBits && i == NumDigits - 1);

    opt1_os_4x4_multiple #(
        .InWidth   (BWidth),
        .Complement(Whole ? 0 : 1)
    ) u_multiple (
        .digit_i   (digit[i]),
        .b_i,
        .word_o    (word[i]),
        .negative_o(negative[i])
    );

    opt1_os_4x4_shift #(
        .InWidth(WordWidth),
        .Width  (Width),
        .Amount (2 * i),
        .Signed ((Biased != 0) ? 0 : 1)
    ) u_shift (
        .word_i(word[i] ^ sign),
        .word_o(shifted[i])
    );

    if (i > 0 && Negate == opt1_os_4x4_pkg::NegateFreeBits) begin : gen_free_bits
      assign pp_o[i] = shifted[i] | (Width'(negative[i-1]) << (2 * (i - 1)));
    end else begin : gen_alone
      assign pp_o[i] = shifted[i];
    end
  end

  logic unused_negative;
  assign unused_negative = ^negative;

endmodule

`default_nettype wire
