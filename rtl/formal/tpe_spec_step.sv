// tpe_spec_step -- one step of a cell, and the number that its psum and its row's term stand for.
//
// The registers start as anything. The operands of the first cycle are the step, with first_i; what
// follows it has flags of its own, later_i {valid, first}. done_o, for one cycle: value_o is what
// the step left, made of its operands and of the psum_i of the cycle before.
`default_nettype none

module tpe_spec_step #(
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
    parameter int unsigned Width      = 32,
    parameter int unsigned Hold       = tpe_pkg::HoldMux  // of the cell: what is no step is zero
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         first_i,
    input  wire  logic [1:0]                   later_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic                         done_o,
    output       logic [PsumWidth-1:0]         psum_o,
    output       logic [Weights-1:0][Width-1:0] pair_o,
    output       logic [Width-1:0]             value_o
);

  logic             begun_q = 1'b0;  // the step has been given
  logic [Latency:0] done_q = '0;

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    done_q  <= (Latency + 1)'({done_q, !begun_q});
  end

  assign done_o = done_q[Latency];

  logic                       valid, first;
  logic [Lanes*CodeWidth-1:0] code;

  assign valid = begun_q ? later_i[1] : 1'b1;
  assign first = begun_q ? later_i[0] : first_i;
  assign code  = (valid || Hold == tpe_pkg::HoldMux) ? code_i : '0;

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
      .en_i   (1'b1),
      .valid_i(valid),
      .first_i(first),
      .code_i (code),
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o
  );

  // What the cell leaves to its row, which came from no step before.
  logic [AccWidth-1:0]             term;
  logic [Weights-1:0][Width-1:0]   pair;
  logic [Width-1:0]                value;

  tpe_row #(
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .CellLatency(Latency)
  ) u_row (
      .clk_i,
      .rst_ni (1'b1),
      .en_i   (1'b1),
      .valid_i(valid),
      .first_i(first),
      .code_i (code),
      .term_i ('0),
      .term_o (term)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_value (
      .psum_i (psum_o),
      .pair_o (pair),
      .value_o(value)
  );

  // Of several pairs none has the term: it is of all of them, and so of their number alone.
  always_comb begin
    pair_o = pair;
    if (Weights == 1) pair_o[0] = pair[0] + Width'(term);
    value_o = value + Width'(term);
  end

endmodule

`default_nettype wire
