// tpe_pe_bitlet -- bit-interleaved cell: every magnitude column of A takes one of its ones a cycle.
//
// A step is Lanes products. The magnitudes of A are a matrix of bits, a row per lane; in a cycle
// each column picks its next one, and the column's weight times the signed B of that lane is added.
// Reference : Bitlet (MICRO 2021); which one of a column goes first is assumed
// Latency   : a step takes as many cycles as its fullest column has ones, at least one; CellStages
//             - 1 registers before the psum register: 2 registers the B that the columns pick, 3
//             also their sum.
// Overflow  : the sum of a cycle is exact; the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_bitlet #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 16,        // operands of K in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand itself
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned CellStages = 1          // 1..3
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         start_i,  // the first cycle of the step
    input  wire  logic                         first_i,  // it starts from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,   // held while the step lasts
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o,
    output       logic                         ready_o   // this cycle ends the step, or it is over
);

  localparam int unsigned SumWidth   = AWidth + BWidth;  // |sum| < 2**AWidth * 2**(BWidth - 1)
  localparam int unsigned Group      = (Lanes > 1) ? Lanes : 2;
  localparam int unsigned IndexWidth = $clog2(Group);

  if (AWidth < 2 || CodeWidth != AWidth || PsumWidth != AccWidth
      || AccWidth < SumWidth) begin : gen_check
    $error("tpe_pe_bitlet: CodeWidth = AWidth >= 2, PsumWidth = AccWidth >= AWidth + BWidth");
  end

  if (CellStages < 1 || CellStages > 3) begin : gen_check_stages
    $error("tpe_pe_bitlet: CellStages must be 1..3");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Group-1:0][AWidth-1:0]      magnitude;  // of the lowest operand: 2**(AWidth - 1)
  logic [Group-1:0][BWidth:0]        signed_b;   // times the sign of A
  logic [AWidth-1:0][Group-1:0]      ones;       // by column: the lanes with a one
  logic [AWidth-1:0][Group-1:0]      now, rest, rest_q;
  logic [AWidth-1:0][IndexWidth-1:0] index;
  logic [AWidth-1:0]                 some, some_s;      // the column has a one; the same, staged
  logic [AWidth-1:0][BWidth:0]       picked, picked_s;  // of that lane; the same, staged
  logic [SumWidth-1:0]               sum, sum_s;
  logic                              valid_s, clear_s;  // of the sum that is added
  logic [AccWidth-1:0]               sum_acc, base, psum_q;

  for (genvar l = 0; l < Group; l++) begin : gen_lane
    if (l < Lanes) begin : gen_operand
      logic [AWidth-1:0] a;
      logic [BWidth-1:0] b;
      assign a = code_i[l*CodeWidth+:AWidth];
      assign b = b_i[l*BWidth+:BWidth];
      assign magnitude[l] = a[AWidth-1] ? -a : a;
      assign signed_b[l]  = a[AWidth-1] ? -{b[BWidth-1], b} : {b[BWidth-1], b};
    end else begin : gen_none
      assign magnitude[l] = '0;
      assign signed_b[l]  = '0;
    end
    for (genvar p = 0; p < AWidth; p++) begin : gen_transpose
      assign ones[p][l] = magnitude[l][p];
    end
  end

  assign now = start_i ? ones : rest_q;

  for (genvar p = 0; p < AWidth; p++) begin : gen_column
    tpe_sparse #(
        .Group(Group)
    ) u_sparse (
        .nonzero_i(now[p]),
        .index_o  (index[p]),
        .rest_o   (rest[p])
    );

    assign some[p]   = |now[p];
    assign picked[p] = signed_b[index[p]];
  end

  tpe_delay #(
      .Width (AWidth * (BWidth + 2)),
      .Cycles((CellStages >= 2) ? 1 : 0)
  ) u_picked (
      .clk_i,
      .en_i,
      .d_i({some, picked}),
      .d_o({some_s, picked_s})
  );

  always_comb begin
    sum = '0;
    for (int unsigned p = 0; p < AWidth; p++) begin
      sum = sum + (some_s[p] ? SumWidth'($signed(picked_s[p])) << p : '0);
    end
  end

  tpe_delay #(
      .Width (SumWidth),
      .Cycles((CellStages >= 3) ? 1 : 0)
  ) u_sum (
      .clk_i,
      .en_i,
      .d_i(sum),
      .d_o(sum_s)
  );

  tpe_delay_reset #(
      .Width (2),
      .Cycles(CellStages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, start_i && first_i}),
      .d_o({valid_s, clear_s})
  );

  if (AccWidth > SumWidth) begin : gen_extend
    assign sum_acc = {{(AccWidth - SumWidth) {sum_s[SumWidth-1]}}, sum_s};
  end else begin : gen_same
    assign sum_acc = sum_s;
  end

  assign ready_o = ~|rest;
  assign base    = clear_s ? '0 : psum_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) rest_q <= '0;
    else if (en_i && valid_i) rest_q <= rest;
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_s) psum_q <= base + sum_acc;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
