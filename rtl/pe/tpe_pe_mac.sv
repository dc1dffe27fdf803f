// tpe_pe_mac -- multiply-accumulate cell: a Booth (or EN-T) multiplier and a word accumulator.
//
// The baseline: encode, multiply, resolve and accumulate in every cell, every step.
// Reference : arXiv:2503.06342, the MAC nest
// Latency   : Stages - 1 registers before the psum register. One step of Lanes products a cycle.
//             Stages 2 registers the product; 3 also registers the compressed partial products.
// Overflow  : the product is exact; the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_mac #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,         // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand, or its digits
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Coded      = 0,         // 1: a code is digits, see tpe_unpack
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

  localparam int unsigned NumDigits    = (AWidth + 1) / 2;
  localparam int unsigned ProductWidth = AWidth + BWidth;

  if (Stages < 1 || Stages > 3) begin : gen_check_stages
    $error("tpe_pe_mac: Stages must be 1..3");
  end
  if (PsumWidth != AccWidth || AccWidth < ProductWidth) begin : gen_check
    $error("tpe_pe_mac: PsumWidth = AccWidth >= AWidth + BWidth");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Lanes-1:0][NumDigits-1:0][ProductWidth-1:0] shifted;
  logic [Lanes-1:0][ProductWidth-1:0]                sum, carry;      // compressed
  logic [Lanes-1:0][ProductWidth-1:0]                sum_s, carry_s;  // the same, staged
  logic [Lanes-1:0][ProductWidth-1:0]                product, product_s;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tpe_partial_products #(
        .AWidth (AWidth),
        .BWidth (BWidth),
        .Width  (ProductWidth),
        .Encoder(Encoder),
        .Coded  (Coded),
        .CodeWidth(CodeWidth)
    ) u_partial_products (
        .a_i (code_i[l*CodeWidth+:CodeWidth]),
        .b_i (b_i[l*BWidth+:BWidth]),
        .pp_o(shifted[l])
    );

    tpe_half_reduce #(
        .NumOps(NumDigits),
        .Width (ProductWidth)
    ) u_half_reduce (
        .op_i   (shifted[l]),
        .sum_o  (sum[l]),
        .carry_o(carry[l])
    );

    tpe_add #(
        .InWidth(ProductWidth),
        .Width  (ProductWidth)
    ) u_add (
        .sum_i  (sum_s[l]),
        .carry_i(carry_s[l]),
        .word_o (product[l])
    );
  end

  // Pipeline: `valid` and `first` travel with their operands.
  logic [Stages-1:0] valid, first;  // [s]: s registers after the operands

  assign valid[0] = valid_i;
  assign first[0] = first_i;

  if (Stages == 3) begin : gen_stage_pair
    always_ff @(posedge clk_i) begin
      if (en_i) begin
        sum_s   <= sum;
        carry_s <= carry;
      end
    end
  end else begin : gen_no_stage_pair
    assign sum_s   = sum;
    assign carry_s = carry;
  end

  if (Stages >= 2) begin : gen_stage_product
    always_ff @(posedge clk_i) begin
      if (en_i) product_s <= product;
    end
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid[Stages-1:1] <= '0;
        first[Stages-1:1] <= '0;
      end else if (en_i) begin
        valid[Stages-1:1] <= valid[Stages-2:0];
        first[Stages-1:1] <= first[Stages-2:0];
      end
    end
  end else begin : gen_no_stage_product
    assign product_s = product;
    logic unused_rst;
    assign unused_rst = rst_ni;
  end

  logic [Lanes:0][AccWidth-1:0] addend;
  logic [AccWidth-1:0]          psum_d, psum_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_extend
    if (AccWidth > ProductWidth) begin : gen_sign
      assign addend[l] = {{(AccWidth - ProductWidth) {product_s[l][ProductWidth-1]}}, product_s[l]};
    end else begin : gen_same
      assign addend[l] = product_s[l];
    end
  end
  assign addend[Lanes] = first[Stages-1] ? '0 : psum_i;

  tpe_accumulate #(
      .NumOps(Lanes + 1),
      .Width (AccWidth)
  ) u_accumulate (
      .op_i   (addend),
      .total_o(psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid[Stages-1]) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
