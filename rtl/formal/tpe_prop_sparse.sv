// tpe_prop_sparse -- the index is that of the lowest flag, and the rest is every flag but that one.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_sparse #(
    parameter  int unsigned Group      = 4,
    localparam int unsigned IndexWidth = $clog2(Group)
) (
    input  wire  logic [Group-1:0]   nonzero_i,
    output       logic               fails_o
);

  logic [IndexWidth-1:0] index;
  logic [Group-1:0]      rest, wrong;
  logic [Group-1:0]      lowest;  // one-hot: set, and none below it

  tpe_sparse #(
      .Group(Group)
  ) u_sparse (
      .nonzero_i,
      .index_o(index),
      .rest_o (rest)
  );

  for (genvar i = 0; i < Group; i++) begin : gen_flag
    if (i == 0) begin : gen_first
      assign lowest[i] = nonzero_i[i];
    end else begin : gen_next
      assign lowest[i] = nonzero_i[i] && (nonzero_i[i-1:0] == '0);
    end
    assign wrong[i] = (lowest[i] && index != IndexWidth'(i))
                    || (rest[i] != (nonzero_i[i] && !lowest[i]));
  end

  assign fails_o = |wrong || (nonzero_i == '0 && index != '0);

endmodule

`default_nettype wire
