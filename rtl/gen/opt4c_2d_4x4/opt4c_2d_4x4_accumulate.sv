// opt4c_2d_4x4_accumulate -- the sum of NumOps resolved words, one of them the running total.
//
// Primitive : accumulate           (arXiv:2503.06342)
// Latency   : combinational; the register is the cell's. Overflow wraps modulo 2**Width.
`default_nettype none

module opt4c_2d_4x4_accumulate #(
    parameter int unsigned NumOps = 2,
    parameter int unsigned Width  = 32
) (
    input  wire  logic [NumOps-1:0][Width-1:0]   op_i,
    output       logic [Width-1:0]               total_o
);

  always_comb begin
    total_o = '0;
    for (int unsigned i = 0; i < NumOps; i++) total_o += op_i[i];
  end

endmodule

`default_nettype wire
