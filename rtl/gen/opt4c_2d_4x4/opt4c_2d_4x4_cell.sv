// opt4c_2d_4x4_cell -- the cell of opt4c
//
// opt4c_2d_4x4_pe_opt4c under the name that every array instantiates.
`default_nettype none

module opt4c_2d_4x4_cell #(
    parameter int unsigned AWidth = 8,
    parameter int unsigned BWidth = 8,
    parameter int unsigned AccWidth = 32,
    parameter int unsigned Lanes = 1,
    parameter int unsigned CodeWidth = 3,
    parameter int unsigned PsumWidth = 44,
    parameter int unsigned PlaneWidth = 2
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  opt4c_2d_4x4_pe_opt4c #(
      .AWidth(AWidth),
      .BWidth(BWidth),
      .AccWidth(AccWidth),
      .Lanes(Lanes),
      .CodeWidth(CodeWidth),
      .PsumWidth(PsumWidth),
      .PlaneWidth(PlaneWidth),
      .Negate(opt4c_2d_4x4_pkg::NegateAdder),
      .Biased(0),
      .Hold(opt4c_2d_4x4_pkg::HoldMux),
      .CarryEvery(1)
  ) u_cell (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o
  );

endmodule

`default_nettype wire
