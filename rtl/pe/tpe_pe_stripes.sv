// tpe_pe_stripes -- bit-serial cell: one bit of every operand of A a cycle, the sign bit first.
//
// A step is Lanes products. In a cycle the B of the lanes whose bit is one are added up; the sum
// so far is doubled first, so that no shifter is needed. The last cycle adds it to the psum.
// Reference : Stripes (MICRO 2016); two's complement and the order of the bits are assumed
// Latency   : a step takes AWidth cycles, whatever the operands.
// Overflow  : the dot product of a step is exact; the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_stripes #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 16,        // operands of K in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand itself
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1
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

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [CountWidth-1:0]  bit_now, bit_q;      // the bit that this cycle takes
  logic                   over_q;              // the step has had its last bit
  logic                   last;
  logic [SumWidth-1:0]    sum;                 // the B of this bit, all lanes
  logic [InnerWidth-1:0]  sum_wide, inner_d, inner_q;
  logic [AccWidth-1:0]    inner_acc, base, psum_q;

  assign bit_now = start_i ? CountWidth'(AWidth - 1) : bit_q;
  assign last    = !start_i && !over_q && (bit_q == '0);
  assign ready_o = last || (!start_i && over_q);

  always_comb begin
    sum = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      if (code_i[l*CodeWidth+32'(bit_now)]) begin
        sum = sum + SumWidth'($signed(b_i[l*BWidth+:BWidth]));
      end
    end
  end

  if (InnerWidth > SumWidth) begin : gen_sum_extend
    assign sum_wide = {{(InnerWidth - SumWidth) {sum[SumWidth-1]}}, sum};
  end else begin : gen_sum_cut
    assign sum_wide = sum[InnerWidth-1:0];
    if (SumWidth > InnerWidth) begin : gen_unused
      logic unused_sum;
      assign unused_sum = ^sum[SumWidth-1:InnerWidth];
    end
  end

  // The sign bit weighs -2**(AWidth - 1).
  assign inner_d = start_i ? -sum_wide : (inner_q << 1) + sum_wide;

  if (AccWidth > InnerWidth) begin : gen_extend
    assign inner_acc = {{(AccWidth - InnerWidth) {inner_d[InnerWidth-1]}}, inner_d};
  end else begin : gen_same
    assign inner_acc = inner_d;
  end

  assign base = (start_i && first_i) ? '0 : psum_i;

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
    if (en_i && valid_i) begin
      inner_q <= inner_d;
      psum_q  <= last ? base + inner_acc : base;
    end
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
