// tpe_prop_steps -- a step of several cycles adds the products of its operands to the psum, once.
//
// From any state of the cell, Most + Latency cycles after the step began. Alone 0: any operands;
// the psum grows from what it was, or from zero on a first step, by the sum over the lanes of
// a * b. 1: a first step in which one lane, whichever, has operands that are not zero. 2: as 0, the
// sum taken bit by bit of A from its sign down: twice what is there, and b of the lanes whose bit
// is one.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_steps #(
    parameter  int unsigned AWidth     = 8,
    parameter  int unsigned BWidth     = 8,
    parameter  int unsigned AccWidth   = 32,
    parameter  int unsigned Lanes      = 16,
    parameter  int unsigned CodeWidth  = 8,
    parameter  int unsigned PsumWidth  = 32,
    parameter  int unsigned PlaneWidth = 1,
    parameter  int unsigned Most       = 8,
    parameter  int unsigned Latency    = 0,  // registers of the cell before its psum
    parameter  int unsigned Alone      = 0,
    localparam int unsigned LaneWidth  = (Lanes > 1) ? $clog2(Lanes) : 1
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         first_i,
    input  wire  logic [PsumWidth-1:0]         before_i,  // the psum so far
    input  wire  logic [LaneWidth-1:0]         lane_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    output       logic                         fails_o
);

  logic                             first, first_held, done, unused_late, unused_legal;
  logic [Lanes-1:0][CodeWidth-1:0]  code;
  logic [Lanes-1:0][BWidth-1:0]     b;
  logic [Lanes*CodeWidth-1:0]       code_held;
  logic [Lanes*BWidth-1:0]          b_held;
  logic [PsumWidth-1:0]             earlier, psum;
  logic [AccWidth-1:0]              sum, expected;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic busy;
    assign busy    = Alone != 1 || lane_i == LaneWidth'(l);
    // One operand serves every lane: only one of them has it.
    assign code[l] = busy ? code_i[(Alone != 1 ? l : 0)*CodeWidth+:CodeWidth] : '0;
    assign b[l]    = busy ? b_i[(Alone != 1 ? l : 0)*BWidth+:BWidth] : '0;
  end

  assign first = first_i || Alone == 1;

  tpe_spec_steps #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .Most      (Most),
      .Latency   (Latency)
  ) u_steps (
      .clk_i,
      .first_i (first),
      .before_i,
      .code_i  (code),
      .b_i     (b),
      .first_o (first_held),
      .code_o  (code_held),
      .b_o     (b_held),
      .before_o(earlier),
      .done_o  (done),
      .late_o  (unused_late),
      .psum_o  (psum)
  );

  if (Alone == 0) begin : gen_all
    tpe_spec_product #(
        .CodeWidth(CodeWidth),
        .BWidth   (BWidth),
        .Lanes    (Lanes),
        .Width    (AccWidth)
    ) u_product (
        .code_i (code_held),
        .b_i    (b_held),
        .legal_o(unused_legal),
        .sum_o  (sum)
    );
  end else if (Alone == 2) begin : gen_bits
    logic [AccWidth-1:0] ones;

    assign unused_legal = 1'b1;
    always_comb begin
      sum = '0;
      for (int unsigned i = AWidth; i > 0; i--) begin
        ones = '0;
        for (int unsigned l = 0; l < Lanes; l++) begin
          if (code_held[l*CodeWidth+i-1]) begin
            ones = ones + AccWidth'($signed(b_held[l*BWidth+:BWidth]));
          end
        end
        sum = (sum << 1) + (i == AWidth ? -ones : ones);
      end
    end
  end else begin : gen_alone
    logic [CodeWidth-1:0] code_one;
    logic [BWidth-1:0]    b_one;

    always_comb begin
      code_one = '0;
      b_one    = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        code_one = code_one | code_held[l*CodeWidth+:CodeWidth];
        b_one    = b_one | b_held[l*BWidth+:BWidth];
      end
    end

    tpe_spec_product #(
        .CodeWidth(CodeWidth),
        .BWidth   (BWidth),
        .Lanes    (1),
        .Width    (AccWidth)
    ) u_product (
        .code_i (code_one),
        .b_i    (b_one),
        .legal_o(unused_legal),
        .sum_o  (sum)
    );
  end

  assign expected = (first_held ? '0 : earlier) + sum;
  assign fails_o  = done && psum != expected;

endmodule

`default_nettype wire
