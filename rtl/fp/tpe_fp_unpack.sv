// tpe_fp_unpack -- a floating-point code in its parts, and what it is.
//
// Value = (-1)**sign * sig * 2**(exp - bias - FracWidth), bias = 2**(ExpWidth-1) - 1, where it is
// neither infinity nor NaN: of a subnormal the hidden one is 0 and the exponent 1, which is its
// weight.
// Special   : which codes are no numbers.
// Latency   : combinational.
`default_nettype none

module tpe_fp_unpack #(
    parameter int unsigned ExpWidth  = 8,
    parameter int unsigned FracWidth = 7,
    parameter int unsigned Special   = tpe_pkg::SpecialIeee,
    parameter int unsigned Width     = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Width-1:0]      x_i,
    output       logic                  sign_o,
    output       logic [ExpWidth-1:0]   exp_o,   // biased; 1 or more
    output       logic [FracWidth:0]    sig_o,   // hidden one, fraction
    output       logic                  zero_o,
    output       logic                  inf_o,
    output       logic                  nan_o
);

  if (Special > tpe_pkg::SpecialNone || Width != ExpWidth + FracWidth + 1) begin : gen_check
    $error("tpe_fp_unpack: Special is one of special_e, Width = 1 + ExpWidth + FracWidth");
  end

  logic [ExpWidth-1:0]  exponent;
  logic [FracWidth-1:0] fraction;
  logic                 one, top;  // the hidden one; the highest exponent

  assign exponent = x_i[FracWidth+:ExpWidth];
  assign fraction = x_i[FracWidth-1:0];
  assign one      = exponent != '0;
  assign top      = exponent == '1;

  assign sign_o = x_i[Width-1];
  assign exp_o  = {exponent[ExpWidth-1:1], exponent[0] || !one};
  assign sig_o  = {one, fraction};
  assign zero_o = !one && fraction == '0;

  if (Special == tpe_pkg::SpecialIeee) begin : gen_ieee
    assign inf_o = top && fraction == '0;
    assign nan_o = top && fraction != '0;
  end else begin : gen_finite
    assign inf_o = 1'b0;
    assign nan_o = (Special == tpe_pkg::SpecialTop) && top && fraction == '1;
  end

endmodule

`default_nettype wire
