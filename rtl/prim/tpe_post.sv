// tpe_post -- what becomes of a word of C behind the array: sums, its width, requantisation, ReLU.
//
// c_add_i and bias_i are added to the array's word, which is then brought to SumWidth bits,
// requantised if Requant is 1, and cut off below zero if Relu is 1. One register, valid and ready:
// a word is taken while the register is empty or its word leaves.
// Latency   : 1 cycle; a word a cycle.
// Overflow  : NarrowNone: sums wrap modulo 2**AccWidth, AccWidth = SumWidth. NarrowFlag: a word
//             that does not fit SumWidth bits wraps, NarrowSaturate: it saturates; either way
//             overflow_o rises with that word and stays until reset or overflow_clear_i.
`default_nettype none

module tpe_post #(
    parameter int unsigned Count      = 4,   // columns
    parameter int unsigned AccWidth   = 32,  // of a word as the array has it
    parameter int unsigned SumWidth   = 32,  // of the accumulator without guard bits
    parameter int unsigned Narrow     = tpe_pkg::NarrowNone,
    parameter int unsigned Requant    = 0,
    parameter int unsigned ScaleWidth = 32,
    parameter int unsigned ShiftWidth = 6,
    parameter int unsigned Rounding   = tpe_pkg::RoundingHalfEven,
    parameter int unsigned Relu       = 0,
    parameter int unsigned YWidth     = 32,  // of a word as it leaves
    parameter int unsigned YSigned    = 1,
    parameter int unsigned BiasCount  = 1,   // 1: for all columns, Count: one each
    parameter int unsigned ScaleCount = 1    // likewise
) (
    input  wire  logic                               clk_i,
    input  wire  logic                               rst_ni,
    // from the array
    input  wire  logic                               valid_i,
    output       logic                               ready_o,
    input  wire  logic                               last_i,
    input  wire  logic [Count*AccWidth-1:0]          c_i,
    // taken with the word
    output       logic                               take_o,
    input  wire  logic [Count*AccWidth-1:0]          c_add_i,
    input  wire  logic [BiasCount*AccWidth-1:0]      bias_i,
    input  wire  logic [ScaleCount*ScaleWidth-1:0]   scale_i,
    input  wire  logic [ScaleCount*ShiftWidth-1:0]   shift_i,
    input  wire  logic [YWidth-1:0]                  out_zero_i,
    // on the way out
    output       logic                               valid_o,
    input  wire  logic                               ready_i,
    output       logic                               last_o,
    output       logic [Count*YWidth-1:0]            c_o,
    input  wire  logic                               overflow_clear_i,
    output       logic                               overflow_o
);

  if (Narrow > tpe_pkg::NarrowSaturate || AccWidth < SumWidth
      || (Narrow == tpe_pkg::NarrowNone && AccWidth != SumWidth)
      || (Requant == 0 && YWidth != SumWidth)) begin : gen_check
    $error("tpe_post: SumWidth = AccWidth unless narrowed, YWidth = SumWidth unless requantised");
  end

  logic                              valid_q, last_q, overflow_q;
  logic [Count-1:0]                  over;
  logic [Count-1:0][YWidth-1:0]    out_d, out_q;

  assign ready_o    = !valid_q || ready_i;
  assign take_o     = valid_i && ready_o;
  assign valid_o    = valid_q;
  assign last_o     = last_q;
  assign c_o        = out_q;
  assign overflow_o = overflow_q;

  for (genvar i = 0; i < Count; i++) begin : gen_column
    localparam int unsigned Bias  = (BiasCount == 1) ? 0 : i;
    localparam int unsigned Scale = (ScaleCount == 1) ? 0 : i;

    logic [AccWidth-1:0] total;
    logic [SumWidth-1:0] sum;

    assign total = c_i[i*AccWidth+:AccWidth] + c_add_i[i*AccWidth+:AccWidth]
                 + bias_i[Bias*AccWidth+:AccWidth];

    if (Narrow == tpe_pkg::NarrowNone) begin : gen_same
      assign sum     = total;
      assign over[i] = 1'b0;
    end else begin : gen_narrow
      tpe_narrow #(
          .AccWidth(AccWidth),
          .SumWidth(SumWidth),
          .Saturate(Narrow == tpe_pkg::NarrowSaturate ? 1 : 0)
      ) u_narrow (
          .word_i(total),
          .word_o(sum),
          .over_o(over[i])
      );
    end

    if (Requant == 1) begin : gen_requant
      tpe_requant #(
          .SumWidth  (SumWidth),
          .ScaleWidth(ScaleWidth),
          .ShiftWidth(ShiftWidth),
          .Rounding  (Rounding),
          .Relu      (Relu),
          .YWidth    (YWidth),
          .YSigned   (YSigned)
      ) u_requant (
          .x_i    (sum),
          .scale_i(scale_i[Scale*ScaleWidth+:ScaleWidth]),
          .shift_i(shift_i[Scale*ShiftWidth+:ShiftWidth]),
          .zero_i (out_zero_i),
          .y_o    (out_d[i])
      );
    end else begin : gen_sum
      assign out_d[i] = (Relu == 1 && sum[SumWidth-1]) ? '0 : sum;
    end
  end

  if (Requant == 0) begin : gen_no_scale
    logic unused_scale;
    assign unused_scale = ^{scale_i, shift_i, out_zero_i};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q    <= 1'b0;
      overflow_q <= 1'b0;
    end else begin
      if (ready_o) valid_q <= valid_i;
      if (take_o && |over) overflow_q <= 1'b1;
      else if (overflow_clear_i) overflow_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (take_o) begin
      out_q  <= out_d;
      last_q <= last_i;
    end
  end

endmodule

`default_nettype wire
