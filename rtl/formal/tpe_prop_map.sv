// tpe_prop_map -- the partial product of a legal digit is digit * b, exactly.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_map #(
    parameter int unsigned BWidth = 8
) (
    input  wire  logic [2:0]          digit_i,
    input  wire  logic [BWidth-1:0]   b_i,
    output       logic                fails_o
);

  localparam int unsigned Width = BWidth + 4;  // holds every product of select lines and b

  logic                     legal;
  logic signed [Width-1:0]  digit, product;
  logic [BWidth+1:0]        pp;

  tpe_map #(
      .InWidth(BWidth)
  ) u_map (
      .digit_i,
      .b_i,
      .pp_o(pp)
  );

  tpe_spec_digit #(
      .Width(Width)
  ) u_digit (
      .digit_i,
      .legal_o(legal),
      .value_o(digit)
  );

  assign product = digit * Width'($signed(b_i));
  assign fails_o = legal && (Width'($signed(pp)) != product);

endmodule

`default_nettype wire
