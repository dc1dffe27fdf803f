// opt4c_2d_4x4_pick -- the word that one bit of `is_i` stands for; zero if none is set.
//
// At most one is set. An AND and an OR for every bit, whatever the count: to select by number takes
// as much as one for the next power of two.
// Latency   : none.
`default_nettype none

module opt4c_2d_4x4_pick #(
    parameter int unsigned Count = 4,
    parameter int unsigned Width = 8
) (
    input  wire  logic [Count-1:0]              is_i,
    input  wire  logic [Count-1:0][Width-1:0]   words_i,
    output       logic [Width-1:0]              word_o
);

  always_comb begin
    word_o = '0;
    for (int unsigned i = 0; i < Count; i++) begin
      word_o |= words_i[i] & {Width{is_i[i]}};
    end
  end

endmodule

`default_nettype wire
