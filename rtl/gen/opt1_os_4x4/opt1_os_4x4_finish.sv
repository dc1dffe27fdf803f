// opt1_os_4x4_finish -- the finish of opt1
//
// opt1_os_4x4_finish_carry_save under the name that every array instantiates.
`default_nettype none

module opt1_os_4x4_finish #(
    parameter int unsigned AccWidth = 32,
    parameter int unsigned PsumWidth = 64,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned FinishLatency = 0
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  opt1_os_4x4_finish_carry_save #(
      .AccWidth(AccWidth),
      .PsumWidth(PsumWidth),
      .PlaneWidth(PlaneWidth),
      .FinishLatency(FinishLatency),
      .Negate(opt1_os_4x4_pkg::NegateAdder),
      .Biased(0)
  ) u_finish (
      .clk_i,
      .en_i,
      .psum_i,
      .plane_i,
      .acc_i,
      .c_o
  );

endmodule

`default_nettype wire
