// An int8 multiplier whose data sheet says two cycles; it has a third register at its output.
module mul8_late (
    input  logic               clock,
    input  logic               reset,  // synchronous, active high
    input  logic signed [ 7:0] opa,
    input  logic signed [ 7:0] opb,
    output logic signed [15:0] res
);
  logic signed [ 7:0] opa_q, opb_q;
  logic signed [15:0] mul_q;
  always_ff @(posedge clock)
    if (reset) {opa_q, opb_q, mul_q, res} <= '0;
    else begin
      opa_q <= opa;
      opb_q <= opb;
      mul_q <= opa_q * opb_q;
      res   <= mul_q;
    end
endmodule
