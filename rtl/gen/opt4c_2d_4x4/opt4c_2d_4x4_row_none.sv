// opt4c_2d_4x4_row_none -- the row term of a PE whose psum is its output's number: zero.
//
// Latency   : none.
`default_nettype none

module opt4c_2d_4x4_row_none #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 22,
    parameter int unsigned Lanes       = 1,
    parameter int unsigned CodeWidth   = 3,
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

  if (AWidth < 1 || BWidth < 1 || CellLatency > 1024) begin : gen_check  // those of any row
    $error("opt4c_2d_4x4_row_none: AWidth, BWidth at least 1");
  end

  logic unused_inputs;
  assign unused_inputs = ^{clk_i, rst_ni, en_i, valid_i, first_i, code_i, term_i};
  assign term_o        = '0;

endmodule

`default_nettype wire
