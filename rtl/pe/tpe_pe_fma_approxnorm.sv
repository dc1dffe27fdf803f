// tpe_pe_fma_approxnorm -- exact products, added to a psum that travels approximately normalised.
//
// The psum is {what it is [2], exponent, significand [1 + IntBits + PsumFracBits]}, all zero for
// zero; what it is: 1 an infinity, 2 NaN. It is normalised and rounded once, by its finish.
// Reference : arXiv:2408.11997
// Latency   : Stages - 1 registers before the psum register: 2 registers the exact product. One
//             product a cycle.
// Overflow  : none: the exponent has room. A product of zero leaves the psum as it is.
`default_nettype none

module tpe_pe_fma_approxnorm #(
    parameter int unsigned AWidth       = 16,
    parameter int unsigned BWidth       = 16,
    parameter int unsigned AccWidth     = 32,
    parameter int unsigned Lanes        = 1,
    parameter int unsigned CodeWidth    = AWidth,
    parameter int unsigned PsumWidth    = 31,
    parameter int unsigned PlaneWidth   = 1,
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
    parameter int unsigned Stages       = 1  // 1..2
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

  localparam int unsigned Width    = IntBits + PsumFracBits;
  localparam int unsigned ExpWidth = PsumWidth - Width - 3;
  localparam int unsigned WideExp  = (AExpWidth > BExpWidth) ? AExpWidth : BExpWidth;
  localparam int unsigned SigWidth = AWidth - AExpWidth + BWidth - BExpWidth;
  localparam int unsigned Below    = PsumFracBits + 2 - SigWidth;  // a product has two integer bits
  localparam int unsigned ABias    = (1 << (AExpWidth - 1)) - 1;
  localparam int unsigned BBias    = (1 << (BExpWidth - 1)) - 1;
  localparam logic [ExpWidth-1:0] Offset = {1'b1, {(ExpWidth - 1) {1'b0}}}
                                         - ExpWidth'(ABias + BBias);

  if (Lanes != 1 || CodeWidth != AWidth || AccWidth < 16) begin : gen_check
    $error("tpe_pe_fma_approxnorm: Lanes = 1, CodeWidth = AWidth, AccWidth a format's");
  end
  if (SigWidth > PsumFracBits + 2 || IntBits < 2) begin : gen_check_product
    $error("tpe_pe_fma_approxnorm: the psum's significand must hold a product's");
  end
  if (PsumWidth < Width + 3 + WideExp + 1) begin : gen_check_exponent
    $error("tpe_pe_fma_approxnorm: PsumWidth must hold a product's exponent");
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

  logic [PsumWidth-1:0] psum, psum_d, psum_q;
  logic [ExpWidth-1:0]  sum_exp;
  logic [Width-1:0]     size;   // of the product
  logic [Width:0]       term, sum_sig;

  assign psum = first ? '0 : psum_i;
  assign size = Width'(significand) << Below;

  if (PsumForm == tpe_pkg::PsumFormTwosComplement) begin : gen_signed
    assign term = sign ? -{1'b0, size} : {1'b0, size};
  end else begin : gen_magnitude
    assign term = {sign, size};
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
      .a_exp_i(psum[Width+1+:ExpWidth]),
      .a_sig_i(psum[Width:0]),
      .b_exp_i(ExpWidth'(exp_sum) + Offset),
      .b_sig_i(term),
      .exp_o  (sum_exp),
      .sig_o  (sum_sig)
  );

  logic psum_inf, psum_nan, opposed, special_sign;

  assign {psum_nan, psum_inf} = psum[PsumWidth-1-:2];
  assign opposed      = inf && psum_inf && sign != psum[Width];
  assign special_sign = inf ? sign : psum[Width];

  always_comb begin
    if (not_a_number || psum_nan || opposed) psum_d = {2'b10, {(PsumWidth - 2) {1'b0}}};
    else if (inf || psum_inf) psum_d = {2'b01, {ExpWidth{1'b0}}, special_sign, {Width{1'b0}}};
    else if (zero) psum_d = psum;
    else psum_d = {2'b00, sum_exp, sum_sig};
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
