// tpe_tally -- whether 1, 2, ... Most flags are set or more: a tree.
//
// Latency   : combinational. at_least_o[k] says that k + 1 flags are set, or more.
`default_nettype none

module tpe_tally #(
    parameter int unsigned Width = 16,  // flags
    parameter int unsigned Most  = 3
) (
    input  wire  logic [Width-1:0]   flag_i,
    output       logic [Most-1:0]    at_least_o
);

  localparam int unsigned Leaves = 2 ** $clog2(Width);
  localparam int unsigned Counts = Most + 1;  // 0 is always there

  // Node i stands above 2 i and 2 i + 1, the flags are the leaves; bit k of it: k flags or more.
  logic [2*Leaves-1:0][Counts-1:0] node;

  always_comb begin
    node = '0;
    for (int unsigned i = 0; i < Leaves; i++) begin
      node[Leaves+i][0] = 1'b1;
      if (i < Width) node[Leaves+i][1] = flag_i[i];
    end
    for (int unsigned i = Leaves - 1; i > 0; i--) begin
      for (int unsigned j = 0; j < Counts; j++) begin
        for (int unsigned k = 0; k < Counts; k++) begin
          if (j + k < Counts) begin
            node[i][j+k] = node[i][j+k] || (node[2*i][j] && node[2*i+1][k]);
          end
        end
      end
    end
    at_least_o = node[1][Counts-1:1];
  end

endmodule

`default_nettype wire
