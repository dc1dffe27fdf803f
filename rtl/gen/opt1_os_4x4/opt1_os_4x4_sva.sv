// opt1_os_4x4_sva -- what holds at the ports of opt1_systolic_os_4x4, bound to it.
//
// Give this file to a simulator with assertions, or to a prover, behind the RTL's own list. a_...
// is what the engine does; m_... what is asked of its inputs: asserted, or assumed if the macro
// TPE_ASSUME_INPUTS is defined, as a prover wants it.
`default_nettype none

`ifdef TPE_ASSUME_INPUTS
`define TPE_INPUT assume
`else
`define TPE_INPUT assert
`endif

module opt1_os_4x4_sva #(
    parameter int unsigned Rows    = 1,  // words of a tile
    parameter int unsigned Streams = 1,  // of A
    parameter int unsigned ABits   = 1,  // a beat, all streams together
    parameter int unsigned BBits   = 1,
    parameter int unsigned CBits   = 1
) (
    input  wire  logic               clk_i,
    input  wire  logic               rst_ni,
    input  wire  logic [Streams-1:0] a_valid_i,
    input  wire  logic [Streams-1:0] a_ready_i,
    input  wire  logic [Streams-1:0] a_last_i,  // the beat is the last of a plane, a pass or a tile
    input  wire  logic [ABits-1:0]   a_i,
    input  wire  logic               b_valid_i,
    input  wire  logic               b_ready_i,
    input  wire  logic [BBits-1:0]   b_i,
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

  localparam int unsigned StreamBits = ABits / Streams;

  logic [Streams-1:0] a_beat;
  logic               b_beat;
  logic               leaves;

  assign a_beat = a_valid_i & a_ready_i;
  assign b_beat = b_valid_i && b_ready_i;
  assign leaves = c_valid_i && c_ready_i;

  // ---- outputs: valid, ready and data ------------------------------------------------------------

  a_known: assert property (!$isunknown({a_ready_i, b_ready_i, c_valid_i}));

  a_word_waits: assert property (c_valid_i && !c_ready_i |=> c_valid_i);

  a_word_holds: assert property (c_valid_i && !c_ready_i |=> $stable(c_i) && $stable(c_last_i));

  a_beats_pair: assert property (a_beat[0] == b_beat);

  // ---- outputs: words and what they are made of --------------------------------------------------

  logic begun_q;  // a beat has been accepted since reset

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begun_q <= 1'b0;
    else if (|a_beat || b_beat) begun_q <= 1'b1;
  end

  a_no_word_before_a_beat: assert property (c_valid_i |-> begun_q);

  int unsigned word_q;  // of the tile

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) word_q <= 0;
    else if (leaves) word_q <= c_last_i ? 0 : word_q + 1;
  end

  a_last_ends_a_tile: assert property (c_valid_i |-> c_last_i == (word_q == Rows - 1));

  // Passes of K accepted, less those of the tiles that have left: 1 to a tile.
  int unsigned passes_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) passes_q <= 0;
    else passes_q <= passes_q + 32'(a_beat[0] && a_last_i[0]) - (leaves && c_last_i ? 1 : 0);
  end

  a_word_of_a_whole_tile: assert property (c_valid_i |-> passes_q >= 1);

  // ---- inputs: no X, and what is offered stays ---------------------------------------------------

  m_known: `TPE_INPUT property (!$isunknown({a_valid_i, b_valid_i, c_ready_i}));

  m_b_known: `TPE_INPUT property (b_valid_i |-> !$isunknown({b_i}));

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    m_a_known: `TPE_INPUT property (
        a_valid_i[s] |-> !$isunknown({a_last_i[s], a_i[s*StreamBits+:StreamBits]}));

    m_a_waits: `TPE_INPUT property (a_valid_i[s] && !a_ready_i[s] |=> a_valid_i[s]);

    m_a_holds: `TPE_INPUT property (a_valid_i[s] && !a_ready_i[s]
        |=> $stable(a_last_i[s]) && $stable(a_i[s*StreamBits+:StreamBits]));
  end

  m_b_waits: `TPE_INPUT property (b_valid_i && !b_ready_i |=> b_valid_i);

  m_b_holds: `TPE_INPUT property (b_valid_i && !b_ready_i |=> $stable(b_i));

endmodule

`undef TPE_INPUT

bind opt1_os_4x4 opt1_os_4x4_sva #(
    .Rows   (Rows),
    .Streams(1),
    .ABits  ($bits(a_i)),
    .BBits  ($bits(b_i)),
    .CBits  ($bits(c_o))
) u_sva (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .a_valid_i(a_valid_i),
    .a_ready_i(a_ready_o),
    .a_last_i(a_last_i),
    .a_i(a_i),
    .b_valid_i(b_valid_i),
    .b_ready_i(b_ready_o),
    .b_i(b_i),
    .c_valid_i(c_valid_o),
    .c_ready_i(c_ready_i),
    .c_last_i(c_last_o),
    .c_i(c_o)
);

`default_nettype wire
