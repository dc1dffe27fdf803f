// opt1_os_4x4_skid_buffer -- a place for the word that a busy sink refuses: registers hold the array.
//
// A word passes in the cycle in which the array has it. One that is refused waits here, and from
// the next cycle on, until it has left, the array is held: it is a word further then, which waits
// in its own register. So no path leads from ready_i into the array, and words leave in the cycles
// in which they leave an array that is held in the cycle of a refusal.
// Each bit of en_o is a register by itself, for a part of the array: the next value of each depends
// on itself alone, so that synthesis does not make one of all.
// Latency   : none. A word a cycle.
`default_nettype none

module opt1_os_4x4_skid_buffer #(
    parameter int unsigned Width  = 33,
    parameter int unsigned Copies = 1    // parts of the array
) (
    input  wire  logic                clk_i,
    input  wire  logic                rst_ni,
    // the array's register of words
    input  wire  logic                valid_i,
    input  wire  logic [Width-1:0]    word_i,
    output       logic [Copies-1:0]   en_o,     // 0: it keeps its word, the array is held
    // words that leave
    output       logic                valid_o,
    input  wire  logic                ready_i,
    output       logic [Width-1:0]    word_o
);

  logic              full_q;  // there is a word in the place
  logic [Copies-1:0] held_q;  // the same, for each part of the array
  logic [Width-1:0]  spill_q;

  assign en_o    = ~held_q;
  assign valid_o = full_q || valid_i;
  assign word_o  = full_q ? spill_q : word_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q <= 1'b0;
      held_q <= '0;
    end else begin
      full_q <= (full_q || valid_i) && !ready_i;
      held_q <= (held_q | {Copies{valid_i}}) & ~{Copies{ready_i}};
    end
  end

  always_ff @(posedge clk_i) begin
    if (!full_q) spill_q <= word_i;
  end

endmodule

`default_nettype wire
