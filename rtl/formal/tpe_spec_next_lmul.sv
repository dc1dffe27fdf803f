// tpe_spec_next_lmul -- specification: what a step of tpe_pe_lmul makes of a psum, from its parts.
//
// The product of tpe_lmul, of l fraction bits' weight more in LmulOffsetPaper, as fp32, added by
// tpe_fp_add.
// Reference : arXiv:2410.00907
`default_nettype none

module tpe_spec_next_lmul #(
    parameter int unsigned AWidth          = 16,
    parameter int unsigned BWidth          = AWidth,
    parameter int unsigned CodeWidth       = AWidth,
    parameter int unsigned PsumWidth       = 32,
    parameter int unsigned AExpWidth       = 8,
    parameter int unsigned ASpecial        = tpe_pkg::SpecialIeee,
    parameter int unsigned LmulOffset      = tpe_pkg::LmulOffsetPaper,
    parameter int unsigned Subnormals      = tpe_pkg::SubnormalsFlush,
    parameter int unsigned ProductOverflow = tpe_pkg::ProductOverflowInf,
    parameter int unsigned TermWidth       = CodeWidth + BWidth
) (
    input  wire  logic [CodeWidth-1:0]   code_i,
    input  wire  logic [BWidth-1:0]      b_i,
    output       logic [TermWidth-1:0]   term_o,
    input  wire  logic [TermWidth-1:0]   term_i,  // term_o, some registers later
    input  wire  logic [PsumWidth-1:0]   psum_i,
    output       logic [PsumWidth-1:0]   psum_o
);

  localparam int unsigned FracWidth = AWidth - AExpWidth - 1;
  localparam int unsigned L         = (FracWidth < 4) ? FracWidth : (FracWidth == 4) ? 3 : 4;
  localparam int unsigned More      = 2 ** (FracWidth - L);

  logic [AWidth-1:0]    product;
  logic [PsumWidth-1:0] wide;

  tpe_lmul #(
      .ExpWidth       (AExpWidth),
      .FracWidth      (FracWidth),
      .Bias           (2 ** (AExpWidth - 1) - 1),
      .Added          ((LmulOffset == tpe_pkg::LmulOffsetNone) ? 0 : More),
      .Special        (ASpecial),
      .Subnormals     (Subnormals),
      .ProductOverflow(ProductOverflow)
  ) u_product (
      .a_i      (code_i),
      .b_i,
      .product_o(product)
  );

  localparam bit Small = Subnormals == tpe_pkg::SubnormalsKeep
                      || ProductOverflow == tpe_pkg::ProductOverflowWrap;  // it may be subnormal

  tpe_fp_widen #(
      .ExpWidth     (AExpWidth),
      .FracWidth    (FracWidth),
      .Special      (ASpecial),
      .HasSubnormals(Small ? 1 : 0)
  ) u_widen (
      .x_i(term_i[AWidth-1:0]),
      .x_o(wide)
  );

  assign term_o = TermWidth'(product);

  tpe_fp_add #(
      .ExpWidth (8),
      .FracWidth(23)
  ) u_add (
      .a_i  (psum_i),
      .b_i  (wide),
      .sum_o(psum_o)
  );

endmodule

`default_nettype wire
