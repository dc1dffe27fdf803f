// tpe_row_inner -- what a row of digits of any bit weight adds to every psum: ones, less the bias.
//
// Both depend on the row's digits alone, so that its cells need not have them: the 4**plane of
// every negative digit (Negate), and 2**(BWidth+1) 4**plane too much for every digit that a step
// takes, zero or not (Biased); see tpe_pe_opt4c_inner. It takes the steps of a cell, and starts
// anew where a cell does.
// Latency   : CellLatency registers before the term register, as in the cell.
// Overflow  : modulo 2**AccWidth.
`default_nettype none

module tpe_row_inner #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 1,
    parameter int unsigned CodeWidth   = 7,   // a code is {operand, plane, digit {neg, two, one}}
    parameter int unsigned PlaneWidth  = 2,
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

  localparam int unsigned NumOps    = Lanes + 1;  // what is lacking of every lane, and the term
  localparam int unsigned NumDigits = (AWidth + 1) / 2;
  // A lane's bias is 2**(2 NumDigits + BWidth - 1) at most; what is lacking is less.
  localparam int unsigned MoreWidth = 2 * NumDigits + BWidth + Lanes - 1;

  if (CodeWidth < PlaneWidth + 3 || NumDigits > 2 ** PlaneWidth
      || AccWidth < AWidth + BWidth) begin : gen_check
    $error("tpe_row_inner: a code as it says; AccWidth >= AWidth + BWidth");
  end

  logic [Lanes-1:0][MoreWidth-1:0] lack, excess;       // by lane
  logic [MoreWidth-1:0]            more, staged;       // of a step, signed
  logic                            valid, first;
  logic [AccWidth-1:0]             term_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [PlaneWidth-1:0] plane;
    logic [MoreWidth-1:0]  weight;  // 4**plane

    assign plane     = code_i[l*CodeWidth+3+:PlaneWidth];
    assign lack[l]   = (code_i[l*CodeWidth+2] && Negate == tpe_pkg::NegateRow) ? weight : '0;
    assign excess[l] = (Biased != 0) ? weight << (BWidth + 1) : '0;

    always_comb begin
      weight = '0;
      for (int unsigned p = 0; p < NumDigits; p++) weight[2*p] = (plane == PlaneWidth'(p));
    end
  end

  always_comb begin
    more = '0;
    for (int unsigned l = 0; l < NumOps - 1; l++) more = more + lack[l] - excess[l];
  end

  tpe_delay #(
      .Width (MoreWidth),
      .Cycles(CellLatency)
  ) u_stages (
      .clk_i,
      .en_i,
      .d_i(more),
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
    if (en_i && valid) term_q <= (first ? '0 : term_i) + AccWidth'($signed(staged));
  end

  assign term_o = term_q;

  logic unused_code;
  assign unused_code = ^code_i;

endmodule

`default_nettype wire
