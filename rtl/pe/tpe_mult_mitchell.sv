// tpe_mult_mitchell -- a product of two bytes by adding their logarithms, each a straight line
// between powers of 2.
//
// A logarithm is the place of the leading one and, as its fraction, the bits behind it. All of them
// are kept, so that nothing is cut off: below p_o there are zeros alone.
// Reference : doi:10.1109/TEC.1962.5219391
// Latency   : combinational.
// Overflow  : none; a factor of zero gives zero.
`default_nettype none

module tpe_mult_mitchell (
    input  wire  logic [7:0]    a_i,  // unsigned
    input  wire  logic [7:0]    b_i,
    output       logic [15:0]   p_o
);

  logic [2:0]  a_one, b_one;  // places of the leading ones
  logic [6:0]  a_rest, b_rest;  // fractions, the point above
  logic [10:0] log;
  logic [22:0] power;

  always_comb begin
    a_one = '0;
    b_one = '0;
    for (int unsigned i = 1; i < 8; i++) begin
      if (a_i[i]) a_one = 3'(i);
      if (b_i[i]) b_one = 3'(i);
    end
  end

  // The leading one itself is shifted out.
  assign a_rest = 7'(a_i << (3'd7 - a_one));
  assign b_rest = 7'(b_i << (3'd7 - b_one));
  assign log    = {1'b0, a_one, a_rest} + {1'b0, b_one, b_rest};
  assign power  = {15'd0, 1'b1, log[6:0]} << log[10:7];

  logic unused_fraction;
  assign unused_fraction = ^power[6:0];

  assign p_o = (a_i == '0 || b_i == '0) ? '0 : power[22:7];

endmodule

`default_nettype wire
