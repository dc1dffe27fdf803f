// tpe_finish_bit_weights -- the finish of a pair per bit weight: shift, compress, add.
//
// A pair of bit weight bw has AccWidth - 2 bw bits and is shifted left by 2 bw, unresolved; the
// words of all pairs are compressed to one pair, which is resolved. Where the cells leave something
// to their row (Negate, Biased) its term, acc_i, goes in as well.
// Primitive : shift, half_reduce, add    (arXiv:2503.06342, OPT2)
// Latency   : FinishLatency cycles, 0 or 1: then the pair of all is registered, before it is added.
//             Modulo 2**AccWidth.
`default_nettype none

module tpe_finish_bit_weights #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 232,  // {carry, sum} of every bit weight, lowest first
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned Negate        = tpe_pkg::NegateAdder,
    parameter int unsigned Biased        = 0,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  // The bit weights whose pairs fill this many bits; 0 if none do. Fewer than AccWidth / 2.
  function automatic int unsigned weights_in(input int unsigned bits);
    weights_in = 0;
    for (int unsigned n = 1; 2 * n < AccWidth; n++) begin
      if (2 * n * (AccWidth - n + 1) == bits) weights_in = n;
    end
  endfunction

  localparam int unsigned NumWeights = weights_in(PsumWidth);

  if (NumWeights == 0) begin : gen_check
    $error("tpe_finish_bit_weights: PsumWidth must be the sum of 2 (AccWidth - 2 bw)");
  end

  if (FinishLatency > 1) begin : gen_check_latency
    $error("tpe_finish_bit_weights: FinishLatency must be 0 or 1");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [2*NumWeights-1:0][AccWidth-1:0] word;
  logic [AccWidth-1:0]                   sum, carry, sum_all, carry_all;  // of psum; with the term

  for (genvar bw = 0; bw < NumWeights; bw++) begin : gen_weight
    localparam int unsigned PairWidth = AccWidth - 2 * bw;
    localparam int unsigned Offset    = 2 * bw * (AccWidth - bw + 1);  // behind the lower pairs

    tpe_shift_pair #(
        .Width (AccWidth),
        .Amount(2 * bw)
    ) u_shift (
        .sum_i  (psum_i[Offset+:PairWidth]),
        .carry_i(psum_i[Offset+PairWidth+:PairWidth]),
        .sum_o  (word[2*bw]),
        .carry_o(word[2*bw+1])
    );
  end

  tpe_half_reduce #(
      .NumOps(2 * NumWeights),
      .Width (AccWidth)
  ) u_half_reduce (
      .op_i   (word),
      .sum_o  (sum),
      .carry_o(carry)
  );

  if (Negate == tpe_pkg::NegateRow || Biased != 0) begin : gen_term
    tpe_half_reduce #(
        .NumOps(3),
        .Width (AccWidth)
    ) u_term (
        .op_i   ({acc_i, carry, sum}),
        .sum_o  (sum_all),
        .carry_o(carry_all)
    );
  end else begin : gen_alone
    assign sum_all   = sum;
    assign carry_all = carry;
    logic unused_acc;
    assign unused_acc = ^acc_i;
  end

  logic [AccWidth-1:0] sum_last, carry_last;  // what the adder resolves

  if (FinishLatency == 0) begin : gen_wires
    assign sum_last   = sum_all;
    assign carry_last = carry_all;
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_register
    logic [AccWidth-1:0] sum_q, carry_q;

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        sum_q   <= sum_all;
        carry_q <= carry_all;
      end
    end

    assign sum_last   = sum_q;
    assign carry_last = carry_q;
  end

  tpe_add #(
      .InWidth(AccWidth),
      .Width  (AccWidth)
  ) u_add (
      .sum_i  (sum_last),
      .carry_i(carry_last),
      .word_o (c_o)
  );

endmodule

`default_nettype wire
