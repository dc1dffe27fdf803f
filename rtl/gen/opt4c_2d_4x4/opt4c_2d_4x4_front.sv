// opt4c_2d_4x4_front -- the front of opt4c
//
// opt4c_2d_4x4_front_sparse under the name that every array instantiates.
`default_nettype none

module opt4c_2d_4x4_front #(
    parameter int unsigned AWidth = 8,
    parameter int unsigned Lanes = 1,
    parameter int unsigned Group = 4,
    parameter int unsigned CodeWidth = 3,
    parameter int unsigned IndexWidth = 12,
    parameter int unsigned PlaneWidth = 2
) (
    input  wire  logic                               clk_i,
    input  wire  logic                               rst_ni,
    input  wire  logic                               en_i,       // 0 holds every register
    // groups of A, a stream per lane: taken in an enabled cycle
    input  wire  logic [Lanes-1:0]                   valid_i,
    output       logic [Lanes-1:0]                   ready_o,    // whatever en_i is: it comes late
    input  wire  logic [Lanes*Group*AWidth-1:0]      a_i,
    input  wire  logic [Lanes-1:0]                   last_i,     // the lane's last group of K
    output       logic [Lanes-1:0]                   closing_o,  // its next group: last plane
    // steps: one a cycle
    output       logic                               valid_o,
    output       logic [Lanes*CodeWidth-1:0]         code_o,     // zero: the lane has no digit
    output       logic [Lanes-1:0][IndexWidth-1:0]   index_o,    // rows of B
    output       logic [PlaneWidth-1:0]              plane_o,
    output       logic                               first_o,    // the first step of a plane
    output       logic                               last_o,     // the last step of a plane
    output       logic                               final_o     // the plane is the last one
);

  opt4c_2d_4x4_front_sparse #(
      .AWidth(AWidth),
      .Lanes(Lanes),
      .Group(Group),
      .CodeWidth(CodeWidth),
      .IndexWidth(IndexWidth),
      .PlaneWidth(PlaneWidth),
      .Encoder(opt4c_2d_4x4_pkg::EncoderEnt)
  ) u_front (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .ready_o,
      .a_i,
      .last_i,
      .closing_o,
      .valid_o,
      .code_o,
      .index_o,
      .plane_o,
      .first_o,
      .last_o,
      .final_o
  );

endmodule

`default_nettype wire
