// tpe_pe_mixpe -- activations times narrow weights by shift and add, summed in a word.
//
// The narrower operand's bits select the other one, shifted; of equal ones those of b_i. All
// products of a step are exact and are added to the psum. Scales of groups of K, and zero points
// with them, stand behind the array: see tpe_fp_scale.
// Reference : arXiv:2411.16158
// Latency   : Stages - 1 registers before the psum register: 2 registers the products. One step of
//             Lanes products a cycle.
// Overflow  : the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_mixpe #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 4,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,         // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Stages     = 1          // 1..2
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

  localparam int unsigned ProductWidth = AWidth + BWidth;

  if (Stages < 1 || Stages > 2) begin : gen_check_stages
    $error("tpe_pe_mixpe: Stages must be 1 or 2");
  end
  if (CodeWidth != AWidth || PsumWidth != AccWidth || AccWidth < ProductWidth) begin : gen_check
    $error("tpe_pe_mixpe: CodeWidth = AWidth, PsumWidth = AccWidth >= AWidth + BWidth");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Lanes-1:0][AWidth-1:0]       a;
  logic [Lanes-1:0][BWidth-1:0]       b;
  logic [Lanes-1:0][ProductWidth-1:0] product, product_s;  // as they are made, and staged
  logic                               valid_s, first_s;

  assign a = code_i;
  assign b = b_i;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    if (BWidth <= AWidth) begin : gen_bits_of_b
      tpe_shift_add #(
          .WordWidth  (AWidth),
          .FactorWidth(BWidth)
      ) u_shift_add (
          .word_i   (a[l]),
          .factor_i (b[l]),
          .product_o(product[l])
      );
    end else begin : gen_bits_of_a
      tpe_shift_add #(
          .WordWidth  (BWidth),
          .FactorWidth(AWidth)
      ) u_shift_add (
          .word_i   (b[l]),
          .factor_i (a[l]),
          .product_o(product[l])
      );
    end
  end

  tpe_delay #(
      .Width (Lanes * ProductWidth),
      .Cycles(Stages - 1)
  ) u_product (
      .clk_i,
      .en_i,
      .d_i(product),
      .d_o(product_s)
  );

  tpe_delay_reset #(
      .Width (2),
      .Cycles(Stages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, first_i}),
      .d_o({valid_s, first_s})
  );

  logic [AccWidth-1:0] psum_d, psum_q;

  always_comb begin
    psum_d = first_s ? '0 : psum_i;
    for (int unsigned l = 0; l < Lanes; l++) begin
      psum_d += AccWidth'($signed(product_s[l]));
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_s) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
