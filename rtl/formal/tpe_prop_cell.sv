// tpe_prop_cell -- every step that a cell is given reaches its psum once, in order.
//
// en_i, valid_i and first_i are free in every cycle after the reset. The reference moves the sum
// of products through Latency registers, which en_i = 0 holds, into the number the psum stands for.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_cell #(
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
    parameter int unsigned Digits     = 0   // 1: a code is one digit, assumed to be legal
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic                         fails_o
);

  typedef struct packed {
    logic             valid;
    logic             first;
    logic             legal;
    logic [Width-1:0] sum;
  } step_t;

  logic                 begun_q = 1'b0;  // the first cycle is the reset
  logic                 known_q = 1'b0;  // the psum has been written
  logic                 legal;
  logic [Width-1:0]     sum, value, before, total_q;
  logic [PsumWidth-1:0] psum;
  step_t [Latency:0]    step;            // [s]: s registers after the operands

  tpe_cell #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_cell (
      .clk_i,
      .rst_ni (begun_q),
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o (psum)
  );

  tpe_spec_product #(
      .CodeWidth(CodeWidth),
      .BWidth   (BWidth),
      .Lanes    (Lanes),
      .Digits   (Digits),
      .Width    (Width)
  ) u_product (
      .code_i,
      .b_i,
      .legal_o(legal),
      .sum_o  (sum)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_before (
      .psum_i,
      .value_o(before)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_value (
      .psum_i (psum),
      .value_o(value)
  );

  assign step[0] = {valid_i && begun_q, first_i, legal, sum};

  if (Latency > 0) begin : gen_pipeline
    always_ff @(posedge clk_i) begin
      if (!begun_q) step[Latency:1] <= '0;
      else if (en_i) step[Latency:1] <= step[Latency-1:0];
    end
  end

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    if (begun_q && en_i && step[Latency].valid) begin
      known_q <= step[Latency].legal;
      total_q <= (step[Latency].first ? '0 : before) + step[Latency].sum;
    end
  end

  assign fails_o = known_q && (value != total_q);

endmodule

`default_nettype wire
