// tpe_prop_ws -- in a weight-stationary array every accepted row counts once, pass after pass.
//
// The source offers and the sink takes when they like; each pass starts from zero or from the psums
// that the pass before left, and leaves psums or words. A pass takes as many rows as there are
// psums, or any number up to PsumDepth. The reference keeps the tile of B that was loaded last, the
// numbers of the psums, and the words that must leave. Codes that are offered are legal.
// fails_o   : a word is wrong, missing or too many; a tile of B is overwritten or used unloaded; a
//             pass ends before its last row, or not within the cycles that it may take.
`default_nettype none

module tpe_prop_ws #(
    parameter  int unsigned Rows          = 2,
    parameter  int unsigned Cols          = 2,
    parameter  int unsigned AWidth        = 2,
    parameter  int unsigned BWidth        = 2,
    parameter  int unsigned AccWidth      = 5,
    parameter  int unsigned Lanes         = 1,
    parameter  int unsigned CodeWidth     = 2,
    parameter  int unsigned PsumWidth     = 5,
    parameter  int unsigned PlaneWidth    = 1,
    parameter  int unsigned CellLatency   = 0,
    parameter  int unsigned FinishLatency = 0,
    parameter  int unsigned RowTerm       = 0,
    parameter  int unsigned Hold          = tpe_pkg::HoldMux,
    parameter  int unsigned Overlap       = tpe_pkg::OverlapNone,
    parameter  int unsigned Stall         = tpe_pkg::StallDirect,
    parameter  int unsigned PsumDepth     = 2,
    parameter  int unsigned Digits        = 0,  // what a code is, as tpe_spec_product has it
    parameter  int unsigned InOrder       = 0,  // 1: psums are lists of operands, no sums
    localparam int unsigned BBits         = Lanes * BWidth,
    localparam int unsigned Moved         = InOrder * Rows * Lanes * (CodeWidth + BWidth),
    // from the last row on
    localparam int unsigned Longest       = Rows + Cols + CellLatency + FinishLatency + 2
                                          + (Stall == tpe_pkg::StallDirect ? 0 : 1)
) (
    input  wire  logic                              clk_i,
    input  wire  logic                              clear_i,  // of the next pass
    input  wire  logic                              flush_i,
    input  wire  logic                              a_valid_i,
    input  wire  logic                              a_last_i,
    input  wire  logic [Rows*Lanes*CodeWidth-1:0]   a_i,
    input  wire  logic                              b_valid_i,
    input  wire  logic [Cols*BBits-1:0]             b_i,
    input  wire  logic                              c_ready_i,
    output       logic                              fails_o
);

  logic                      begun_q = 1'b0;
  logic                      rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                      a_ready, b_ready, c_valid, c_last, done;
  logic                      a_beat, b_beat, take, a_last, b_last, stalled;
  logic [Cols*AccWidth-1:0]  c, c_q;
  logic                      refused_q, last_q;
  logic                      owed_q;                   // the last word of the pass before is here
  logic                      clear_q, flush_q;         // of the pass
  logic                      tile_q;                   // a tile waits for its pass
  logic                      opened_q, closed_q;       // the first, the last row was accepted
  logic [31:0]               loaded_q, row_q, out_q;   // rows of the tile, of the pass; words
  logic [31:0]               stored_q;                 // psums that the pass before left
  logic [31:0]               late_q;
  logic [Rows-1:0][Cols-1:0][BBits-1:0]           next_q, used_q, used;
  logic [PsumDepth-1:0][Cols-1:0][AccWidth-1:0]   psum_q;  // numbers; words if the pass flushes
  logic [Cols-1:0][AccWidth-1:0]                  sum, base, word;
  logic [Cols-1:0][Rows-1:0][BBits-1:0]           column;
  logic [Cols-1:0]                                legal;

  tpe_systolic_ws #(
      .Rows         (Rows),
      .Cols         (Cols),
      .AWidth       (AWidth),
      .BWidth       (BWidth),
      .AccWidth     (AccWidth),
      .Lanes        (Lanes),
      .CodeWidth    (CodeWidth),
      .PsumWidth    (PsumWidth),
      .PlaneWidth   (PlaneWidth),
      .CellLatency  (CellLatency),
      .FinishLatency(FinishLatency),
      .RowTerm      (RowTerm),
      .Hold         (Hold),
      .Overlap      (Overlap),
      .Stall        (Stall),
      .PsumDepth    (PsumDepth)
  ) u_array (
      .clk_i,
      .rst_ni   (rst_nq),
      .clear_i  (clear_q),
      .flush_i  (flush_q),
      .done_o   (done),
      .a_valid_i(a_valid_i && begun_q && legal[0]),
      .a_ready_o(a_ready),
      .a_last_i (a_last),
      .a_i,
      .b_valid_i(b_valid_i && begun_q),
      .b_ready_o(b_ready),
      .b_last_i (b_last),
      .b_i,
      .c_valid_o(c_valid),
      .c_ready_i,
      .c_last_o (c_last),
      .c_o      (c)
  );

  assign a_beat  = begun_q && a_valid_i && legal[0] && a_ready;
  assign b_beat  = begun_q && b_valid_i && b_ready;
  assign take    = begun_q && c_valid && c_ready_i;
  assign stalled = c_valid && !c_ready_i;
  assign b_last  = loaded_q == Rows - 1;
  assign a_last  = a_last_i || row_q == (clear_q ? PsumDepth : stored_q) - 1;
  assign used    = opened_q ? used_q : next_q;

  always_comb begin
    base = '0;
    word = '0;
    for (int unsigned m = 0; m < PsumDepth; m++) begin
      if (row_q == m && !clear_q) base = psum_q[m];
      if (out_q == m) word = psum_q[m];
    end
  end

  for (genvar i = 0; i < Cols; i++) begin : gen_col
    for (genvar r = 0; r < Rows; r++) begin : gen_row
      assign column[i][r] = used[r][i];
    end
    tpe_spec_product #(
        .AWidth   (AWidth),
        .CodeWidth(CodeWidth),
        .BWidth   (BWidth),
        .Lanes    (Rows * Lanes),
        .Digits   (Digits),
        .InOrder  (InOrder),
        .Width    (AccWidth)
    ) u_product (
        .code_i (a_i),
        .b_i    (column[i]),
        .legal_o(legal[i]),
        .sum_o  (sum[i])
    );
  end

  always_ff @(posedge clk_i) begin
    begun_q   <= 1'b1;
    rst_nq    <= 1'b1;
    refused_q <= begun_q && stalled;
    c_q       <= c;
    last_q    <= c_last;
    if (!begun_q) begin
      clear_q  <= 1'b1;
      flush_q  <= flush_i;
      stored_q <= 0;
      tile_q   <= 1'b0;
      opened_q <= 1'b0;
      closed_q <= 1'b0;
      loaded_q <= 0;
      row_q    <= 0;
      out_q    <= 0;
      owed_q   <= 1'b0;
      late_q   <= 0;
    end else begin
      if (b_beat) begin
        next_q   <= (Rows * Cols * BBits)'({next_q, b_i});  // every row moves up
        loaded_q <= b_last ? 0 : loaded_q + 1;
        if (b_last) tile_q <= 1'b1;
      end
      if (a_beat) begin
        if (!opened_q) tile_q <= 1'b0;
        used_q   <= used;
        opened_q <= 1'b1;
        closed_q <= a_last;
        row_q    <= row_q + 1;
        for (int unsigned m = 0; m < PsumDepth; m++) begin
          if (row_q == m) begin
            for (int unsigned i = 0; i < Cols; i++) psum_q[m][i] <= (base[i] << Moved) + sum[i];
          end
        end
      end
      if (take && !owed_q) out_q <= out_q + 1;
      owed_q <= (owed_q || (done && flush_q)) && !take;
      if (closed_q && !stalled) late_q <= late_q + 1;
      if (done) begin
        clear_q  <= clear_i || flush_q;  // what has left as words is no psum
        flush_q  <= flush_i;
        stored_q <= flush_q ? 0 : row_q;
        opened_q <= 1'b0;
        closed_q <= 1'b0;
        row_q    <= 0;
        out_q    <= 0;
        late_q   <= 0;
      end
    end
  end

  logic wrong_word, wrong_pass, wrong_tile, leaves;

  // StallRegistered: a pass ends as its last word goes on, and that may wait for the sink.
  assign wrong_word = c_valid && !owed_q && (!flush_q || out_q >= row_q || c != word
                                  || c_last != (closed_q && out_q + 1 == row_q));
  assign wrong_pass = (a_beat && closed_q) || late_q > Longest
                   || (done && (!closed_q || (flush_q && !(leaves && out_q + 1 == row_q))))
                   || (owed_q && (a_beat || b_beat || done));
  assign leaves     = (Stall == tpe_pkg::StallDirect) ? take : c_valid;
  assign wrong_tile = (a_beat && !opened_q && !tile_q) || (b_beat && tile_q)
                   || (b_beat && Overlap == tpe_pkg::OverlapNone && opened_q);

  assign fails_o = begun_q
                 && (wrong_word || wrong_pass || wrong_tile
                     || (refused_q && (!c_valid || c != c_q || c_last != last_q)));

endmodule

`default_nettype wire
