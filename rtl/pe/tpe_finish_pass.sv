// tpe_finish_pass -- the finish of a pass of K: resolve the pair of all bit weights, accumulate.
//
// Primitive : add, accumulate            (arXiv:2503.06342, OPT1)
// The pair is resolved at the width that holds a pass before it is widened.
// Latency   : FinishLatency cycles, 0 or 1: then what the adder resolves is registered, and acc_i
//             is that of the cycle behind. The accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_finish_pass #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 56,  // {carry, sum}
    parameter int unsigned PlaneWidth    = 2,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,    // the passes before, or zero
    output       logic [AccWidth-1:0]     c_o
);

  localparam int unsigned PairWidth = PsumWidth / 2;

  if (PsumWidth % 2 != 0 || PairWidth > AccWidth) begin : gen_check
    $error("tpe_finish_pass: PsumWidth must be even, 2 AccWidth at most");
  end

  if (FinishLatency > 1) begin : gen_check_latency
    $error("tpe_finish_pass: FinishLatency must be 0 or 1");
  end

  logic [AccWidth-1:0] resolved, kept;  // kept: what is added to the passes before

  logic unused_plane;
  assign unused_plane = ^plane_i;

  tpe_add #(
      .InWidth(PairWidth),
      .Width  (AccWidth)
  ) u_add (
      .sum_i  (psum_i[0+:PairWidth]),
      .carry_i(psum_i[PairWidth+:PairWidth]),
      .word_o (resolved)
  );

  if (FinishLatency == 0) begin : gen_wires
    assign kept = resolved;
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_register
    logic [AccWidth-1:0] kept_q;

    always_ff @(posedge clk_i) begin
      if (en_i) kept_q <= resolved;
    end

    assign kept = kept_q;
  end

  tpe_accumulate #(
      .NumOps(2),
      .Width (AccWidth)
  ) u_accumulate (
      .op_i   ({kept, acc_i}),
      .total_o(c_o)
  );

endmodule

`default_nettype wire
