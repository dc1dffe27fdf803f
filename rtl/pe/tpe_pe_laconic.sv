// tpe_pe_laconic -- term-serial cell: one pair of signed powers of two per lane a cycle.
//
// A step is Lanes products. Both operands of a lane are recoded into digits of +-1 and +-2 times a
// power of four; the non-zero ones are its terms. A lane goes through all pairs, those of B inside
// those of A. The pairs of a cycle are counted by exponent, and the counts are added by weight.
// Reference : Laconic (ISCA 2019, arXiv:1805.04513); the order of the pairs is assumed
// Latency   : a step takes the most pairs that one of its lanes has, at least one cycle; CellStages
//             - 1 registers before the psum register: 2 registers the counts, 3 also the exponents
//             and signs of the pairs, 4 also the sum of the counts.
// Overflow  : the sum of a cycle is exact; the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_laconic #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 16,        // operands of K in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand itself
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned CellStages = 1          // 1..4
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

  localparam int unsigned ADigits    = (AWidth + 1) / 2;
  localparam int unsigned BDigits    = (BWidth + 1) / 2;
  localparam int unsigned NumExps    = 2 * ADigits + 2 * BDigits - 1;  // 2 * 2 at the top
  localparam int unsigned ExpWidth   = $clog2(NumExps);
  localparam int unsigned CountWidth = $clog2(Lanes + 1) + 1;          // -Lanes .. Lanes
  localparam int unsigned DotWidth   = AWidth + BWidth + $clog2(Lanes);
  localparam int unsigned SumWidth   = (DotWidth < AccWidth) ? DotWidth : AccWidth;

  if (CodeWidth != AWidth || PsumWidth != AccWidth || AccWidth < AWidth + BWidth) begin : gen_check
    $error("tpe_pe_laconic: CodeWidth = AWidth, PsumWidth = AccWidth >= AWidth + BWidth");
  end

  if (CellStages < 1 || CellStages > 4) begin : gen_check_stages
    $error("tpe_pe_laconic: CellStages must be 1..4");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Lanes-1:0][ADigits-1:0]    a_q;     // terms of A left, the one in work included
  logic [Lanes-1:0][BDigits-1:0]    b_q;     // terms of B left for the one of A in work
  logic [Lanes-1:0][ADigits-1:0]    a_next;
  logic [Lanes-1:0][BDigits-1:0]    b_next;
  logic [Lanes-1:0]                 active;  // the lane has a pair in this cycle
  logic [Lanes-1:0]                 minus;   // which is negative
  logic [Lanes-1:0][ExpWidth-1:0]   power;   // its exponent
  logic [Lanes-1:0]                 active_s, minus_s;  // the same, staged
  logic [Lanes-1:0][ExpWidth-1:0]   power_s;
  logic [Lanes-1:0][NumExps-1:0]    one_hot; // which one it is
  logic [NumExps-1:0][CountWidth-1:0] count, count_s;  // pairs of each exponent, with their signs
  logic [SumWidth-1:0]              sum, sum_s;        // of all counts; the same, staged
  logic                             valid_s, clear_s;  // of the sum that is added
  logic [AccWidth-1:0]              sum_acc, base, psum_q;

  // (At module scope: Yosys takes no packed array of two dimensions inside a generate block.)
  logic [Lanes-1:0][ADigits-1:0][2:0] a_digit;
  logic [Lanes-1:0][BDigits-1:0][2:0] b_digit;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [ADigits-1:0]      a_terms, a_now, a_rest;
    logic [BDigits-1:0]      b_terms, b_now, b_rest;
    logic                    a_minus, b_minus;
    logic [ExpWidth-1:0]     a_power, b_power;

    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode_a (
        .a_i    (code_i[l*CodeWidth+:AWidth]),
        .digit_o(a_digit[l])
    );

    tpe_encode #(
        .Width  (BWidth),
        .Encoder(Encoder)
    ) u_encode_b (
        .a_i    (b_i[l*BWidth+:BWidth]),
        .digit_o(b_digit[l])
    );

    for (genvar i = 0; i < ADigits; i++) begin : gen_a
      assign a_terms[i] = |a_digit[l][i][1:0];
    end
    for (genvar i = 0; i < BDigits; i++) begin : gen_b
      assign b_terms[i] = |b_digit[l][i][1:0];
    end

    assign a_now     = start_i ? a_terms : a_q[l];
    assign b_now     = start_i ? b_terms : b_q[l];
    assign active[l] = |a_now && |b_now;
    assign a_rest    = a_now & (a_now - 1'b1);  // without the lowest term
    assign b_rest    = b_now & (b_now - 1'b1);
    assign b_next[l] = |b_rest ? b_rest : b_terms;
    assign a_next[l] = !active[l] ? '0 : |b_rest ? a_now : a_rest;

    // the lowest terms left, as exponents and signs
    always_comb begin
      a_minus = 1'b0;
      a_power = '0;
      for (int unsigned i = ADigits; i > 0; i--) begin
        if (a_now[i-1]) begin
          a_minus = a_digit[l][i-1][2];
          a_power = ExpWidth'(2 * (i - 1)) + ExpWidth'(a_digit[l][i-1][1]);
        end
      end
      b_minus = 1'b0;
      b_power = '0;
      for (int unsigned i = BDigits; i > 0; i--) begin
        if (b_now[i-1]) begin
          b_minus = b_digit[l][i-1][2];
          b_power = ExpWidth'(2 * (i - 1)) + ExpWidth'(b_digit[l][i-1][1]);
        end
      end
    end

    assign minus[l] = a_minus ^ b_minus;
    assign power[l] = a_power + b_power;

    tpe_delay #(
        .Width (ExpWidth + 2),
        .Cycles((CellStages >= 3) ? 1 : 0)
    ) u_pair (
        .clk_i,
        .en_i,
        .d_i({active[l], minus[l], power[l]}),
        .d_o({active_s[l], minus_s[l], power_s[l]})
    );

    assign one_hot[l] = active_s[l] ? NumExps'(1) << power_s[l] : '0;
  end

  for (genvar e = 0; e < NumExps; e++) begin : gen_exponent
    logic [Lanes-1:0] up, down;
    for (genvar l = 0; l < Lanes; l++) begin : gen_pair
      assign up[l]   = one_hot[l][e] && !minus_s[l];
      assign down[l] = one_hot[l][e] && minus_s[l];
    end
    assign count[e] = CountWidth'($countones(up)) - CountWidth'($countones(down));
  end

  tpe_delay #(
      .Width (NumExps * CountWidth),
      .Cycles((CellStages >= 2) ? 1 : 0)
  ) u_count (
      .clk_i,
      .en_i,
      .d_i(count),
      .d_o(count_s)
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

  always_comb begin
    sum = '0;
    for (int unsigned e = 0; e < NumExps; e++) begin
      sum = sum + (SumWidth'($signed(count_s[e])) << e);
    end
  end

  tpe_delay #(
      .Width (SumWidth),
      .Cycles((CellStages >= 4) ? 1 : 0)
  ) u_sum (
      .clk_i,
      .en_i,
      .d_i(sum),
      .d_o(sum_s)
  );

  if (AccWidth > SumWidth) begin : gen_extend
    assign sum_acc = {{(AccWidth - SumWidth) {sum_s[SumWidth-1]}}, sum_s};
  end else begin : gen_same
    assign sum_acc = sum_s;
  end

  assign ready_o = ~|a_next;
  assign base    = clear_s ? '0 : psum_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) a_q <= '0;
    else if (en_i && valid_i) a_q <= a_next;
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) b_q <= b_next;
    if (en_i && valid_s) psum_q <= base + sum_acc;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
