// tpe_spec_next_fma -- specification: what a step of tpe_pe_fma makes of a psum, from its parts.
//
// The exact product of tpe_fp_multiply, of two integer bits, added to a code by tpe_fp_fused_add,
// which takes the exponent of the product's top bit in the bias of the code.
`default_nettype none

module tpe_spec_next_fma #(
    parameter int unsigned AWidth    = 16,
    parameter int unsigned BWidth    = 16,
    parameter int unsigned CodeWidth = AWidth,
    parameter int unsigned PsumWidth = 32,
    parameter int unsigned AExpWidth = 8,
    parameter int unsigned BExpWidth = 8,
    parameter int unsigned ASpecial  = tpe_pkg::SpecialIeee,
    parameter int unsigned BSpecial  = tpe_pkg::SpecialIeee,
    parameter int unsigned CType     = tpe_pkg::CTypeFp32,
    parameter int unsigned TermWidth = CodeWidth + BWidth + 5
) (
    input  wire  logic [CodeWidth-1:0]   code_i,
    input  wire  logic [BWidth-1:0]      b_i,
    output       logic [TermWidth-1:0]   term_o,
    input  wire  logic [TermWidth-1:0]   term_i,  // term_o, some registers later
    input  wire  logic [PsumWidth-1:0]   psum_i,
    output       logic [PsumWidth-1:0]   psum_o
);

  localparam int unsigned CExpWidth = (CType == tpe_pkg::CTypeFp16) ? 5 : 8;
  localparam int unsigned Widest    = (AExpWidth > BExpWidth) ? AExpWidth : BExpWidth;
  localparam int unsigned ProdExp   = ((Widest > CExpWidth) ? Widest : CExpWidth) + 2;
  localparam int unsigned ProdWidth = AWidth - AExpWidth + BWidth - BExpWidth;
  localparam int          Biases    = 2 ** (AExpWidth - 1) - 1 + 2 ** (BExpWidth - 1) - 1;
  localparam int          CBias     = 2 ** (CExpWidth - 1) - 1;
  localparam logic [ProdExp-1:0] TopBit = ProdExp'(CBias + 1 - Biases);  // from the weight

  logic                 sign, inf, not_a_number, sign_s, inf_s, nan_s, unused_zero;
  logic [Widest:0]      weight, weight_s;
  logic [ProdWidth-1:0] significand, significand_s;  // the same of term_i

  tpe_fp_multiply #(
      .AExpWidth(AExpWidth),
      .AWidth   (AWidth),
      .ASpecial (ASpecial),
      .BExpWidth(BExpWidth),
      .BWidth   (BWidth),
      .BSpecial (BSpecial)
  ) u_multiply (
      .a_i   (code_i),
      .b_i,
      .sign_o(sign),
      .exp_o (weight),
      .sig_o (significand),
      .zero_o(unused_zero),
      .inf_o (inf),
      .nan_o (not_a_number)
  );

  assign term_o = TermWidth'({not_a_number, inf, sign, weight, significand});
  assign {nan_s, inf_s, sign_s, weight_s, significand_s} = term_i[ProdWidth+Widest+3:0];

  tpe_fp_fused_add #(
      .ExpWidth (CExpWidth),
      .FracWidth(PsumWidth - CExpWidth - 1),
      .ProdWidth(ProdWidth),
      .ProdExp  (ProdExp)
  ) u_add (
      .prod_sign_i(sign_s),
      .prod_exp_i (ProdExp'(weight_s) + TopBit),
      .prod_sig_i (significand_s),
      .prod_inf_i (inf_s),
      .prod_nan_i (nan_s),
      .word_i     (psum_i),
      .sum_o      (psum_o)
  );

endmodule

`default_nettype wire
