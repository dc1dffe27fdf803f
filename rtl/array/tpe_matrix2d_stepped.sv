// tpe_matrix2d_stepped -- 2D matrix in lock-step: a step lasts until its slowest cell is done.
//
// As tpe_matrix2d, operands broadcast along rows and columns and psums kept; the operand registers
// hold, and no beat is accepted, until every cell is ready.
// Cycles    : a tile takes the sum over its steps of the slowest cell's cycles, + Rows + 3
//             + CellLatency. Those before the last one take that sum OverlapStream, and
//             CellLatency + 1 more OverlapDrain; the last beat waits until Rows - 1 cycles behind
//             the end of the tile before.
// Overflow  : as the cell's.
`default_nettype none

module tpe_matrix2d_stepped #(
    parameter int unsigned Rows        = 4,
    parameter int unsigned Cols        = 4,
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 16,      // operands of K in a beat
    parameter int unsigned CodeWidth   = 8,
    parameter int unsigned PsumWidth   = 32,
    parameter int unsigned PlaneWidth  = 1,
    parameter int unsigned CellLatency = 0,       // registers in the cell before its psum
    parameter int unsigned Overlap     = tpe_pkg::OverlapNone,
    parameter int unsigned Stall       = tpe_pkg::StallDirect
) (
    input  wire  logic                           clk_i,
    input  wire  logic                           rst_ni,
    // A: one beat is Lanes consecutive k of every row
    input  wire  logic                           a_valid_i,
    output       logic                           a_ready_o,
    input  wire  logic                           a_last_i,   // the last beat of K
    input  wire  logic [Rows*Lanes*AWidth-1:0]   a_i,
    // B: the same k of every column; a beat of A and one of B are accepted together
    input  wire  logic                           b_valid_i,
    output       logic                           b_ready_o,
    input  wire  logic [Cols*Lanes*BWidth-1:0]   b_i,
    // C: row 0 first
    output       logic                           c_valid_o,
    input  wire  logic                           c_ready_i,
    output       logic                           c_last_o,
    output       logic [Cols*AccWidth-1:0]       c_o
);

  localparam int unsigned RowWidth = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int unsigned ABits    = Lanes * CodeWidth;
  localparam int unsigned BBits    = Lanes * BWidth;

  if (CodeWidth != AWidth) begin : gen_check
    $error("tpe_matrix2d_stepped: a cell takes the operands themselves, CodeWidth = AWidth");
  end

  logic                en, open, room, stream, beat, first, drain, drain_step;
  logic                en_drain;       // of what is drained
  logic [Rows-1:0]     en_row;         // of a row's cells
  logic                hold;           // a step is in work and goes on after this cycle
  logic [RowWidth-1:0] row, row_step;  // _step: of the tile's last step, ahead of its psums

  assign stream    = open && (room || !a_last_i);
  assign a_ready_o = stream && en && !hold && b_valid_i;
  assign b_ready_o = stream && en && !hold && a_valid_i;
  assign beat      = a_valid_i && a_ready_o;

  // The last step may hold the flush. The next tile's steps hold neither drain nor sink.
  tpe_tile_ctrl #(
      .Rows       (Rows),
      .FlushCycles(1),
      .Overlap    (Overlap),
      .GapCycles  ((Overlap == tpe_pkg::OverlapDrain) ? 1 + CellLatency : 0)
  ) u_ctrl (
      .clk_i,
      .rst_ni,
      .en_i       (en_drain),
      .hold_i     (hold),
      .last_beat_i(beat && a_last_i),
      .last_word_i(c_valid_o && c_ready_i && c_last_o),
      .stream_o   (open),
      .room_o     (room),
      .first_o    (first),
      .beat_i     (beat),
      .drain_o    (drain_step),
      .row_o      (row_step)
  );

  // What is in a cell's registers goes on while the next tile's steps hold their operands.
  tpe_delay_reset #(
      .Width (1 + RowWidth),
      .Cycles(CellLatency)
  ) u_behind_cells (
      .clk_i,
      .rst_ni,
      .en_i(en_drain),
      .d_i ({drain_step, row_step}),
      .d_o ({drain, row})
  );

  logic [Rows-1:0][ABits-1:0]               a_q;
  logic [Cols-1:0][BBits-1:0]               b_q;
  logic                                     valid_q, start_q, first_q;
  logic [Rows-1:0][Cols-1:0]                ready;
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0] psum;

  assign hold = valid_q && !(&ready);

  always_ff @(posedge clk_i) begin
    if (en && !hold) begin
      a_q     <= a_i;
      b_q     <= b_i;
      first_q <= first;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= 1'b0;
      start_q <= 1'b0;
    end else if (en) begin
      start_q <= beat;
      if (!hold) valid_q <= beat;
    end
  end

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    for (genvar c = 0; c < Cols; c++) begin : gen_col
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
          .rst_ni,
          .en_i   (en_row[r]),
          .valid_i(valid_q),
          .start_i(start_q),
          .first_i(first_q),
          .code_i (a_q[r]),
          .b_i    (b_q[c]),
          .plane_i('0),
          .psum_i (psum[r][c]),
          .psum_o (psum[r][c]),
          .ready_o(ready[r][c])
      );
    end
  end

  tpe_drain #(
      .Rows      (Rows),
      .Cols      (Cols),
      .AccWidth  (AccWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .Overlap   (Overlap),
      .Stall     (Stall)
  ) u_drain (
      .clk_i,
      .rst_ni,
      .en_o      (en),
      .en_row_o  (en_row),
      .en_drain_o(en_drain),
      .drain_i   (drain),
      .row_i     (row),
      .psum_i    (psum),
      .term_i    ('0),
      .c_valid_o,
      .c_ready_i,
      .c_last_o,
      .c_o
  );

endmodule

`default_nettype wire
