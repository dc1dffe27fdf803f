// opt4c_2d_4x4_finish_plane -- the finish of one bit weight: resolve, shift to its weight, accumulate.
//
// Primitive : add, shift, accumulate     (arXiv:2503.06342, OPT3)
// The pair is resolved at its interval width before it is widened: a pair is never sign-extended.
// Latency   : FinishLatency cycles, 0 or 1: then the number at its weight is registered, and acc_i
//             is that of the cycle behind. The accumulator wraps modulo 2**AccWidth.
`default_nettype none

module opt4c_2d_4x4_finish_plane #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 44,  // {carry, sum}
    parameter int unsigned PlaneWidth    = 2,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,    // the planes below, or zero
    output       logic [AccWidth-1:0]     c_o
);

  localparam int unsigned PairWidth = PsumWidth / 2;

  if (PsumWidth % 2 != 0 || PairWidth > AccWidth) begin : gen_check
    $error("opt4c_2d_4x4_finish_plane: PsumWidth must be even, 2 AccWidth at most");
  end

  if (FinishLatency > 1) begin : gen_check_latency
    $error("opt4c_2d_4x4_finish_plane: FinishLatency must be 0 or 1");
  end

  logic [AccWidth-1:0] resolved, weighted, kept;  // kept: what is added to the planes below

  opt4c_2d_4x4_add #(
      .InWidth(PairWidth),
      .Width  (AccWidth)
  ) u_add (
      .sum_i  (psum_i[0+:PairWidth]),
      .carry_i(psum_i[PairWidth+:PairWidth]),
      .word_o (resolved)
  );

  opt4c_2d_4x4_shift_plane #(
      .Width     (AccWidth),
      .PlaneWidth(PlaneWidth)
  ) u_shift (
      .plane_i(plane_i),
      .word_i (resolved),
      .word_o (weighted)
  );

  if (FinishLatency == 0) begin : gen_wires
    assign kept = weighted;
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_register
    logic [AccWidth-1:0] kept_q;

    always_ff @(posedge clk_i) begin
      if (en_i) kept_q <= weighted;
    end

    assign kept = kept_q;
  end

  opt4c_2d_4x4_accumulate #(
      .NumOps(2),
      .Width (AccWidth)
  ) u_accumulate (
      .op_i   ({kept, acc_i}),
      .total_o(c_o)
  );

endmodule

`default_nettype wire
