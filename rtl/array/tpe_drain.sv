// tpe_drain -- rows of kept psums, read one a cycle, through one finish per column.
//
// What the finish of a row adds to all of its psums, its term, is read with its first column.
// OverlapNone: a row stays in its cells until it is read. Otherwise the cells go on with the next
// tile: all psums are taken with row 0, into registers that shift a row a cycle; or, if Skewed,
// cell (r, c) is done r + c cycles behind cell (0, 0), so that column c is read c cycles behind
// column 0, a row in the cycle in which it is done, and words are aligned behind the finish, where
// they are narrowest.
// Latency   : 2 cycles from drain_i to c_valid_o: the row is registered, then its finish; one more
//             for a register inside the finish, Cols - 1 more where columns are read one behind the
//             other. StallRegistered adds none: the array goes on for a cycle behind a word that is
//             refused, which waits in a place beside the register of C; without Overlap it is not
//             held at all.
`default_nettype none

module tpe_drain #(
    parameter  int unsigned Rows          = 4,
    parameter  int unsigned Cols          = 4,
    parameter  int unsigned AccWidth      = 32,
    parameter  int unsigned PsumWidth     = 32,
    parameter  int unsigned PlaneWidth    = 1,
    parameter  int unsigned RowTerm       = 0,  // 1: a row has a term, which its finish adds
    parameter  int unsigned FinishLatency = 0,  // registers inside a finish, 0 or 1
    parameter  int unsigned Overlap       = tpe_pkg::OverlapNone,
    parameter  int unsigned Stall         = tpe_pkg::StallDirect,
    parameter  int unsigned Skewed        = 0,  // a cell is a cycle behind those above and left
    localparam int unsigned RowWidth      = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic                                       clk_i,
    input  wire  logic                                       rst_ni,
    output       logic                                       en_o,        // 0: the array is held
    output       logic [Rows-1:0]                            en_row_o,    // ... the cells of a row
    output       logic                                       en_drain_o,  // 0: drain_i, row_i are
    input  wire  logic                                       drain_i,
    input  wire  logic [RowWidth-1:0]                        row_i,
    input  wire  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0]   psum_i,
    input  wire  logic [Rows-1:0][AccWidth-1:0]              term_i,
    output       logic                                       c_valid_o,
    input  wire  logic                                       c_ready_i,
    output       logic                                       c_last_o,    // the last of the tile
    output       logic [Cols*AccWidth-1:0]                   c_o
);

  localparam int unsigned RowBits   = Cols * PsumWidth;
  localparam bit          InTurn    = (Overlap != tpe_pkg::OverlapNone) && (Skewed != 0);
  localparam bit          AllAtOnce = (Overlap != tpe_pkg::OverlapNone) && (Skewed == 0);
  // Nothing is in the cells while words leave: these alone are held.
  localparam bit          Apart     = (Overlap == tpe_pkg::OverlapNone)
                                   && (Stall == tpe_pkg::StallRegistered);

  if (Stall > tpe_pkg::StallRegistered) begin : gen_check
    $error("tpe_drain: Stall is StallDirect or StallRegistered");
  end

  logic                           row_valid_q, row_last_q, c_valid_q, c_last_q;
  logic                           word_valid, word_last;  // of the words that finishes have
  logic                           en;      // rows go on
  logic [Cols-1:0]                en_col;  // the same, for what belongs to a column
  logic [Cols-1:0]                take;    // a column reads the psum of
  logic [Cols-1:0][RowWidth-1:0]  row_at;  // ... this row
  logic [Cols-1:0][PsumWidth-1:0] row;     // registered
  logic [Cols-1:0][AccWidth-1:0]  term;    // that of the row
  logic [Cols-1:0][AccWidth-1:0]  word, c_d, c_q;

  // ---- the sink --------------------------------------------------------------------------------

  if (Stall == tpe_pkg::StallDirect || Apart) begin : gen_direct
    assign en        = !(c_valid_q && !c_ready_i);
    assign en_col    = {Cols{en}};
    assign en_o      = Apart || en;
    assign en_row_o  = {Rows{en_o}};
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
        .en_o   ({en_col, en_row_o, en}),
        .valid_o(c_valid_o),
        .ready_i(c_ready_i),
        .word_o ({c_last_o, c_o})
    );

    assign en_o = en;
  end

  assign en_drain_o = en;

  // ---- which row a column reads ----------------------------------------------------------------

  assign take[0]   = drain_i;
  assign row_at[0] = row_i;

  for (genvar c = 1; c < Cols; c++) begin : gen_take
    if (InTurn) begin : gen_late
      logic                take_q;
      logic [RowWidth-1:0] row_at_q;

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) take_q <= 1'b0;
        else if (en) take_q <= take[c-1];
      end

      always_ff @(posedge clk_i) begin
        if (en) row_at_q <= row_at[c-1];
      end

      assign take[c]   = take_q;
      assign row_at[c] = row_at_q;
    end else begin : gen_same
      assign take[c]   = drain_i;
      assign row_at[c] = row_i;
    end
  end

  // ---- the row register ------------------------------------------------------------------------

  if (AllAtOnce) begin : gen_shift
    localparam int unsigned AllBits = Rows * RowBits;
    logic [AllBits-1:0] shift_q, shifted;  // row 0 lowest

    assign shifted = AllBits'({RowBits'(0), shift_q} >> RowBits);

    always_ff @(posedge clk_i) begin
      if (en && drain_i) shift_q <= (row_i == '0) ? psum_i : shifted;
    end

    assign row = shift_q[RowBits-1:0];
  end else begin : gen_read
    for (genvar c = 0; c < Cols; c++) begin : gen_col
      // By itself, so that synthesis sees a multiplexer of words, whatever the number of rows.
      logic [Rows*PsumWidth-1:0] of_col;
      logic [PsumWidth-1:0]      word_q;

      for (genvar r = 0; r < Rows; r++) begin : gen_row
        assign of_col[r*PsumWidth+:PsumWidth] = psum_i[r][c];
      end

      always_ff @(posedge clk_i) begin
        if (en_col[c] && take[c]) word_q <= of_col[row_at[c]*PsumWidth+:PsumWidth];
      end

      assign row[c] = word_q;
    end
  end

  // ---- its term --------------------------------------------------------------------------------

  if (RowTerm == 0) begin : gen_no_term
    assign term = '0;
    logic unused_term;
    assign unused_term = ^term_i;
  end else if (AllAtOnce) begin : gen_shift_term
    localparam int unsigned TermBits = Rows * AccWidth;
    logic [TermBits-1:0] term_q, shifted;  // row 0 lowest

    assign shifted = TermBits'({AccWidth'(0), term_q} >> AccWidth);

    always_ff @(posedge clk_i) begin
      if (en && drain_i) term_q <= (row_i == '0) ? term_i : shifted;
    end

    assign term = {Cols{term_q[AccWidth-1:0]}};
  end else begin : gen_read_term
    logic [AccWidth-1:0] term_q;  // of the row that column 0 has

    always_ff @(posedge clk_i) begin
      if (en && take[0]) term_q <= term_i[row_at[0]];
    end

    assign term[0] = term_q;

    for (genvar c = 1; c < Cols; c++) begin : gen_term
      if (InTurn) begin : gen_late
        logic [AccWidth-1:0] late_q;

        always_ff @(posedge clk_i) begin
          if (en) late_q <= term[c-1];
        end

        assign term[c] = late_q;
      end else begin : gen_same
        assign term[c] = term_q;
      end
    end
  end

  // ---- its finish, and C -----------------------------------------------------------------------

  for (genvar c = 0; c < Cols; c++) begin : gen_finish
    tpe_finish #(
        .AccWidth  (AccWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth)
    ) u_finish (
        .clk_i,
        .en_i   ((FinishLatency != 0) && en_col[c]),
        .psum_i (row[c]),
        .plane_i('0),
        .acc_i  (term[c]),
        .c_o    (word[c])
    );

    if (InTurn && c + 1 < Cols) begin : gen_align
      localparam int unsigned LateBits = (Cols - 1 - c) * AccWidth;
      logic [LateBits-1:0] late_q;

      always_ff @(posedge clk_i) begin
        if (en_col[c]) late_q <= LateBits'({late_q, word[c]});
      end

      assign c_d[c] = late_q[LateBits-1-:AccWidth];
    end else begin : gen_aligned
      assign c_d[c] = word[c];
    end
  end

  if (FinishLatency == 0) begin : gen_at_once
    assign word_valid = row_valid_q;
    assign word_last  = row_last_q;
  end else begin : gen_later
    logic valid_q, last_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) valid_q <= 1'b0;
      else if (en) valid_q <= row_valid_q;
    end

    always_ff @(posedge clk_i) begin
      if (en) last_q <= row_last_q;
    end

    assign word_valid = valid_q;
    assign word_last  = last_q;
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      row_valid_q <= 1'b0;
      c_valid_q   <= 1'b0;
    end else if (en) begin
      row_valid_q <= take[Cols-1];
      c_valid_q   <= word_valid;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      row_last_q <= (row_at[Cols-1] == RowWidth'(Rows - 1));
      c_last_q   <= word_last;
    end
    for (int unsigned c = 0; c < Cols; c++) begin
      if (en_col[c] && word_valid) c_q[c] <= c_d[c];
    end
  end

endmodule

`default_nettype wire
