// tpe_map_complement -- one digit times B, less 1 where it is a negative multiple.
//
// What tpe_map gives is word_o + negative_o: whoever takes the word adds the 1 where it costs less
// than the adder that tpe_map has for it.
// Latency   : combinational. Width + 2 bits hold -2 times the most negative B: no overflow.
`default_nettype none

module tpe_map_complement #(
    parameter  int unsigned InWidth = 8,            // width of B in bits
    localparam int unsigned Width   = InWidth + 2   // width of the word
) (
    input  wire  logic [2:0]           digit_i,    // {neg, two, one}
    input  wire  logic [InWidth-1:0]   b_i,
    output       logic [Width-1:0]     word_o,
    output       logic                 negative_o
);

  logic two, one;
  logic [Width-1:0] magnitude;

  assign {negative_o, two, one} = digit_i;
  assign magnitude = ({Width{one}} & {{2{b_i[InWidth-1]}}, b_i})
                   | ({Width{two}} & {b_i[InWidth-1], b_i, 1'b0});
  assign word_o = magnitude ^ {Width{negative_o}};

endmodule

`default_nettype wire
