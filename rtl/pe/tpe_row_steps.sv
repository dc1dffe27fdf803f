// tpe_row_steps -- what a row of digits adds to every psum: ones left out, less the bias.
//
// Both depend on the row's digits alone, so that its cells need not have them: a 1 for every
// negative digit (Negate), and 2**(BWidth+1) too much for every digit a step takes, zero or not
// (Biased); see tpe_pe_opt4c. It takes the steps of a cell, and starts anew where a cell does.
// Latency   : CellLatency registers before the term register, as in the cell.
// Overflow  : modulo 2**AccWidth.
`default_nettype none

module tpe_row_steps #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 22,  // of the term
    parameter int unsigned Lanes       = 1,
    parameter int unsigned CodeWidth   = 3,   // a code is one digit {neg, two, one}
    parameter int unsigned CellLatency = 0,
    parameter int unsigned Negate      = tpe_pkg::NegateRow,
    parameter int unsigned Biased      = 0
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: term holds
    input  wire  logic                         first_i,  // start from zero instead of term_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [AccWidth-1:0]          term_i,
    output       logic [AccWidth-1:0]          term_o
);

  if (CodeWidth != 3 || AWidth < 1) begin : gen_check
    $error("tpe_row_steps: CodeWidth = 3");
  end

  // A code is an operand of one digit, which comes as a select is: as Booth's digits travel.
  tpe_row_digits #(
      .AWidth     (2),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .CellLatency(CellLatency),
      .Encoder    (tpe_pkg::EncoderBooth),
      .Coded      (1),
      .Negate     (Negate),
      .Biased     (Biased)
  ) u_digits (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .term_i,
      .term_o
  );

endmodule

`default_nettype wire
