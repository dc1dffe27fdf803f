// tpe_finish_tensorcore -- a psum of tpe_pe_tensorcore with Period: its two sums, added in fp32.
//
// To nearest, ties to even. The psum is {steps [16], running [32], partial [32]}.
// Reference : arXiv:2512.07004
// Latency   : FinishLatency cycles: 0.
// Overflow  : infinity. NaN is {0, ones}.
`default_nettype none

module tpe_finish_tensorcore #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 80,
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  if (AccWidth != 32 || PsumWidth < 64 || FinishLatency != 0) begin : gen_check
    $error("tpe_finish_tensorcore: AccWidth = 32, PsumWidth >= 64, FinishLatency = 0");
  end

  tpe_fp_add #(
      .ExpWidth (8),
      .FracWidth(23),
      .NanOnes  (1)
  ) u_add (
      .a_i  (psum_i[63:32]),
      .b_i  (psum_i[31:0]),
      .sum_o(c_o)
  );

  logic unused_inputs;
  assign unused_inputs = ^{clk_i, en_i, plane_i, acc_i, psum_i};

endmodule

`default_nettype wire
