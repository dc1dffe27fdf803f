// tpe_prop_tile_overlap -- where tiles overlap, every one is drained once, in its own cycles.
//
// The reference remembers in which cycles of en_i last beats came: GapCycles behind one no operand
// is welcome, Rows - 1 behind one no last one, and from FlushCycles behind it on its rows are read,
// each once, in order, one a cycle. first_o is up exactly until the first beat of a tile. Beats
// come only while stream_o is up, the last of a tile only while room_o is. Held: steps may last
// several cycles (FlushCycles = 1); no beat comes meanwhile, and all is counted from the end of the
// last step.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_tile_overlap #(
    parameter  int unsigned Rows        = 2,
    parameter  int unsigned FlushCycles = 2,
    parameter  int unsigned Overlap     = tpe_pkg::OverlapStream,
    parameter  int unsigned GapCycles   = 0,
    parameter  int unsigned Held        = 0,
    localparam int unsigned RowWidth    = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic   clk_i,
    input  wire  logic   en_i,
    input  wire  logic   hold_i,   // a step goes on
    input  wire  logic   offer_i,  // operands are offered
    input  wire  logic   last_i,   // they are the last of the tile
    input  wire  logic   word_i,   // the last word of a tile leaves: nobody asks
    output       logic   fails_o
);

  localparam int unsigned Drained = FlushCycles + Rows;
  localparam int unsigned Depth   = ((GapCycles > Drained) ? GapCycles : Drained) + 1;

  logic                begun_q = 1'b0;
  logic                rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                stream, room, first, drain, beat;
  logic [RowWidth-1:0] row;
  logic                fresh_q, hold;
  logic [Depth:0]      past;    // [i]: a last beat i enabled cycles ago, held ones not counted
  logic [Depth:1]      past_q;

  assign hold = hold_i && (Held != 0);
  assign beat = begun_q && offer_i && stream && en_i && !hold && (room || !last_i);
  assign past = {past_q, beat && last_i};

  tpe_tile_ctrl #(
      .Rows       (Rows),
      .FlushCycles(FlushCycles),
      .Overlap    (Overlap),
      .GapCycles  (GapCycles)
  ) u_ctrl (
      .clk_i,
      .rst_ni     (rst_nq),
      .en_i,
      .hold_i     (hold),
      .last_beat_i(beat && last_i),
      .last_word_i(word_i),
      .stream_o   (stream),
      .room_o     (room),
      .first_o    (first),
      .beat_i     (beat),
      .drain_o    (drain),
      .row_o      (row)
  );

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    if (!begun_q) begin
      past_q  <= '0;
      fresh_q <= 1'b1;
    end else if (en_i) begin
      past_q <= past[Depth-1:0];
      if (hold) past_q[2:1] <= {1'b0, past[1]};
      if (beat) fresh_q <= last_i;
    end
  end

  logic expect_stream, expect_room, expect_drain, wrong_row;

  always_comb begin
    expect_stream = 1'b1;
    expect_room   = 1'b1;
    expect_drain  = 1'b0;
    wrong_row     = 1'b0;
    for (int unsigned i = 1; i <= Depth; i++) begin
      if (past[i] && i <= GapCycles) expect_stream = 1'b0;
      if (past[i] && i < Rows) expect_room = 1'b0;
      if (past[i] && i > FlushCycles && i <= Drained) begin
        wrong_row    = expect_drain || (32'(row) + FlushCycles + 1 != i);
        expect_drain = 1'b1;
      end
    end
  end

  assign fails_o = begun_q && (stream != expect_stream || room != expect_room
                               || drain != expect_drain || wrong_row || first != fresh_q);

endmodule

`default_nettype wire
