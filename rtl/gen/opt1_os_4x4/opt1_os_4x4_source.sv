// opt1_os_4x4_source -- everything that drives an engine: streams of A, the stream of B, pass by pass.
//
// The streams run ahead of one another as far as the engine lets them; what a pass does (load,
// clear, flush) changes when the engine says that the pass is done.
`default_nettype none

module opt1_os_4x4_source #(
    parameter int unsigned Streams = 1,  // of A
    parameter int unsigned Planes  = 1,  // how often A of a pass is sent
    parameter int unsigned BPlanes = 1   // ... and B
) (
    input  wire  logic                       clk_i,
    input  wire  logic                       rst_ni,
    input  wire  logic                       offer_a_i,    // 0: A is idle in this cycle
    input  wire  logic                       offer_b_i,    // 0: B is
    input  wire  logic [31:0]                n_count_i,    // tiles of N
    input  wire  logic [31:0]                m_count_i,    // tiles (or blocks) of M
    input  wire  logic [31:0]                p_count_i,    // passes of K
    input  wire  logic [31:0]                a_len_i,      // beats of A in a pass
    input  wire  logic [31:0]                a_cut_p_i,
    input  wire  logic [31:0]                a_cut_m_i,
    input  wire  logic [31:0]                a_m_stride_i,
    input  wire  logic [31:0]                a_p_stride_i,
    input  wire  logic [31:0]                b_len_i,      // beats of B in a pass
    input  wire  logic [31:0]                b_cut_p_i,
    input  wire  logic [31:0]                b_n_stride_i,
    input  wire  logic [31:0]                b_p_stride_i,
    input  wire  logic [31:0]                b_once_i,     // B of a tile of N is sent once
    output       logic [Streams-1:0]         a_valid_o,
    input  wire  logic [Streams-1:0]         a_ready_i,
    output       logic [Streams-1:0]         a_last_o,
    output       logic [Streams-1:0][31:0]   a_addr_o,
    output       logic                       b_valid_o,
    input  wire  logic                       b_ready_i,
    output       logic                       b_last_o,
    output       logic [31:0]                b_addr_o,
    input  wire  logic                       pass_done_i,
    output       logic                       load_o,
    output       logic                       clear_o,
    output       logic                       flush_o
);

  logic [Streams-1:0]      a_live;
  logic [Streams-1:0][2:0] unused_a;
  logic                    b_live, first_m, pass_live, pass_last;
  logic [2:0]              unused_b;
  logic [31:0]             pass_addr;

  assign a_valid_o = {Streams{offer_a_i}} & a_live;
  assign b_valid_o = offer_b_i && b_live;
  assign load_o    = (b_once_i == 0) || first_m;

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    opt1_os_4x4_walk #(
        .Planes(Planes)
    ) u_walk (
        .clk_i,
        .rst_ni,
        .step_i    (a_valid_o[s] && a_ready_i[s]),
        .n_count_i,
        .m_count_i,
        .p_count_i,
        .len_i     (a_len_i),
        .cut_p_i   (a_cut_p_i),
        .cut_m_i   (a_cut_m_i),
        .n_stride_i(32'd0),
        .m_stride_i(a_m_stride_i),
        .p_stride_i(a_p_stride_i),
        .live_o    (a_live[s]),
        .last_o    (a_last_o[s]),
        .first_m_o (unused_a[s][0]),
        .first_p_o (unused_a[s][1]),
        .last_p_o  (unused_a[s][2]),
        .addr_o    (a_addr_o[s])
    );
  end

  opt1_os_4x4_walk #(
      .Planes(BPlanes)
  ) u_b (
      .clk_i,
      .rst_ni,
      .step_i    (b_valid_o && b_ready_i),
      .n_count_i,
      .m_count_i (b_once_i == 0 ? m_count_i : 32'd1),
      .p_count_i,
      .len_i     (b_len_i),
      .cut_p_i   (b_cut_p_i),
      .cut_m_i   (32'd0),
      .n_stride_i(b_n_stride_i),
      .m_stride_i(32'd0),
      .p_stride_i(b_p_stride_i),
      .live_o    (b_live),
      .last_o    (b_last_o),
      .first_m_o (unused_b[0]),
      .first_p_o (unused_b[1]),
      .last_p_o  (unused_b[2]),
      .addr_o    (b_addr_o)
  );

  // What the pass does that the engine is in.
  opt1_os_4x4_walk u_pass (
      .clk_i,
      .rst_ni,
      .step_i    (pass_done_i),
      .n_count_i,
      .m_count_i,
      .p_count_i,
      .len_i     (32'd1),
      .cut_p_i   (32'd0),
      .cut_m_i   (32'd0),
      .n_stride_i(32'd0),
      .m_stride_i(32'd0),
      .p_stride_i(32'd0),
      .live_o    (pass_live),
      .last_o    (pass_last),
      .first_m_o (first_m),
      .first_p_o (clear_o),
      .last_p_o  (flush_o),
      .addr_o    (pass_addr)
  );

  logic unused_outputs;
  assign unused_outputs = ^{unused_a, unused_b, pass_live, pass_last, pass_addr};

endmodule

`default_nettype wire
