// tpe_prop_pace -- a step of several cycles, from any state, is over within the most it may take.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_pace #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 16,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Most       = 8,
    parameter int unsigned Latency    = 0   // registers of the cell before its psum
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         first_i,
    input  wire  logic [PsumWidth-1:0]         before_i,  // the psum so far
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    output       logic                         fails_o
);

  logic                       unused_first, unused_done, late;
  logic [Lanes*CodeWidth-1:0] unused_code;
  logic [Lanes*BWidth-1:0]    unused_b;
  logic [PsumWidth-1:0]       unused_before, unused_psum;

  tpe_spec_steps #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .Most      (Most),
      .Latency   (Latency)
  ) u_steps (
      .clk_i,
      .first_i,
      .before_i,
      .code_i,
      .b_i,
      .first_o (unused_first),
      .code_o  (unused_code),
      .b_o     (unused_b),
      .before_o(unused_before),
      .done_o  (unused_done),
      .late_o  (late),
      .psum_o  (unused_psum)
  );

  assign fails_o = late;

endmodule

`default_nettype wire
