// opt4c_2d_4x4_sva -- what holds at the ports of opt4c_matrix2d_4x4, bound to it.
//
// Give this file to a simulator with assertions, or to a prover, behind the RTL's own list.
`default_nettype none

module opt4c_2d_4x4_sva #(
    parameter int unsigned Rows  = 1,  // words of a tile
    parameter int unsigned CBits = 1
) (
    input  wire  logic               clk_i,
    input  wire  logic               rst_ni,
    input  wire  logic               a_beat_i,  // a beat of A is accepted
    input  wire  logic               b_beat_i,
    input  wire  logic               a_ready_i,
    input  wire  logic               b_ready_i,
    input  wire  logic               c_valid_i,
    input  wire  logic               c_ready_i,
    input  wire  logic               c_last_i,
    input  wire  logic [CBits-1:0]   c_i
);

  default clocking cb @(posedge clk_i);
  endclocking
  // Reset ends checks as it comes, and resets the registers below asynchronously: both are meant.
  // verilator lint_off SYNCASYNCNET
  default disable iff (!rst_ni);
  // verilator lint_on SYNCASYNCNET

  logic leaves;
  assign leaves = c_valid_i && c_ready_i;

  // ---- valid, ready and data ---------------------------------------------------------------------

  a_known: assert property (!$isunknown({a_ready_i, b_ready_i, c_valid_i}));

  a_word_waits: assert property (c_valid_i && !c_ready_i |=> c_valid_i);

  a_word_holds: assert property (c_valid_i && !c_ready_i |=> $stable(c_i) && $stable(c_last_i));

  // ---- words and what they are made of -----------------------------------------------------------

  logic begun_q;  // a beat has been accepted since reset

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begun_q <= 1'b0;
    else if (a_beat_i || b_beat_i) begun_q <= 1'b1;
  end

  a_no_word_before_a_beat: assert property (c_valid_i |-> begun_q);

  int unsigned word_q;  // of the tile

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) word_q <= 0;
    else if (leaves) word_q <= c_last_i ? 0 : word_q + 1;
  end

  a_last_ends_a_tile: assert property (c_valid_i |-> c_last_i == (word_q == Rows - 1));

endmodule

bind opt4c_2d_4x4 opt4c_2d_4x4_sva #(
    .Rows (Rows),
    .CBits(Cols * 32)
) u_sva (
    .clk_i    (clk_i),
    .rst_ni   (rst_ni),
    .a_beat_i (|(a_valid_i & a_ready_o)),
    .b_beat_i (b_valid_i && b_ready_o),
    .a_ready_i(|a_ready_o),
    .b_ready_i(b_ready_o),
    .c_valid_i(c_valid_o),
    .c_ready_i(c_ready_i),
    .c_last_i (c_last_o),
    .c_i      (c_o)
);

`default_nettype wire
