// tpe_harness -- drives one engine from memories and records C and the cycles it took.
//
// The bench loads a.hex and b.hex, raises go_i and waits for done_o; c.hex then holds the words
// of C in the order they left. No operand crosses the simulator's programming interface.
// The source offers a beat whenever it has one, except in cycles masked by idle_i; the sink takes
// a word except in cycles masked by busy_i; a_hold_i and b_hold_i mask one stream alone. See
// tpe_source for the other settings. A run that has not ended after cycle_limit_i cycles is ended:
// deadlock.txt then tells how every handshake stands and when it moved last.
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
    input  wire  logic [31:0]   a_hold_i,
    input  wire  logic [31:0]   b_hold_i,
    input  wire  logic [31:0]   cycle_limit_i,  // 0: none
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
  logic                     idle, busy, take, overflow, late;
  logic [4:0]               phase;

  assign phase   = cycle_q[4:0];
  assign idle    = idle_i[phase];
  assign busy    = busy_i[phase];
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
      if (late) begin
        running_q <= 1'b0;
        done_q    <= 1'b1;
        cycles_o  <= begun_q ? cycle_q - first_q + 1 : 0;
        tell_deadlock;
      end
    end
  end

  // ---- a run that does not end ------------------------------------------------------------------

  // In a cycle without masks, if there is one: what the streams offer then is what they have.
  logic masked;
  assign masked = idle || busy || a_hold_i[phase] || b_hold_i[phase];
  assign late   = cycle_limit_i != 0 && cycle_q >= cycle_limit_i
               && (!masked || cycle_q >= cycle_limit_i + 32);

  logic [Streams-1:0][31:0] a_beats_q, a_moved_q;
  logic [31:0]              b_beats_q, b_moved_q, c_moved_q;

  always_ff @(posedge clk_i or negedge go_i) begin
    if (!go_i) begin
      a_beats_q <= '0;
      a_moved_q <= '0;
      b_beats_q <= '0;
      b_moved_q <= '0;
      c_moved_q <= '0;
    end else if (running_q) begin
      for (int unsigned s = 0; s < Streams; s++) begin
        if (a_valid[s] && a_ready[s]) begin
          a_beats_q[s] <= a_beats_q[s] + 1;
          a_moved_q[s] <= cycle_q + 1;
        end
      end
      if (b_valid && b_ready) begin
        b_beats_q <= b_beats_q + 1;
        b_moved_q <= cycle_q + 1;
      end
      if (c_valid && c_ready) c_moved_q <= cycle_q + 1;
    end
  end

  task automatic tell_deadlock;
    int file;
    file = $fopen("deadlock.txt", "w");
    $fdisplay(file, "no end after %0d cycles, %0d of %0d words of C", cycle_q, words_q, words_i);
    for (int unsigned s = 0; s < Streams; s++) begin
      $fdisplay(file, "a[%0d] valid %0d, ready %0d, unmoved since cycle %0d, %0d beats taken",
                s, a_valid[s], a_ready[s], a_moved_q[s], a_beats_q[s]);
    end
    $fdisplay(file, "b valid %0d, ready %0d, unmoved since cycle %0d, %0d beats taken",
              b_valid, b_ready, b_moved_q, b_beats_q);
    $fdisplay(file, "c valid %0d, ready %0d, unmoved since cycle %0d, %0d words taken",
              c_valid, c_ready, c_moved_q, words_q);
    $fclose(file);
  endtask

  // After the last word has been stored.
  logic written_q;
  always_ff @(posedge clk_i or negedge go_i) begin
    if (!go_i) begin
      written_q <= 1'b0;
    end else if (done_q && !written_q) begin
      if (words_q != 0) $writememh("c.hex", c_mem, 0, words_q - 1);
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
      .offer_a_i  (running_q && !idle && !a_hold_i[phase]),
      .offer_b_i  (running_q && !idle && !b_hold_i[phase]),
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
