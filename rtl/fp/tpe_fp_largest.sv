// tpe_fp_largest -- the largest of Terms numbers, as a tree; zero if there is nothing larger.
//
// Latency   : combinational, logarithmic in Terms.
`default_nettype none

module tpe_fp_largest #(
    parameter  int unsigned Terms  = 9,
    parameter  int unsigned Width  = 9,
    localparam int unsigned Levels = (Terms > 1) ? $clog2(Terms) : 1
) (
    input  wire  logic [Terms*Width-1:0]   x_i,       // unsigned
    output       logic [Width-1:0]         largest_o
);

  localparam int unsigned Leaves = 1 << Levels;

  logic [Leaves-1:0][Width-1:0] top;  // of each number, then of each pair ...

  always_comb begin
    for (int unsigned i = 0; i < Leaves; i++) begin
      top[i] = (i < Terms) ? x_i[((i < Terms) ? i : 0)*Width+:Width] : '0;
    end
    for (int unsigned level = 0; level < Levels; level++) begin
      for (int unsigned i = 0; i < (Leaves >> (level + 1)); i++) begin
        top[i] = (top[2*i] > top[2*i+1]) ? top[2*i] : top[2*i+1];
      end
    end
  end

  assign largest_o = top[0];

  logic unused_inner;
  assign unused_inner = ^top;

endmodule

`default_nettype wire
