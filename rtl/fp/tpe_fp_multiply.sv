// tpe_fp_multiply -- the exact product of two floating-point codes, of any two formats.
//
// Value = (-1)**sign * sig * 2**(exp - biases - fraction bits), those of both operands added up.
// The significand is as it comes: of normal operands in [1, 4), of two integer bits.
// Overflow  : none. Infinity times zero, and NaN, give nan_o, which goes before inf_o.
// Latency   : combinational.
`default_nettype none

module tpe_fp_multiply #(
    parameter  int unsigned AExpWidth = 8,
    parameter  int unsigned AWidth    = 16,
    parameter  int unsigned ASpecial  = tpe_pkg::SpecialIeee,
    parameter  int unsigned BExpWidth = 8,
    parameter  int unsigned BWidth    = 16,
    parameter  int unsigned BSpecial  = tpe_pkg::SpecialIeee,
    localparam int unsigned ExpWidth  = ((AExpWidth > BExpWidth) ? AExpWidth : BExpWidth) + 1,
    localparam int unsigned SigWidth  = AWidth - AExpWidth + BWidth - BExpWidth
) (
    input  wire  logic [AWidth-1:0]     a_i,
    input  wire  logic [BWidth-1:0]     b_i,
    output       logic                  sign_o,
    output       logic [ExpWidth-1:0]   exp_o,
    output       logic [SigWidth-1:0]   sig_o,
    output       logic                  zero_o,
    output       logic                  inf_o,
    output       logic                  nan_o
);

  localparam int unsigned ASigWidth = AWidth - AExpWidth;
  localparam int unsigned BSigWidth = BWidth - BExpWidth;

  logic                 a_sign, a_zero, a_inf, a_nan, b_sign, b_zero, b_inf, b_nan;
  logic [AExpWidth-1:0] a_exp;
  logic [BExpWidth-1:0] b_exp;
  logic [ASigWidth-1:0] a_sig;
  logic [BSigWidth-1:0] b_sig;

  tpe_fp_unpack #(
      .ExpWidth (AExpWidth),
      .FracWidth(ASigWidth - 1),
      .Special  (ASpecial)
  ) u_unpack_a (
      .x_i   (a_i),
      .sign_o(a_sign),
      .exp_o (a_exp),
      .sig_o (a_sig),
      .zero_o(a_zero),
      .inf_o (a_inf),
      .nan_o (a_nan)
  );

  tpe_fp_unpack #(
      .ExpWidth (BExpWidth),
      .FracWidth(BSigWidth - 1),
      .Special  (BSpecial)
  ) u_unpack_b (
      .x_i   (b_i),
      .sign_o(b_sign),
      .exp_o (b_exp),
      .sig_o (b_sig),
      .zero_o(b_zero),
      .inf_o (b_inf),
      .nan_o (b_nan)
  );

  assign sign_o = a_sign ^ b_sign;
  assign exp_o  = ExpWidth'(a_exp) + ExpWidth'(b_exp);
  assign sig_o  = SigWidth'(a_sig) * SigWidth'(b_sig);
  assign zero_o = a_zero || b_zero;
  assign inf_o  = a_inf || b_inf;
  assign nan_o  = a_nan || b_nan || (a_inf && b_zero) || (b_inf && a_zero);

endmodule

`default_nettype wire
