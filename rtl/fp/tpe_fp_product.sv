// tpe_fp_product -- the products of a step, exact, at the head of a cell of floating point.
//
// One for each lane, lane 0 lowest, as tpe_fp_multiply; `valid` and `first` travel with them.
// Latency   : Stages - 1 registers.
`default_nettype none

module tpe_fp_product #(
    parameter  int unsigned AExpWidth = 8,
    parameter  int unsigned AWidth    = 16,
    parameter  int unsigned ASpecial  = tpe_pkg::SpecialIeee,
    parameter  int unsigned BExpWidth = 8,
    parameter  int unsigned BWidth    = 16,
    parameter  int unsigned BSpecial  = tpe_pkg::SpecialIeee,
    parameter  int unsigned Lanes     = 1,
    parameter  int unsigned Stages    = 1,  // 1..2
    localparam int unsigned ExpWidth  = ((AExpWidth > BExpWidth) ? AExpWidth : BExpWidth) + 1,
    localparam int unsigned SigWidth  = AWidth - AExpWidth + BWidth - BExpWidth
) (
    input  wire  logic                        clk_i,
    input  wire  logic                        rst_ni,
    input  wire  logic                        en_i,     // 0 holds every register
    input  wire  logic                        valid_i,
    input  wire  logic                        first_i,
    input  wire  logic [Lanes*AWidth-1:0]     a_i,
    input  wire  logic [Lanes*BWidth-1:0]     b_i,
    output       logic                        valid_o,
    output       logic                        first_o,
    output       logic [Lanes-1:0]            sign_o,
    output       logic [Lanes*ExpWidth-1:0]   exp_o,
    output       logic [Lanes*SigWidth-1:0]   sig_o,
    output       logic [Lanes-1:0]            zero_o,
    output       logic [Lanes-1:0]            inf_o,
    output       logic [Lanes-1:0]            nan_o
);

  if (Stages < 1 || Stages > 2) begin : gen_check
    $error("tpe_fp_product: Stages must be 1 or 2");
  end

  localparam int unsigned Bits = 4 + ExpWidth + SigWidth;

  logic [Lanes-1:0][Bits-1:0] product, product_s;  // {nan, inf, zero, sign, exponent, significand}

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic                sign, zero, inf, not_a_number;
    logic [ExpWidth-1:0] exponent;
    logic [SigWidth-1:0] significand;

    tpe_fp_multiply #(
        .AExpWidth(AExpWidth),
        .AWidth   (AWidth),
        .ASpecial (ASpecial),
        .BExpWidth(BExpWidth),
        .BWidth   (BWidth),
        .BSpecial (BSpecial)
    ) u_multiply (
        .a_i   (a_i[l*AWidth+:AWidth]),
        .b_i   (b_i[l*BWidth+:BWidth]),
        .sign_o(sign),
        .exp_o (exponent),
        .sig_o (significand),
        .zero_o(zero),
        .inf_o (inf),
        .nan_o (not_a_number)
    );

    assign product[l] = {not_a_number, inf, zero, sign, exponent, significand};
    assign {nan_o[l], inf_o[l], zero_o[l], sign_o[l]} = product_s[l][Bits-1-:4];
    assign exp_o[l*ExpWidth+:ExpWidth] = product_s[l][SigWidth+:ExpWidth];
    assign sig_o[l*SigWidth+:SigWidth] = product_s[l][SigWidth-1:0];
  end

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

endmodule

`default_nettype wire
