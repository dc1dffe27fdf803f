// tpe_prop_idle -- the psum stays through a cycle of en_i = 0, and past operands that are no step.
//
// Where these are zero and added (HoldZero), its number stays.
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
    parameter int unsigned Frozen     = 0,  // 1: en_i = 0; 0: valid_i = 0
    parameter int unsigned Hold       = tpe_pkg::HoldMux,
    parameter int unsigned Kind       = 0,  // of the psum, as tpe_spec_psum has it
    parameter int unsigned Weights    = 1,
    parameter int unsigned Width      = 32
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

  localparam int unsigned Wait = (Frozen == 1) ? 0 : Latency;
  localparam bit Enable = (Frozen == 0);

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
      .valid_i(valid_i && Frozen == 1),
      .first_i,
      .code_i ((Hold == tpe_pkg::HoldMux) ? code_i : '0),
      .b_i,
      .plane_i,
      .psum_i ((Hold == tpe_pkg::HoldMux) ? psum_i : psum),
      .psum_o (psum)
  );

  always_ff @(posedge clk_i) begin
    psum_q <= psum;
    done_q <= (Wait + 1)'({done_q, 1'b1});
  end

  logic [Weights-1:0][Width-1:0] unused_pair;
  logic [Width-1:0]              value, value_q;

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_value (
      .psum_i (psum),
      .pair_o (unused_pair),
      .value_o(value)
  );

  always_ff @(posedge clk_i) value_q <= value;

  assign fails_o = done_q[Wait]
                 && ((Hold == tpe_pkg::HoldMux) ? (psum != psum_q) : (value != value_q));

endmodule

`default_nettype wire
