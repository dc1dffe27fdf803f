// tpe_pe_opt1 -- OPT1, compressed accumulation: the cell keeps (sum, carry); `add` left the cell.
//
// Each step compresses the shifted partial products and the running pair; the pair is resolved
// once per output, by the finish that a column shares. Where no word is negative (Biased), those of
// a step sum to less than 2**WordsWidth: above it an incrementer does (Top), and no carry is kept.
// Reference : arXiv:2503.06342, OPT1
// Latency   : Stages - 1 registers before the psum register: 2 registers the compressed partial
//             products. One step of Lanes products a cycle.
// Overflow  : the pair is exact modulo 2**AccWidth. With Biased, or with the ones of negative
//             multiples left out, tpe_row_digits has the difference.
`default_nettype none

module tpe_pe_opt1 #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,             // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,        // a code is the operand, or its digits
    parameter int unsigned PsumWidth  = 2 * AccWidth,  // {carry, sum}
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Coded      = 0,             // 1: a code is digits, see tpe_unpack
    parameter int unsigned Negate     = tpe_pkg::NegateAdder,  // as in tpe_partial_products
    parameter int unsigned Biased     = 0,             // 1: no word is negative
    parameter int unsigned Top        = tpe_pkg::TopCompress,
    parameter int unsigned Hold       = tpe_pkg::HoldMux,  // HoldZero: see below
    parameter int unsigned Stages     = 1              // 1..2
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

  localparam int unsigned NumDigits  = (AWidth + 1) / 2;
  localparam int unsigned NumWords   = Lanes * NumDigits;
  localparam int unsigned CarryWidth = PsumWidth - AccWidth;
  localparam int unsigned AllWords   = 2 * NumDigits + BWidth + $clog2(Lanes);
  // Width of the words of a step: of their sum, where that is known.
  localparam int unsigned WordsWidth = (Biased != 0 && AllWords < AccWidth) ? AllWords : AccWidth;
  localparam bit Short = (Top == tpe_pkg::TopIncrement);  // the carry word ends with the words
  localparam int unsigned LeastCarry = (Short && WordsWidth < AccWidth) ? WordsWidth + 1 : AccWidth;

  if (CarryWidth != LeastCarry || AccWidth < AWidth + BWidth || (Short && Biased == 0)
      || Stages < 1 || Stages > 2) begin : gen_check
    $error("tpe_pe_opt1: PsumWidth = 2 AccWidth, AccWidth >= AWidth + BWidth; Top needs Biased");
  end

  // With HoldZero the code is zero where valid_i is low, so that nothing needs an enable: what is
  // added then is zero. While en_i is low the clock is stopped by whoever has it.
  localparam bit Held = (Hold == tpe_pkg::HoldMux);
  logic step, run;  // the operands count; the pipeline moves
  assign step = valid_i || Held;
  assign run  = en_i || !Held;

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [NumWords-1:0][WordsWidth-1:0] words;
  logic [AccWidth-1:0]                 sum_d, sum_q, sum_now;        // _now: before the step
  logic [CarryWidth-1:0]               carry_d, carry_q, carry_now;
  logic                                valid, first;                 // of the step in the psum

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tpe_partial_products #(
        .AWidth (AWidth),
        .BWidth (BWidth),
        .Width  (WordsWidth),
        .Encoder(Encoder),
        .Coded  (Coded),
        .Negate (Negate),
        .Biased (Biased),
        .CodeWidth(CodeWidth)
    ) u_partial_products (
        .valid_i(step),
        .a_i (code_i[l*CodeWidth+:CodeWidth]),
        .b_i (b_i[l*BWidth+:BWidth]),
        .pp_o(words[l*NumDigits+:NumDigits])
    );
  end

  assign {carry_now, sum_now} = first ? '0 : psum_i;

  if (Stages == 1 && !Short) begin : gen_together
    logic [NumWords*AccWidth-1:0] widened;
    for (genvar i = 0; i < NumWords; i++) begin : gen_word
      assign widened[i*AccWidth+:AccWidth] = AccWidth'(words[i]);
    end

    tpe_half_reduce #(
        .NumOps(NumWords + 2),
        .Width (AccWidth),
        .Shaped(1)
    ) u_half_reduce (
        .op_i   ({carry_now, sum_now, widened}),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
  end else begin : gen_apart
    logic [WordsWidth-1:0] sum, carry, sum_s, carry_s;  // of the step's words; the same, staged

    tpe_half_reduce #(
        .NumOps(NumWords),
        .Width (WordsWidth),
        .Shaped(1)
    ) u_half_reduce (
        .op_i   (words),
        .sum_o  (sum),
        .carry_o(carry)
    );

    if (Stages == 2) begin : gen_stage
      always_ff @(posedge clk_i) begin
        if (run) begin
          sum_s   <= sum;
          carry_s <= carry;
        end
      end
    end else begin : gen_no_stage
      assign sum_s   = sum;
      assign carry_s = carry;
    end

    tpe_accumulate_pair #(
        .InWidth   (WordsWidth),
        .Width     (AccWidth),
        .CarryWidth(CarryWidth)
    ) u_accumulate (
        .word_sum_i  (sum_s),
        .word_carry_i(carry_s),
        .sum_i       (sum_now),
        .carry_i     (carry_now),
        .sum_o       (sum_d),
        .carry_o     (carry_d)
    );
  end

  if (Stages == 2) begin : gen_stage_control
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid <= 1'b0;
        first <= 1'b0;
      end else if (run) begin
        valid <= valid_i;
        first <= first_i && step;
      end
    end
  end else begin : gen_no_stage_control
    assign valid = valid_i;
    assign first = first_i && step;
    logic unused_rst;
    assign unused_rst = rst_ni;
  end

  always_ff @(posedge clk_i) begin
    if (run && (valid || !Held)) begin
      sum_q   <= sum_d;
      carry_q <= carry_d;
    end
  end

  assign psum_o = {carry_q, sum_q};

endmodule

`default_nettype wire
