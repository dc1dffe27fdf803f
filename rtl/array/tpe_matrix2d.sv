// tpe_matrix2d -- 2D matrix: operands broadcast along rows and columns, psums kept, rows drained.
//
// One operand register per row and per column; no skew. A tile is Rows x Cols outputs, all of K.
// Cycles    : a tile of K beats takes K + Rows + CellLatency + 3 cycles; with several planes,
//             K Planes + 1 in place of K. OverlapDrain: those before the last one take K +
//             CellLatency + 1, OverlapStream: K; Rows at least.
// Overflow  : as the cell's.
`default_nettype none

module tpe_matrix2d #(
    parameter int unsigned Rows        = 4,
    parameter int unsigned Cols        = 4,
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 1,       // operands of K in a beat
    parameter int unsigned CodeWidth   = 8,
    parameter int unsigned PsumWidth   = 32,
    parameter int unsigned PlaneWidth  = 1,
    parameter int unsigned Planes      = 1,       // how often K is streamed: bit weights in time
    parameter int unsigned CellLatency = 0,       // registers in the cell before its psum
    parameter int unsigned Hold        = tpe_pkg::HoldMux,
    parameter int unsigned RowTerm     = 0,       // 1: cells leave something to their row
    parameter int unsigned FinishLatency = 0,     // registers inside a finish
    parameter int unsigned Overlap     = tpe_pkg::OverlapNone,
    parameter int unsigned Stall       = tpe_pkg::StallDirect
) (
    input  wire  logic                              clk_i,
    input  wire  logic                              rst_ni,
    // A: one beat is Lanes consecutive k of every row
    input  wire  logic                              a_valid_i,
    output       logic                              a_ready_o,
    input  wire  logic                              a_last_i,   // the last beat of K
    input  wire  logic [Rows*Lanes*CodeWidth-1:0]   a_i,
    // B: the same k of every column; a beat of A and one of B are accepted together
    input  wire  logic                              b_valid_i,
    output       logic                              b_ready_o,
    input  wire  logic [Cols*Lanes*BWidth-1:0]      b_i,
    // C: row 0 first
    output       logic                              c_valid_o,
    input  wire  logic                              c_ready_i,
    output       logic                              c_last_o,
    output       logic [Cols*AccWidth-1:0]          c_o
);

  localparam int unsigned RowWidth = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int unsigned ABits    = Lanes * CodeWidth;
  localparam int unsigned BBits    = Lanes * BWidth;
  localparam int unsigned Closing  = (Planes > 1) ? 1 : 0;  // steps that close the last plane
  localparam int unsigned Flush    = 1 + Closing + CellLatency;  // from a last beat to the psums

  localparam logic [PlaneWidth-1:0] Final = PlaneWidth'(Planes - 1);

  if (Overlap == tpe_pkg::OverlapLoad || Overlap > tpe_pkg::OverlapStream) begin : gen_check
    $error("tpe_matrix2d: Overlap is OverlapNone, OverlapDrain or OverlapStream");
  end

  logic                  en, open, room, stream, beat, first, last_beat, close, drain;
  logic                  en_drain;  // of what is drained
  logic [Rows-1:0]       en_row;    // of a row's cells
  logic [PlaneWidth-1:0] plane;
  logic [RowWidth-1:0]   row;

  assign stream    = open && (room || !a_last_i || plane != Final);
  assign a_ready_o = stream && en && b_valid_i;
  assign b_ready_o = stream && en && a_valid_i;
  assign beat      = a_valid_i && a_ready_o;

  // Where cells have no enable, no beat is a beat of zeros.
  logic [Rows*ABits-1:0] a;
  assign a = (beat || Hold == tpe_pkg::HoldMux) ? a_i : '0;

  tpe_planes #(
      .Planes    (Planes),
      .PlaneWidth(PlaneWidth)
  ) u_planes (
      .clk_i,
      .rst_ni,
      .en_i       (en),
      .last_beat_i(beat && a_last_i),
      .final_o    (last_beat),
      .close_o    (close),
      .plane_o    (plane)
  );

  tpe_tile_ctrl #(
      .Rows       (Rows),
      .FlushCycles(Flush),
      .Overlap    (Overlap),
      .GapCycles  ((Overlap == tpe_pkg::OverlapDrain) ? Flush : Closing)
  ) u_ctrl (
      .clk_i,
      .rst_ni,
      .en_i       (en_drain),
      .hold_i     (1'b0),
      .last_beat_i(last_beat),
      .last_word_i(c_valid_o && c_ready_i && c_last_o),
      .stream_o   (open),
      .room_o     (room),
      .first_o    (first),
      .beat_i     (beat),
      .drain_o    (drain),
      .row_o      (row)
  );

  logic [Rows-1:0][ABits-1:0]               a_q;
  logic [Cols-1:0][BBits-1:0]               b_q;
  logic                                     valid_q, first_q;
  logic [PlaneWidth-1:0]                    plane_q;
  logic [Rows-1:0][Cols-1:0][ABits-1:0]     a_grid;  // broadcast along a row
  logic [Rows-1:0][Cols-1:0][BBits-1:0]     b_grid;  // broadcast along a column
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0] psum;
  logic [Rows-1:0][AccWidth-1:0]            term;    // of a row, added by the finish

  always_ff @(posedge clk_i) begin
    if (en) begin
      a_q     <= a;
      b_q     <= b_i;
      first_q <= first && !close;
      plane_q <= plane;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_q <= 1'b0;
    else if (en) valid_q <= beat || close;
  end

  for (genvar r = 0; r < Rows; r++) begin : gen_broadcast
    assign a_grid[r] = {Cols{a_q[r]}};
    assign b_grid[r] = b_q;
  end

  tpe_grid #(
      .Rows      (Rows),
      .Cols      (Cols),
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .CellLatency(CellLatency),
      .Hold      (Hold)
  ) u_grid (
      .clk_i,
      .rst_ni,
      .en_i   (en_row),
      .valid_i({(Rows * Cols){valid_q}}),
      .first_i({(Rows * Cols){first_q}}),
      .code_i (a_grid),
      .b_i    (b_grid),
      .plane_i({(Rows * Cols){plane_q}}),
      .psum_o (psum),
      .term_o (term)
  );

  tpe_drain #(
      .Rows         (Rows),
      .Cols         (Cols),
      .AccWidth     (AccWidth),
      .PsumWidth    (PsumWidth),
      .PlaneWidth   (PlaneWidth),
      .RowTerm      (RowTerm),
      .FinishLatency(FinishLatency),
      .Overlap      (Overlap),
      .Stall        (Stall)
  ) u_drain (
      .clk_i,
      .rst_ni,
      .en_o      (en),
      .en_row_o  (en_row),
      .en_drain_o(en_drain),
      .drain_i   (drain),
      .row_i     (row),
      .psum_i    (psum),
      .term_i    (term),
      .c_valid_o,
      .c_ready_i,
      .c_last_o,
      .c_o
  );

endmodule

`default_nettype wire
