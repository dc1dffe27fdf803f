// opt1_os_4x4_tile_ctrl -- the order of one kept tile: stream its operands, flush the pipeline, drain rows.
//
// Tiles do not overlap: the next one streams once the last word of this one has been accepted.
// Latency   : drain_o rises FlushCycles + 1 cycles after the last beat and stays for Rows cycles.
`default_nettype none

module opt1_os_4x4_tile_ctrl #(
    parameter  int unsigned Rows        = 4,
    parameter  int unsigned FlushCycles = 1,  // from the last beat to the last psum, 1 or more
    localparam int unsigned RowWidth    = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic                  clk_i,
    input  wire  logic                  rst_ni,
    input  wire  logic                  en_i,         // 0 while the sink refuses a word
    input  wire  logic                  last_beat_i,  // the last operands are being accepted
    input  wire  logic                  last_word_i,  // the last row of C is being accepted
    output       logic                  stream_o,     // operands are welcome
    output       logic                  first_o,      // the next operands are the first of a tile
    input  wire  logic                  beat_i,       // operands are being accepted
    output       logic                  drain_o,      // row_o is being read
    output       logic [RowWidth-1:0]   row_o
);

  if (Rows < 1 || FlushCycles < 1) begin : gen_check
    $error("opt1_os_4x4_tile_ctrl: Rows and FlushCycles must be 1 or more");
  end

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
  logic                  first_q;

  assign stream_o = (state_q == Stream);
  assign drain_o  = (state_q == Drain);
  assign first_o  = first_q;
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
      first_q <= 1'b1;
    end else if (en_i) begin
      state_q <= state_d;
      count_q <= count_d;
      if (beat_i) first_q <= last_beat_i;
    end
  end

endmodule

`default_nettype wire
