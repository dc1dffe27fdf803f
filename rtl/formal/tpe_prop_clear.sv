// tpe_prop_clear -- a first step leaves the same psum, bit for bit, whatever psum_i is.
//
// fails_o   : the property does not hold; for every state of the registers.
`default_nettype none

module tpe_prop_clear #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Latency    = 0,  // registers of the cell before its psum
    parameter int unsigned Kind       = 0,  // of the psum, as tpe_spec_psum has it
    parameter int unsigned Weights    = 1,
    parameter int unsigned Width      = 32
) (
    input  wire  logic                         clk_i,
    input  wire  logic [1:0]                   later_i,  // flags of what follows the step
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    input  wire  logic [PsumWidth-1:0]         other_i,
    output       logic                         fails_o
);

  logic [1:0]                done;
  logic [1:0][PsumWidth-1:0] psum, psum_in;
  logic [1:0][Width-1:0]     unused_value;
  logic [1:0][Weights-1:0][Width-1:0] unused_pair;

  assign psum_in = {other_i, psum_i};

  for (genvar i = 0; i < 2; i++) begin : gen_cell
    tpe_spec_step #(
        .AWidth    (AWidth),
        .BWidth    (BWidth),
        .AccWidth  (AccWidth),
        .Lanes     (Lanes),
        .CodeWidth (CodeWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth),
        .Latency   (Latency),
        .Kind      (Kind),
        .Weights   (Weights),
        .Width     (Width)
    ) u_step (
        .clk_i,
        .first_i(1'b1),
        .later_i,
        .code_i,
        .b_i,
        .plane_i,
        .psum_i (psum_in[i]),
        .done_o (done[i]),
        .psum_o (psum[i]),
        .pair_o (unused_pair[i]),
        .value_o(unused_value[i])
    );
  end

  assign fails_o = &done && (psum[0] != psum[1]);

endmodule

`default_nettype wire
