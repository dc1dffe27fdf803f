// tpe_pe_mac -- multiply-accumulate cell: a Booth (or EN-T) multiplier and a word accumulator.
//
// The baseline: encode, multiply, resolve and accumulate in every cell, every step.
// Reference : arXiv:2503.06342, the MAC nest
// With DotCompressed the words of all lanes meet in one compressor, and one adder resolves them.
// Latency   : Stages - 1 registers before the psum register. One step of Lanes products a cycle.
//             Stages 2 registers the resolved words; 3 also registers the compressed ones.
// Overflow  : the product is exact; the accumulator wraps modulo 2**AccWidth. With Biased, or with
//             the ones of negative multiples left out, tpe_row_digits has the difference.
`default_nettype none

module tpe_pe_mac #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,         // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand, or its digits
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Coded      = 0,         // 1: a code is digits, see tpe_unpack
    parameter int unsigned Negate     = tpe_pkg::NegateAdder,  // as in tpe_partial_products
    parameter int unsigned Biased     = 0,         // 1: no product is negative
    parameter int unsigned Hold       = tpe_pkg::HoldMux,  // HoldZero: see below
    parameter int unsigned Dot        = tpe_pkg::DotAdded,
    parameter int unsigned Stages     = 1          // 1..3
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

  localparam int unsigned NumDigits    = (AWidth + 1) / 2;
  localparam int unsigned Sums         = (Dot == tpe_pkg::DotCompressed) ? 1 : Lanes;
  localparam int unsigned SumWords     = Lanes / Sums * NumDigits;  // that a sum is made of
  // Biased, the words of an odd operand's digits reach one bit further than the product.
  localparam int unsigned OneWidth     = (Biased != 0) ? 2 * NumDigits + BWidth : AWidth + BWidth;
  localparam int unsigned AllWidth     = OneWidth + $clog2(Lanes / Sums);
  localparam int unsigned SumWidth     = (AllWidth < AccWidth) ? AllWidth : AccWidth;
  localparam int unsigned LaneBits     = NumDigits * SumWidth;
  localparam int unsigned SumBits      = SumWords * SumWidth;

  if (Stages < 1 || Stages > 3) begin : gen_check_stages
    $error("tpe_pe_mac: Stages must be 1..3");
  end
  if (PsumWidth != AccWidth || AccWidth < AWidth + BWidth) begin : gen_check
    $error("tpe_pe_mac: PsumWidth = AccWidth >= AWidth + BWidth");
  end

  // With HoldZero the code is zero where valid_i is low, so that nothing needs an enable: what is
  // added then is zero. While en_i is low the clock is stopped by whoever has it.
  localparam bit Held = (Hold == tpe_pkg::HoldMux);
  logic step, run;  // the operands count; the pipeline moves
  assign step = valid_i || Held;
  assign run  = en_i || !Held;

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Lanes*LaneBits-1:0]     shifted;         // lane 0 lowest
  logic [Sums-1:0][SumWidth-1:0] sum, carry;      // compressed
  logic [Sums-1:0][SumWidth-1:0] sum_s, carry_s;  // the same, staged
  logic [Sums-1:0][SumWidth-1:0] word, word_s;    // a product, or the sum of those of all lanes

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tpe_partial_products #(
        .AWidth (AWidth),
        .BWidth (BWidth),
        .Width  (SumWidth),
        .Encoder(Encoder),
        .Coded  (Coded),
        .Negate (Negate),
        .Biased (Biased),
        .CodeWidth(CodeWidth)
    ) u_partial_products (
        .valid_i(step),
        .a_i (code_i[l*CodeWidth+:CodeWidth]),
        .b_i (b_i[l*BWidth+:BWidth]),
        .pp_o(shifted[l*LaneBits+:LaneBits])
    );
  end

  for (genvar s = 0; s < Sums; s++) begin : gen_sum
    tpe_half_reduce #(
        .NumOps(SumWords),
        .Width (SumWidth),
        .Shaped(1)
    ) u_half_reduce (
        .op_i   (shifted[s*SumBits+:SumBits]),
        .sum_o  (sum[s]),
        .carry_o(carry[s])
    );

    tpe_add #(
        .InWidth(SumWidth),
        .Width  (SumWidth)
    ) u_add (
        .sum_i  (sum_s[s]),
        .carry_i(carry_s[s]),
        .word_o (word[s])
    );
  end

  // Pipeline: `valid` and `first` travel with their operands.
  logic [Stages-1:0] valid, first;  // [s]: s registers after the operands

  assign valid[0] = valid_i;
  assign first[0] = first_i && step;

  if (Stages == 3) begin : gen_stage_pair
    always_ff @(posedge clk_i) begin
      if (run) begin
        sum_s   <= sum;
        carry_s <= carry;
      end
    end
  end else begin : gen_no_stage_pair
    assign sum_s   = sum;
    assign carry_s = carry;
  end

  if (Stages >= 2) begin : gen_stage_word
    always_ff @(posedge clk_i) begin
      if (run) word_s <= word;
    end
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid[Stages-1:1] <= '0;
        first[Stages-1:1] <= '0;
      end else if (run) begin
        valid[Stages-1:1] <= valid[Stages-2:0];
        first[Stages-1:1] <= first[Stages-2:0];
      end
    end
  end else begin : gen_no_stage_word
    assign word_s = word;
    logic unused_rst;
    assign unused_rst = rst_ni;
  end

  logic [Sums:0][AccWidth-1:0] addend;
  logic [AccWidth-1:0]         psum_d, psum_q;

  for (genvar s = 0; s < Sums; s++) begin : gen_extend
    if (AccWidth > SumWidth) begin : gen_sign
      localparam int unsigned Above = AccWidth - SumWidth;
      assign addend[s] = {{Above{word_s[s][SumWidth-1] && Biased == 0}}, word_s[s]};
    end else begin : gen_same
      assign addend[s] = word_s[s];
    end
  end
  assign addend[Sums] = first[Stages-1] ? '0 : psum_i;

  tpe_accumulate #(
      .NumOps(Sums + 1),
      .Width (AccWidth)
  ) u_accumulate (
      .op_i   (addend),
      .total_o(psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (run && (valid[Stages-1] || !Held)) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
