// tpe_fp_product -- the product of a step, exact, at the head of a cell of floating point.
//
// As tpe_fp_multiply; `valid` and `first` travel with it.
// Latency   : Stages - 1 registers.
`default_nettype none

module tpe_fp_product #(
    parameter  int unsigned AExpWidth = 8,
    parameter  int unsigned AWidth    = 16,
    parameter  int unsigned ASpecial  = tpe_pkg::SpecialIeee,
    parameter  int unsigned BExpWidth = 8,
    parameter  int unsigned BWidth    = 16,
    parameter  int unsigned BSpecial  = tpe_pkg::SpecialIeee,
    parameter  int unsigned Stages    = 1,  // 1..2
    localparam int unsigned ExpWidth  = ((AExpWidth > BExpWidth) ? AExpWidth : BExpWidth) + 1,
    localparam int unsigned SigWidth  = AWidth - AExpWidth + BWidth - BExpWidth
) (
    input  wire  logic                  clk_i,
    input  wire  logic                  rst_ni,
    input  wire  logic                  en_i,     // 0 holds every register
    input  wire  logic                  valid_i,
    input  wire  logic                  first_i,
    input  wire  logic [AWidth-1:0]     a_i,
    input  wire  logic [BWidth-1:0]     b_i,
    output       logic                  valid_o,
    output       logic                  first_o,
    output       logic                  sign_o,
    output       logic [ExpWidth-1:0]   exp_o,
    output       logic [SigWidth-1:0]   sig_o,
    output       logic                  zero_o,
    output       logic                  inf_o,
    output       logic                  nan_o
);

  if (Stages < 1 || Stages > 2) begin : gen_check
    $error("tpe_fp_product: Stages must be 1 or 2");
  end

  localparam int unsigned Bits = 4 + ExpWidth + SigWidth;

  logic                sign, zero, inf, not_a_number;
  logic [ExpWidth-1:0] exponent;
  logic [SigWidth-1:0] significand;
  logic [Bits-1:0]     product, product_s;  // the same, staged

  tpe_fp_multiply #(
      .AExpWidth(AExpWidth),
      .AWidth   (AWidth),
      .ASpecial (ASpecial),
      .BExpWidth(BExpWidth),
      .BWidth   (BWidth),
      .BSpecial (BSpecial)
  ) u_multiply (
      .a_i,
      .b_i,
      .sign_o(sign),
      .exp_o (exponent),
      .sig_o (significand),
      .zero_o(zero),
      .inf_o (inf),
      .nan_o (not_a_number)
  );

  assign product = {not_a_number, inf, zero, sign, exponent, significand};

  if (Stages == 2) begin : gen_stage
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid_o <= 1'b0;
        first_o <= 1'b0;
      end else if (en_i) begin
        valid_o <= valid_i;
        first_o <= first_i;
      end
    end

    always_ff @(posedge clk_i) begin
      if (en_i && valid_i) product_s <= product;
    end
  end else begin : gen_no_stage
    assign valid_o   = valid_i;
    assign first_o   = first_i;
    assign product_s = product;
    logic unused_clk;
    assign unused_clk = ^{clk_i, rst_ni, en_i};
  end

  assign {nan_o, inf_o, zero_o, sign_o, exp_o, sig_o} = product_s;

endmodule

`default_nettype wire
