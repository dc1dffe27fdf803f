// tpe_finish_halved -- the finish of a psum that is twice a number and a bit: half, and a term.
//
// Latency   : combinational. Modulo 2**AccWidth; what is half a bit is the term's row's to know.
`default_nettype none

module tpe_finish_halved #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = AccWidth + 1,
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned FinishLatency = 0  // registers inside: none
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,    // the term of the row
    output       logic [AccWidth-1:0]     c_o
);

  if (PsumWidth != AccWidth + 1 || FinishLatency != 0) begin : gen_check
    $error("tpe_finish_halved: PsumWidth = AccWidth + 1, FinishLatency = 0");
  end

  logic unused_inputs;
  assign unused_inputs = ^{clk_i, en_i, plane_i, psum_i[0]};

  tpe_add #(
      .InWidth(AccWidth),
      .Width  (AccWidth)
  ) u_add (
      .sum_i  (psum_i[PsumWidth-1:1]),
      .carry_i(acc_i),
      .word_o (c_o)
  );

endmodule

`default_nettype wire
