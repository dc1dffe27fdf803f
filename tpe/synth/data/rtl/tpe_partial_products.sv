// tpe_partial_products -- every digit of an operand times B, at its weight: their sum is a * b.
//
// Stands in for the module of that name where area and delay are what counts. A negative multiple
// is the complement of the positive one plus 1; here the 1 of every word but the last stands in
// the bits that the next word, shifted two further, leaves free. So one word alone needs an adder.
// A word by itself is no digit times B; the sum of the words is the same.
//
// Latency   : combinational. The sum of the words is exact modulo 2**Width.
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

  logic [NumDigits-1:0][2:0] digit;

  tpe_digits #(
      .AWidth   (AWidth),
      .Encoder  (Encoder),
      .Coded    (Coded),
      .CodeWidth(CodeWidth)
  ) u_digits (
      .a_i,
      .digit_o(digit)
  );

  logic [NumDigits-1:0]             negative;
  logic [NumDigits-1:0][BWidth+1:0] word;

  for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
    logic [Width-1:0] shifted;

    tpe_map_complement #(
        .InWidth(BWidth)
    ) u_map (
        .digit_i   (digit[i]),
        .b_i,
        .word_o    (word[i]),
        .negative_o(negative[i])
    );

    if (i == NumDigits - 1) begin : gen_last
      logic [BWidth+1:0] multiple;
      assign multiple = word[i] + (BWidth + 2)'(negative[i]);
      assign shifted  = Width'($signed(multiple)) << (2 * i);
    end else begin : gen_word
      assign shifted = Width'($signed(word[i])) << (2 * i);
    end
    if (i == 0) begin : gen_first
      assign pp_o[i] = shifted;
    end else begin : gen_next
      assign pp_o[i] = shifted | (Width'(negative[i-1]) << (2 * (i - 1)));
    end
  end

endmodule

`default_nettype wire
