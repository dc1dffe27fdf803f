// tpe_prop_fp_largest -- nothing is larger than the largest, which is one of the numbers, or zero.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_largest #(
    parameter int unsigned Terms = 9,
    parameter int unsigned Width = 9
) (
    input  wire  logic [Terms*Width-1:0]   x_i,
    output       logic                     fails_o
);

  logic [Width-1:0] largest;
  logic             larger, is_one;

  tpe_fp_largest #(
      .Terms(Terms),
      .Width(Width)
  ) u_largest (
      .x_i,
      .largest_o(largest)
  );

  always_comb begin
    larger = 1'b0;
    is_one = largest == '0;
    for (int unsigned i = 0; i < Terms; i++) begin
      if (x_i[i*Width+:Width] > largest) larger = 1'b1;
      if (x_i[i*Width+:Width] == largest) is_one = 1'b1;
    end
  end

  assign fails_o = larger || !is_one;

endmodule

`default_nettype wire
