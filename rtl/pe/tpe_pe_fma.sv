// tpe_pe_fma -- fused multiply-add: an exact product, added to the psum with one rounding.
//
// Operands are of two floating-point formats, the psum is of a third (CType); every step rounds it
// to nearest, ties to even, k ascending.
// Reference : IEEE 754-2019, fusedMultiplyAdd
// Latency   : Stages - 1 registers before the psum register: 2 registers the exact product. One
//             product a cycle.
// Overflow  : infinity. Subnormals are kept; NaN is the one of tpe_fp_round.
`default_nettype none

module tpe_pe_fma #(
    parameter int unsigned AWidth     = 16,
    parameter int unsigned BWidth     = 16,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = AWidth,
    parameter int unsigned PsumWidth  = AccWidth,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned AExpWidth  = 8,
    parameter int unsigned BExpWidth  = 8,
    parameter int unsigned ASpecial   = tpe_pkg::SpecialIeee,
    parameter int unsigned BSpecial   = tpe_pkg::SpecialIeee,
    parameter int unsigned CType      = tpe_pkg::CTypeFp32,
    parameter int unsigned Stages     = 1  // 1..2
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  localparam int unsigned CExpWidth  = (CType == tpe_pkg::CTypeFp16) ? 5 : 8;
  localparam int unsigned CFracWidth = AccWidth - CExpWidth - 1;
  localparam int unsigned AFracWidth = AWidth - AExpWidth - 1;
  localparam int unsigned BFracWidth = BWidth - BExpWidth - 1;
  localparam int unsigned WideExp    = (AExpWidth > BExpWidth) ? AExpWidth : BExpWidth;
  localparam int unsigned SigWidth   = AFracWidth + BFracWidth + 2;
  // Signed, of the product's top bit, in the psum's bias: it holds what normalisation takes, too.
  localparam int unsigned ProdExp    = ((WideExp > CExpWidth) ? WideExp : CExpWidth) + 2;
  localparam int unsigned Bias       = (1 << (CExpWidth - 1)) - 1;
  localparam int unsigned ABias      = (1 << (AExpWidth - 1)) - 1;
  localparam int unsigned BBias      = (1 << (BExpWidth - 1)) - 1;
  localparam logic [ProdExp-1:0] Offset = ProdExp'(Bias + 1) - ProdExp'(ABias + BBias);

  if (Lanes != 1 || CodeWidth != AWidth || PsumWidth != AccWidth) begin : gen_check
    $error("tpe_pe_fma: Lanes = 1, CodeWidth = AWidth, PsumWidth = AccWidth");
  end
  if (!(AccWidth == 32 && CType == tpe_pkg::CTypeFp32)
      && !(AccWidth == 16 && CType == tpe_pkg::CTypeFp16)) begin : gen_check_c
    $error("tpe_pe_fma: AccWidth and CType must be 32, CTypeFp32 or 16, CTypeFp16");
  end
  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic                valid, first;
  logic                sign, zero, inf, not_a_number;  // of the product
  logic [WideExp:0]    exp_sum;
  logic [SigWidth-1:0] significand;

  tpe_fp_product #(
      .AExpWidth(AExpWidth),
      .AWidth   (AWidth),
      .ASpecial (ASpecial),
      .BExpWidth(BExpWidth),
      .BWidth   (BWidth),
      .BSpecial (BSpecial),
      .Stages   (Stages)
  ) u_product (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .first_i,
      .a_i    (code_i),
      .b_i,
      .valid_o(valid),
      .first_o(first),
      .sign_o (sign),
      .exp_o  (exp_sum),
      .sig_o  (significand),
      .zero_o (zero),
      .inf_o  (inf),
      .nan_o  (not_a_number)
  );

  logic [AccWidth-1:0] psum_d, psum_q;

  tpe_fp_fused_add #(
      .ExpWidth (CExpWidth),
      .FracWidth(CFracWidth),
      .ProdWidth(SigWidth),
      .ProdExp  (ProdExp)
  ) u_add (
      .prod_sign_i(sign),
      .prod_exp_i (ProdExp'(exp_sum) + Offset),
      .prod_sig_i (significand),
      .prod_inf_i (inf),
      .prod_nan_i (not_a_number),
      .word_i     (first ? '0 : psum_i),
      .sum_o      (psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

  logic unused_zero;
  assign unused_zero = zero;

endmodule

`default_nettype wire
