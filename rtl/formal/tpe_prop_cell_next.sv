// tpe_prop_cell_next -- a cell is registers around what a step makes of its psum, and no more.
//
// en_i, valid_i, first_i and psum_i are free in every cycle after the reset. From the first step on
// that reaches it, the psum is that of tpe_spec_cell, bit by bit.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_cell_next #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Latency    = 0  // registers of the cell before its psum
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

  logic                 rst_nq = 1'b0;   // the first cycle is the reset
  logic                 known_q = 1'b0;  // the psum has been written
  logic [Latency:0]     valid_at;        // [s]: s registers after the operands
  logic [PsumWidth-1:0] psum, expected;

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
      .rst_ni (rst_nq),
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o (psum)
  );

  tpe_spec_cell #(
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .PsumWidth  (PsumWidth),
      .PlaneWidth (PlaneWidth),
      .CellLatency(Latency)
  ) u_expected (
      .clk_i,
      .rst_ni (rst_nq),
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o (expected)
  );

  assign valid_at[0] = valid_i && rst_nq;

  if (Latency > 0) begin : gen_pipeline
    always_ff @(posedge clk_i) begin
      if (!rst_nq) valid_at[Latency:1] <= '0;
      else if (en_i) valid_at[Latency:1] <= valid_at[Latency-1:0];
    end
  end

  always_ff @(posedge clk_i) begin
    rst_nq <= 1'b1;
    if (rst_nq && en_i && valid_at[Latency]) known_q <= 1'b1;
  end

  assign fails_o = known_q && psum != expected;

endmodule

`default_nettype wire
