// opt4c_2d_4x4_map -- one digit times B: select among -2B, -B, 0, B, 2B.
//
// Primitive : map                  (arXiv:2503.06342)
// Latency   : combinational. Width + 2 bits hold -2 times the most negative B: no overflow.
`default_nettype none

module opt4c_2d_4x4_map #(
    parameter  int unsigned InWidth = 8,            // width of B in bits
    localparam int unsigned Width   = InWidth + 2   // width of the partial product
) (
    input  wire  logic [2:0]           digit_i,  // {neg, two, one}
    input  wire  logic [InWidth-1:0]   b_i,
    output       logic [Width-1:0]     pp_o
);

  logic neg, two, one;
  logic [Width-1:0] magnitude;

  assign {neg, two, one} = digit_i;
  assign magnitude = ({Width{one}} & {{2{b_i[InWidth-1]}}, b_i})
                   | ({Width{two}} & {b_i[InWidth-1], b_i, 1'b0});
  assign pp_o = (magnitude ^ {Width{neg}}) + Width'(neg);

endmodule

`default_nettype wire
