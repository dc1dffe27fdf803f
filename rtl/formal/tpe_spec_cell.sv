// tpe_spec_cell -- specification: a cell of one lane, registers around what a step makes of a psum.
//
// A term made of the operands goes with its flags through CellLatency registers; of it and of
// psum_i, or of zero with a first step, the next psum is made. en_i = 0 holds all of it. What is
// made is left open: tpe_spec_next is bound to the arithmetic of a PE, or to one that has none.
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

  if (Lanes != 1 || CodeWidth != AWidth || AccWidth < 1) begin : gen_check
    $error("tpe_spec_cell: Lanes = 1, CodeWidth = AWidth, AccWidth one bit at least");
  end

  localparam int unsigned TermWidth = CodeWidth + BWidth + 5;  // room for any product in parts

  // [s]: s registers after the ports
  logic [CellLatency:0]                valid, first;
  logic [CellLatency:0][TermWidth-1:0] term;
  logic [PsumWidth-1:0]                next, psum_q;

  assign valid[0] = valid_i;
  assign first[0] = first_i;

  if (CellLatency > 0) begin : gen_registers
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid[CellLatency:1] <= '0;
      end else if (en_i) begin
        valid[CellLatency:1] <= valid[CellLatency-1:0];
      end
    end

    always_ff @(posedge clk_i) begin
      for (int unsigned s = 0; s < CellLatency; s++) begin
        if (en_i && valid[s]) begin
          first[s+1] <= first[s];
          term[s+1]  <= term[s];
        end
      end
    end
  end

  tpe_spec_next #(
      .CodeWidth(CodeWidth),
      .BWidth   (BWidth),
      .PsumWidth(PsumWidth),
      .TermWidth(TermWidth)
  ) u_next (
      .code_i,
      .b_i,
      .term_o(term[0]),
      .term_i(term[CellLatency]),
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
