// tpe_oldest -- rows that ask for the finish get it one a cycle, the one that waits longest first.
//
// A row that asks is in line from the next cycle on, and asks again in the cycle of its grant at
// the earliest; of rows that ask at once the lowest comes first. The line is kept as a bit for
// every two rows, so that a grant is an AND of registers: Rows * Rows of them.
// Latency   : asked in a cycle, granted in the next one if nobody is in line.
`default_nettype none

module tpe_oldest #(
    parameter int unsigned Rows = 4
) (
    input  wire  logic              clk_i,
    input  wire  logic              rst_ni,
    input  wire  logic [Rows-1:0]   ask_i,
    output       logic [Rows-1:0]   grant_o
);

  logic [Rows-1:0]            waiting_q, left;  // in line; and still so behind this cycle
  logic [Rows-1:0][Rows-1:0]  ahead_q;          // [r]: the rows that are served before row r

  assign left = waiting_q & ~grant_o;

  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      grant_o[r] = waiting_q[r] && ahead_q[r] == '0;
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      waiting_q <= '0;
      ahead_q   <= '0;
    end else begin
      waiting_q <= left | ask_i;
      for (int unsigned r = 0; r < Rows; r++) begin
        for (int unsigned other = 0; other < Rows; other++) begin
          if (ask_i[r]) ahead_q[r][other] <= left[other] || (ask_i[other] && other < r);
          else if (grant_o[other]) ahead_q[r][other] <= 1'b0;
        end
      end
    end
  end

endmodule

`default_nettype wire
