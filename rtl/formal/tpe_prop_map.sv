// tpe_prop_map -- the multiple of a legal digit, with its 1 if that is left out, is digit * b.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_map #(
    parameter int unsigned BWidth     = 8,
    parameter int unsigned Complement = 0  // of tpe_multiple
) (
    input  wire  logic [2:0]          digit_i,
    input  wire  logic [BWidth-1:0]   b_i,
    output       logic                fails_o
);

  localparam int unsigned Width = BWidth + 4;  // holds every product of select lines and b

  logic                     legal;
  logic signed [Width-1:0]  digit, product;
  logic [BWidth+1:0]        word;
  logic                     negative;

  tpe_multiple #(
      .InWidth   (BWidth),
      .Complement(Complement)
  ) u_multiple (
      .digit_i,
      .b_i,
      .word_o    (word),
      .negative_o(negative)
  );

  tpe_spec_digit #(
      .Width(Width)
  ) u_digit (
      .digit_i,
      .legal_o(legal),
      .value_o(digit)
  );

  assign product = digit * Width'($signed(b_i));
  assign fails_o = legal && (Width'($signed(word)) + Width'(negative) != product);

endmodule

`default_nettype wire
