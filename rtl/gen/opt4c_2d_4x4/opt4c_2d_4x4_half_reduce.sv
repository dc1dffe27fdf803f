// opt4c_2d_4x4_half_reduce -- NumOps:2 carry-save compressor: sum_o + carry_o == sum of op_i (mod 2**Width).
//
// Primitive : half_reduce          (arXiv:2503.06342)
// A linear chain of 3:2 rows; synthesis rebalances it. A tree that is generated in its place may
// leave out bits of Shaped words: those that are zero, as the record of the PE says.
// Latency   : combinational. The pair is exact modulo 2**Width only: never sign-extend it.
`default_nettype none

module opt4c_2d_4x4_half_reduce #(
    parameter int unsigned NumOps = 6,   // words in
    parameter int unsigned Width  = 32,
    parameter int unsigned Shaped = 0    // 1: words of which more is known than their width
) (
    input  wire  logic [NumOps-1:0][Width-1:0]   op_i,
    output       logic [Width-1:0]               sum_o,
    output       logic [Width-1:0]               carry_o
);

  if (NumOps < 1 || Shaped > 1) begin : gen_check_ops
    $error("opt4c_2d_4x4_half_reduce: NumOps must be 1 or more, Shaped 0 or 1");
  end

  if (NumOps == 1) begin : gen_wire
    assign sum_o   = op_i[0];
    assign carry_o = '0;
  end else begin : gen_chain
    localparam int unsigned NumRows = NumOps - 2;

    for (genvar r = 0; r <= NumRows; r++) begin : gen_row
      logic [Width-1:0] sum, carry;  // the pair after r rows
      if (r == 0) begin : gen_first
        assign sum   = op_i[0];
        assign carry = op_i[1];
      end else begin : gen_next
        logic [Width-1:0] majority;
        assign majority = (gen_row[r-1].sum & gen_row[r-1].carry)
                        | (gen_row[r-1].sum & op_i[r+1]) | (gen_row[r-1].carry & op_i[r+1]);
        assign sum      = gen_row[r-1].sum ^ gen_row[r-1].carry ^ op_i[r+1];
        assign carry    = majority << 1;  // the carry out of the top bit is dropped
      end
    end

    assign sum_o   = gen_row[NumRows].sum;
    assign carry_o = gen_row[NumRows].carry;
  end

endmodule

`default_nettype wire
