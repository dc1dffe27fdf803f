// tpe_partial_products -- every digit of an operand times B, at its weight: their sum is a * b.
//
// Primitives: encode, map, shift   (arXiv:2503.06342)
// Latency   : combinational. Each word is exact modulo 2**Width.
`default_nettype none

module tpe_partial_products #(
    parameter  int unsigned AWidth    = 8,
    parameter  int unsigned BWidth    = 8,
    parameter  int unsigned Width     = 16,               // of a shifted partial product
    parameter  int unsigned Encoder   = tpe_pkg::EncoderBooth,
    parameter  int unsigned Coded     = 0,                // 1: a_i is digits, see tpe_unpack
    parameter  int unsigned CodeWidth = AWidth,
    localparam int unsigned NumDigits = (AWidth + 1) / 2
) (
    input  wire  logic [CodeWidth-1:0]              a_i,
    input  wire  logic [BWidth-1:0]                 b_i,
    output       logic [NumDigits-1:0][Width-1:0]   pp_o
);

  logic [NumDigits-1:0][2:0]        digit;
  logic [NumDigits-1:0][BWidth+1:0] pp;

  tpe_digits #(
      .AWidth   (AWidth),
      .Encoder  (Encoder),
      .Coded    (Coded),
      .CodeWidth(CodeWidth)
  ) u_digits (
      .a_i,
      .digit_o(digit)
  );

  for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
    tpe_map #(
        .InWidth(BWidth)
    ) u_map (
        .digit_i(digit[i]),
        .b_i,
        .pp_o   (pp[i])
    );

    tpe_shift #(
        .InWidth(BWidth + 2),
        .Width  (Width),
        .Amount (2 * i)
    ) u_shift (
        .word_i(pp[i]),
        .word_o(pp_o[i])
    );
  end

endmodule

`default_nettype wire
