// tpe_prop_oldest -- every row that asks is granted once, the one that waits longest before others.
//
// Rows ask when they like, none while it waits but in the cycle of its grant. The reference counts
// for how long each one has waited. Somebody is granted in every cycle in which anybody waits:
// nobody has waited longer than he, and of those that have waited as long he is the lowest.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_oldest #(
    parameter  int unsigned Rows     = 3,
    localparam int unsigned AgeWidth = $clog2(Rows + 2)  // it shows that nobody waits any longer
) (
    input  wire  logic              clk_i,
    input  wire  logic [Rows-1:0]   ask_i,
    output       logic              fails_o
);

  logic                          begun_q = 1'b0;
  logic                          rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic [Rows-1:0]               waits_q, ask, grant, best;
  logic [Rows-1:0][AgeWidth-1:0] age_q;
  logic                          late;

  assign ask = ask_i & {Rows{begun_q}} & (~waits_q | best);

  tpe_oldest #(
      .Rows(Rows)
  ) u_oldest (
      .clk_i,
      .rst_ni (rst_nq),
      .ask_i  (ask),
      .grant_o(grant)
  );

  always_comb begin
    late = 1'b0;
    for (int unsigned r = 0; r < Rows; r++) begin
      best[r] = waits_q[r];
      for (int unsigned other = 0; other < Rows; other++) begin
        if (waits_q[other] && (age_q[other] > age_q[r] || (age_q[other] == age_q[r] && other < r)))
          best[r] = 1'b0;
      end
      if (waits_q[r] && 32'(age_q[r]) >= Rows) late = 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    for (int unsigned r = 0; r < Rows; r++) begin
      waits_q[r] <= begun_q && ((waits_q[r] && !best[r]) || ask[r]);
      age_q[r]   <= ask[r] ? '0 : age_q[r] + 1'b1;
    end
  end

  assign fails_o = begun_q && (grant != best || late);

endmodule

`default_nettype wire
