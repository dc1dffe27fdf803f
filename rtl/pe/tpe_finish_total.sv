// tpe_finish_total -- the finish of a psum whose lowest words are the pair of the total: one adder.
//
// The words above it, the pair of the plane, are the cell's own.
// Primitive : add                  (arXiv:2503.06342, OPT2 with the bit weights in time)
// Latency   : FinishLatency cycles, 0 or 1: then the adder is cut. Modulo 2**AccWidth.
`default_nettype none

module tpe_finish_total #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 4 * AccWidth,  // {the plane's pair, carry, sum}
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  if (PsumWidth != 4 * AccWidth) begin : gen_check
    $error("tpe_finish_total: PsumWidth must be 4 AccWidth");
  end

  logic unused_inputs;
  assign unused_inputs = ^{psum_i[PsumWidth-1:2*AccWidth], plane_i, acc_i};

  if (FinishLatency > 1) begin : gen_check_latency
    $error("tpe_finish_total: FinishLatency must be 0 or 1");
  end

  if (FinishLatency == 0) begin : gen_add
    tpe_add #(
        .InWidth(AccWidth),
        .Width  (AccWidth)
    ) u_add (
        .sum_i  (psum_i[0+:AccWidth]),
        .carry_i(psum_i[AccWidth+:AccWidth]),
        .word_o (c_o)
    );
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_add_cut
    tpe_add_cut #(
        .Width   (AccWidth),
        .LowWidth(AccWidth * 5 / 8)
    ) u_add (
        .clk_i,
        .en_i,
        .sum_i  (psum_i[0+:AccWidth]),
        .carry_i(psum_i[AccWidth+:AccWidth]),
        .word_o (c_o)
    );
  end

endmodule

`default_nettype wire
