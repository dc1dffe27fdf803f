// mult -- a combinational multiplier: an example for `tpe cosim`.
module mult (
    input  wire signed [3:0] x,
    input  wire signed [3:0] y,
    output wire signed [7:0] p
);
  assign p = x * y;
endmodule
