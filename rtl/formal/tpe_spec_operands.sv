// tpe_spec_operands -- in place of a cell: psum_o is what it gets for operands, {code_i, b_i}.
`default_nettype none

module tpe_spec_operands #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 16,  // Lanes * (CodeWidth + BWidth)
    parameter int unsigned PlaneWidth = 1
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  if (AWidth < 1 || AccWidth < 1 || PsumWidth < Lanes * (CodeWidth + BWidth)) begin : gen_check
    $error("tpe_spec_operands: psum_o holds the operands");
  end

  logic unused_inputs;
  assign unused_inputs = ^{clk_i, rst_ni, en_i, valid_i, first_i, plane_i, psum_i};
  assign psum_o        = PsumWidth'({code_i, b_i});

endmodule

`default_nettype wire
