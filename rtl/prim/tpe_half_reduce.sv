// tpe_half_reduce -- NumOps:2 carry-save compressor: sum_o + carry_o == sum of op_i (mod 2**Width).
//
// Primitive : half_reduce          (arXiv:2503.06342)
// A linear chain of 3:2 rows; synthesis rebalances it.
// Latency   : combinational. The pair is exact modulo 2**Width only: never sign-extend it.
`default_nettype none

module tpe_half_reduce #(
    parameter int unsigned NumOps = 6,   // words in, 2 or more
    parameter int unsigned Width  = 32
) (
    input  wire  logic [NumOps-1:0][Width-1:0]   op_i,
    output       logic [Width-1:0]               sum_o,
    output       logic [Width-1:0]               carry_o
);

  if (NumOps < 2) begin : gen_check_ops
    $error("tpe_half_reduce: NumOps must be 2 or more");
  end

  localparam int unsigned NumRows = NumOps - 2;

  logic [NumRows:0][Width-1:0] sum;    // sum[r], carry[r]: the pair after r rows
  logic [NumRows:0][Width-1:0] carry;

  assign sum[0]   = op_i[0];
  assign carry[0] = op_i[1];

  for (genvar r = 0; r < NumRows; r++) begin : gen_row
    logic [Width-1:0] majority;
    assign majority   = (sum[r] & carry[r]) | (sum[r] & op_i[r+2]) | (carry[r] & op_i[r+2]);
    assign sum[r+1]   = sum[r] ^ carry[r] ^ op_i[r+2];
    assign carry[r+1] = majority << 1;  // the carry out of the top bit is dropped
  end

  assign sum_o   = sum[NumRows];
  assign carry_o = carry[NumRows];

endmodule

`default_nettype wire
