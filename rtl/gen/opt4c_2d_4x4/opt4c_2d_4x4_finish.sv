// opt4c_2d_4x4_finish -- the finish of opt4c
//
// opt4c_2d_4x4_finish_plane under the name that every array instantiates.
`default_nettype none

module opt4c_2d_4x4_finish #(
    parameter int unsigned AccWidth = 32,
    parameter int unsigned PsumWidth = 44,
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned FinishLatency = 0
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,    // the planes below, or zero
    output       logic [AccWidth-1:0]     c_o
);

  opt4c_2d_4x4_finish_plane #(
      .AccWidth(AccWidth),
      .PsumWidth(PsumWidth),
      .PlaneWidth(PlaneWidth),
      .FinishLatency(FinishLatency)
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
