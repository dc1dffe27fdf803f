// opt1_os_4x4_walk -- the order in which a source sends beats: a nest of counters, and the beat's address.
//
// Order: tiles of N outermost, then of M, then passes of K, then planes, then beats. A pass has
// len_i beats, cut_p_i fewer if it is the last of K, cut_m_i fewer if its tile of M is the last.
`default_nettype none

module opt1_os_4x4_walk #(
    parameter int unsigned Planes = 1  // how often a pass is sent
) (
    input  wire  logic          clk_i,
    input  wire  logic          rst_ni,
    input  wire  logic          step_i,      // the beat has been taken
    input  wire  logic [31:0]   n_count_i,
    input  wire  logic [31:0]   m_count_i,
    input  wire  logic [31:0]   p_count_i,
    input  wire  logic [31:0]   len_i,
    input  wire  logic [31:0]   cut_p_i,
    input  wire  logic [31:0]   cut_m_i,
    input  wire  logic [31:0]   n_stride_i,
    input  wire  logic [31:0]   m_stride_i,
    input  wire  logic [31:0]   p_stride_i,
    output       logic          live_o,      // a beat is left
    output       logic          last_o,      // it is the last of its plane
    output       logic          first_m_o,   // its tile of M is the first
    output       logic          first_p_o,   // its pass is the first of K
    output       logic          last_p_o,    // ... and the last
    output       logic [31:0]   addr_o
);

  logic [31:0] n_q, m_q, p_q, plane_q, beat_q, len;
  logic        last_m, last_plane, spent_q;

  assign first_m_o  = (m_q == 0);
  assign first_p_o  = (p_q == 0);
  assign last_m     = (m_q + 1 == m_count_i);
  assign last_p_o   = (p_q + 1 == p_count_i);
  assign last_plane = (plane_q + 1 == Planes);
  assign len        = len_i - (last_p_o ? cut_p_i : 0) - (last_m ? cut_m_i : 0);
  assign last_o     = (beat_q + 1 == len);
  assign live_o     = !spent_q;
  assign addr_o     = n_q * n_stride_i + m_q * m_stride_i + p_q * p_stride_i + beat_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      n_q     <= '0;
      m_q     <= '0;
      p_q     <= '0;
      plane_q <= '0;
      beat_q  <= '0;
      spent_q <= 1'b0;
    end else if (step_i) begin
      beat_q <= last_o ? 0 : beat_q + 1;
      if (last_o) begin
        plane_q <= last_plane ? 0 : plane_q + 1;
        if (last_plane) begin
          p_q <= last_p_o ? 0 : p_q + 1;
          if (last_p_o) begin
            m_q <= last_m ? 0 : m_q + 1;
            if (last_m) begin
              n_q     <= n_q + 1;
              spent_q <= (n_q + 1 == n_count_i);
            end
          end
        end
      end
    end
  end

endmodule

`default_nettype wire
