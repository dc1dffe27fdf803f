// opt4c_2d_4x4_clock_gate -- a clock that runs in the cycles that en_i asks for.
//
// en_i, from registers of clk_i, is captured on the falling edge and masks the high half of the
// clock: no pulse is cut short. The usual cell has a latch there; a flip-flop does the same with no
// latch in the design, for the price that en_i must settle within half a cycle. Replace the module
// with the library's cell where there is one.
// Latency   : none; the edge of the cycle in which en_i is high.
`default_nettype none

module opt4c_2d_4x4_clock_gate (
    input  wire  logic   clk_i,
    input  wire  logic   en_i,
    output       logic   clk_o
);

  logic en_q;

  always_ff @(negedge clk_i) en_q <= en_i;

  assign clk_o = clk_i && en_q;

endmodule

`default_nettype wire
