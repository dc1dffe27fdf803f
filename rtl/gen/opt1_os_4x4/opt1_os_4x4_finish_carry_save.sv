// opt1_os_4x4_finish_carry_save -- the finish of a (sum, carry) pair: one adder, once per output.
//
// Primitive : add                  (arXiv:2503.06342, OPT1)
// Latency   : combinational. Modulo 2**AccWidth.
`default_nettype none

module opt1_os_4x4_finish_carry_save #(
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned PsumWidth  = 64,  // {carry, sum}
    parameter int unsigned PlaneWidth = 1
) (
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  if (PsumWidth != 2 * AccWidth) begin : gen_check
    $error("opt1_os_4x4_finish_carry_save: PsumWidth must be 2 AccWidth");
  end

  logic unused_inputs;
  assign unused_inputs = ^{plane_i, acc_i};

  opt1_os_4x4_add #(
      .InWidth(AccWidth),
      .Width  (AccWidth)
  ) u_add (
      .sum_i  (psum_i[0+:AccWidth]),
      .carry_i(psum_i[AccWidth+:AccWidth]),
      .word_o (c_o)
  );

endmodule

`default_nettype wire
