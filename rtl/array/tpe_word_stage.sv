// tpe_word_stage -- a register behind the words of an array, and a place beside it for one more.
//
// A word that the sink refuses stays; the next one takes the place, so that what the sink does in
// a cycle need not reach the array in it. The array is held while the place is taken and a third
// word waits, which is known a cycle before.
// Latency   : 1 cycle. A word a cycle.
`default_nettype none

module tpe_word_stage #(
    parameter int unsigned Width = 33
) (
    input  wire  logic               clk_i,
    input  wire  logic               rst_ni,
    // words of the array
    input  wire  logic               valid_i,
    output       logic               ready_o,
    input  wire  logic [Width-1:0]   word_i,
    input  wire  logic               coming_i,  // valid_i in the next cycle, if enabled
    output       logic               en_o,      // it is, in the next cycle
    // words that leave
    output       logic               valid_o,
    input  wire  logic               ready_i,
    output       logic [Width-1:0]   word_o
);

  logic             full_q, spilt_q, spilt_d;  // there is a word in the register; in the place
  logic             free;                      // the register takes a word, or has none
  logic [Width-1:0] word_q, spill_q;

  assign free    = !full_q || ready_i;
  assign spilt_d = !free && (spilt_q || valid_i);
  assign ready_o = !spilt_q;
  assign en_o    = !(spilt_d && (coming_i || (valid_i && spilt_q)));
  assign valid_o = full_q;
  assign word_o  = word_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      full_q  <= 1'b0;
      spilt_q <= 1'b0;
    end else begin
      full_q  <= !free || spilt_q || valid_i;
      spilt_q <= spilt_d;
    end
  end

  always_ff @(posedge clk_i) begin
    if (free) word_q <= spilt_q ? spill_q : word_i;
    if (!spilt_q) spill_q <= word_i;
  end

endmodule

`default_nettype wire
