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

  localparam int unsigned NumOps     = Lanes + 1;  // what is lacking of every lane, and the term
  localparam int unsigned CountWidth = $clog2(NumOps);
  localparam logic [AccWidth-1:0] Excess =
      (Biased != 0) ? AccWidth'(Lanes) << (BWidth + 1) : '0;

  if (CodeWidth != 3 || AWidth < 1) begin : gen_check
    $error("tpe_row_steps: CodeWidth = 3");
  end

  logic [CountWidth-1:0] negative, staged;  // digits of the step
  logic                  valid, first;
  logic [AccWidth-1:0]   term_q;

  always_comb begin
    negative = '0;
    for (int unsigned l = 0; l < NumOps - 1; l++) begin
      negative = negative + CountWidth'(code_i[l*CodeWidth+2] && Negate == tpe_pkg::NegateRow);
    end
  end

  logic unused_code;
  assign unused_code = ^code_i;

  tpe_delay #(
      .Width (CountWidth),
      .Cycles(CellLatency)
  ) u_stages (
      .clk_i,
      .en_i,
      .d_i(negative),
      .d_o(staged)
  );

  tpe_delay_reset #(
      .Width (2),
      .Cycles(CellLatency)
  ) u_stages_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, first_i}),
      .d_o({valid, first})
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid) term_q <= (first ? '0 : term_i) + AccWidth'(staged) - Excess;
  end

  assign term_o = term_q;

endmodule

`default_nettype wire
