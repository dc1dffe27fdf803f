// opt4c_2d_4x4_sva -- what holds at the ports of opt4c_matrix2d_4x4, bound to it.
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

module opt4c_2d_4x4_sva #(
    parameter int unsigned Rows    = 1,  // words of a tile
    parameter int unsigned Streams = 1,  // of A
    parameter int unsigned ABits   = 1,  // a beat, all streams together
    parameter int unsigned BBits   = 1,
    parameter int unsigned CBits   = 1
) (
    input  wire  logic               clk_i,
    input  wire  logic               rst_ni,
    input  wire  logic               load_i,
    input  wire  logic               clear_i,
    input  wire  logic               flush_i,
    input  wire  logic               done_i,
    input  wire  logic [Streams-1:0] a_valid_i,
    input  wire  logic [Streams-1:0] a_ready_i,
    input  wire  logic [Streams-1:0] a_last_i,  // the beat is the last of a plane, a pass or a tile
    input  wire  logic [ABits-1:0]   a_i,
    input  wire  logic               b_valid_i,
    input  wire  logic               b_ready_i,
    input  wire  logic               b_last_i,
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

  // In a pass: from its first beat of A or B to the cycle of done.
  logic pass_q, streamed_q;  // streamed_q: a beat of A is among them

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      pass_q     <= 1'b0;
      streamed_q <= 1'b0;
    end else begin
      pass_q     <= !done_i && (pass_q || |a_beat || b_beat);
      streamed_q <= !done_i && (streamed_q || |a_beat);
    end
  end

  a_done_ends_a_pass: assert property (done_i |-> streamed_q);

  // ---- inputs: no X, and what is offered stays ---------------------------------------------------

  m_known: `TPE_INPUT property (!$isunknown({a_valid_i, b_valid_i, c_ready_i, load_i, clear_i, flush_i}));

  m_b_known: `TPE_INPUT property (b_valid_i |-> !$isunknown({b_i, b_last_i}));

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    m_a_known: `TPE_INPUT property (
        a_valid_i[s] |-> !$isunknown({a_last_i[s], a_i[s*StreamBits+:StreamBits]}));

    m_a_waits: `TPE_INPUT property (a_valid_i[s] && !a_ready_i[s] |=> a_valid_i[s]);

    m_a_holds: `TPE_INPUT property (a_valid_i[s] && !a_ready_i[s]
        |=> $stable(a_last_i[s]) && $stable(a_i[s*StreamBits+:StreamBits]));

    // Beats of the plane before this one, those of the plane before, and which plane it is.
    int unsigned beat_q, length_q, plane_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        beat_q   <= 0;
        length_q <= 0;
        plane_q  <= 0;
      end else if (a_beat[s]) begin
        beat_q <= a_last_i[s] ? 0 : beat_q + 1;
        if (a_last_i[s]) begin
          length_q <= beat_q + 1;
          plane_q  <= (plane_q == 3) ? 0 : plane_q + 1;
        end
      end
    end

    // Every plane of a pass has the beats of the first.
    m_planes_alike: `TPE_INPUT property (
        a_beat[s] && plane_q != 0 |-> a_last_i[s] == (beat_q + 1 == length_q));

    m_a_fits: `TPE_INPUT property (a_beat[s] |-> beat_q < 1024);
  end

  m_b_waits: `TPE_INPUT property (b_valid_i && !b_ready_i |=> b_valid_i);

  m_b_holds: `TPE_INPUT property (b_valid_i && !b_ready_i |=> $stable(b_i) && $stable(b_last_i));

  // ---- inputs: passes and loads ------------------------------------------------------------------

  logic fresh_q;   // no sum is kept: since reset, or the last pass let C leave
  logic loaded_q;  // a load has begun since reset
  int unsigned b_beat_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      fresh_q  <= 1'b1;
      loaded_q <= 1'b0;
      b_beat_q <= 0;
    end else begin
      if (done_i) fresh_q <= flush_i;
      if (b_beat) loaded_q <= 1'b1;
      if (b_beat) b_beat_q <= b_last_i ? 0 : b_beat_q + 1;
    end
  end

  m_pass_holds: `TPE_INPUT property (pass_q |-> $stable({load_i, clear_i, flush_i}));

  m_fresh_sums_start_clear: `TPE_INPUT property (|a_beat && fresh_q |-> clear_i);

  m_b_fits: `TPE_INPUT property (b_beat |-> b_beat_q < 4096);

  m_first_pass_loads: `TPE_INPUT property (|a_beat && !loaded_q |-> load_i);

endmodule

`undef TPE_INPUT

bind opt4c_2d_4x4 opt4c_2d_4x4_sva #(
    .Rows   (Rows),
    .Streams($bits(a_valid_i)),
    .ABits  ($bits(a_i)),
    .BBits  ($bits(b_i)),
    .CBits  ($bits(c_o))
) u_sva (
    .clk_i(clk_i),
    .rst_ni(rst_ni),
    .load_i(load_i),
    .clear_i(clear_i),
    .flush_i(flush_i),
    .done_i(done_o),
    .a_valid_i(a_valid_i),
    .a_ready_i(a_ready_o),
    .a_last_i(a_last_i),
    .a_i(a_i),
    .b_valid_i(b_valid_i),
    .b_ready_i(b_ready_o),
    .b_last_i(b_last_i),
    .b_i(b_i),
    .c_valid_i(c_valid_o),
    .c_ready_i(c_ready_i),
    .c_last_i(c_last_o),
    .c_i(c_o)
);

`default_nettype wire
