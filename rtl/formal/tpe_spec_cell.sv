// tpe_spec_cell -- specification: a cell of one lane, registers around what a step makes of a psum.
//
// Operands and their flags go through CellLatency registers; then tpe_spec_next makes the next psum
// of them and of psum_i, or of zero with a first step. en_i = 0 holds all of it. What tpe_spec_next
// makes is left open: it is bound to the arithmetic of a PE, or to one that has none.
`default_nettype none

module tpe_spec_cell #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 1,
    parameter int unsigned CodeWidth   = AWidth,
    parameter int unsigned PsumWidth   = AccWidth,
    parameter int unsigned PlaneWidth  = 1,
    parameter int unsigned CellLatency = 0
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

  // [s]: s registers after the ports
  logic [CellLatency:0]                valid, first;
  logic [CellLatency:0][CodeWidth-1:0] code;
  logic [CellLatency:0][BWidth-1:0]    b;
  logic [PsumWidth-1:0]                next, psum_q;

  assign valid[0] = valid_i;
  assign first[0] = first_i;
  assign code[0]  = code_i;
  assign b[0]     = b_i;

  if (CellLatency > 0) begin : gen_registers
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid[CellLatency:1] <= '0;
      end else if (en_i) begin
        valid[CellLatency:1] <= valid[CellLatency-1:0];
      end
    end

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        first[CellLatency:1] <= first[CellLatency-1:0];
        code[CellLatency:1]  <= code[CellLatency-1:0];
        b[CellLatency:1]     <= b[CellLatency-1:0];
      end
    end
  end

  tpe_spec_next #(
      .CodeWidth(CodeWidth),
      .BWidth   (BWidth),
      .PsumWidth(PsumWidth)
  ) u_next (
      .code_i(code[CellLatency]),
      .b_i   (b[CellLatency]),
      .psum_i(first[CellLatency] ? '0 : psum_i),
      .psum_o(next)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid[CellLatency]) psum_q <= next;
  end

  assign psum_o = psum_q;

  logic unused_inputs;
  assign unused_inputs = ^{rst_ni, plane_i};

endmodule

`default_nettype wire
