// tpe_row_digits -- what the finish adds to every psum of a row: ones left out, less the bias.
//
// Both depend on the row's operands of A alone, so that the cells of a row need not have them: the
// 4**i of every negative digit i (Negate), and as often as there is a product the
// 2**(BWidth+1) (4**NumDigits - 1) / 3 that its words have too much (Biased); see
// tpe_partial_products. It takes the steps of a cell, and starts anew where a cell does.
// Latency   : CellLatency registers before the term register, as in the cell.
// Overflow  : modulo 2**AccWidth.
`default_nettype none

module tpe_row_digits #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 1,
    parameter int unsigned CodeWidth   = AWidth,
    parameter int unsigned CellLatency = 0,
    parameter int unsigned Encoder     = tpe_pkg::EncoderBooth,
    parameter int unsigned Coded       = 0,  // 1: a code is digits, see tpe_unpack
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

  localparam int unsigned NumDigits = (AWidth + 1) / 2;
  localparam int unsigned NumOps    = Lanes + 1;  // what is lacking of every lane, and the term
  localparam int unsigned LackWidth = 2 * NumDigits + $clog2(Lanes);
  localparam logic [2*NumDigits-1:0] Weights = {NumDigits{2'b01}};  // 4**i, summed
  localparam logic [AccWidth-1:0] Excess =
      (Biased != 0) ? AccWidth'(Lanes) * (AccWidth'(Weights) << (BWidth + 1)) : '0;

  logic [Lanes-1:0][2*NumDigits-1:0] lack;    // 4**i of negative digits, by lane
  logic [LackWidth-1:0]              lacking; // of all lanes
  logic [LackWidth-1:0]              staged;
  logic                              valid, first;
  logic [AccWidth-1:0]               term_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [NumDigits-1:0][2:0] digit;

    tpe_digits #(
        .AWidth   (AWidth),
        .Encoder  (Encoder),
        .Coded    (Coded),
        .CodeWidth(CodeWidth)
    ) u_digits (
        .a_i    (code_i[l*CodeWidth+:CodeWidth]),
        .digit_o(digit)
    );

    for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
      assign lack[l][2*i+:2] = {1'b0, digit[i][2] && Negate == tpe_pkg::NegateRow};
      logic unused_select;
      assign unused_select = ^digit[i][1:0];
    end
  end

  always_comb begin
    lacking = '0;
    for (int unsigned l = 0; l < NumOps - 1; l++) lacking = lacking + LackWidth'(lack[l]);
  end

  tpe_delay #(
      .Width (LackWidth),
      .Cycles(CellLatency)
  ) u_stages (
      .clk_i,
      .en_i,
      .d_i(lacking),
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
