// tpe_finish_pass -- the finish of a pass of K: resolve the pair of all bit weights, accumulate.
//
// Primitive : add, accumulate            (arXiv:2503.06342, OPT1)
// The pair is resolved at the width that holds a pass before it is widened.
// Latency   : combinational. The accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_finish_pass #(
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned PsumWidth  = 56,  // {carry, sum}
    parameter int unsigned PlaneWidth = 2
) (
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,    // the passes before, or zero
    output       logic [AccWidth-1:0]     c_o
);

  localparam int unsigned PairWidth = PsumWidth / 2;

  if (PsumWidth % 2 != 0 || PairWidth > AccWidth) begin : gen_check
    $error("tpe_finish_pass: PsumWidth must be even, 2 AccWidth at most");
  end

  logic [AccWidth-1:0] resolved;

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

  tpe_accumulate #(
      .NumOps(2),
      .Width (AccWidth)
  ) u_accumulate (
      .op_i   ({resolved, acc_i}),
      .total_o(c_o)
  );

endmodule

`default_nettype wire
