// tpe_matrix2d_window_staged -- tpe_matrix2d_window with stages ahead of its rows, and behind them.
//
// A beat passes one or two stages, in which its digits are counted, before every row takes it; it
// stays there while a row has no room. What the rows have room for is known a cycle before: each
// says it for both cases, that a beat enters meanwhile and that none does, and what all of them say
// is registered. So a_ready_o is made of registers, and no row waits for another within a cycle.
// With Window 0 to 2 and any Overlap the rows begin and end their groups as those of
// tpe_matrix2d_window do, from the cycle on in which the first beat of a tile enters.
// Cycles    : a stage is a cycle more of each tile that begins behind the last word of another, or
//             once where tiles overlap; see docs/cycles.md.
// Overflow  : as the cell's.
`default_nettype none

module tpe_matrix2d_window_staged #(
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
    parameter int unsigned FrontStages = 2,   // of tpe_front: all but one are ahead of its window
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
  localparam int unsigned Settled   = 1 + CellLatency;  // from a tile's last step to its psums
  localparam int unsigned Ahead     = FrontStages - 1;  // stages of a front before its window
  localparam int unsigned Last      = Ahead - 1;        // the last of them

  if (Offered != Group * (Window + 1) || FrontStages < 2) begin : gen_check
    $error("tpe_matrix2d_window_staged: Offered = Group (Window + 1); FrontStages 2 or more");
  end

  // ---- beats on their way to the rows -----------------------------------------------------------

  logic                  en, open, port, beat;
  logic                  en_drain;        // as the drain says
  logic                  en_row;          // for the fronts; of the next cycle, with EnAhead
  logic                  first_q;         // the next beat is the first of a tile
  logic [Ahead-1:0] full_q, tail_q;  // a stage has a beat; ... the last of a tile
  logic [Ahead-1:0] move;            // it takes what is before it
  logic                  push;            // the rows take what the last one has

  assign a_ready_o = port && move[0] && en && b_valid_i;
  assign b_ready_o = port && move[0] && en && a_valid_i;
  assign beat      = a_valid_i && a_ready_o;

  for (genvar s = 0; s < Ahead; s++) begin : gen_ahead
    logic comes, comes_tail;  // a beat is there to be taken

    if (s == 0) begin : gen_port
      assign comes      = beat;
      assign comes_tail = a_last_i;
    end else begin : gen_stage
      assign comes      = full_q[s-1];
      assign comes_tail = tail_q[s-1];
    end
    assign move[s] = !full_q[s] || ((s == Last) ? push : move[(s == Last) ? s : s+1]);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) full_q[s] <= 1'b0;
      else if (en && move[s]) full_q[s] <= comes;
    end

    always_ff @(posedge clk_i) begin
      if (en && move[s]) tail_q[s] <= comes_tail;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) first_q <= 1'b1;
    else if (en && beat) first_q <= a_last_i;
  end

  // ---- when the rows take one, and when a tile is over ------------------------------------------

  logic [Rows-1:0][1:0] room, idle;        // of the next cycle: without a beat, and with one
  logic [1:0]           all_room, all_idle;
  logic                 crowd_q, work_q;   // of this one: some have none; are not idle
  logic                 welcome, over, drain;
  logic                 closed_q;          // all beats of a tile are in rows, its steps go on
  logic [RowWidth-1:0]  row;

  always_comb begin
    all_room = '1;
    all_idle = '1;
    for (int unsigned r = 0; r < Rows; r++) begin
      all_room = all_room & room[r];
      all_idle = all_idle & idle[r];
    end
  end

  assign push = full_q[Last] && !crowd_q && welcome;
  assign over = closed_q && !work_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      crowd_q  <= 1'b0;
      work_q   <= 1'b0;
      closed_q <= 1'b0;
    end else if (en) begin
      crowd_q  <= !(push ? all_room[1] : all_room[0]);
      work_q   <= !(push ? all_idle[1] : all_idle[0]);
      closed_q <= (push && tail_q[Last]) || (closed_q && !over);
    end
  end

  if (Overlap == tpe_pkg::OverlapNone) begin : gen_apart
    logic shut_q;  // the last beat of a tile has been taken

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) shut_q <= 1'b0;
      else if (en) shut_q <= (beat && a_last_i) || (shut_q && !over);
    end

    assign port    = open && !shut_q;
    assign welcome = 1'b1;  // until all words of a tile have left no beat of another one is inside
  end else begin : gen_behind
    // Rows of two tiles do not leave at once: a tile ends Rows cycles behind another, or later.
    logic [RowWidth-1:0] wait_q;  // cycles in which the last beat has to wait
    logic                last;    // ... need not

    assign port = 1'b1;
    assign last = !tail_q[Last] || (wait_q == '0 && (!over || Rows == 1));
    if (Overlap == tpe_pkg::OverlapStream) begin : gen_stream
      assign welcome = open && (!closed_q || !work_q) && last;
    end else begin : gen_drain
      assign welcome = open && !closed_q && last;
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
      .FlushCycles(Settled),
      .Overlap    (Overlap),
      .GapCycles  ((Overlap == tpe_pkg::OverlapDrain) ? Settled : 0)
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

  // ---- B: with its beat, then put where its group stands ----------------------------------------

  logic [Ahead:0][Cols*BBits-1:0]  b_ahead;  // at the port, and of every stage
  logic [Cols*BBits-1:0]                b_in_q;
  logic                                 put_q;    // a group has come
  logic [SlotWidth-1:0]                 slot_q;   // where it is put
  logic [Cols-1:0][Offered*BWidth-1:0]  b_q;

  assign b_ahead[0] = b_i;

  for (genvar s = 0; s < Ahead; s++) begin : gen_b_ahead
    always_ff @(posedge clk_i) begin
      if (en && move[s]) b_ahead[s+1] <= b_ahead[s];
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) put_q <= 1'b0;
    else if (en) put_q <= push;
  end

  always_ff @(posedge clk_i) begin
    if (en) b_in_q <= b_ahead[Ahead];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) slot_q <= '0;
    else if (en && put_q) slot_q <= (slot_q == SlotWidth'(Window)) ? '0 : slot_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      for (int unsigned c = 0; c < Cols; c++) begin
        for (int unsigned s = 0; s <= Window; s++) begin
          if (put_q && slot_q == SlotWidth'(s)) b_q[c][s*BBits+:BBits] <= b_in_q[c*BBits+:BBits];
        end
      end
    end
  end

  // ---- rows ------------------------------------------------------------------------------------

  logic [Rows-1:0]                          valid, first, en_cells;
  logic [Rows-1:0][Lanes*CodeWidth-1:0]     code;
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0] psum;
  logic [Rows-1:0][AccWidth-1:0]            term;  // of a row, added by the finish

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic clk;  // of the cells of the row

    if (Hold == tpe_pkg::HoldZero) begin : gen_gate
      tpe_clock_gate u_clock_gate (
          .clk_i,
          .en_i (en_cells[r]),
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
        .PlaneWidth(PlaneWidth),
        .EnAhead   ((FinishStages > 1) ? 1 : 0)
    ) u_front (
        .clk_i,
        .rst_ni,
        .en_i   (en_row),
        .en_o   (en_cells[r]),
        .enter_i(move[0]),
        .shift_i(move[Last]),
        .push_i (push),
        .a_i    (a_i[r*ABits+:ABits]),
        .first_i(first_q),
        .room_o (room[r]),
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
          .en_i   (en_cells[r]),
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
          .en_i   (en_cells[r]),
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
      .en_o     (en_drain),
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

  // With a register behind the words whether the array is enabled is known a cycle before: each row
  // has a register of its own that says so, and what belongs to no row has one.
  if (FinishStages == 1) begin : gen_words
    assign c_valid_o  = done;
    assign done_ready = c_ready_i;
    assign c_last_o   = done_last;
    assign c_o        = done_words;
    assign en         = en_drain;
    assign en_row     = en_drain;
  end else begin : gen_word_stage
    logic coming_q;  // the drain has a row, whose words come next
    logic coming;    // ... behind the register of its finishes, if they have one
    logic held_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        coming_q <= 1'b0;
        held_q   <= 1'b0;
      end else begin
        if (en) coming_q <= drain;
        held_q <= !en_row;
      end
    end

    if (Inside == 0) begin : gen_at_once
      assign coming = coming_q;
    end else begin : gen_later
      logic inside_q;

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) inside_q <= 1'b0;
        else if (en) inside_q <= coming_q;
      end

      assign coming = inside_q;
    end

    assign en = !held_q;

    logic unused_en;
    assign unused_en = en_drain;

    tpe_word_stage #(
        .Width(1 + Cols * AccWidth)
    ) u_word_stage (
        .clk_i,
        .rst_ni,
        .valid_i (done),
        .ready_o (done_ready),
        .word_i  ({done_last, done_words}),
        .coming_i(coming),
        .en_o    (en_row),
        .valid_o (c_valid_o),
        .ready_i (c_ready_i),
        .word_o  ({c_last_o, c_o})
    );
  end

endmodule

`default_nettype wire
