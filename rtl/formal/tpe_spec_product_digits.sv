// tpe_spec_product_digits -- specification: the sum of digit * b * 4**i, modulo 2**Width.
//
// The digits are those of tpe_encode, whose own property says that their sum at their weights is a.
`default_nettype none

module tpe_spec_product_digits #(
    parameter  int unsigned AWidth    = 8,
    parameter  int unsigned BWidth    = 8,
    parameter  int unsigned Encoder   = 0,
    parameter  int unsigned Width     = 32,
    localparam int unsigned NumDigits = (AWidth + 1) / 2
) (
    input  wire  logic [AWidth-1:0]   a_i,
    input  wire  logic [BWidth-1:0]   b_i,
    output       logic [Width-1:0]    product_o
);

  logic [NumDigits-1:0][2:0] digit;
  logic [Width-1:0]          b, magnitude;

  assign b = Width'($signed(b_i));

  tpe_encode #(
      .Width  (AWidth),
      .Encoder(Encoder)
  ) u_encode (
      .a_i,
      .digit_o(digit)
  );

  always_comb begin
    product_o = '0;
    for (int unsigned i = 0; i < NumDigits; i++) begin
      magnitude = '0;
      if (digit[i][0]) magnitude = b;
      if (digit[i][1]) magnitude = b << 1;
      product_o = product_o + ((digit[i][2] ? -magnitude : magnitude) << (2 * i));
    end
  end

endmodule

`default_nettype wire
