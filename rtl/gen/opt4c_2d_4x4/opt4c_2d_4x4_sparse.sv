// opt4c_2d_4x4_sparse -- the next non-zero digit of a group: the lowest flag set, and the flags that remain.
//
// Primitive : sparse               (arXiv:2503.06342, OPT3)
// Latency   : combinational. With no flag set, index_o is 0 and rest_o is zero.
`default_nettype none

module opt4c_2d_4x4_sparse #(
    parameter  int unsigned Group      = 4,               // operands in a group, 2 or more
    localparam int unsigned IndexWidth = $clog2(Group)
) (
    input  wire  logic [Group-1:0]        nonzero_i,
    output       logic [IndexWidth-1:0]   index_o,
    output       logic [Group-1:0]        rest_o
);

  if (Group < 2) begin : gen_check
    $error("opt4c_2d_4x4_sparse: Group must be 2 or more");
  end

  always_comb begin
    index_o = '0;
    for (int unsigned i = Group; i > 0; i--) begin
      if (nonzero_i[i-1]) index_o = IndexWidth'(i - 1);
    end
  end

  assign rest_o = nonzero_i & (nonzero_i - 1'b1);  // clears the lowest flag

endmodule

`default_nettype wire
