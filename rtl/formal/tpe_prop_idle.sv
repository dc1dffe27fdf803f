// tpe_prop_idle -- the psum stays through a cycle of en_i = 0, and past operands that are no step.
//
// Operands whose valid_i was 0 reach the psum register Latency cycles later: it must not change.
// fails_o   : the property does not hold; for every state of the registers.
`default_nettype none

module tpe_prop_idle #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Latency    = 0,  // registers of the cell before its psum
    parameter int unsigned Hold       = 0   // 1: en_i = 0; 0: valid_i = 0
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         first_i,
    input  wire  logic                         valid_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic                         fails_o
);

  localparam int unsigned Wait = (Hold == 1) ? 0 : Latency;
  localparam bit Enable = (Hold == 0);

  logic [PsumWidth-1:0] psum, psum_q;
  logic [Wait:0]        done_q = '0;

  tpe_cell #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_cell (
      .clk_i,
      .rst_ni (1'b1),
      .en_i   (Enable),
      .valid_i(valid_i && Hold == 1),
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o (psum)
  );

  always_ff @(posedge clk_i) begin
    psum_q <= psum;
    done_q <= (Wait + 1)'({done_q, 1'b1});
  end

  assign fails_o = done_q[Wait] && (psum != psum_q);

endmodule

`default_nettype wire
