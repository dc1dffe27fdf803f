// tpe_prop_product -- a first step leaves the product of its operands in the psum.
//
// Lane by lane: the operands of every lane but WatchLane are zero. The product is a * b, or
// (ByDigits) the sum over the digits of a, as tpe_encode recodes it or the code says, of
// digit * b * 4**i.
// fails_o   : the property does not hold; for every psum_i and every state of the registers.
`default_nettype none

module tpe_prop_product #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Latency    = 0,  // registers of the cell before its psum
    parameter int unsigned Kind       = 0,  // of the psum, as tpe_spec_psum has it
    parameter int unsigned Weights    = 1,
    parameter int unsigned Width      = 32,
    parameter int unsigned Digits     = 0,  // what a code is, as tpe_spec_product has it
    parameter int unsigned WatchLane  = 0,
    parameter int unsigned ByDigits   = 0,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth
) (
    input  wire  logic                    clk_i,
    input  wire  logic [1:0]              later_i,  // flags of what follows the step
    input  wire  logic [CodeWidth-1:0]    code_i,
    input  wire  logic [BWidth-1:0]       b_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [PsumWidth-1:0]    psum_i,
    output       logic                    fails_o
);

  logic                 done, legal;
  logic [Width-1:0]     value, product;
  logic [PsumWidth-1:0] unused_psum;
  logic [Weights-1:0][Width-1:0] unused_pair;
  logic [(AWidth+1)/2-1:0][Width-1:0] unused_part;
  logic [Latency+1:0][Width:0] expected;  // {legal, product}, [s]: s cycles ago

  tpe_spec_step #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .Latency   (Latency),
      .Kind      (Kind),
      .Weights   (Weights),
      .Width     (Width)
  ) u_step (
      .clk_i,
      .first_i(1'b1),
      .later_i,
      .code_i ((Lanes * CodeWidth)'(code_i) << (WatchLane * CodeWidth)),
      .b_i    ((Lanes * BWidth)'(b_i) << (WatchLane * BWidth)),
      .plane_i,
      .psum_i,
      .done_o (done),
      .psum_o (unused_psum),
      .pair_o (unused_pair),
      .value_o(value)
  );

  if (ByDigits == 0) begin : gen_whole
    tpe_spec_product #(
        .AWidth   (AWidth),
        .CodeWidth(CodeWidth),
        .BWidth   (BWidth),
        .Lanes    (1),
        .Digits   (Digits),
        .Width    (Width)
    ) u_product (
        .code_i,
        .b_i,
        .legal_o(legal),
        .sum_o  (product)
    );
  end else begin : gen_by_digits
    tpe_spec_product_digits #(
        .AWidth   (AWidth),
        .BWidth   (BWidth),
        .CodeWidth(CodeWidth),
        .Digits   (Digits),
        .Encoder  (Encoder),
        .Width    (Width)
    ) u_product (
        .code_i,
        .b_i,
        .legal_o  (legal),
        .part_o   (unused_part),
        .product_o(product)
    );
  end

  assign expected[0] = {legal, product};
  always_ff @(posedge clk_i) expected[Latency+1:1] <= expected[Latency:0];

  assign fails_o = done && expected[Latency+1][Width]
                 && (value != expected[Latency+1][Width-1:0]);

endmodule

`default_nettype wire
