// opt4c_2d_4x4_kept_pair -- a running sum with a carry every Every bits, as a pair of words, a term added.
//
// psum_i is {carries, sum}; of Every = 1 {carry, sum}, two words. What all cells of a row leave to
// it, its term, is compressed into the pair.
// Primitive : half_reduce          (arXiv:2503.06342)
// Latency   : combinational; wires without a term. Exact modulo 2**Width.
`default_nettype none

module opt4c_2d_4x4_kept_pair #(
    parameter  int unsigned PsumWidth = 44,
    parameter  int unsigned Every     = 1,
    parameter  int unsigned RowTerm   = 0,  // 1: there is a term
    localparam int unsigned Few       = (PsumWidth - 1) / (Every + 1),  // carries, if not a word
    localparam int unsigned Width     = PsumWidth - ((Every == 1) ? PsumWidth / 2 : Few)
) (
    input  wire  logic [PsumWidth-1:0]   psum_i,
    input  wire  logic [Width-1:0]       term_i,
    output       logic [2*Width-1:0]     pair_o   // {carry, sum}
);

  logic [Width-1:0] sum, carry;

  assign sum = psum_i[Width-1:0];

  if (Every == 1) begin : gen_words
    assign carry = psum_i[PsumWidth-1:Width];
  end else begin : gen_kept
    for (genvar i = 0; i < Width; i++) begin : gen_bit
      if (i > 0 && i % Every == 0) begin : gen_carry
        assign carry[i] = psum_i[Width+i/Every-1];
      end else begin : gen_none
        assign carry[i] = 1'b0;
      end
    end
  end

  if (RowTerm == 0) begin : gen_alone
    assign pair_o = {carry, sum};
    logic unused_term;
    assign unused_term = ^term_i;
  end else begin : gen_term
    opt4c_2d_4x4_half_reduce #(
        .NumOps(3),
        .Width (Width)
    ) u_half_reduce (
        .op_i   ({term_i, carry, sum}),
        .sum_o  (pair_o[0+:Width]),
        .carry_o(pair_o[Width+:Width])
    );
  end

endmodule

`default_nettype wire
