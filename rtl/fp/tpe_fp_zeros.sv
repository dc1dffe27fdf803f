// tpe_fp_zeros -- a count of leading zeros, as a tree: each half says whether it is all zero.
//
// Of a word without a one it is 2**CountWidth - 1.
// Latency   : combinational, logarithmic in Width.
`default_nettype none

module tpe_fp_zeros #(
    parameter  int unsigned Width      = 28,
    localparam int unsigned CountWidth = (Width > 1) ? $clog2(Width) : 1
) (
    input  wire  logic [Width-1:0]        x_i,
    output       logic [CountWidth-1:0]   zeros_o
);

  localparam int unsigned Leaves = 1 << CountWidth;

  logic [Leaves-1:0]                 empty;  // [0] is the highest bit, then the highest pair ...
  logic [Leaves-1:0][CountWidth-1:0] count;

  always_comb begin
    for (int unsigned i = 0; i < Leaves; i++) begin
      empty[i] = (i < Width) ? !x_i[(i < Width) ? Width - 1 - i : 0] : 1'b1;
      count[i] = '0;
    end
    for (int unsigned level = 0; level < CountWidth; level++) begin
      for (int unsigned i = 0; i < (Leaves >> (level + 1)); i++) begin
        count[i] = empty[2*i] ? count[2*i+1] | (CountWidth'(1) << level) : count[2*i];
        empty[i] = empty[2*i] && empty[2*i+1];
      end
    end
  end

  assign zeros_o = count[0];

  logic unused_inner;
  assign unused_inner = ^{empty, count};

endmodule

`default_nettype wire
