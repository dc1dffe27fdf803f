// tpe_harness -- drives one engine from memories and records C and the cycles it took.
//
// The bench loads a.hex and b.hex, raises go_i and waits for done_o; c.hex then holds the words
// of C in the order they left. No operand crosses the simulator's programming interface.
// The source offers a beat whenever it has one, except in cycles masked by idle_i; the sink takes
// a word except in cycles masked by busy_i. See tpe_source for the other settings.
`default_nettype none

module tpe_harness #(
    parameter int unsigned Rows      = 4,
    parameter int unsigned Cols      = 4,
    parameter int unsigned ABits     = 8,     // of a beat of A, all streams together
    parameter int unsigned BBits     = 8,     // of a beat of B
    parameter int unsigned CBits     = 32,    // of a word of C
    parameter int unsigned DBits     = 32,    // of what a word of C takes with it
    parameter int unsigned Streams   = 1,     // of A
    parameter int unsigned Planes    = 1,     // how often the A of a pass is sent
    parameter int unsigned BPlanes   = 1,     // ... and the B
    parameter int unsigned AZeroBits = 8,     // stored width of an operand of A
    parameter int unsigned BZeroBits = 8,
    parameter bit          Taken     = 1'b0,  // d.hex holds what every word of C takes with it
    parameter int unsigned MemWords  = 4096   // beats of A, of B, and words of C
) (
    input  wire  logic          clk_i,
    input  wire  logic          go_i,           // low: reset
    input  wire  logic [31:0]   n_count_i,
    input  wire  logic [31:0]   m_count_i,
    input  wire  logic [31:0]   p_count_i,
    input  wire  logic [31:0]   a_len_i,
    input  wire  logic [31:0]   a_cut_p_i,
    input  wire  logic [31:0]   a_cut_m_i,
    input  wire  logic [31:0]   a_m_stride_i,
    input  wire  logic [31:0]   a_p_stride_i,
    input  wire  logic [31:0]   b_len_i,
    input  wire  logic [31:0]   b_cut_p_i,
    input  wire  logic [31:0]   b_n_stride_i,
    input  wire  logic [31:0]   b_p_stride_i,
    input  wire  logic [31:0]   b_once_i,
    input  wire  logic [31:0]   words_i,        // words of C
    input  wire  logic [31:0]   a_zero_i,       // zero points
    input  wire  logic [31:0]   b_zero_i,
    input  wire  logic [31:0]   idle_i,
    input  wire  logic [31:0]   busy_i,
    output       logic          done_o,
    output       logic [31:0]   cycles_o
);

  localparam int unsigned StreamBits = ABits / Streams;

  logic [ABits-1:0] a_mem[MemWords];
  logic [BBits-1:0] b_mem[MemWords];
  logic [CBits:0]   c_mem[MemWords];  // below the overflow flag
  logic [DBits-1:0] d_mem[MemWords];

  logic        running_q, done_q;
  logic [31:0] cycle_q, first_q, words_q, taken_q;
  logic        begun_q;

  logic [Streams-1:0]       a_valid, a_ready, a_last;
  logic [Streams-1:0][31:0] a_addr;
  logic [ABits-1:0]         a;
  logic                     b_valid, b_ready, b_last;
  logic [31:0]              b_addr;
  logic [BBits-1:0]         b;
  logic                     c_valid, c_ready, c_last;
  logic [CBits-1:0]         c;
  logic                     load, clear, flush, pass_done;
  logic                     idle, busy, take, overflow;

  assign idle    = idle_i[cycle_q[4:0]];
  assign busy    = busy_i[cycle_q[4:0]];
  assign c_ready = running_q && !busy;
  assign b       = b_mem[b_addr];

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    assign a[s*StreamBits+:StreamBits] = a_mem[a_addr[s]][s*StreamBits+:StreamBits];
  end

  always_ff @(posedge clk_i or negedge go_i) begin
    if (!go_i) begin
      running_q <= 1'b0;
      done_q    <= 1'b0;
      cycle_q   <= '0;
      begun_q   <= 1'b0;
      words_q   <= '0;
      taken_q   <= '0;
    end else if (!running_q && !done_q) begin
      $readmemh("a.hex", a_mem);
      $readmemh("b.hex", b_mem);
      if (Taken) $readmemh("d.hex", d_mem);
      running_q <= 1'b1;
    end else if (running_q) begin
      cycle_q <= cycle_q + 1;
      if (!begun_q && (|(a_valid & a_ready) || (b_valid && b_ready))) begin
        begun_q <= 1'b1;
        first_q <= cycle_q;
      end
      if (take) taken_q <= taken_q + 1;
      if (c_valid && c_ready) begin
        c_mem[words_q] <= {overflow, c};
        words_q        <= words_q + 1;
        if (words_q + 1 == words_i) begin
          running_q <= 1'b0;
          done_q    <= 1'b1;
          cycles_o  <= cycle_q - first_q + 1;
        end
      end
    end
  end

  // After the last word has been stored.
  logic written_q;
  always_ff @(posedge clk_i or negedge go_i) begin
    if (!go_i) begin
      written_q <= 1'b0;
    end else if (done_q && !written_q) begin
      $writememh("c.hex", c_mem, 0, words_q - 1);
      written_q <= 1'b1;
    end
  end
  assign done_o = written_q;

  tpe_source #(
      .Streams(Streams),
      .Planes (Planes),
      .BPlanes(BPlanes)
  ) u_source (
      .clk_i,
      .rst_ni     (running_q),
      .offer_i    (running_q && !idle),
      .n_count_i,
      .m_count_i,
      .p_count_i,
      .a_len_i,
      .a_cut_p_i,
      .a_cut_m_i,
      .a_m_stride_i,
      .a_p_stride_i,
      .b_len_i,
      .b_cut_p_i,
      .b_n_stride_i,
      .b_p_stride_i,
      .b_once_i,
      .a_valid_o  (a_valid),
      .a_ready_i  (a_ready),
      .a_last_o   (a_last),
      .a_addr_o   (a_addr),
      .b_valid_o  (b_valid),
      .b_ready_i  (b_ready),
      .b_last_o   (b_last),
      .b_addr_o   (b_addr),
      .pass_done_i(pass_done),
      .load_o     (load),
      .clear_o    (clear),
      .flush_o    (flush)
  );

  tpe_dut #(
      .Rows     (Rows),
      .Cols     (Cols),
      .ABits    (ABits),
      .BBits    (BBits),
      .CBits    (CBits),
      .DBits    (DBits),
      .Streams  (Streams),
      .AZeroBits(AZeroBits),
      .BZeroBits(BZeroBits)
  ) u_dut (
      .clk_i,
      .rst_ni     (running_q || done_q),
      .load_i     (load),
      .clear_i    (clear),
      .flush_i    (flush),
      .pass_done_o(pass_done),
      .a_valid_i  (a_valid),
      .a_ready_o  (a_ready),
      .a_last_i   (a_last),
      .a_i        (a),
      .b_valid_i  (b_valid),
      .b_ready_o  (b_ready),
      .b_last_i   (b_last),
      .b_i        (b),
      .c_valid_o  (c_valid),
      .c_ready_i  (c_ready),
      .c_last_o   (c_last),
      .c_o        (c),
      .a_zero_i   (a_zero_i[AZeroBits-1:0]),
      .b_zero_i   (b_zero_i[BZeroBits-1:0]),
      .c_take_o   (take),
      .overflow_o (overflow),
      .d_i        (d_mem[taken_q])
  );

  logic unused_last;
  assign unused_last = c_last;

endmodule

`default_nettype wire
