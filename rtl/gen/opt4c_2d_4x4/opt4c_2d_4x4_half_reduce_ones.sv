// opt4c_2d_4x4_half_reduce_ones -- carry-save compression of NumOps words, and of a 1 with all but two.
//
// A row of full adders gives a carry word whose lowest bit is free: there stands the 1 of the word
// that the row takes in. sum + carry = sum of the words + sum of the ones, modulo 2**Width.
// Latency   : combinational. The pair that begins the chain is words 0 and 1.
`default_nettype none

module opt4c_2d_4x4_half_reduce_ones #(
    parameter int unsigned NumOps = 3,
    parameter int unsigned Width  = 32
) (
    input  wire  logic [NumOps-1:0][Width-1:0]   op_i,
    input  wire  logic [NumOps-3:0]              one_i,   // [r]: with word r + 2
    output       logic [Width-1:0]               sum_o,
    output       logic [Width-1:0]               carry_o
);

  logic [NumOps-2:0][Width-1:0] sum, carry;  // the pair after so many rows

  assign sum[0]   = op_i[0];
  assign carry[0] = op_i[1];

  for (genvar r = 0; r < NumOps - 2; r++) begin : gen_row
    logic [Width-1:0] majority;

    assign majority   = (sum[r] & carry[r]) | (sum[r] & op_i[r+2]) | (carry[r] & op_i[r+2]);
    assign sum[r+1]   = sum[r] ^ carry[r] ^ op_i[r+2];
    assign carry[r+1] = (majority << 1) | Width'(one_i[r]);
  end

  assign sum_o   = sum[NumOps-2];
  assign carry_o = carry[NumOps-2];

endmodule

`default_nettype wire
