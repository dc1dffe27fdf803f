// tpe_row_lut_tc -- what a row of tables leaves to its finish: minus half the activations' sum.
//
// Cells sum a (2 w + 1): twice what they should and the sum of a too much, which is the row's.
// Entry 0 of a half table is minus the sum of its group; it comes once, with the group's plane 0.
// Both sums are odd or even together, so that each may be halved by itself, downwards: minus the
// half of a sum s, downwards, is (1 - s) >> 1.
// Reference : arXiv:2408.06003: the zero point's term, -s' z' sum of a, of s' = 1/2 and z' = 1
// Latency   : CellLatency registers before the term's, as in the cell.
// Overflow  : modulo 2**AccWidth.
`default_nettype none

module tpe_row_lut_tc #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 4,
    parameter int unsigned CodeWidth   = 22,
    parameter int unsigned CellLatency = 0
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: term holds
    input  wire  logic                         first_i,  // start from zero
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,   // the table with plane 0, else zeros
    input  wire  logic [AccWidth-1:0]          term_i,   // unused: the sum has a bit more
    output       logic [AccWidth-1:0]          term_o
);

  if (BWidth < 1 || AWidth < 2) begin : gen_check
    $error("tpe_row_lut_tc: AWidth at least 2, BWidth 1");
  end

  localparam int unsigned EntryWidth = $clog2(Lanes * 2 ** (AWidth - 1) + 1) + 1;

  logic                  valid_s, first_s;
  logic [EntryWidth-1:0] less, less_s;  // minus the sum of the group; the same, staged
  logic [AccWidth:0]     sum_q;         // 1 minus the sum so far
  logic                  unused_bits;

  assign unused_bits = ^{term_i, code_i, sum_q[0]};
  assign less        = code_i[EntryWidth-1:0];

  tpe_delay #(
      .Width (EntryWidth),
      .Cycles(CellLatency)
  ) u_less (
      .clk_i,
      .en_i,
      .d_i(less),
      .d_o(less_s)
  );

  tpe_delay_reset #(
      .Width (2),
      .Cycles(CellLatency)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, first_i}),
      .d_o({valid_s, first_s})
  );

  logic [AccWidth:0] from;
  assign from = first_s ? (AccWidth + 1)'(1) : sum_q;

  always_ff @(posedge clk_i) begin
    if (en_i && valid_s) sum_q <= from + (AccWidth + 1)'($signed(less_s));
  end

  assign term_o = sum_q[AccWidth:1];

endmodule

`default_nettype wire
