// tpe_pe_bipolar -- operands of A times weights of one bit, +1 or -1, summed in a word.
//
// A weight of 0 stands for -1: the operand is complemented, and the ones that complete its
// negative are counted and added once. There is no weight of zero, so that a padded operand of K
// must have a zero in A.
// Reference : arXiv:2409.17870
// Latency   : none before the psum register. One step of Lanes products a cycle.
// Overflow  : the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_bipolar #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 1,         // 1: +1, 0: -1
    parameter int unsigned AccWidth   = 24,
    parameter int unsigned Lanes      = 1,         // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  if (BWidth != 1 || CodeWidth != AWidth) begin : gen_check_operands
    $error("tpe_pe_bipolar: BWidth = 1, CodeWidth = AWidth");
  end
  if (PsumWidth != AccWidth || AccWidth < AWidth + 1) begin : gen_check
    $error("tpe_pe_bipolar: PsumWidth = AccWidth > AWidth");
  end

  logic unused_inputs;
  assign unused_inputs = ^{rst_ni, plane_i};

  logic [Lanes+1:0][AccWidth-1:0] addend;
  logic [AccWidth-1:0]            negative;  // lanes whose weight is -1
  logic [AccWidth-1:0]            psum_d, psum_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [AWidth-1:0] operand;
    assign operand   = code_i[l*CodeWidth+:CodeWidth] ^ {AWidth{!b_i[l]}};
    assign addend[l] = {{(AccWidth - AWidth) {operand[AWidth-1]}}, operand};
  end

  always_comb begin
    negative = '0;
    for (int unsigned l = 0; l < Lanes; l++) negative = negative + AccWidth'(!b_i[l]);
  end

  assign addend[Lanes]   = negative;
  assign addend[Lanes+1] = first_i ? '0 : psum_i;

  tpe_accumulate #(
      .NumOps(Lanes + 2),
      .Width (AccWidth)
  ) u_accumulate (
      .op_i   (addend),
      .total_o(psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
