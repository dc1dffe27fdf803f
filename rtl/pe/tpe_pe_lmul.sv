// tpe_pe_lmul -- floating-point products by an integer addition, summed in fp32.
//
// Both operands have one format. A product is a code of it, exact as fp32, and added to the psum
// with one rounding, k ascending.
// Reference : arXiv:2410.00907
// Latency   : none before the psum register. One product a cycle.
// Overflow  : of products as ProductOverflow says; of sums infinity.
`default_nettype none

module tpe_pe_lmul #(
    parameter int unsigned AWidth          = 16,
    parameter int unsigned BWidth          = 16,
    parameter int unsigned AccWidth        = 32,        // fp32
    parameter int unsigned Lanes           = 1,
    parameter int unsigned CodeWidth       = AWidth,
    parameter int unsigned PsumWidth       = AccWidth,
    parameter int unsigned PlaneWidth      = 1,
    parameter int unsigned AExpWidth       = 8,         // of both: bf16
    parameter int unsigned ASpecial        = tpe_pkg::SpecialIeee,
    parameter int unsigned LmulOffset      = tpe_pkg::LmulOffsetPaper,
    parameter int unsigned Subnormals      = tpe_pkg::SubnormalsFlush,
    parameter int unsigned ProductOverflow = tpe_pkg::ProductOverflowInf
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

  localparam int unsigned FracWidth = AWidth - AExpWidth - 1;
  localparam int unsigned Bias      = (1 << (AExpWidth - 1)) - 1;
  // l of the paper: FracWidth up to 3, 3 for 4, 4 above.
  localparam int unsigned Shift     = (FracWidth <= 3) ? FracWidth : (FracWidth == 4) ? 3 : 4;
  localparam bit          Paper     = LmulOffset == tpe_pkg::LmulOffsetPaper;

  if (AWidth != BWidth || FracWidth < 2 || AExpWidth > 8 || FracWidth > 23 || Lanes != 1)
  begin : gen_check_operands
    $error("tpe_pe_lmul: AWidth = BWidth, 2 fraction bits or more, no more than fp32; Lanes = 1");
  end
  if (AccWidth != 32 || PsumWidth != 32) begin : gen_check
    $error("tpe_pe_lmul: AccWidth = PsumWidth = 32");
  end

  if (LmulOffset > tpe_pkg::LmulOffsetNone) begin : gen_check_offset
    $error("tpe_pe_lmul: LmulOffset must be one of lmul_offset_e");
  end

  logic unused_inputs;
  assign unused_inputs = ^{rst_ni, plane_i};

  logic [AWidth-1:0]   product;
  logic [AccWidth-1:0] wide, psum_d, psum_q;

  tpe_lmul #(
      .ExpWidth       (AExpWidth),
      .FracWidth      (FracWidth),
      .Bias           (Bias),
      .Added          (Paper ? 1 << (FracWidth - Shift) : 0),
      .Special        (ASpecial),
      .Subnormals     (Subnormals),
      .ProductOverflow(ProductOverflow)
  ) u_lmul (
      .a_i      (code_i),
      .b_i      (b_i),
      .product_o(product)
  );

  // What wraps may be any code.
  tpe_fp_widen #(
      .ExpWidth     (AExpWidth),
      .FracWidth    (FracWidth),
      .Special      (ASpecial),
      .HasSubnormals((Subnormals == tpe_pkg::SubnormalsKeep)
                     || (ProductOverflow == tpe_pkg::ProductOverflowWrap) ? 1 : 0)
  ) u_widen (
      .x_i(product),
      .x_o(wide)
  );

  tpe_fp_add #(
      .ExpWidth (8),
      .FracWidth(23)
  ) u_add (
      .a_i  (first_i ? '0 : psum_i),
      .b_i  (wide),
      .sum_o(psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
