// tpe_pe_opt4c_inner -- OPT4C with all digits of a group inside: a digit is shifted in the cell.
//
// A code says of one digit its bit weight and which of the operands of B at the port it meets. The
// cell chooses the operand, makes its multiple, shifts it to the bit weight and compresses it with
// the pair, which has the accumulator's width and is resolved once per output. What NegateRow lacks
// and Biased adds, both at the digit's bit weight, is the row's: tpe_row_inner. With CarryEvery
// the sum keeps a carry every so many bits, and takes the words of the lanes one after another.
// Reference : arXiv:2503.06342, OPT4; there bit weights are outermost and the finish shifts
// Latency   : CellStages - 1 registers before the psum register, in this order: of the multiple; of
//             the operand that was chosen; of the shifted word. One digit a lane and cycle.
// Overflow  : the pair is exact modulo 2**AccWidth.
`default_nettype none

module tpe_pe_opt4c_inner #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 7,    // a code is {operand, plane, digit {neg, two, one}}
    parameter int unsigned PsumWidth  = 64,   // {carry, sum}; or {carries, sum}
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned Offered    = 4,    // operands of B at the port
    parameter int unsigned CellStages = 1,    // 1..4
    parameter int unsigned Negate     = tpe_pkg::NegateAdder,
    parameter int unsigned Biased     = 0,    // 1: no multiple is negative
    parameter int unsigned Hold       = tpe_pkg::HoldMux,  // HoldZero: see below
    parameter int unsigned CarryEvery = 1     // bits from one carry that is kept to the next
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Offered*BWidth-1:0]    b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  localparam int unsigned FreeBits    = (Negate == tpe_pkg::NegateFreeBits) ? 1 : 0;
  localparam int unsigned Whole       = (Negate == tpe_pkg::NegateAdder) ? 1 : 0;
  localparam int unsigned Carries     = PsumWidth - AccWidth;
  localparam int unsigned IndexWidth  = CodeWidth - PlaneWidth - 3;
  localparam int unsigned Above       = 2 * ((AWidth + 1) / 2 - 1);  // of the highest bit weight
  localparam int unsigned WordWidth   = BWidth + 2 + Above;
  // Below the word stand the bits that are shifted in: ones of a complement.
  localparam int unsigned ShiftWidth  = WordWidth + Above;

  if (Carries != ((CarryEvery == 1) ? AccWidth : (AccWidth - 1) / CarryEvery)
      || AccWidth < AWidth + BWidth || AWidth > 17
      || 2 ** IndexWidth < Offered || AccWidth < WordWidth || CellStages < 1
      || CellStages > 4) begin : gen_check
    $error("tpe_pe_opt4c_inner: AccWidth >= AWidth + BWidth; a psum and a code as they say");
  end
  if (CarryEvery < 1 || (CarryEvery > 1 && FreeBits != 0)) begin : gen_check_every
    $error("tpe_pe_opt4c_inner: CarryEvery of 1 or more, 1 with NegateFreeBits");
  end

  // With HoldZero the digits are 0 where valid_i is low, so that nothing needs an enable: what is
  // added then is 0. While en_i is low the clock is stopped by whoever has it.
  localparam bit Held = (Hold == tpe_pkg::HoldMux);

  logic unused_plane_i;
  assign unused_plane_i = ^plane_i;

  logic [Offered-1:0][BWidth-1:0]  offered;
  logic [Lanes-1:0][AccWidth-1:0]  addend;
  logic [Lanes-1:0]                negative;  // a 1 is to be added to the word
  logic [PsumWidth-1:0]            psum_now;  // before the step
  logic [AccWidth-1:0]             sum_d, sum_q;
  logic [Carries-1:0]              carry_d, carry_q;
  logic                            valid, first;  // as the words come to the psum
  logic                            begins;        // a step comes that is a first one
  logic                            run, take;     // stages move; so does the psum

  assign offered = b_i;

  tpe_delay_reset #(
      .Width (2),
      .Cycles(CellStages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i(run),
      .d_i ({valid_i, begins}),
      .d_o ({valid, first})
  );

  if (Held) begin : gen_held
    assign begins = first_i;
    assign run    = en_i;
    assign take   = valid;
  end else begin : gen_free
    assign begins = first_i && valid_i;
    assign run    = 1'b1;
    assign take   = 1'b1;
    logic unused_valid;
    assign unused_valid = ^{en_i, valid};
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [IndexWidth-1:0] index;
    logic [PlaneWidth-1:0] plane, plane_b, plane_m;  // as it comes; with the operand; the multiple
    logic [2:0]            digit, digit_b;
    logic [BWidth-1:0]     b, b_b;
    logic [BWidth+1:0]     multiple, multiple_d, multiple_m;  // _d: with its bias, if it has one
    logic                  negative_d, negative_m;
    logic                  sign, ones;  // what stands above a multiple, and below
    logic [ShiftWidth-1:0] word, shifted;

    assign {index, plane, digit} = code_i[l*CodeWidth+:CodeWidth];

    always_comb begin
      b = offered[0];
      for (int unsigned i = 1; i < Offered; i++) begin
        if (index == IndexWidth'(i)) b = offered[i];
      end
    end

    tpe_delay #(
        .Width (PlaneWidth + 3 + BWidth),
        .Cycles((CellStages >= 3) ? 1 : 0)
    ) u_chosen (
        .clk_i,
        .en_i(run),
        .d_i ({plane, digit, b}),
        .d_o ({plane_b, digit_b, b_b})
    );

    tpe_multiple #(
        .InWidth   (BWidth),
        .Complement(1 - Whole)
    ) u_multiple (
        .digit_i   (digit_b),
        .b_i       (b_b),
        .word_o    (multiple),
        .negative_o(negative_d)
    );

    tpe_delay #(
        .Width (PlaneWidth + 1 + BWidth + 2),
        .Cycles((CellStages >= 2) ? 1 : 0)
    ) u_multiplied (
        .clk_i,
        .en_i(run),
        .d_i ({plane_b, negative_d, multiple_d}),
        .d_o ({plane_m, negative_m, multiple_m})
    );

    if (Biased != 0) begin : gen_biased
      logic step;  // the digit is that of a step: its multiple has the bias

      if (Held) begin : gen_any
        assign step = 1'b1;
      end else begin : gen_step
        tpe_delay #(
            .Width (1),
            .Cycles((CellStages >= 3) ? 1 : 0)
        ) u_step (
            .clk_i,
            .en_i(run),
            .d_i (valid_i),
            .d_o (step)
        );
      end

      assign multiple_d = multiple ^ {step, {(BWidth + 1) {1'b0}}};
      assign sign       = 1'b0;
    end else begin : gen_signed
      assign multiple_d = multiple;
      assign sign       = multiple_m[BWidth+1];
    end

    if (Negate == tpe_pkg::NegateRow) begin : gen_no_ones
      assign ones = 1'b0;
    end else begin : gen_filled
      assign ones = negative_m;
    end

    if (Above > 0) begin : gen_shift
      logic [ShiftWidth-1:0] shifted_d;

      assign word = {{Above{sign}}, multiple_m, {Above{ones}}};

      tpe_shift_plane #(
          .Width     (ShiftWidth),
          .PlaneWidth(PlaneWidth)
      ) u_shift (
          .plane_i(plane_m),
          .word_i (word),
          .word_o (shifted_d)
      );

      tpe_delay #(
          .Width (ShiftWidth + 1),
          .Cycles((CellStages >= 4) ? 1 : 0)
      ) u_shifted (
          .clk_i,
          .en_i(run),
          .d_i ({negative_m, shifted_d}),
          .d_o ({negative[l], shifted})
      );

      logic unused_low;
      assign unused_low = ^shifted[Above-1:0];
    end else begin : gen_no_shift
      assign word = multiple_m;

      tpe_delay #(
          .Width (ShiftWidth + 1),
          .Cycles((CellStages >= 4) ? 1 : 0)
      ) u_shifted (
          .clk_i,
          .en_i(run),
          .d_i ({negative_m, word}),
          .d_o ({negative[l], shifted})
      );

      logic unused_plane;
      assign unused_plane = ^{plane_m, sign, ones};
    end

    if (AccWidth > WordWidth && Biased != 0) begin : gen_widen
      assign addend[l] = AccWidth'(shifted[ShiftWidth-1-:WordWidth]);
    end else if (AccWidth > WordWidth) begin : gen_extend
      assign addend[l] = {{(AccWidth - WordWidth) {shifted[ShiftWidth-1]}},
                          shifted[ShiftWidth-1-:WordWidth]};
    end else begin : gen_same
      assign addend[l] = shifted[ShiftWidth-1-:WordWidth];
    end
  end

  assign psum_now = first ? '0 : psum_i;

  if (CarryEvery > 1) begin : gen_kept
    logic [(Lanes+1)*AccWidth-1:0] sums;     // before the word of each lane, and behind the last
    logic [(Lanes+1)*Carries-1:0]  carries;

    assign sums[0+:AccWidth]   = psum_now[0+:AccWidth];
    assign carries[0+:Carries] = psum_now[PsumWidth-1:AccWidth];

    for (genvar l = 0; l < Lanes; l++) begin : gen_word
      tpe_accumulate_kept #(
          .Width(AccWidth),
          .Every(CarryEvery)
      ) u_accumulate (
          .word_i (addend[l]),
          .sum_i  (sums[l*AccWidth+:AccWidth]),
          .carry_i(carries[l*Carries+:Carries]),
          .sum_o  (sums[(l+1)*AccWidth+:AccWidth]),
          .carry_o(carries[(l+1)*Carries+:Carries])
      );
    end

    assign sum_d   = sums[Lanes*AccWidth+:AccWidth];
    assign carry_d = carries[Lanes*Carries+:Carries];
  end else if (FreeBits != 0) begin : gen_ones
    tpe_half_reduce_ones #(
        .NumOps(Lanes + 2),
        .Width (AccWidth)
    ) u_half_reduce (
        .op_i   ({addend, psum_now}),
        .one_i  (negative),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
  end else begin : gen_words
    tpe_half_reduce #(
        .NumOps(Lanes + 2),
        .Width (AccWidth)
    ) u_half_reduce (
        .op_i   ({psum_now, addend}),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
  end

  logic unused_negative;
  assign unused_negative = ^negative;

  always_ff @(posedge clk_i) begin
    if (run && take) begin
      sum_q   <= sum_d;
      carry_q <= carry_d;
    end
  end

  assign psum_o = {carry_q, sum_q};

endmodule

`default_nettype wire
