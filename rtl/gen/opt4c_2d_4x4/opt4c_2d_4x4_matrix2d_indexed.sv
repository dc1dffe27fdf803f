// opt4c_2d_4x4_matrix2d_indexed -- 2D matrix for sparse PEs: fronts per row, B resident and read by index.
//
// A pass is at most Depth operands of K: load B if load_i says so, then every row runs through
// its groups at its own pace, plane by plane, and the rows meet when all have finished. A whole
// plane leaves its row through the finish of each column in the row's time slot (the cycle of the
// pass modulo Rows), and is added into an accumulator per row; the last planes drain row by row.
// Without Shadow a plane waits in its row's cells, and rows ask for the finishes: opt4c_2d_4x4_turns. With
// MsbFirst planes come from the most significant down, into one pair a cell, so that all of a pass
// leaves with the drain alone.
// With FinishLatency a finish resolves in one cycle and adds in the next.
// OverlapLoad: B of the next pass loads into a second bank meanwhile. With Drift, A is one stream
// of beats for all rows, and a row leads the slowest by the Drift groups of its FIFO at most.
// Reference : arXiv:2503.06342, OPT3, OPT4C, OPT4E (the column that shares A there is a row here)
// Cycles    : see docs/cycles.md.
// Overflow  : the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module opt4c_2d_4x4_matrix2d_indexed #(
    parameter  int unsigned Rows       = 4,
    parameter  int unsigned Cols       = 4,
    parameter  int unsigned AWidth     = 8,
    parameter  int unsigned BWidth     = 8,
    parameter  int unsigned AccWidth   = 32,
    parameter  int unsigned Lanes      = 1,       // digits a cell takes in a step
    parameter  int unsigned Group      = 4,       // operands of K in a group
    parameter  int unsigned Depth      = 4096,    // rows of B that are resident
    parameter  int unsigned CodeWidth  = 3,
    parameter  int unsigned PsumWidth  = 44,
    parameter  int unsigned PlaneWidth = 2,
    parameter  int unsigned OwnFronts  = 0,       // 1: a front in every cell; 0: one per row
    parameter  int unsigned Overlap    = opt4c_2d_4x4_pkg::OverlapNone,
    parameter  int unsigned Drift      = 0,       // groups that a row may lead by; 0: unbounded
    parameter  int unsigned BSupply    = opt4c_2d_4x4_pkg::BSupplyCopies,
    parameter  int unsigned MsbFirst   = 0,       // 1: most significant plane first; no Shadow then
    parameter  int unsigned Shadow     = 1,       // 0: whole planes wait in the cells
    parameter  int unsigned RowTerm    = 0,       // 1: cells leave a term to their row
    parameter  int unsigned Hold       = opt4c_2d_4x4_pkg::HoldMux,
    parameter  int unsigned CarryEvery = 1,       // bits from one carry of a psum to the next
    parameter  int unsigned FinishLatency = 0,    // registers inside a finish, 0 or 1
    parameter  int unsigned Stall      = opt4c_2d_4x4_pkg::StallDirect,
    localparam int unsigned IndexWidth = $clog2(Depth)
) (
    input  wire  logic                                       clk_i,
    input  wire  logic                                       rst_ni,
    // What the pass does; stable while it lasts
    input  wire  logic                                       load_i,     // B is loaded first
    input  wire  logic                                       clear_i,    // sums start from zero
    input  wire  logic                                       flush_i,    // C leaves at the end
    output       logic                                       done_o,     // the pass ends now
    // A: a stream per row and lane of groups of K (lane l has those of index l modulo Lanes), the
    // whole K once per plane
    input  wire  logic [(Drift != 0 ? 1 : Rows*Lanes)-1:0]   a_valid_i,
    output       logic [(Drift != 0 ? 1 : Rows*Lanes)-1:0]   a_ready_o,
    input  wire  logic [(Drift != 0 ? 1 : Rows*Lanes)-1:0]   a_last_i,   // the last group of K
    input  wire  logic [Rows*Lanes*Group*AWidth-1:0]         a_i,
    // B: one beat is one k of every column
    input  wire  logic                                       b_valid_i,
    output       logic                                       b_ready_o,
    input  wire  logic                                       b_last_i,   // the load's last beat
    input  wire  logic [Cols*BWidth-1:0]                     b_i,
    // C: row 0 first
    output       logic                                       c_valid_o,
    input  wire  logic                                       c_ready_i,
    output       logic                                       c_last_o,
    output       logic [Cols*AccWidth-1:0]                   c_o
);


  if (Depth < 2 * Group * Lanes || Depth % (Group * Lanes) != 0) begin : gen_check
    $error("opt4c_2d_4x4_matrix2d_indexed: Depth must be a multiple of Group * Lanes, twice that or more");
  end

  logic            en;      // 0: the sink refuses a word
  logic [Cols-1:0] en_col;  // ... for the registers of each column
  logic [Cols-1:0] en_finish;  // ... for its finish
  logic            gone;    // no word of the pass before waits for the sink

  // ---- B: loaded once, then read by index ------------------------------------------------------

  logic                                                  open;  // B of the pass is there
  logic                                                  load_beat;
  logic [IndexWidth-1:0]                                 load_index_q;
  logic                                                  load_bank, read_bank;
  logic [Rows-1:0]                                       read;
  logic [Rows-1:0][Cols-1:0][Lanes-1:0][IndexWidth-1:0]  index;
  logic [Rows-1:0][Cols-1:0][Lanes-1:0][BWidth-1:0]      b_row;

  assign load_beat = b_valid_i && b_ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) load_index_q <= '0;
    else if (load_beat) load_index_q <= b_last_i ? '0 : load_index_q + 1'b1;
  end

  if (Overlap == opt4c_2d_4x4_pkg::OverlapNone) begin : gen_bank
    logic loaded_q;

    assign b_ready_o = load_i && !loaded_q && gone;
    assign open      = (loaded_q || !load_i) && gone;
    assign load_bank = 1'b0;
    assign read_bank = 1'b0;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) loaded_q <= 1'b0;
      else if (done_o) loaded_q <= 1'b0;
      else if (load_beat) loaded_q <= b_last_i;
    end
  end else begin : gen_banks
    logic bank_q;     // the bank that the pass reads; the other one loads
    logic loaded_q;   // the other one is loaded
    logic swapped_q;  // the pass has taken its bank
    logic swap;

    assign b_ready_o = !loaded_q;
    assign swap      = load_i && !swapped_q && loaded_q && gone;
    assign open      = (!load_i || swapped_q || loaded_q) && gone;
    assign load_bank = !bank_q;
    assign read_bank = bank_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        bank_q    <= 1'b0;
        loaded_q  <= 1'b0;
        swapped_q <= 1'b0;
      end else begin
        if (swap) bank_q <= !bank_q;
        if (load_beat && b_last_i) loaded_q <= 1'b1;
        else if (swap) loaded_q <= 1'b0;
        swapped_q <= !done_o && (swapped_q || swap);
      end
    end
  end

  opt4c_2d_4x4_b_supply #(
      .Rows   (Rows),
      .Cols   (Cols),
      .BWidth (BWidth),
      .Lanes  (Lanes),
      .Group  (Group),
      .Depth  (Depth),
      .Banks  ((Overlap == opt4c_2d_4x4_pkg::OverlapNone) ? 1 : 2),
      .BSupply(BSupply)
  ) u_b_supply (
      .clk_i,
      .write_i      (load_beat),
      .write_bank_i (load_bank),
      .write_index_i(load_index_q),
      .b_i,
      .read_i       (read),
      .read_bank_i  (read_bank),
      .index_i      (index),
      .b_o          (b_row)
  );

  // ---- A: a stream per row and lane, or one for all behind FIFOs --------------------------------

  localparam int unsigned GroupBits = Group * AWidth;

  logic [Rows-1:0][Lanes-1:0]                a_valid, a_ready, a_last;
  logic [Rows-1:0][Lanes-1:0][GroupBits-1:0] a_group;
  logic [Rows-1:0][Lanes-1:0]                room;  // in the FIFOs

  if (Drift == 0) begin : gen_streams
    assign room      = '1;
    assign a_valid   = a_valid_i;
    assign a_ready_o = a_ready;
    assign a_last    = a_last_i;
    assign a_group   = a_i;

    logic unused_room;
    assign unused_room = ^room;
  end else begin : gen_fifos
    localparam int unsigned NumDigits = (AWidth + 1) / 2;

    logic                  push, closed_q;  // closed_q: all groups of the pass have come
    logic [PlaneWidth-1:0] plane_q;

    assign a_ready_o = open && !closed_q && (&room);
    assign push      = a_valid_i && a_ready_o;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        closed_q <= 1'b0;
        plane_q  <= '0;
      end else if (done_o) begin
        closed_q <= 1'b0;
        plane_q  <= '0;
      end else if (push && a_last_i) begin
        closed_q <= (plane_q == PlaneWidth'(NumDigits - 1));
        plane_q  <= plane_q + 1'b1;
      end
    end

    for (genvar r = 0; r < Rows; r++) begin : gen_fifo_row
      for (genvar l = 0; l < Lanes; l++) begin : gen_lane
        opt4c_2d_4x4_fifo #(
            .Depth(Drift),
            .Width(GroupBits + 1)
        ) u_fifo (
            .clk_i,
            .rst_ni,
            .valid_i(push),
            .ready_o(room[r][l]),
            .data_i ({a_last_i, a_i[(r*Lanes+l)*GroupBits+:GroupBits]}),
            .valid_o(a_valid[r][l]),
            .ready_i(a_ready[r][l]),
            .data_o ({a_last[r][l], a_group[r][l]})
        );
      end
    end
  end

  // ---- rows ------------------------------------------------------------------------------------

  localparam int unsigned PairWidth = (CarryEvery == 1)
      ? PsumWidth / 2 : PsumWidth - (PsumWidth - 1) / (CarryEvery + 1);

  logic [Rows-1:0]                           full, final_plane, take;
  logic [Rows-1:0]                           full_next, final_next;  // in the next cycle
  logic [Rows-1:0][PlaneWidth-1:0]           plane;
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0]  psum;
  logic [Rows-1:0][PairWidth-1:0]            term;
  logic                                      any_group;  // a row takes a group
  logic [Rows-1:0]                           turn, turn_next;  // whose it is, now and then
  logic [Rows-1:0]                           ask;        // rows that are served in turn

  assign any_group = |(a_valid & a_ready);

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    opt4c_2d_4x4_sparse_row #(
        .Cols      (Cols),
        .AWidth    (AWidth),
        .BWidth    (BWidth),
        .AccWidth  (AccWidth),
        .Lanes     (Lanes),
        .Group     (Group),
        .CodeWidth (CodeWidth),
        .IndexWidth(IndexWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth),
        .OwnFronts (OwnFronts),
        .MsbFirst  (MsbFirst),
        .Shadow    (Shadow),
        .Hold      (Hold),
        .CarryEvery(CarryEvery)
    ) u_row (
        .clk_i,
        .rst_ni,
        .open_i      (open),
        .done_i      (done_o),
        .a_valid_i   (a_valid[r]),
        .a_ready_o   (a_ready[r]),
        .a_last_i    (a_last[r]),
        .a_i         (a_group[r]),
        .read_o      (read[r]),
        .index_o     (index[r]),
        .b_i         (b_row[r]),
        .full_o      (full[r]),
        .final_o     (final_plane[r]),
        .full_next_o (full_next[r]),
        .final_next_o(final_next[r]),
        .plane_o     (plane[r]),
        .psum_o      (psum[r]),
        .term_o      (term[r]),
        .ask_o       (ask[r]),
        .slot_i      (turn[r]),
        .slot_next_i (turn_next[r]),
        .take_i      (take[r])
    );
  end

  // ---- whose plane the finish takes: one row's, then those of all rows in order ----------------

  opt4c_2d_4x4_turns #(
      .Rows    (Rows),
      .MsbFirst(MsbFirst),
      .Shadow  (Shadow)
  ) u_turns (
      .clk_i,
      .rst_ni,
      .done_i (done_o),
      .group_i(any_group),
      .ask_i  (ask),
      .turn_o (turn),
      .next_o (turn_next)
  );

  logic            drain, drain_last;
  logic [Rows-1:0] row;  // the one that finishes look at, or none

  opt4c_2d_4x4_sparse_drain #(
      .Rows (Rows),
      .Ahead((Shadow != 0 || MsbFirst != 0) ? 1 : 0)
  ) u_sparse_drain (
      .clk_i,
      .rst_ni,
      .en_i        (en),
      .done_i      (done_o),
      .full_i      (full),
      .final_i     (final_plane),
      .full_next_i (full_next),
      .final_next_i(final_next),
      .turn_i      (turn),
      .turn_next_i (turn_next),
      .drain_o     (drain),
      .last_o      (drain_last),
      .row_o       (row),
      .take_o      (take)
  );

  // ---- columns: the row taken, its finish, the accumulators, C ---------------------------------

  logic                            row_valid_q, row_flush_q, row_last_q, c_valid_q, c_last_q;
  logic                            word_valid, word_flush, word_last;  // what finishes add up now
  logic [Rows-1:0]                 row_q, word_row;
  logic [PlaneWidth-1:0]           row_plane, row_plane_q;
  logic [Cols-1:0][PsumWidth-1:0]  row_psum;
  logic [PairWidth-1:0]            row_term;
  logic [Cols-1:0][2*PairWidth-1:0] row_pair, row_pair_q;
  logic [Rows-1:0][Cols-1:0][AccWidth-1:0] acc_q;
  logic [Cols-1:0][AccWidth-1:0]   acc_kept, acc_d, word_acc_q, c_d, c_q;
  logic                            fresh;  // the row taken begins its sum, if the pass does
  logic [Rows-1:0]                 next_row;    // the row that is added up next
  logic                            next_fresh;  // ... begins its sum, if the pass does
  logic                            again;       // ... is added up now, too
  logic                            pending;     // ... has its sum in the register of C
  logic [Rows-1:0]                 c_row_q;     // the row whose sum that is, if it does not leave
  logic                            over;        // the last word of a pass goes on

  localparam int unsigned LeftWidth = PlaneWidth + PairWidth + Cols * PsumWidth;
  logic [Rows-1:0][LeftWidth-1:0]  left;        // what a row leaves, a plane of it

  assign done_o = flush_i ? over : (word_valid && word_last);

  if (Stall == opt4c_2d_4x4_pkg::StallDirect) begin : gen_direct
    assign en        = !(c_valid_q && !c_ready_i);
    assign en_col    = {Cols{en}};
    assign en_finish = {Cols{en}};
    assign gone      = 1'b1;
    assign over      = c_valid_q && c_ready_i && c_last_q;
    assign c_valid_o = c_valid_q;
    assign c_last_o  = c_last_q;
    assign c_o       = c_q;
  end else begin : gen_registered
    opt4c_2d_4x4_skid_buffer #(
        .Width (1 + Cols * AccWidth),
        .Copies(2 + 2 * Cols)
    ) u_skid_buffer (
        .clk_i,
        .rst_ni,
        .valid_i(c_valid_q),
        .word_i ({c_last_q, c_q}),
        .en_o   ({en_finish, en_col, gone, en}),
        .valid_o(c_valid_o),
        .ready_i(c_ready_i),
        .word_o ({c_last_o, c_o})
    );

    assign over = c_valid_q && en && c_last_q;
  end

  assign fresh = (MsbFirst != 0) || row_plane == '0;

  for (genvar r = 0; r < Rows; r++) begin : gen_left
    assign left[r] = {plane[r], term[r], psum[r]};
  end

  opt4c_2d_4x4_pick #(
      .Count(Rows),
      .Width(LeftWidth)
  ) u_pick_left (
      .is_i   (row),
      .words_i(left),
      .word_o ({row_plane, row_term, row_psum})
  );

  opt4c_2d_4x4_pick #(
      .Count(Rows),
      .Width(Cols * AccWidth)
  ) u_pick_acc (
      .is_i   (next_row),
      .words_i(acc_q),
      .word_o (acc_kept)
  );

  if (FinishLatency == 0) begin : gen_at_once
    assign word_valid = row_valid_q;
    assign word_flush = row_flush_q;
    assign word_last  = row_last_q;
    assign word_row   = row_q;
    assign next_row   = row;
    assign next_fresh = fresh;
  end else begin : gen_behind
    logic                valid_q, flush_q, last_q, fresh_q;
    logic [Rows-1:0]     word_row_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) valid_q <= 1'b0;
      else if (en) valid_q <= row_valid_q;
    end

    always_ff @(posedge clk_i) begin
      if (en) begin
        fresh_q    <= fresh;
        flush_q    <= row_flush_q;
        last_q     <= row_last_q;
        word_row_q <= row_q;
      end
    end

    assign word_valid = valid_q;
    assign word_flush = flush_q;
    assign word_last  = last_q;
    assign word_row   = word_row_q;
    assign next_row   = row_q;
    assign next_fresh = fresh_q;
  end

  // The accumulator is read a cycle ahead of what is added to it. A sum goes to the register of C,
  // and from there to its row's accumulator; until it is there it passes by.
  assign again   = word_valid && (|(word_row & next_row));
  assign pending = |(c_row_q & next_row);

  always_comb begin
    if (clear_i && next_fresh) acc_d = '0;
    else if (again) acc_d = c_d;
    else if (pending) acc_d = c_q;
    else acc_d = acc_kept;
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_finish
    opt4c_2d_4x4_kept_pair #(
        .PsumWidth(PsumWidth),
        .Every    (CarryEvery),
        .RowTerm  (RowTerm)
    ) u_pair (
        .psum_i(row_psum[c]),
        .term_i(row_term),
        .pair_o(row_pair[c])
    );

    opt4c_2d_4x4_finish #(
        .AccWidth  (AccWidth),
        .PsumWidth (2 * PairWidth),
        .PlaneWidth(PlaneWidth)
    ) u_finish (
        .clk_i,
        .en_i   ((FinishLatency != 0) && en_finish[c]),
        .psum_i (row_pair_q[c]),
        .plane_i(row_plane_q),
        .acc_i  (word_acc_q[c]),
        .c_o    (c_d[c])
    );
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      row_valid_q <= 1'b0;
      c_valid_q   <= 1'b0;
      c_row_q     <= '0;
    end else if (en) begin
      row_valid_q <= |take;
      c_valid_q   <= word_valid && word_flush;
      c_row_q     <= word_row & {Rows{word_valid && !word_flush}};
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      row_plane_q <= row_plane;
      row_q       <= row;
      row_flush_q <= drain && flush_i;
      row_last_q  <= drain_last;
      c_last_q    <= word_last;
    end
    for (int unsigned c = 0; c < Cols; c++) begin
      if (en_col[c]) begin
        row_pair_q[c] <= row_pair[c];
        word_acc_q[c] <= acc_d[c];
        if (word_valid) c_q[c] <= c_d[c];
      end
    end
    for (int unsigned r = 0; r < Rows; r++) begin
      if (c_row_q[r]) acc_q[r] <= c_q;
    end
  end

endmodule

`default_nettype wire
