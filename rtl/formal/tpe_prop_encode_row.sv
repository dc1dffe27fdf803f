// tpe_prop_encode_row -- a word of digits that is made at the array's edge stands for its operand.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_encode_row #(
    parameter int unsigned Width     = 8,
    parameter int unsigned Encoder   = tpe_pkg::EncoderBooth,
    parameter int unsigned CodeWidth = 12
) (
    input  wire  logic [Width-1:0]   a_i,
    output       logic               fails_o
);

  localparam int unsigned NumDigits = (Width + 1) / 2;

  logic [CodeWidth-1:0]                   code;
  logic                                   legal;
  logic        [4*NumDigits-1:0]          unused_digit;
  logic signed [2*NumDigits+2:0]          value;

  tpe_encode_row #(
      .Count    (1),
      .Width    (Width),
      .Encoder  (Encoder),
      .CodeWidth(CodeWidth)
  ) u_encode (
      .a_i,
      .code_o(code)
  );

  tpe_spec_code #(
      .AWidth   (Width),
      .CodeWidth(CodeWidth),
      .Form     (2 + Encoder)
  ) u_code (
      .code_i (code),
      .legal_o(legal),
      .digit_o(unused_digit),
      .value_o(value)
  );

  assign fails_o = !legal || value != (2 * NumDigits + 3)'($signed(a_i));

endmodule

`default_nettype wire
