// tpe_prop_tile_ctrl -- a tile is streamed, flushed and drained once, in that order.
//
// The reference counts in the cycles of en_i: FlushCycles after the last beat, every row once, in
// order; then nothing until the last word has left. first_o is up exactly until the first beat of
// a tile. Beats come only while stream_o is up, the last word only after the drain.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_tile_ctrl #(
    parameter  int unsigned Rows        = 2,
    parameter  int unsigned FlushCycles = 2,
    localparam int unsigned RowWidth    = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic   clk_i,
    input  wire  logic   en_i,
    input  wire  logic   offer_i,  // operands are offered
    input  wire  logic   last_i,   // they are the last of the tile
    input  wire  logic   take_i,   // the last word leaves
    output       logic   fails_o
);

  localparam int unsigned Steps = FlushCycles + Rows;
  localparam int unsigned Bits  = $clog2(Steps + 2);

  logic                begun_q = 1'b0;
  logic                rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                stream, first, drain, beat, last_word, unused_room;
  logic [RowWidth-1:0] row;
  logic                open_q, fresh_q;
  logic [Bits-1:0]     step_q;  // enabled cycles since the last beat; Steps: drained

  assign beat      = offer_i && stream && en_i;
  assign last_word = take_i && !open_q && step_q == Bits'(Steps);

  tpe_tile_ctrl #(
      .Rows       (Rows),
      .FlushCycles(FlushCycles)
  ) u_ctrl (
      .clk_i,
      .rst_ni     (rst_nq),
      .en_i,
      .hold_i     (1'b0),
      .last_beat_i(beat && last_i),
      .last_word_i(last_word),
      .stream_o   (stream),
      .room_o     (unused_room),
      .first_o    (first),
      .beat_i     (beat),
      .drain_o    (drain),
      .row_o      (row)
  );

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    if (!begun_q) begin
      open_q  <= 1'b1;
      fresh_q <= 1'b1;
      step_q  <= '0;
    end else if (en_i) begin
      if (open_q) begin
        if (beat) fresh_q <= last_i;
        if (beat && last_i) open_q <= 1'b0;
        step_q <= '0;
      end else if (step_q != Bits'(Steps)) begin
        step_q <= step_q + 1'b1;
      end else if (last_word) begin
        open_q <= 1'b1;
      end
    end
  end

  logic expect_drain, wrong_row;

  assign expect_drain = !open_q && step_q >= Bits'(FlushCycles) && step_q < Bits'(Steps);
  assign wrong_row    = expect_drain && 32'(row) + FlushCycles != 32'(step_q);

  assign fails_o = begun_q && (stream != open_q || drain != expect_drain || wrong_row
                               || (stream && first != fresh_q));

endmodule

`default_nettype wire
