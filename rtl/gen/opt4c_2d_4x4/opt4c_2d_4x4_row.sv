// opt4c_2d_4x4_row -- the row of opt4c
//
// opt4c_2d_4x4_row_none under the name that every array instantiates.
`default_nettype none

module opt4c_2d_4x4_row #(
    parameter int unsigned AWidth = 8,
    parameter int unsigned BWidth = 8,
    parameter int unsigned AccWidth = 22,
    parameter int unsigned Lanes = 1,
    parameter int unsigned CodeWidth = 3,
    parameter int unsigned CellLatency = 0
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [AccWidth-1:0]          term_i,
    output       logic [AccWidth-1:0]          term_o
);

  opt4c_2d_4x4_row_none #(
      .AWidth(AWidth),
      .BWidth(BWidth),
      .AccWidth(AccWidth),
      .Lanes(Lanes),
      .CodeWidth(CodeWidth),
      .CellLatency(CellLatency)
  ) u_row (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .term_i,
      .term_o
  );

endmodule

`default_nettype wire
