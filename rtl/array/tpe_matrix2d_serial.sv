// tpe_matrix2d_serial -- 2D matrix whose cells take the bit planes of B one a cycle.
//
// As tpe_matrix2d, operands broadcast along rows and columns and psums kept. A beat is held for as
// many cycles as B has planes. A row's front makes of its operands what its cells keep meanwhile;
// the planes of a column's B follow each other, lowest first. A row has a term, which its finish
// adds.
// Cycles    : a tile of K beats takes K BitPlanes + Rows + CellLatency + 4 cycles, one of them for
//             what the front makes. Those before the last one take K BitPlanes OverlapStream, and
//             CellLatency + 2 more OverlapDrain; the last beat waits until Rows - 1 cycles behind
//             the end of the tile before.
// Overflow  : as the cell's.
`default_nettype none

module tpe_matrix2d_serial #(
    parameter int unsigned Rows        = 2,
    parameter int unsigned Cols        = 4,
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 4,       // operands of K in a beat
    parameter int unsigned CodeWidth   = 22,
    parameter int unsigned PsumWidth   = 33,
    parameter int unsigned PlaneWidth  = 3,
    parameter int unsigned BitPlanes   = 8,       // of B, a cycle each
    parameter int unsigned CellLatency = 0,       // registers in the cell before its psum
    parameter int unsigned RowTerm     = 0,       // 1: a row has a term
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
  localparam int unsigned ABits    = Lanes * AWidth;
  localparam int unsigned BBits    = Lanes * BWidth;
  localparam int unsigned Behind   = 1 + CellLatency;  // cycles of the front, and of a cell
  localparam logic [PlaneWidth-1:0] Final = PlaneWidth'(BitPlanes - 1);

  if (BitPlanes < 1 || BitPlanes > 2 ** PlaneWidth) begin : gen_check
    $error("tpe_matrix2d_serial: PlaneWidth holds BitPlanes - 1");
  end

  logic                en, open, room, stream, beat, first, drain, drain_step;
  logic                en_drain;       // of what is drained
  logic [Rows-1:0]     en_row;         // of a row's cells
  logic                hold;           // a beat is in work and goes on after this cycle
  logic [RowWidth-1:0] row, row_step;  // _step: of the tile's last plane, ahead of its psums

  assign stream    = open && (room || !a_last_i);
  assign a_ready_o = stream && en && !hold && b_valid_i;
  assign b_ready_o = stream && en && !hold && a_valid_i;
  assign beat      = a_valid_i && a_ready_o;

  // The last beat's planes hold the flush. The next tile's hold neither drain nor sink.
  tpe_tile_ctrl #(
      .Rows       (Rows),
      .FlushCycles(1),
      .Overlap    (Overlap),
      .GapCycles  ((Overlap == tpe_pkg::OverlapDrain) ? 1 + Behind : 0)
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

  tpe_delay_reset #(
      .Width (1 + RowWidth),
      .Cycles(Behind)
  ) u_behind_cells (
      .clk_i,
      .rst_ni,
      .en_i(en_drain),
      .d_i ({drain_step, row_step}),
      .d_o ({drain, row})
  );

  // ---- operands, held for the planes of B ------------------------------------------------------

  logic [Rows-1:0][ABits-1:0]               a_q;
  logic [Cols-1:0][BBits-1:0]               b_q;
  logic                                     valid_q, first_q;
  logic [PlaneWidth-1:0]                    plane_q;
  logic                                     begins;  // the first plane of the beat

  assign hold   = valid_q && (plane_q != Final);
  assign begins = valid_q && (plane_q == '0);

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
      plane_q <= '0;
    end else if (en) begin
      plane_q <= hold ? plane_q + 1'b1 : '0;
      if (!hold) valid_q <= beat;
    end
  end

  // ---- what the fronts make of them, and the plane that goes with it ---------------------------

  logic [Rows-1:0][Lanes*CodeWidth-1:0]     code;
  logic [Cols-1:0][Lanes-1:0][BWidth-1:0]   planes_q;  // bit 0 is the plane
  logic                                     step_q, step_first_q;
  logic [PlaneWidth-1:0]                    step_plane_q;
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0] psum;
  logic [Rows-1:0][AccWidth-1:0]            term;

  always_ff @(posedge clk_i) begin
    if (en) begin
      step_first_q <= first_q && begins;
      step_plane_q <= plane_q;
      for (int unsigned c = 0; c < Cols; c++) begin
        for (int unsigned l = 0; l < Lanes; l++) begin
          planes_q[c][l] <= begins ? b_q[c][l*BWidth+:BWidth] : planes_q[c][l] >> 1;
        end
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) step_q <= 1'b0;
    else if (en) step_q <= valid_q;
  end

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    tpe_front #(
        .AWidth   (AWidth),
        .Lanes    (Lanes),
        .CodeWidth(CodeWidth)
    ) u_front (
        .clk_i,
        .en_i  (en && begins),
        .a_i   (a_q[r]),
        .code_o(code[r])
    );

    tpe_row #(
        .AWidth     (AWidth),
        .BWidth     (BWidth),
        .AccWidth   (AccWidth),
        .Lanes      (Lanes),
        .CodeWidth  (CodeWidth),
        .CellLatency(CellLatency)
    ) u_row (
        .clk_i,
        .rst_ni,
        .en_i   (en_row[r]),
        .valid_i(step_q),
        .first_i(step_first_q),
        .code_i ((step_plane_q == '0) ? code[r] : '0),
        .term_i (term[r]),
        .term_o (term[r])
    );

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
          .valid_i(step_q),
          .first_i(step_first_q),
          .code_i (code[r]),
          .b_i    (planes_q[c]),
          .plane_i(step_plane_q),
          .psum_i (psum[r][c]),
          .psum_o (psum[r][c])
      );
    end
  end

  tpe_drain #(
      .Rows      (Rows),
      .Cols      (Cols),
      .AccWidth  (AccWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .RowTerm   (RowTerm),
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
      .term_i    (term),
      .c_valid_o,
      .c_ready_i,
      .c_last_o,
      .c_o
  );

endmodule

`default_nettype wire
