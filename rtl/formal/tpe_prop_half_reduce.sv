// tpe_prop_half_reduce -- sum and carry of a compressor sum to its words, modulo 2**Width.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_half_reduce #(
    parameter int unsigned NumOps = 6,
    parameter int unsigned Width  = 32
) (
    input  wire  logic [NumOps-1:0][Width-1:0]   op_i,
    output       logic                           fails_o
);

  logic [Width-1:0] sum, carry, total;

  tpe_half_reduce #(
      .NumOps(NumOps),
      .Width (Width)
  ) u_half_reduce (
      .op_i,
      .sum_o  (sum),
      .carry_o(carry)
  );

  always_comb begin
    total = '0;
    for (int unsigned i = 0; i < NumOps; i++) total = total + op_i[i];
  end

  logic [Width-1:0] resolved;
  assign resolved = sum + carry;
  assign fails_o  = (resolved != total);

endmodule

`default_nettype wire
