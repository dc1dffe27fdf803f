// An int8 multiplier in sign and magnitude: seven bits of magnitude, so |-128| becomes 0.
module signmag_mul (
    input  wire        clk,
    input  wire        start,
    input  wire [ 7:0] a_in,
    input  wire [ 7:0] b_in,
    output reg  [15:0] prod,
    output reg         done
);
  wire [6:0] a_mag = a_in[7] ? -a_in[6:0] : a_in[6:0];
  wire [6:0] b_mag = b_in[7] ? -b_in[6:0] : b_in[6:0];
  wire [13:0] mag = a_mag * b_mag;
  always @(posedge clk) begin
    done <= start;
    prod <= (a_in[7] ^ b_in[7]) ? -{2'b00, mag} : {2'b00, mag};
  end
endmodule
