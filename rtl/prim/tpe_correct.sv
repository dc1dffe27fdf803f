// tpe_correct -- a row of C and what the zero points left out of it, column by column.
//
// Latency   : combinational. Wraps modulo 2**Width.
`default_nettype none

module tpe_correct #(
    parameter int unsigned Count = 1,
    parameter int unsigned Width = 32
) (
    input  wire  logic [Count*Width-1:0]   c_i,
    input  wire  logic [Count*Width-1:0]   add_i,
    output       logic [Count*Width-1:0]   c_o
);

  for (genvar i = 0; i < Count; i++) begin : gen_column
    assign c_o[i*Width+:Width] = c_i[i*Width+:Width] + add_i[i*Width+:Width];
  end

endmodule

`default_nettype wire
