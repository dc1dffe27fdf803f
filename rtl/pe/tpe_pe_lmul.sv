// tpe_pe_lmul -- bf16 products by an integer addition, summed in fp32.
//
// A product is exact as fp32 (its fraction filled up with zeros) and added to the psum with one
// rounding, k ascending.
// Reference : arXiv:2410.00907
// Latency   : none before the psum register. One product a cycle.
// Overflow  : infinity, of products and of sums.
`default_nettype none

module tpe_pe_lmul #(
    parameter int unsigned AWidth     = 16,        // bf16
    parameter int unsigned BWidth     = 16,        // bf16
    parameter int unsigned AccWidth   = 32,        // fp32
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = AWidth,
    parameter int unsigned PsumWidth  = AccWidth,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned LmulOffset = tpe_pkg::LmulOffsetPaper
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

  localparam int unsigned ExpWidth  = 8;
  localparam int unsigned FracWidth = 7;  // mantissa fraction bits of bf16

  if (AWidth != 16 || BWidth != 16 || Lanes != 1) begin : gen_check_operands
    $error("tpe_pe_lmul: AWidth = BWidth = 16, Lanes = 1");
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
  logic [AccWidth-1:0] psum_d, psum_q;

  tpe_lmul #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth),
      .Bias     (127),
      .Added    ((LmulOffset == tpe_pkg::LmulOffsetPaper) ? 8 : 0)
  ) u_lmul (
      .a_i      (code_i),
      .b_i      (b_i),
      .product_o(product)
  );

  tpe_fp_add #(
      .ExpWidth (ExpWidth),
      .FracWidth(AccWidth - ExpWidth - 1)
  ) u_add (
      .a_i  (first_i ? '0 : psum_i),
      .b_i  ({product, {(AccWidth - AWidth) {1'b0}}}),
      .sum_o(psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
