// opt4c_2d_4x4_pe_opt4c -- OPT4C, shared-encoder column: one non-zero digit a step, a 3:2 compressor.
//
// Encode and sparse left the cell (a front shared by the row), as did add, shift and accumulate
// (a finish shared by the column, once per bit weight). The pair holds one bit weight only.
// With Lanes, as many digits a step and a (Lanes + 2):2 compressor: the cell of OPT4E.
// With CarryEvery the running sum keeps a carry every so many bits: opt4c_2d_4x4_accumulate_kept takes the
// word of a step, or the two that the words of all lanes are compressed to. What NegateRow leaves
// out and Biased adds is the row's: opt4c_2d_4x4_row_steps.
// Reference : arXiv:2503.06342, OPT3 and OPT4
// Latency   : no register before the psum register. One digit a lane and cycle.
// Overflow  : none while a pass sums at most the K that PsumWidth was computed for.
`default_nettype none

module opt4c_2d_4x4_pe_opt4c #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 3,    // a code is one digit {neg, two, one}
    parameter int unsigned PsumWidth  = 44,   // {carry, sum}, the sum as wide as one plane needs
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned Negate     = opt4c_2d_4x4_pkg::NegateAdder,
    parameter int unsigned Biased     = 0,    // 1: no multiple is negative
    parameter int unsigned Hold       = opt4c_2d_4x4_pkg::HoldMux,  // HoldZero: see below
    parameter int unsigned CarryEvery = 1     // bits from one carry that is kept to the next
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

  localparam int unsigned PairWidth = (CarryEvery == 1)
      ? PsumWidth / 2 : PsumWidth - (PsumWidth - 1) / (CarryEvery + 1);
  localparam int unsigned Carries   = PsumWidth - PairWidth;
  localparam int unsigned OneWidth  = BWidth + 2;
  localparam int unsigned FreeBits  = (Negate == opt4c_2d_4x4_pkg::NegateFreeBits) ? 1 : 0;
  localparam int unsigned Whole     = (Negate == opt4c_2d_4x4_pkg::NegateAdder) ? 1 : 0;

  if (CodeWidth != 3 || PairWidth < OneWidth || PairWidth > AccWidth || AWidth > 17
      || (CarryEvery == 1 && PsumWidth % 2 != 0)) begin : gen_check
    $error("opt4c_2d_4x4_pe_opt4c: CodeWidth = 3, BWidth + 2 <= width of the sum <= AccWidth");
  end
  if (CarryEvery < 1 || (CarryEvery > 1 && FreeBits != 0)) begin : gen_check_every
    $error("opt4c_2d_4x4_pe_opt4c: CarryEvery of 1 or more, 1 with NegateFreeBits");
  end

  // With HoldZero the code is zero where valid_i is low, so that nothing needs an enable: what is
  // added then is zero. While en_i is low the clock is stopped by whoever has it.
  localparam bit Held = (Hold == opt4c_2d_4x4_pkg::HoldMux);
  logic step;  // the operands count
  assign step = valid_i || Held;

  logic unused_inputs;
  assign unused_inputs = ^{plane_i, rst_ni, en_i};

  logic [Lanes-1:0][PairWidth-1:0]  addend;
  logic [Lanes-1:0]                 negative;  // a 1 is to be added to the word
  logic [PairWidth-1:0]             sum, sum_d, sum_q;
  logic [Carries-1:0]               carry, carry_d, carry_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [OneWidth-1:0] word, pp;

    opt4c_2d_4x4_multiple #(
        .InWidth   (BWidth),
        .Complement(1 - Whole)
    ) u_multiple (
        .digit_i   (code_i[l*CodeWidth+:CodeWidth]),
        .b_i       (b_i[l*BWidth+:BWidth]),
        .word_o    (word),
        .negative_o(negative[l])
    );

    assign pp = word ^ {step && Biased != 0, {(OneWidth - 1) {1'b0}}};

    if (PairWidth > OneWidth) begin : gen_extend
      assign addend[l] = {{(PairWidth - OneWidth) {pp[OneWidth-1] && Biased == 0}}, pp};
    end else begin : gen_same
      assign addend[l] = pp;
    end
  end

  assign {carry, sum} = (first_i && step) ? '0 : psum_i;

  if (CarryEvery > 1) begin : gen_kept
    localparam int unsigned Words = (Lanes > 1) ? 2 : 1;  // that are added one after another

    logic [Words*PairWidth-1:0]     word;
    logic [(Words+1)*PairWidth-1:0] sums;     // before each of them, and behind the last
    logic [(Words+1)*Carries-1:0]   carries;

    if (Lanes > 1) begin : gen_compress
      opt4c_2d_4x4_half_reduce #(
          .NumOps(Lanes),
          .Width (PairWidth)
      ) u_half_reduce (
          .op_i   (addend),
          .sum_o  (word[0+:PairWidth]),
          .carry_o(word[PairWidth+:PairWidth])
      );
    end else begin : gen_alone
      assign word = addend;
    end

    assign sums[0+:PairWidth]  = sum;
    assign carries[0+:Carries] = carry;

    for (genvar w = 0; w < Words; w++) begin : gen_word
      opt4c_2d_4x4_accumulate_kept #(
          .Width(PairWidth),
          .Every(CarryEvery)
      ) u_accumulate (
          .word_i (word[w*PairWidth+:PairWidth]),
          .sum_i  (sums[w*PairWidth+:PairWidth]),
          .carry_i(carries[w*Carries+:Carries]),
          .sum_o  (sums[(w+1)*PairWidth+:PairWidth]),
          .carry_o(carries[(w+1)*Carries+:Carries])
      );
    end

    assign sum_d   = sums[Words*PairWidth+:PairWidth];
    assign carry_d = carries[Words*Carries+:Carries];
  end else if (FreeBits != 0) begin : gen_ones
    opt4c_2d_4x4_half_reduce_ones #(
        .NumOps(Lanes + 2),
        .Width (PairWidth)
    ) u_half_reduce (
        .op_i   ({addend, carry, sum}),
        .one_i  (negative),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
  end else begin : gen_words
    opt4c_2d_4x4_half_reduce #(
        .NumOps(Lanes + 2),
        .Width (PairWidth)
    ) u_half_reduce (
        .op_i   ({carry, sum, addend}),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
  end

  logic unused_negative;
  assign unused_negative = ^negative;

  always_ff @(posedge clk_i) begin
    if ((en_i && valid_i) || !Held) begin
      sum_q   <= sum_d;
      carry_q <= carry_d;
    end
  end

  assign psum_o = {carry_q, sum_q};

endmodule

`default_nettype wire
