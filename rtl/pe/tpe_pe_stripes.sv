// tpe_pe_stripes -- bit-serial cell: one bit of every operand of A a cycle, the sign bit first.
//
// A step is Lanes products. In a cycle the B of the lanes whose bit is one are added up; the sum
// so far is doubled first, so that no shifter is needed. The last cycle adds it to the psum.
// Reference : Stripes (MICRO 2016); two's complement and the order of the bits are assumed
// Latency   : a step takes AWidth cycles, whatever the operands; CellStages - 1 registers before
//             the psum register: 2 registers the sum of a bit, 3 also the B that it picks.
// Overflow  : the dot product of a step is exact; the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_stripes #(
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

  localparam int unsigned SumWidth   = BWidth + $clog2(Lanes);
  localparam int unsigned DotWidth   = AWidth + SumWidth;  // a dot product of Lanes products
  localparam int unsigned InnerWidth = (DotWidth < AccWidth) ? DotWidth : AccWidth;
  localparam int unsigned CountWidth = $clog2(AWidth);

  if (AWidth < 2 || CodeWidth != AWidth || PsumWidth != AccWidth
      || AccWidth < AWidth + BWidth) begin : gen_check
    $error("tpe_pe_stripes: CodeWidth = AWidth >= 2, PsumWidth = AccWidth >= AWidth + BWidth");
  end

  if (CellStages < 1 || CellStages > 3) begin : gen_check_stages
    $error("tpe_pe_stripes: CellStages must be 1..3");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [CountWidth-1:0]  bit_now, bit_q;      // the bit that this cycle takes
  logic                   over_q;              // the step has had its last bit
  logic                   last;
  logic [Lanes-1:0][BWidth-1:0] picked, picked_s;  // B where the bit is one; the same, staged
  logic [SumWidth-1:0]    sum, sum_s;          // of all lanes; the same, staged
  logic                   valid_s, start_s, first_s, last_s;  // of the bit whose sum that is
  logic [InnerWidth-1:0]  sum_wide, inner_d, inner_q;
  logic [AccWidth-1:0]    inner_acc, base, psum_q;

  assign bit_now = start_i ? CountWidth'(AWidth - 1) : bit_q;
  assign last    = !start_i && !over_q && (bit_q == '0);
  assign ready_o = last || (!start_i && over_q);

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign picked[l] = code_i[l*CodeWidth+32'(bit_now)] ? b_i[l*BWidth+:BWidth] : '0;
  end

  tpe_delay #(
      .Width (Lanes * BWidth),
      .Cycles((CellStages >= 3) ? 1 : 0)
  ) u_picked (
      .clk_i,
      .en_i,
      .d_i(picked),
      .d_o(picked_s)
  );

  always_comb begin
    sum = '0;
    for (int unsigned l = 0; l < Lanes; l++) sum = sum + SumWidth'($signed(picked_s[l]));
  end

  tpe_delay_reset #(
      .Width (4),
      .Cycles(CellStages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, start_i, first_i, last}),
      .d_o({valid_s, start_s, first_s, last_s})
  );

  tpe_delay #(
      .Width (SumWidth),
      .Cycles((CellStages >= 2) ? 1 : 0)
  ) u_sum (
      .clk_i,
      .en_i,
      .d_i(sum),
      .d_o(sum_s)
  );

  if (InnerWidth > SumWidth) begin : gen_sum_extend
    assign sum_wide = {{(InnerWidth - SumWidth) {sum_s[SumWidth-1]}}, sum_s};
  end else begin : gen_sum_cut
    assign sum_wide = sum_s[InnerWidth-1:0];
    if (SumWidth > InnerWidth) begin : gen_unused
      logic unused_sum;
      assign unused_sum = ^sum_s[SumWidth-1:InnerWidth];
    end
  end

  // The sign bit weighs -2**(AWidth - 1).
  assign inner_d = start_s ? -sum_wide : (inner_q << 1) + sum_wide;

  if (AccWidth > InnerWidth) begin : gen_extend
    assign inner_acc = {{(AccWidth - InnerWidth) {inner_d[InnerWidth-1]}}, inner_d};
  end else begin : gen_same
    assign inner_acc = inner_d;
  end

  assign base = (start_s && first_s) ? '0 : psum_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      over_q <= 1'b1;
      bit_q  <= '0;
    end else if (en_i && valid_i) begin
      over_q <= last || (!start_i && over_q);
      bit_q  <= (bit_now == '0) ? '0 : bit_now - 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_s) begin
      inner_q <= inner_d;
      psum_q  <= last_s ? base + inner_acc : base;
    end
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
