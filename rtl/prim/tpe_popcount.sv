// tpe_popcount -- how many flags are set: a tree of adders.
//
// Latency   : combinational. Exact.
`default_nettype none

module tpe_popcount #(
    parameter int unsigned Width      = 16,                // flags
    parameter int unsigned CountWidth = $clog2(Width + 1)  // that or more
) (
    input  wire  logic [Width-1:0]        flag_i,
    output       logic [CountWidth-1:0]   count_o
);

  if (CountWidth < $clog2(Width + 1)) begin : gen_check
    $error("tpe_popcount: CountWidth holds Width or more");
  end

  localparam int unsigned Leaves = 2 ** $clog2(Width);

  // Node i stands above 2 i and 2 i + 1, the flags are the leaves.
  logic [2*Leaves-1:0][CountWidth-1:0] node;

  always_comb begin
    node = '0;
    for (int unsigned i = 0; i < Width; i++) node[Leaves+i] = CountWidth'(flag_i[i]);
    for (int unsigned i = Leaves - 1; i > 0; i--) node[i] = node[2*i] + node[2*i+1];
    count_o = node[1];
  end

endmodule

`default_nettype wire
