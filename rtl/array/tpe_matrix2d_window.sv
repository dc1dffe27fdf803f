// tpe_matrix2d_window -- 2D matrix whose rows take the digits of groups of K, within a window.
//
// A beat is a group of K of every row of A and of every column of B. Every row has a front, which
// sends the group's digits to its cells as they come; a row may be Window groups ahead of the
// slowest, so that a beat is taken when every row has room for it. B of the last Window + 1 groups
// stands at every cell of its column. Psums stay, and leave when every row is through with K. The
// next tile begins behind their last word; OverlapStream: in the cycle of the last step;
// OverlapDrain: when the psums have left their cells.
// Cycles    : see docs/cycles.md; with Window 0 a tile takes the sum over its groups of the slowest
//             row's steps, + Rows + CellLatency + 4, or that once where tiles overlap.
// Overflow  : as the cell's.
`default_nettype none

module tpe_matrix2d_window #(
    parameter int unsigned Rows        = 4,
    parameter int unsigned Cols        = 4,
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 1,   // digits that a cell takes in a step
    parameter int unsigned Group       = 4,   // operands of K in a beat
    parameter int unsigned Window      = 0,   // groups by which a row may lead the slowest
    parameter int unsigned Offered     = 4,   // operands of B at a cell: Group (Window + 1)
    parameter int unsigned CodeWidth   = 7,
    parameter int unsigned PsumWidth   = 64,
    parameter int unsigned PlaneWidth  = 2,
    parameter int unsigned CellLatency = 0,   // registers of a cell before its psum
    parameter int unsigned Hold        = tpe_pkg::HoldMux,
    parameter int unsigned RowTerm     = 0,   // 1: cells leave something to their row
    parameter int unsigned FinishStages = 1,  // 2: behind the words; 3: inside a finish, too
    parameter int unsigned Overlap     = tpe_pkg::OverlapNone
) (
    input  wire  logic                           clk_i,
    input  wire  logic                           rst_ni,
    // A: one beat is Group consecutive k of every row
    input  wire  logic                           a_valid_i,
    output       logic                           a_ready_o,
    input  wire  logic                           a_last_i,   // the last beat of K
    input  wire  logic [Rows*Group*AWidth-1:0]   a_i,
    // B: the same k of every column; a beat of A and one of B are accepted together
    input  wire  logic                           b_valid_i,
    output       logic                           b_ready_o,
    input  wire  logic [Cols*Group*BWidth-1:0]   b_i,
    // C: row 0 first
    output       logic                           c_valid_o,
    input  wire  logic                           c_ready_i,
    output       logic                           c_last_o,
    output       logic [Cols*AccWidth-1:0]       c_o
);

  localparam int unsigned RowWidth  = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int unsigned SlotWidth = (Window > 0) ? $clog2(Window + 1) : 1;
  localparam int unsigned ABits     = Group * AWidth;
  localparam int unsigned BBits     = Group * BWidth;
  localparam int unsigned Inside    = (FinishStages > 2) ? 1 : 0;  // registers of a finish

  if (Offered != Group * (Window + 1)) begin : gen_check
    $error("tpe_matrix2d_window: Offered = Group (Window + 1)");
  end

  // ---- when a beat is taken, and when a tile is over -------------------------------------------

  logic                en, open, stream, beat, over, drain;
  logic                first_q;   // the next beat is the first of a tile
  logic                closed_q;  // all beats of a tile have been taken, and its steps go on
  logic [Rows-1:0]     room, idle;
  logic [RowWidth-1:0] row;

  assign a_ready_o = stream && en && (&room) && b_valid_i;
  assign b_ready_o = stream && en && (&room) && a_valid_i;
  assign beat      = a_valid_i && a_ready_o;
  assign over      = closed_q && (&idle);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      first_q  <= 1'b1;
      closed_q <= 1'b0;
    end else if (en) begin
      if (beat) first_q <= a_last_i;
      closed_q <= (beat && a_last_i) || (closed_q && !over);
    end
  end

  if (Overlap == tpe_pkg::OverlapNone) begin : gen_apart
    assign stream = open && !closed_q;
  end else begin : gen_behind
    // Rows of two tiles do not leave at once: a tile ends Rows cycles behind another, or later.
    logic [RowWidth-1:0] wait_q;  // cycles in which the last beat has to wait
    logic                last;    // ... need not

    assign last = !a_last_i || (wait_q == '0 && (!over || Rows == 1));
    if (Overlap == tpe_pkg::OverlapStream) begin : gen_stream
      assign stream = open && (!closed_q || over) && last;
    end else begin : gen_drain
      assign stream = open && !closed_q && last;
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) wait_q <= '0;
      else if (en) begin
        if (over) wait_q <= RowWidth'((Rows > 1) ? Rows - 2 : 0);
        else if (wait_q != '0) wait_q <= wait_q - 1'b1;
      end
    end
  end

  logic unused_ctrl, ctrl_room, ctrl_first;
  assign unused_ctrl = ^{ctrl_room, ctrl_first};

  // To the control a tile is its last step alone, from which the psums are as far as from a beat.
  tpe_tile_ctrl #(
      .Rows       (Rows),
      .FlushCycles(1 + CellLatency),
      .Overlap    (Overlap),
      .GapCycles  ((Overlap == tpe_pkg::OverlapDrain) ? 1 + CellLatency : 0)
  ) u_ctrl (
      .clk_i,
      .rst_ni,
      .en_i       (en),
      .hold_i     (1'b0),
      .last_beat_i(over),
      .last_word_i(c_valid_o && c_ready_i && c_last_o),
      .stream_o   (open),
      .room_o     (ctrl_room),
      .first_o    (ctrl_first),
      .beat_i     (over),
      .drain_o    (drain),
      .row_o      (row)
  );

  // ---- B: registered as it comes, then put where its group stands -------------------------------

  logic [Cols*BBits-1:0]                b_in_q;
  logic                                 put_q;   // a group has come
  logic [SlotWidth-1:0]                 slot_q;  // where it is put
  logic [Cols-1:0][Offered*BWidth-1:0]  b_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      put_q  <= 1'b0;
      slot_q <= '0;
    end else if (en) begin
      put_q <= beat;
      if (put_q) slot_q <= (slot_q == SlotWidth'(Window)) ? '0 : slot_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      if (beat) b_in_q <= b_i;
      for (int unsigned c = 0; c < Cols; c++) begin
        for (int unsigned s = 0; s <= Window; s++) begin
          if (put_q && slot_q == SlotWidth'(s)) b_q[c][s*BBits+:BBits] <= b_in_q[c*BBits+:BBits];
        end
      end
    end
  end

  // ---- rows ------------------------------------------------------------------------------------

  logic [Rows-1:0]                          valid, first;
  logic [Rows-1:0][Lanes*CodeWidth-1:0]     code;
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0] psum;
  logic [Rows-1:0][AccWidth-1:0]            term;  // of a row, added by the finish

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic clk;  // of the cells of the row

    if (Hold == tpe_pkg::HoldZero) begin : gen_gate
      tpe_clock_gate u_clock_gate (
          .clk_i,
          .en_i (en),
          .clk_o(clk)
      );
    end else begin : gen_no_gate
      assign clk = clk_i;
    end

    tpe_front #(
        .AWidth    (AWidth),
        .Lanes     (Lanes),
        .Group     (Group),
        .Window    (Window),
        .CodeWidth (CodeWidth),
        .PlaneWidth(PlaneWidth)
    ) u_front (
        .clk_i,
        .rst_ni,
        .en_i   (en),
        .valid_i(beat),
        .room_o (room[r]),
        .a_i    (a_i[r*ABits+:ABits]),
        .first_i(first_q),
        .idle_o (idle[r]),
        .valid_o(valid[r]),
        .first_o(first[r]),
        .code_o (code[r])
    );

    if (RowTerm != 0) begin : gen_term
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
          .en_i   (en),
          .valid_i(valid[r]),
          .first_i(first[r]),
          .code_i (code[r]),
          .term_i (term[r]),
          .term_o (term[r])
      );
    end else begin : gen_no_term
      assign term[r] = '0;
    end

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      tpe_cell #(
          .AWidth    (AWidth),
          .BWidth    (BWidth),
          .AccWidth  (AccWidth),
          .Lanes     (Lanes),
          .CodeWidth (CodeWidth),
          .PsumWidth (PsumWidth),
          .PlaneWidth(PlaneWidth),
          .Offered   (Offered)
      ) u_cell (
          .clk_i  (clk),
          .rst_ni,
          .en_i   (en),
          .valid_i(valid[r]),
          .first_i(first[r]),
          .code_i (code[r]),
          .b_i    (b_q[c]),
          .plane_i('0),
          .psum_i (psum[r][c]),
          .psum_o (psum[r][c])
      );
    end
  end

  // ---- C ---------------------------------------------------------------------------------------

  logic                      done, done_ready, done_last;  // words of the drain
  logic [Cols*AccWidth-1:0]  done_words;

  logic [Rows-1:0] unused_rows;
  logic            unused_drain;

  tpe_drain #(
      .Rows         (Rows),
      .Cols         (Cols),
      .AccWidth     (AccWidth),
      .PsumWidth    (PsumWidth),
      .PlaneWidth   (PlaneWidth),
      .RowTerm      (RowTerm),
      .FinishLatency(Inside),
      .Overlap      (Overlap)
  ) u_drain (
      .clk_i,
      .rst_ni,
      .en_o     (en),
      .en_row_o (unused_rows),
      .en_drain_o(unused_drain),
      .drain_i  (drain),
      .row_i    (row),
      .psum_i   (psum),
      .term_i   (term),
      .c_valid_o(done),
      .c_ready_i(done_ready),
      .c_last_o (done_last),
      .c_o      (done_words)
  );

  if (FinishStages == 1) begin : gen_words
    assign c_valid_o  = done;
    assign done_ready = c_ready_i;
    assign c_last_o   = done_last;
    assign c_o        = done_words;
  end else begin : gen_word_stage
    logic unused_en;

    tpe_word_stage #(
        .Width(1 + Cols * AccWidth)
    ) u_word_stage (
        .clk_i,
        .rst_ni,
        .valid_i (done),
        .ready_o (done_ready),
        .word_i  ({done_last, done_words}),
        .coming_i(1'b1),
        .en_o    (unused_en),
        .valid_o (c_valid_o),
        .ready_i (c_ready_i),
        .word_o  ({c_last_o, c_o})
    );
  end

endmodule

`default_nettype wire
