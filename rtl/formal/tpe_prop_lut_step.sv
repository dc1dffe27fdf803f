// tpe_prop_lut_step -- a step adds what its bits look up, and counts once, with its flags.
//
// en_i, valid_i, first_i, the table, the bits and psum_i are free in every cycle after the reset.
// From the first step on that reaches it, the psum is the one of a step, or of zero with first_i,
// plus what tpe_spec_lut_step has of the same cycle's operands; else it stays. Operands are legal,
// as tpe_prop_lut_dot finds all of them.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_lut_step #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 4,
    parameter int unsigned CodeWidth  = 22,
    parameter int unsigned PsumWidth  = 33,
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Inversion  = tpe_pkg::InversionOffline,
    parameter int unsigned Latency    = 0  // registers of the cell before its psum
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic                         fails_o
);

  logic                            rst_nq = 1'b0;   // the first cycle is the reset
  logic                            known_q = 1'b0;  // the psum has been written
  logic [Latency:0]                valid_at, first_at;  // [s]: s registers after the operands
  logic [Latency:0][PsumWidth-1:0] added_at;
  logic [PsumWidth-1:0]            psum, expected_q;
  logic                            legal, legal_q = 1'b1;

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
      .rst_ni (rst_nq),
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o (psum)
  );

  tpe_spec_lut_step #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PlaneWidth(PlaneWidth),
      .Table     (Table),
      .Inversion (Inversion),
      .Width     (PsumWidth)
  ) u_added (
      .code_i,
      .b_i,
      .plane_i,
      .added_o(added_at[0]),
      .legal_o(legal)
  );

  assign valid_at[0] = valid_i && rst_nq;
  assign first_at[0] = first_i;

  if (Latency > 0) begin : gen_pipeline
    always_ff @(posedge clk_i) begin
      if (!rst_nq) valid_at[Latency:1] <= '0;
      else if (en_i) valid_at[Latency:1] <= valid_at[Latency-1:0];
      if (en_i) begin
        first_at[Latency:1] <= first_at[Latency-1:0];
        added_at[Latency:1] <= added_at[Latency-1:0];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    rst_nq <= 1'b1;
    if (!legal) legal_q <= 1'b0;
    if (rst_nq && en_i && valid_at[Latency]) begin
      known_q    <= 1'b1;
      expected_q <= (first_at[Latency] ? '0 : psum_i) + added_at[Latency];
    end
  end

  assign fails_o = known_q && legal_q && psum != expected_q;

endmodule

`default_nettype wire
