// tpe_spec_next_fma_approxnorm -- specification: what a step of fma_approxnorm makes of a psum.
//
// A psum is {nan, inf, exponent, sign, significand}, the exponent in excess of half its range; the
// sum of two numbers is that of tpe_fp_approx_add. NaN stays, infinity too unless one of the other
// sign meets it; of both all other bits are zero but the sign of infinity. A product of zero leaves
// the psum as it is.
`default_nettype none

module tpe_spec_next_fma_approxnorm #(
    parameter int unsigned AWidth       = 16,
    parameter int unsigned BWidth       = 16,
    parameter int unsigned CodeWidth    = AWidth,
    parameter int unsigned PsumWidth    = 31,
    parameter int unsigned AExpWidth    = 8,
    parameter int unsigned BExpWidth    = 8,
    parameter int unsigned ASpecial     = tpe_pkg::SpecialIeee,
    parameter int unsigned BSpecial     = tpe_pkg::SpecialIeee,
    parameter int unsigned NormK        = 1,
    parameter int unsigned NormLambda   = 1,
    parameter int unsigned PsumFracBits = 16,
    parameter int unsigned IntBits      = 2,
    parameter int unsigned Normaliser   = tpe_pkg::NormaliserApprox,
    parameter int unsigned Align        = tpe_pkg::AlignTruncate,
    parameter int unsigned PsumForm     = tpe_pkg::PsumFormSignMagnitude,
    parameter int unsigned TermWidth    = CodeWidth + BWidth + 5
) (
    input  wire  logic [CodeWidth-1:0]   code_i,
    input  wire  logic [BWidth-1:0]      b_i,
    output       logic [TermWidth-1:0]   term_o,
    input  wire  logic [TermWidth-1:0]   term_i,  // term_o, some registers later
    input  wire  logic [PsumWidth-1:0]   psum_i,
    output       logic [PsumWidth-1:0]   psum_o
);

  localparam int unsigned Width     = IntBits + PsumFracBits;
  localparam int unsigned ExpWidth  = PsumWidth - Width - 3;
  localparam int unsigned Widest    = (AExpWidth > BExpWidth) ? AExpWidth : BExpWidth;
  localparam int unsigned Fraction  = AWidth - AExpWidth + BWidth - BExpWidth - 2;  // of a product
  localparam int          Biases    = 2 ** (AExpWidth - 1) - 1 + 2 ** (BExpWidth - 1) - 1;
  localparam logic [ExpWidth-1:0] Excess = ExpWidth'(2 ** (ExpWidth - 1) - Biases);

  logic                sign, zero, inf, not_a_number, sign_s, zero_s, inf_s, nan_s;
  logic [Widest:0]     weight, weight_s;
  logic [Fraction+1:0] significand, significand_s;  // the same of term_i

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
      .zero_o(zero),
      .inf_o (inf),
      .nan_o (not_a_number)
  );

  assign term_o = TermWidth'({not_a_number, inf, zero, sign, weight, significand});
  assign {nan_s, inf_s, zero_s, sign_s, weight_s, significand_s} = term_i[Fraction+Widest+6:0];

  logic                psum_nan, psum_inf, psum_sign;
  logic [ExpWidth-1:0] psum_exp, sum_exp;
  logic [Width:0]      psum_sig, magnitude, term, sum_sig;  // with a sign

  assign {psum_nan, psum_inf, psum_exp, psum_sig} = psum_i;
  assign psum_sign = psum_sig[Width];
  assign magnitude = (Width + 1)'(significand_s) << (PsumFracBits - Fraction);

  always_comb begin
    term = magnitude;
    if (sign_s && PsumForm == tpe_pkg::PsumFormTwosComplement) term = -magnitude;
    else if (sign_s) term[Width] = 1'b1;
  end

  tpe_fp_approx_add #(
      .ExpWidth  (ExpWidth),
      .Width     (Width),
      .NormK     (NormK),
      .NormLambda(NormLambda),
      .Normaliser(Normaliser),
      .Align     (Align),
      .PsumForm  (PsumForm)
  ) u_add (
      .a_exp_i(psum_exp),
      .a_sig_i(psum_sig),
      .b_exp_i(ExpWidth'(weight_s) + Excess),
      .b_sig_i(term),
      .exp_o  (sum_exp),
      .sig_o  (sum_sig)
  );

  always_comb begin
    psum_o = '0;
    if (psum_nan || nan_s || (psum_inf && inf_s && psum_sign != sign_s)) begin
      psum_o[PsumWidth-1] = 1'b1;
    end else if (psum_inf || inf_s) begin
      psum_o[PsumWidth-2] = 1'b1;
      psum_o[Width]       = psum_inf ? psum_sign : sign_s;
    end else if (zero_s) begin
      psum_o = psum_i;
    end else begin
      psum_o[PsumWidth-3:0] = {sum_exp, sum_sig};
    end
  end

endmodule

`default_nettype wire
