// tpe_pe_opt2 -- OPT2, same-bit-weight reduction: a (sum, carry) pair for every bit weight.
//
// Each step compresses the digits of one bit weight over all lanes with that weight's pair, so
// that shift left the cell with add: the finish weighs the pairs and adds them, once per output.
// Reference : arXiv:2503.06342, OPT2 with the bit weights in space
// Latency   : Stages - 1 registers before the psum register: 2 registers the words of the digits.
//             One step of Lanes products a cycle.
// Overflow  : the pair of bit weight bw is exact modulo 2**(AccWidth - 2 bw), its shifted value
//             modulo 2**AccWidth. With Biased, or with the ones of negative multiples left out,
//             tpe_row_digits has the difference.
`default_nettype none

module tpe_pe_opt2 #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 4,       // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,  // a code is the operand, or its digits
    parameter int unsigned PsumWidth  = 232,     // {carry, sum} of every bit weight, lowest first
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Coded      = 0,       // 1: a code is digits, see tpe_unpack
    parameter int unsigned Negate     = tpe_pkg::NegateAdder,
    parameter int unsigned Biased     = 0,       // 1: no word is negative
    parameter int unsigned Hold       = tpe_pkg::HoldMux,  // HoldZero: see below
    parameter int unsigned Stages     = 1        // 1..2
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

  localparam int unsigned NumDigits = (AWidth + 1) / 2;
  localparam int unsigned FreeBits  = (Negate == tpe_pkg::NegateFreeBits) ? 1 : 0;
  localparam int unsigned Alone     = (Negate == tpe_pkg::NegateAdder) ? 0 : 1;  // of its 1

  // With HoldZero the code is zero where valid_i is low, so that nothing needs an enable: what is
  // added then is zero. While en_i is low the clock is stopped by whoever has it.
  localparam bit Held = (Hold == tpe_pkg::HoldMux);
  logic step, run;  // the operands count; the pipeline moves
  assign step = valid_i || Held;
  assign run  = en_i || !Held;

  if (PsumWidth != 2 * NumDigits * (AccWidth - NumDigits + 1) || AccWidth < AWidth + BWidth)
  begin : gen_check
    $error("tpe_pe_opt2: PsumWidth = sum of 2 (AccWidth - 2 bw), AccWidth >= AWidth + BWidth");
  end

  if (Stages < 1 || Stages > 2) begin : gen_check_stages
    $error("tpe_pe_opt2: Stages must be 1..2");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Lanes-1:0][NumDigits-1:0][2:0]        digit;
  logic [Lanes-1:0][NumDigits-1:0][BWidth+1:0] pp;
  logic [NumDigits-1:0][Lanes-1:0]             negative;  // a 1 is to be added to the word
  // the same, staged; and of the step whose words these are
  logic [Lanes-1:0][NumDigits-1:0][BWidth+1:0] pp_s;
  logic [NumDigits-1:0][Lanes-1:0]             negative_s;
  logic                                        valid_s, first_s, step_s;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tpe_digits #(
        .AWidth   (AWidth),
        .Encoder  (Encoder),
        .Coded    (Coded),
        .CodeWidth(CodeWidth)
    ) u_digits (
        .a_i    (code_i[l*CodeWidth+:CodeWidth]),
        .digit_o(digit[l])
    );

    for (genvar d = 0; d < NumDigits; d++) begin : gen_digit
      tpe_multiple #(
          .InWidth   (BWidth),
          .Complement(Alone)
      ) u_multiple (
          .digit_i   (digit[l][d]),
          .b_i       (b_i[l*BWidth+:BWidth]),
          .word_o    (pp[l][d]),
          .negative_o(negative[d][l])
      );
    end
  end

  tpe_delay #(
      .Width (Lanes * NumDigits * (BWidth + 3)),
      .Cycles(Stages - 1)
  ) u_words (
      .clk_i,
      .en_i(run),
      .d_i ({negative, pp}),
      .d_o ({negative_s, pp_s})
  );

  tpe_delay_reset #(
      .Width (3),
      .Cycles(Stages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i(run),
      .d_i ({valid_i, first_i && step, step}),
      .d_o ({valid_s, first_s, step_s})
  );

  if (Biased == 0) begin : gen_no_bias
    logic unused_step;
    assign unused_step = step_s;
  end

  for (genvar bw = 0; bw < NumDigits; bw++) begin : gen_weight
    localparam int unsigned PairWidth = AccWidth - 2 * bw;
    localparam int unsigned Offset    = 2 * bw * (AccWidth - bw + 1);  // behind the lower pairs

    logic [Lanes*PairWidth-1:0]     addend;
    logic [2*PairWidth-1:0]         pair;
    logic [PairWidth-1:0]           sum_d, sum_q, carry_d, carry_q;

    for (genvar l = 0; l < Lanes; l++) begin : gen_addend
      if (Biased != 0) begin : gen_biased
        logic [BWidth+1:0] word;
        assign word = {pp_s[l][bw][BWidth+1] ^ step_s, pp_s[l][bw][BWidth:0]};
        assign addend[l*PairWidth+:PairWidth] = PairWidth'(word);
      end else begin : gen_signed
        assign addend[l*PairWidth+:PairWidth] = PairWidth'($signed(pp_s[l][bw]));
      end
    end
    assign pair = first_s ? '0 : psum_i[Offset+:2*PairWidth];

    if (FreeBits != 0) begin : gen_ones
      tpe_half_reduce_ones #(
          .NumOps(Lanes + 2),
          .Width (PairWidth)
      ) u_half_reduce (
          .op_i   ({addend, pair}),
          .one_i  (negative_s[bw]),
          .sum_o  (sum_d),
          .carry_o(carry_d)
      );
    end else begin : gen_words
      tpe_half_reduce #(
          .NumOps(Lanes + 2),
          .Width (PairWidth)
      ) u_half_reduce (
          .op_i   ({pair, addend}),
          .sum_o  (sum_d),
          .carry_o(carry_d)
      );
      logic unused_negative;
      assign unused_negative = ^negative_s[bw];
    end

    always_ff @(posedge clk_i) begin
      if (run && (valid_s || !Held)) begin
        sum_q   <= sum_d;
        carry_q <= carry_d;
      end
    end

    assign psum_o[Offset+:2*PairWidth] = {carry_q, sum_q};
  end

endmodule

`default_nettype wire
