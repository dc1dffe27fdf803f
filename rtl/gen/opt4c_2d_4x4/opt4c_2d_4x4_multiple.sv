// opt4c_2d_4x4_multiple -- one digit times B, its 1 added or left to somebody behind.
//
// Primitive : map                  (arXiv:2503.06342)
// Latency   : combinational. word_o + negative_o is digit_i * b_i, in InWidth + 2 bits.
`default_nettype none

module opt4c_2d_4x4_multiple #(
    parameter  int unsigned InWidth    = 8,            // width of B in bits
    parameter  int unsigned Complement = 0,            // 1: a negative one is a complement alone
    localparam int unsigned Width      = InWidth + 2   // width of the word
) (
    input  wire  logic [2:0]           digit_i,    // {neg, two, one}
    input  wire  logic [InWidth-1:0]   b_i,
    output       logic [Width-1:0]     word_o,
    output       logic                 negative_o  // a 1 is still to be added
);

  if (Complement != 0) begin : gen_complement
    opt4c_2d_4x4_map_complement #(
        .InWidth(InWidth)
    ) u_map (
        .digit_i,
        .b_i,
        .word_o,
        .negative_o
    );
  end else begin : gen_whole
    opt4c_2d_4x4_map #(
        .InWidth(InWidth)
    ) u_map (
        .digit_i,
        .b_i,
        .pp_o(word_o)
    );
    assign negative_o = 1'b0;
  end

endmodule

`default_nettype wire
