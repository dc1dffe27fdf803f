// tpe_harness -- drives one engine from memories and records C and the cycles it took.
//
// The bench loads a.hex and b.hex, raises go_i and waits for done_o; c.hex then holds the words
// of C in the order they left. No operand crosses the simulator's programming interface.
// Order of tiles: N outermost, then M, then passes of K. The source offers a beat whenever it has
// one, except in cycles masked by idle_i; the sink takes a word except in cycles masked by busy_i.
`default_nettype none

module tpe_harness #(
    parameter int unsigned Rows     = 4,
    parameter int unsigned Cols     = 4,
    parameter int unsigned ARowBits = 8,     // bits of one row in a beat of A
    parameter int unsigned BColBits = 8,     // bits of one column in a beat of B
    parameter int unsigned AccWidth = 32,
    parameter int unsigned Planes   = 1,     // how often the source sends the A of a pass
    parameter int unsigned Group    = 1,     // beats of B per beat of A
    parameter bit          Indexed  = 1'b0,  // a stream per row, B loaded ahead
    parameter int unsigned AZeroBits = 8,    // stored width of an operand of A
    parameter int unsigned BZeroBits = 8,
    parameter bit          Correct  = 1'b0,  // d.hex holds what is added to every word of C
    parameter int unsigned MemWords = 4096   // beats of A, of B, and words of C
) (
    input  wire  logic          clk_i,
    input  wire  logic          go_i,           // low: reset
    input  wire  logic [31:0]   m_tiles_i,
    input  wire  logic [31:0]   n_tiles_i,
    input  wire  logic [31:0]   a_beats_i,      // beats of A in a tile
    input  wire  logic [31:0]   b_beats_i,      // beats of B in a tile
    input  wire  logic [31:0]   pass_beats_i,   // beats of A in a pass, at most
    input  wire  logic [31:0]   a_zero_i,       // zero points
    input  wire  logic [31:0]   b_zero_i,
    input  wire  logic [31:0]   idle_i,
    input  wire  logic [31:0]   busy_i,
    output       logic          done_o,
    output       logic [31:0]   cycles_o
);

  localparam int unsigned Streams = Indexed ? Rows : 1;

  logic [Rows*ARowBits-1:0] a_mem[MemWords];
  logic [Cols*BColBits-1:0] b_mem[MemWords];
  logic [Cols*AccWidth-1:0] c_mem[MemWords];
  logic [Cols*AccWidth-1:0] d_mem[MemWords];

  logic        running_q, done_q;
  logic [31:0] cycle_q, first_q, words_q;
  logic        begun_q;
  logic [31:0] m_q, n_q, pass_q;             // pass_q: first beat of A of the pass
  logic [31:0] pass_len, pass_b_len;
  logic        last_pass, last_tile;

  // streams of A; the B of a dense engine goes with stream 0
  logic [Streams-1:0][31:0] beat_q;          // within the pass
  logic [Streams-1:0][31:0] plane_q;
  logic [Streams-1:0]       spent_q;         // the stream has sent its pass
  logic [31:0]              b_beat_q;
  logic                     b_spent_q;

  logic [Streams-1:0]       a_valid, a_ready, a_last;
  logic [Rows*ARowBits-1:0] a;
  logic                     b_valid, b_ready, b_last;
  logic [Cols*BColBits-1:0] b;
  logic                     c_valid, c_ready, c_last;
  logic [Cols*AccWidth-1:0] c;
  logic                     load, clear, flush, pass_done;

  assign pass_len   = (a_beats_i - pass_q < pass_beats_i) ? a_beats_i - pass_q : pass_beats_i;
  assign pass_b_len = (b_beats_i - pass_q * Group < pass_beats_i * Group)
                    ? b_beats_i - pass_q * Group : pass_beats_i * Group;
  assign last_pass  = (pass_q + pass_len == a_beats_i);
  assign last_tile  = (m_q + 1 == m_tiles_i) && (n_q + 1 == n_tiles_i);

  assign load  = (pass_beats_i < a_beats_i) || (m_q == 0);
  assign clear = (pass_q == 0);
  assign flush = last_pass;

  logic idle, busy;
  assign idle = idle_i[cycle_q[4:0]];
  assign busy = busy_i[cycle_q[4:0]];

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    logic [31:0] address;
    assign address    = m_q * a_beats_i + pass_q + beat_q[s];
    assign a_valid[s] = running_q && !idle && !spent_q[s];
    assign a_last[s]  = (beat_q[s] + 1 == pass_len);
    if (Indexed) begin : gen_row
      assign a[s*ARowBits+:ARowBits] = a_mem[address][s*ARowBits+:ARowBits];
    end else begin : gen_all
      assign a = a_mem[address];
    end
  end

  assign b_valid = Indexed ? (running_q && !idle && !b_spent_q && load) : a_valid[0];
  assign b       = b_mem[n_q*b_beats_i+(Indexed ? pass_q*Group+b_beat_q : beat_q[0])];
  assign b_last  = (b_beat_q + 1 == pass_b_len);
  assign c_ready = running_q && !busy;

  always_ff @(posedge clk_i or negedge go_i) begin
    if (!go_i) begin
      running_q <= 1'b0;
      done_q    <= 1'b0;
      cycle_q   <= '0;
      begun_q   <= 1'b0;
      words_q   <= '0;
      m_q       <= '0;
      n_q       <= '0;
      pass_q    <= '0;
      beat_q    <= '0;
      plane_q   <= '0;
      spent_q   <= '0;
      b_beat_q  <= '0;
      b_spent_q <= 1'b0;
    end else if (!running_q && !done_q) begin
      $readmemh("a.hex", a_mem);
      $readmemh("b.hex", b_mem);
      if (Correct) $readmemh("d.hex", d_mem);
      running_q <= 1'b1;
    end else if (running_q) begin
      cycle_q <= cycle_q + 1;
      if (!begun_q && (|(a_valid & a_ready) || (b_valid && b_ready))) begin
        begun_q <= 1'b1;
        first_q <= cycle_q;
      end
      for (int unsigned s = 0; s < Streams; s++) begin
        if (a_valid[s] && a_ready[s]) begin
          beat_q[s] <= a_last[s] ? 0 : beat_q[s] + 1;
          if (a_last[s]) begin
            plane_q[s] <= plane_q[s] + 1;
            spent_q[s] <= (plane_q[s] + 1 == Planes);
          end
        end
      end
      if (Indexed && b_valid && b_ready) begin
        b_beat_q  <= b_beat_q + 1;
        b_spent_q <= b_last;
      end
      if (c_valid && c_ready) begin
        c_mem[words_q] <= c;
        words_q        <= words_q + 1;
      end
      if (pass_done) begin
        beat_q    <= '0;
        plane_q   <= '0;
        spent_q   <= '0;
        b_beat_q  <= '0;
        b_spent_q <= 1'b0;
        pass_q    <= last_pass ? 0 : pass_q + pass_len;
        if (last_pass) begin
          m_q <= (m_q + 1 == m_tiles_i) ? 0 : m_q + 1;
          if (m_q + 1 == m_tiles_i) n_q <= n_q + 1;
          if (last_tile) begin
            running_q <= 1'b0;
            done_q    <= 1'b1;
            cycles_o  <= cycle_q - first_q + 1;
          end
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

  tpe_dut #(
      .Rows    (Rows),
      .Cols    (Cols),
      .ARowBits(ARowBits),
      .BColBits(BColBits),
      .AccWidth(AccWidth),
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
      .c_add_i    (Correct ? d_mem[words_q] : '0)
  );

  logic unused_last;
  assign unused_last = c_last;

endmodule

`default_nettype wire
