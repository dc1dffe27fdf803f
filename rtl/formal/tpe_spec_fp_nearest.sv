// tpe_spec_fp_nearest -- specification: whether a code is the nearest one to a fixed-point number.
//
// The number, without a sign, is in units of 2**-Guards of the least subnormal. It lies between the
// middles of the code and its neighbours; in a middle the even code is right. Infinity is the
// neighbour of the largest code, as if the exponents went on.
`default_nettype none

module tpe_spec_fp_nearest #(
    parameter int unsigned ExpWidth  = 3,
    parameter int unsigned FracWidth = 2,
    parameter int unsigned Guards    = 4,
    parameter int unsigned Bits      = 16  // of the number
) (
    input  wire  logic [ExpWidth+FracWidth-1:0]   code_i,  // without its sign
    input  wire  logic [Bits-1:0]                 number_i,
    output       logic                            right_o
);

  localparam int unsigned Codes = ExpWidth + FracWidth;
  localparam int unsigned Room  = FracWidth + (1 << ExpWidth) + Guards;  // of a code's number
  localparam int unsigned Wide  = ((Room > Bits) ? Room : Bits) + 2;
  localparam logic [Codes-1:0] Infinity = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};

  function automatic logic [Wide-1:0] number_of(input logic [Codes-1:0] code);
    logic [ExpWidth-1:0] field;
    field = code[Codes-1:FracWidth];
    number_of = Wide'({field != '0, code[FracWidth-1:0]});
    number_of = (number_of << Guards) << ((field == '0) ? field : field - 1'b1);
  endfunction

  logic [Wide-1:0] twice, below, above;  // twice the number, and twice each middle
  logic            even;

  assign even  = !code_i[0];
  assign twice = Wide'(number_i) << 1;
  assign below = number_of(code_i) + number_of(code_i - 1'b1);
  assign above = number_of(code_i) + number_of(code_i + 1'b1);

  assign right_o = code_i <= Infinity
                && (code_i == '0 || twice > below || (twice == below && even))
                && (code_i == Infinity || twice < above || (twice == above && even));

endmodule

`default_nettype wire
