// opt1_os_4x4_tile_ctrl -- the order of kept tiles: stream their operands, flush the pipeline, drain rows.
//
// OverlapNone: the next tile streams once the last word of this one has been accepted. Otherwise it
// does behind the last beat, GapCycles later, while this one flushes and drains; what it must not
// do is to end before the rows of this one have made room: a last beat may have to wait.
// Latency   : drain_o rises FlushCycles + 1 cycles after the last beat and stays for Rows cycles.
`default_nettype none

module opt1_os_4x4_tile_ctrl #(
    parameter  int unsigned Rows        = 4,
    parameter  int unsigned FlushCycles = 1,  // from the last beat to the psums read, 1 or more
    parameter  int unsigned Overlap     = opt1_os_4x4_pkg::OverlapNone,
    parameter  int unsigned GapCycles   = 0,  // without operands, where tiles overlap
    localparam int unsigned RowWidth    = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic                  clk_i,
    input  wire  logic                  rst_ni,
    input  wire  logic                  en_i,         // 0 while the sink refuses a word
    input  wire  logic                  hold_i,       // a step is in work and goes on
    input  wire  logic                  last_beat_i,  // the last operands are being accepted
    input  wire  logic                  last_word_i,  // the last row of C is being accepted
    output       logic                  stream_o,     // operands are welcome
    output       logic                  room_o,       // ... the last ones of a tile, too
    output       logic                  first_o,      // the next operands are the first of a tile
    input  wire  logic                  beat_i,       // operands are being accepted
    output       logic                  drain_o,      // row_o is being read
    output       logic [RowWidth-1:0]   row_o
);

  if (Rows < 1 || FlushCycles < 1) begin : gen_check
    $error("opt1_os_4x4_tile_ctrl: Rows and FlushCycles must be 1 or more");
  end

  logic first_q;
  assign first_o = first_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) first_q <= 1'b1;
    else if (en_i && beat_i) first_q <= last_beat_i;
  end

  if (Overlap == opt1_os_4x4_pkg::OverlapNone) begin : gen_apart
    typedef enum logic [1:0] {
      Stream,
      Flush,
      Drain,
      Empty
    } state_e;

    localparam int unsigned CountMax   = (FlushCycles > Rows) ? FlushCycles : Rows;
    localparam int unsigned CountWidth = $clog2(CountMax + 1);

    state_e                state_d, state_q;
    logic [CountWidth-1:0] count_d, count_q;

    assign stream_o = (state_q == Stream);
    assign room_o   = 1'b1;
    assign drain_o  = (state_q == Drain);
    assign row_o    = RowWidth'(count_q);

    always_comb begin
      state_d = state_q;
      count_d = count_q;
      unique case (state_q)
        Stream: begin
          count_d = '0;
          if (last_beat_i) state_d = Flush;
        end
        Flush: begin
          count_d = count_q + 1'b1;
          if (count_q == CountWidth'(FlushCycles - 1)) begin
            state_d = Drain;
            count_d = '0;
          end
        end
        Drain: begin
          count_d = count_q + 1'b1;
          if (count_q == CountWidth'(Rows - 1)) state_d = Empty;
        end
        Empty: begin
          if (last_word_i) state_d = Stream;
        end
      endcase
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        state_q <= Stream;
        count_q <= '0;
      end else if (en_i && !hold_i) begin
        state_q <= state_d;
        count_q <= count_d;
      end
    end
  end else begin : gen_behind
    // Cycles behind a last beat in which something waits: the next tile, or the end of it.
    localparam int unsigned Wait      = (GapCycles > Rows - 1) ? GapCycles : Rows - 1;
    localparam int unsigned WaitWidth = $clog2(Wait + 2);

    logic [WaitWidth-1:0] wait_q;  // those that are left
    logic [FlushCycles:0] last_q;  // a last beat, on its way to the psums
    logic [RowWidth-1:0]  row_q;
    logic                 held;    // the last step of a tile is in work

    assign held     = hold_i && (|last_q[FlushCycles-1:0]);
    assign stream_o = wait_q <= WaitWidth'(Wait - GapCycles);
    assign room_o   = wait_q <= WaitWidth'(Wait - (Rows - 1));
    assign drain_o  = last_q[FlushCycles] || row_q != '0;
    assign row_o    = row_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        wait_q <= '0;
        last_q <= '0;
        row_q  <= '0;
      end else if (en_i) begin
        if (last_beat_i) wait_q <= WaitWidth'(Wait);
        else if (wait_q != '0 && !held) wait_q <= wait_q - 1'b1;
        if (hold_i) last_q[FlushCycles] <= 1'b0;
        else last_q <= {last_q[FlushCycles-1:0], last_beat_i};
        if (drain_o) row_q <= (row_q == RowWidth'(Rows - 1)) ? '0 : row_q + 1'b1;
      end
    end

    logic unused_word;
    assign unused_word = last_word_i;
  end

endmodule

`default_nettype wire
