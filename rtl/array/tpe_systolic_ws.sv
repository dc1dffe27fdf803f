// tpe_systolic_ws -- weight-stationary systolic array: B stays in the cells, psums pass down.
//
// Rows of the array are K, Lanes of it in a cell; columns are N. A pass is one tile of B: it is
// shifted in from the top, lowest row first; then rows of A stream, the operands of row r of the
// array r cycles late and moving right, while psums move down, a cell a cycle. They start from zero
// (clear_i) or from the psum buffer, and end there or, finished, in C (flush_i). The buffer is read
// ahead, in the cycle before the cell needs its word. CellLatency lies within a cell: the skew is a
// cycle a row. Cells whose registers have no enable (Hold) have their clock stopped while the sink
// refuses a word.
// Cycles    : a pass of M rows takes Rows (load) + M + Rows + Cols + CellLatency + 1 cycles, one
//             more if C leaves, and another for a register inside the finish. OverlapLoad: B of the
//             next pass is loaded meanwhile, from the cycle on after the one in which the last cell
//             has taken its own; a pass waits for it.
//             OverlapStream: besides, a pass begins behind the last row of the one before, and ends
//             with its own; a row waits until the psum that it goes on with is in the buffer.
// Overflow  : as the cell's.
`default_nettype none

module tpe_systolic_ws #(
    parameter int unsigned Rows        = 4,
    parameter int unsigned Cols        = 4,
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 1,      // operands of K in a cell
    parameter int unsigned CodeWidth   = 8,
    parameter int unsigned PsumWidth   = 32,
    parameter int unsigned PlaneWidth  = 1,
    parameter int unsigned CellLatency = 0,      // registers in the cell before its psum
    parameter int unsigned RowTerm     = 0,      // 1: cells leave a term to their row
    parameter int unsigned Hold        = tpe_pkg::HoldMux,
    parameter int unsigned FinishLatency = 0,    // registers inside a finish, 0 or 1
    parameter int unsigned Overlap     = tpe_pkg::OverlapNone,
    parameter int unsigned Stall       = tpe_pkg::StallDirect,
    parameter int unsigned PsumDepth   = 1024    // rows of a pass that does not do all of K
) (
    input  wire  logic                              clk_i,
    input  wire  logic                              rst_ni,
    // What the pass does; stable while it lasts
    input  wire  logic                              clear_i,    // psums start from zero
    input  wire  logic                              flush_i,    // C leaves
    output       logic                              done_o,     // the pass ends with this cycle
    // A: one beat is Rows * Lanes consecutive k of one row
    input  wire  logic                              a_valid_i,
    output       logic                              a_ready_o,
    input  wire  logic                              a_last_i,   // the last row of the pass
    input  wire  logic [Rows*Lanes*CodeWidth-1:0]   a_i,
    // B: one beat is Lanes k of every column, the last k of the tile first; Rows beats
    input  wire  logic                              b_valid_i,
    output       logic                              b_ready_o,
    input  wire  logic                              b_last_i,   // the last beat of the tile
    input  wire  logic [Cols*Lanes*BWidth-1:0]      b_i,
    // C: in the order of the rows of A
    output       logic                              c_valid_o,
    input  wire  logic                              c_ready_i,
    output       logic                              c_last_o,   // the last row of the pass
    output       logic [Cols*AccWidth-1:0]          c_o
);

  localparam int unsigned ABits     = Lanes * CodeWidth;
  localparam int unsigned BBits     = Lanes * BWidth;
  localparam int unsigned AddrWidth = (PsumDepth > 1) ? $clog2(PsumDepth) : 1;
  localparam int unsigned Read      = CellLatency;       // cycles from a beat to column 0's read,
  localparam int unsigned Take      = Rows + Read + 1;   // ... to its leaving the lowest cell,
  localparam int unsigned Write     = Take + 1;          // ... the register behind it,
  localparam int unsigned Leave     = Write + Cols - 1;  // ... and that of the last column

  if (Rows < 1 || Cols < 1 || PsumDepth < 1 || Overlap == tpe_pkg::OverlapDrain
      || Overlap > tpe_pkg::OverlapStream) begin : gen_check
    $error("tpe_systolic_ws: Rows, Cols, PsumDepth of 1 or more; Overlap is not OverlapDrain");
  end

  // ---- the order of a pass ---------------------------------------------------------------------

  logic en;                    // 0: the sink refuses a word
  logic [Rows-1:0] en_row;     // ... for each row's cells
  logic [Cols-1:0] en_col;     // ... for what is behind each column
  logic full_q;                // a tile of B waits for its pass, or is being taken by the cells
  logic begun_q, streamed_q;   // the first, the last row of the pass has been accepted
  logic taking;                // cells are taking the tile: the next pass has to have another
  logic written;               // the psum that this row goes on with, if it does, is in the buffer
  logic load, beat, swapped;
  logic [AddrWidth-1:0] row_q;

  assign b_ready_o = en && !full_q;
  assign a_ready_o = en && ((full_q && !taking) || begun_q) && !streamed_q && (clear_i || written);
  assign load      = b_valid_i && b_ready_o;
  assign beat      = a_valid_i && a_ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q     <= 1'b0;
      begun_q    <= 1'b0;
      streamed_q <= 1'b0;
      row_q      <= '0;
    end else if (en) begin
      if (load) full_q <= b_last_i;
      else if ((Overlap != tpe_pkg::OverlapNone) ? swapped : done_o) full_q <= 1'b0;
      if (done_o) begin
        begun_q    <= 1'b0;
        streamed_q <= 1'b0;
        row_q      <= '0;
      end else if (beat) begin
        begun_q    <= 1'b1;
        streamed_q <= a_last_i;
        row_q      <= row_q + 1'b1;
      end
    end
  end

  // [i]: of the row accepted i cycles ago.
  logic [Leave:0]                valid_line, last_line;
  logic [Leave:0][AddrWidth-1:0] addr_line;

  assign valid_line[0] = beat;
  assign last_line[0]  = a_last_i;
  assign addr_line[0]  = row_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_line[Leave:1] <= '0;
    else if (en) valid_line[Leave:1] <= valid_line[Leave-1:0];
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      last_line[Leave:1] <= last_line[Leave-1:0];
      addr_line[Leave:1] <= addr_line[Leave-1:0];
    end
  end

  // ---- passes that follow each other: what they do travels with their rows ---------------------

  logic [Cols:0]  clear_line;  // [i]: of the row accepted i cycles ago
  logic [Leave:0] flush_line;

  if (Overlap == tpe_pkg::OverlapStream) begin : gen_following
    localparam int unsigned Stored    = Rows + 2;  // a row this old can be read a cycle later
    localparam int unsigned PassWidth = $clog2(Stored + 2);

    logic [Cols:1]          clear_q;
    logic [Leave:1]         flush_q;
    logic                   taking_q;
    logic [PassWidth-1:0]   pending_q;  // passes that have come and are not stored, and of the
    logic [AddrWidth-1:0]   stored_q;   // ... oldest of them the rows that are
    logic                   came, stored;

    assign clear_line = {clear_q, clear_i};
    assign flush_line = {flush_q, flush_i};
    assign taking     = taking_q;
    assign written    = pending_q == '0 || (pending_q == PassWidth'(1) && stored_q > row_q);
    assign came       = beat && a_last_i;
    assign stored     = valid_line[Stored] && last_line[Stored];

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        taking_q  <= 1'b0;
        pending_q <= '0;
        stored_q  <= '0;
      end else if (en) begin
        taking_q  <= (taking_q || (beat && !begun_q)) && !swapped;
        pending_q <= pending_q + PassWidth'(came) - PassWidth'(stored);
        if (valid_line[Stored]) stored_q <= last_line[Stored] ? '0 : stored_q + 1'b1;
      end
    end

    always_ff @(posedge clk_i) begin
      if (en) begin
        clear_q <= clear_line[Cols-1:0];
        flush_q <= flush_line[Leave-1:0];
      end
    end
  end else begin : gen_apart
    assign clear_line = {(Cols + 1) {clear_i}};
    assign flush_line = {(Leave + 1) {flush_i}};
    assign taking     = 1'b0;
    assign written    = 1'b1;
    logic unused_clear;
    assign unused_clear = clear_line[0];
  end

  // ---- operands: [r][c] is what cell (r, c) works on -------------------------------------------

  logic [Rows-1:0][ABits-1:0]            a_edge;  // of row r, r cycles late
  logic [Rows-1:0][Cols-1:0][ABits-1:0]  a_q;
  logic [Rows-1:0][Cols-1:0]             valid_q;
  logic [Rows-1:0][Cols-1:0][BBits-1:0]  b;

  for (genvar r = 0; r < Rows; r++) begin : gen_skew
    tpe_delay #(
        .Width (ABits),
        .Cycles(r)
    ) u_skew (
        .clk_i,
        .en_i(en),
        .d_i (a_i[r*ABits+:ABits]),
        .d_o (a_edge[r])
    );
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        a_q[r][0] <= a_edge[r];
        for (int unsigned c = 1; c < Cols; c++) a_q[r][c] <= a_q[r][c-1];
      end
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q <= '0;
    end else if (en) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        valid_q[r][0] <= valid_line[r];
        for (int unsigned c = 1; c < Cols; c++) valid_q[r][c] <= valid_q[r][c-1];
      end
    end
  end

  tpe_ws_weights #(
      .Rows   (Rows),
      .Cols   (Cols),
      .BWidth (BWidth),
      .Lanes  (Lanes),
      .Overlap(Overlap)
  ) u_weights (
      .clk_i,
      .rst_ni,
      .en_i     (en),
      .load_i   (load),
      .b_i,
      .swap_i   (beat && !begun_q),
      .swapped_o(swapped),
      .b_o      (b)
  );

  // ---- cells: psums pass down ------------------------------------------------------------------

  logic [Cols-1:0][PsumWidth-1:0]           psum_top;  // from the psum buffer
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0] psum_in, psum;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic clk;  // of the cells of the row

    if (Hold == tpe_pkg::HoldZero) begin : gen_gate
      tpe_clock_gate u_clock_gate (
          .clk_i,
          .en_i (en_row[r]),
          .clk_o(clk)
      );
    end else begin : gen_no_gate
      assign clk = clk_i;
    end

    if (r == 0) begin : gen_top
      assign psum_in[r] = psum_top;
    end else begin : gen_below
      assign psum_in[r] = psum[r-1];
    end

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
          .clk_i  (clk),
          .rst_ni,
          .en_i   (en_row[r]),
          .valid_i(valid_q[r][c]),
          .first_i(r == 0 && clear_line[c+1]),
          .code_i (a_q[r][c]),
          .b_i    (b[r][c]),
          .plane_i('0),
          .psum_i (psum_in[r][c]),
          .psum_o (psum[r][c])
      );
    end
  end

  // ---- columns: the psum buffer, the finish, C -------------------------------------------------

  logic                           ends, leave, last, c_valid_q, c_last_q;
  logic                           over;  // the last word of a pass goes on
  logic [Cols-1:0][AccWidth-1:0]  word, c_q;
  logic [Rows-1:0]                valid_0;  // of column 0
  logic [Rows-1:0][ABits-1:0]     a_0;
  logic [Cols-1:0][AccWidth-1:0]  term;

  for (genvar r = 0; r < Rows; r++) begin : gen_first
    assign valid_0[r] = valid_q[r][0];
    assign a_0[r]     = a_q[r][0];
  end

  tpe_ws_terms #(
      .Rows       (Rows),
      .Cols       (Cols),
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .CellLatency(CellLatency),
      .PsumDepth  (PsumDepth),
      .RowTerm    (RowTerm)
  ) u_terms (
      .clk_i,
      .rst_ni,
      .en_i        (en),
      .valid_i     (valid_0),
      .first_i     (clear_line[1]),
      .code_i      (a_0),
      .read_i      (valid_line[Read]),
      .read_addr_i (addr_line[Read]),
      .write_i     (valid_line[Write] && !flush_line[Write]),
      .write_addr_i(addr_line[Write]),
      .term_o      (term)
  );

  for (genvar c = 0; c < Cols; c++) begin : gen_column
    tpe_ws_column #(
        .PsumDepth    (PsumDepth),
        .AccWidth     (AccWidth),
        .PsumWidth    (PsumWidth),
        .PlaneWidth   (PlaneWidth),
        .FinishLatency(FinishLatency),
        .Deskew       (Cols - 1 - c)
    ) u_column (
        .clk_i,
        .en_i        (en_col[c]),
        .read_i      (valid_line[Read+c]),
        .read_addr_i (addr_line[Read+c]),
        .psum_o      (psum_top[c]),
        .take_i      (valid_line[Take+c]),
        .psum_i      (psum[Rows-1][c]),
        .write_i     (valid_line[Write+c] && !flush_line[Write+c]),
        .write_addr_i(addr_line[Write+c]),
        .term_i      (term[c]),
        .word_o      (word[c])
    );
  end

  // A row whose psums are finished; it leaves when its finish has its words.
  assign ends = valid_line[Leave] && flush_line[Leave];

  tpe_delay_reset #(
      .Width (1),
      .Cycles(FinishLatency)
  ) u_leave (
      .clk_i,
      .rst_ni,
      .en_i(en),
      .d_i (ends),
      .d_o (leave)
  );

  tpe_delay #(
      .Width (1),
      .Cycles(FinishLatency)
  ) u_last (
      .clk_i,
      .en_i(en),
      .d_i (last_line[Leave]),
      .d_o (last)
  );

  if (Stall == tpe_pkg::StallDirect) begin : gen_direct
    assign en        = !(c_valid_q && !c_ready_i);
    assign en_row    = {Rows{en}};
    assign en_col    = {Cols{en}};
    assign over      = c_valid_q && c_ready_i && c_last_q;
    assign c_valid_o = c_valid_q;
    assign c_last_o  = c_last_q;
    assign c_o       = c_q;
  end else begin : gen_registered
    tpe_skid_buffer #(
        .Width (1 + Cols * AccWidth),
        .Copies(1 + Rows + Cols)
    ) u_skid_buffer (
        .clk_i,
        .rst_ni,
        .valid_i(c_valid_q),
        .word_i ({c_last_q, c_q}),
        .en_o   ({en_col, en_row, en}),
        .valid_o(c_valid_o),
        .ready_i(c_ready_i),
        .word_o ({c_last_o, c_o})
    );

    assign over = c_valid_q && en && c_last_q;
  end

  if (Overlap == tpe_pkg::OverlapStream) begin : gen_done_early
    assign done_o = beat && a_last_i;
    logic unused_over;
    assign unused_over = over;
  end else begin : gen_done_late
    assign done_o = flush_i ? over : (valid_line[Leave] && last_line[Leave]);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) c_valid_q <= 1'b0;
    else if (en) c_valid_q <= leave;
  end

  always_ff @(posedge clk_i) begin
    if (en && leave) c_last_q <= last;
    for (int unsigned c = 0; c < Cols; c++) begin
      if (en_col[c] && leave) c_q[c] <= word[c];
    end
  end

endmodule

`default_nettype wire
