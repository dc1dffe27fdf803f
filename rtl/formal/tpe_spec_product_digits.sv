// tpe_spec_product_digits -- specification: the sum of digit * b * 4**i, modulo 2**Width.
//
// Digits 0: the digits are those of tpe_encode, whose own property says that their sum at their
// weights is a. 2 and 3: they are those that tpe_spec_code reads from the code.
`default_nettype none

module tpe_spec_product_digits #(
    parameter  int unsigned AWidth    = 8,
    parameter  int unsigned BWidth    = 8,
    parameter  int unsigned CodeWidth = 8,
    parameter  int unsigned Digits    = 0,
    parameter  int unsigned Encoder   = tpe_pkg::EncoderBooth,
    parameter  int unsigned Width     = 32,
    localparam int unsigned NumDigits = (AWidth + 1) / 2
) (
    input  wire  logic [CodeWidth-1:0]             code_i,
    input  wire  logic [BWidth-1:0]                b_i,
    output       logic                             legal_o,
    output       logic [NumDigits-1:0][Width-1:0]  part_o,    // digit * b of each digit
    output       logic [Width-1:0]                 product_o
);

  // {minus, two, one} of each digit
  logic [NumDigits-1:0][2:0] digit;
  logic [Width-1:0]          b, magnitude;

  assign b = Width'($signed(b_i));

  if (Digits == 0) begin : gen_encode
    assign legal_o = 1'b1;
    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i    (code_i),
        .digit_o(digit)
    );
  end else begin : gen_code
    logic [4*NumDigits-1:0]        value;
    logic signed [2*NumDigits+2:0] unused_value;
    tpe_spec_code #(
        .AWidth   (AWidth),
        .CodeWidth(CodeWidth),
        .Form     (Digits)
    ) u_code (
        .code_i,
        .legal_o,
        .digit_o(value),
        .value_o(unused_value)
    );
    for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
      assign digit[i] = {value[4*i+3], !value[4*i], value[4*i]} & {3{value[4*i+:4] != '0}};
    end
  end

  always_comb begin
    product_o = '0;
    for (int unsigned i = 0; i < NumDigits; i++) begin
      magnitude = '0;
      if (digit[i][0]) magnitude = b;
      if (digit[i][1]) magnitude = b << 1;
      part_o[i] = digit[i][2] ? -magnitude : magnitude;
      product_o = product_o + (part_o[i] << (2 * i));
    end
  end

endmodule

`default_nettype wire
