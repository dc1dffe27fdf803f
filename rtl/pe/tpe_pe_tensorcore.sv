// tpe_pe_tensorcore -- fused dot product of a tensor core, added to the psum every step.
//
// A step's exact products and, with CAddFused, the psum are aligned to the largest exponent, cut to
// AlignBits fraction bits there, summed exactly, and closed to KeptBits: in fp32 (AccWidth = 32)
// cut towards zero, in fp16 (16) to nearest, ties to even. With CAddLate that sum is added to the
// psum in fp32, to nearest. With Period the psum is {steps [16], running [32], partial [32]}: every
// Period steps the partial sum is added to the running one in fp32, and begins anew at zero.
// Reference : arXiv:2511.10909, arXiv:2512.07004
// Latency   : Stages - 1 registers before the psum register: 2 registers the exact products, 3
//             their alignment among each other, too. One step of Lanes products a cycle. The loop
//             of the psum is what lies behind: with CAddFused the psum's exponent against the
//             products', alignment, sum and normalisation; with CAddLate an addition in fp32.
// Overflow  : infinity. Subnormals are kept; NaN is {0, ones}; a zero sum is +0.
`default_nettype none

module tpe_pe_tensorcore #(
    parameter int unsigned AWidth     = 16,
    parameter int unsigned BWidth     = 16,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 8,         // operands of K in one sum
    parameter int unsigned CodeWidth  = AWidth,
    parameter int unsigned PsumWidth  = AccWidth,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned AExpWidth  = 8,
    parameter int unsigned BExpWidth  = 8,
    parameter int unsigned ASpecial   = tpe_pkg::SpecialIeee,
    parameter int unsigned BSpecial   = tpe_pkg::SpecialIeee,
    parameter int unsigned AlignBits  = 24,        // fraction bits of an aligned term
    parameter int unsigned KeptBits   = 23,        // ... of the sum
    parameter int unsigned FloorBelow = 6,         // the least exponent, below that of a normal
    parameter int unsigned CAdd       = tpe_pkg::CAddFused,
    parameter int unsigned Period     = 0,         // steps; 0: nothing is promoted
    parameter int unsigned Stages     = 1          // 1..3
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

  localparam int unsigned CExpWidth  = (AccWidth == 16) ? 5 : 8;
  localparam int unsigned CFracWidth = AccWidth - CExpWidth - 1;
  localparam int unsigned ProdExp    = ((AExpWidth > BExpWidth) ? AExpWidth : BExpWidth) + 1;
  localparam int unsigned ProdWidth  = AWidth - AExpWidth + BWidth - BExpWidth;
  localparam int unsigned ProdBias   = (1 << (AExpWidth - 1)) - 1 + (1 << (BExpWidth - 1)) - 1;
  localparam int unsigned CountWidth = 16;

  if (CodeWidth != AWidth || (AccWidth != 32 && AccWidth != 16)) begin : gen_check
    $error("tpe_pe_tensorcore: CodeWidth = AWidth, AccWidth 32 or 16");
  end
  if (PsumWidth != AccWidth + ((Period != 0) ? 32 + CountWidth : 0)) begin : gen_check_psum
    $error("tpe_pe_tensorcore: PsumWidth = AccWidth, or with Period 48 more");
  end
  if (CAdd > tpe_pkg::CAddNone || Stages < 1 || Stages > 3) begin : gen_check_how
    $error("tpe_pe_tensorcore: CAdd is one of c_add_e, Stages 1..3");
  end
  if (AccWidth != 32 && (Period != 0 || CAdd != tpe_pkg::CAddFused)) begin : gen_check_fp32
    $error("tpe_pe_tensorcore: AccWidth must be 32, or Period 0 and CAdd CAddFused");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic                       prod_valid, prod_first;
  logic [Lanes-1:0]           sign, zero, inf, not_a_number;
  logic [Lanes*ProdExp-1:0]   exponents;
  logic [Lanes*ProdWidth-1:0] significands;

  tpe_fp_product #(
      .AExpWidth(AExpWidth),
      .AWidth   (AWidth),
      .ASpecial (ASpecial),
      .BExpWidth(BExpWidth),
      .BWidth   (BWidth),
      .BSpecial (BSpecial),
      .Lanes    (Lanes),
      .Stages   ((Stages > 1) ? 2 : 1)
  ) u_product (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .first_i,
      .a_i    (code_i),
      .b_i,
      .valid_o(prod_valid),
      .first_o(prod_first),
      .sign_o (sign),
      .exp_o  (exponents),
      .sig_o  (significands),
      .zero_o (zero),
      .inf_o  (inf),
      .nan_o  (not_a_number)
  );

  logic                 valid, first;
  logic [PsumWidth-1:0] psum, psum_d, psum_q;
  logic [AccWidth-1:0]  dot, partial;  // the fused sum; with the psum, where that is added late

  assign psum = first ? '0 : psum_i;

  tpe_fp_dot #(
      .Lanes     (Lanes),
      .ProdExp   (ProdExp),
      .ProdWidth (ProdWidth),
      .ProdBias  (ProdBias),
      .ExpWidth  (CExpWidth),
      .FracWidth (CFracWidth),
      .AlignBits (AlignBits),
      .KeptBits  (KeptBits),
      .FloorBelow(FloorBelow),
      .Nearest   ((AccWidth == 16) ? 1 : 0),
      .Fused     ((CAdd == tpe_pkg::CAddFused) ? 1 : 0),
      .Stages    ((Stages > 2) ? 1 : 0)
  ) u_dot (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i(prod_valid),
      .first_i(prod_first),
      .sign_i (sign),
      .exp_i  (exponents),
      .sig_i  (significands),
      .zero_i (zero),
      .inf_i  (inf),
      .nan_i  (not_a_number),
      .c_i    (psum[AccWidth-1:0]),
      .valid_o(valid),
      .first_o(first),
      .word_o (dot)
  );

  if (CAdd == tpe_pkg::CAddLate) begin : gen_late
    tpe_fp_add #(
        .ExpWidth (CExpWidth),
        .FracWidth(CFracWidth),
        .NanOnes  (1)
    ) u_add (
        .a_i  (psum[AccWidth-1:0]),
        .b_i  (dot),
        .sum_o(partial)
    );
  end else begin : gen_fused
    assign partial = dot;
  end

  if (Period != 0) begin : gen_promote
    tpe_fp_promote #(
        .Period    (Period),
        .CountWidth(CountWidth)
    ) u_promote (
        .partial_i(partial),
        .running_i(psum[AccWidth+:32]),
        .count_i  (psum[PsumWidth-1-:CountWidth]),
        .partial_o(psum_d[AccWidth-1:0]),
        .running_o(psum_d[AccWidth+:32]),
        .count_o  (psum_d[PsumWidth-1-:CountWidth])
    );
  end else begin : gen_word
    assign psum_d = partial;
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
