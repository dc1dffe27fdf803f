// tpe_prop_accumulate -- a later step adds to psum_i what a first step leaves, lane by lane.
//
// The number of the psum after a step with every lane busy is that of psum_i and, for each lane,
// that of a first step in which this lane alone is busy. Of several pairs each, WatchPair, does so
// by itself; or, if cells leave something to their row (Together), all of them with its term.
// Moves: psum_i counts four times in a step with bit 0 of plane_i.
// fails_o   : the property does not hold; for every state of the registers.
`default_nettype none

module tpe_prop_accumulate #(
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
    parameter int unsigned WatchPair  = 0,
    parameter int unsigned Together   = 0,
    parameter int unsigned Moves      = 0   // 1: bit 0 of plane_i moves psum_i up a bit weight
) (
    input  wire  logic                         clk_i,
    input  wire  logic [1:0]                   later_i,  // flags of what follows the step
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    input  wire  logic [PsumWidth-1:0]         ignored_i,  // psum_i of the first steps
    output       logic                         fails_o
);

  logic                            done, legal;
  logic [Latency+1:0]              legal_then;
  logic [Weights-1:0][Width-1:0]   pair, pair_in, pair_in_q, expected;
  logic [Lanes-1:0][Weights-1:0][Width-1:0] alone;  // what each lane leaves by itself
  logic [Width-1:0]                unused_sum, value, value_in, value_in_q, value_expected;
  logic [PsumWidth-1:0]            unused_psum;
  logic [Lanes-1:0]                unused_done;
  logic [Lanes-1:0][Width-1:0]     value_alone;
  logic [Lanes-1:0][PsumWidth-1:0] unused_psums;

  tpe_spec_product #(
      .AWidth   (AWidth),
      .CodeWidth(CodeWidth),
      .BWidth   (BWidth),
      .Lanes    (Lanes),
      .Digits   (Digits),
      .Width    (Width)
  ) u_legal (
      .code_i,
      .b_i,
      .legal_o(legal),
      .sum_o  (unused_sum)
  );

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
      .first_i(1'b0),
      .later_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .done_o (done),
      .psum_o (unused_psum),
      .pair_o (pair),
      .value_o(value)
  );

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
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
    ) u_lane_step (
        .clk_i,
        .first_i(1'b1),
        .later_i,
        .code_i ((Lanes * CodeWidth)'(code_i[l*CodeWidth+:CodeWidth]) << (l * CodeWidth)),
        .b_i    ((Lanes * BWidth)'(b_i[l*BWidth+:BWidth]) << (l * BWidth)),
        .plane_i,
        .psum_i (ignored_i),
        .done_o (unused_done[l]),
        .psum_o (unused_psums[l]),
        .pair_o (alone[l]),
        .value_o(value_alone[l])
    );
  end

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_before (
      .psum_i,
      .pair_o (pair_in),
      .value_o(value_in)
  );

  assign legal_then[0] = legal;
  always_ff @(posedge clk_i) begin
    pair_in_q               <= (Moves != 0 && plane_i[0]) ? pair_in << 2 : pair_in;
    value_in_q              <= value_in;
    legal_then[Latency+1:1] <= legal_then[Latency:0];
  end

  always_comb begin
    expected       = pair_in_q;
    value_expected = value_in_q;
    for (int unsigned l = 0; l < Lanes; l++) begin
      value_expected = value_expected + value_alone[l];
      for (int unsigned w = 0; w < Weights; w++) expected[w] = expected[w] + alone[l][w];
    end
  end

  localparam int unsigned Bits = Width - 2 * WatchPair;

  logic differs;
  assign differs = (Together != 0) ? (value != value_expected)
                                   : (pair[WatchPair][Bits-1:0] != expected[WatchPair][Bits-1:0]);
  assign fails_o = done && legal_then[Latency+1] && differs;

endmodule

`default_nettype wire
