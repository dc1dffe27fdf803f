// tpe_pe_opt4c -- OPT4C, shared-encoder column: one non-zero digit a step, a 3:2 compressor.
//
// Encode and sparse left the cell (a front shared by the row), as did add, shift and accumulate
// (a finish shared by the column, once per bit weight). The pair holds one bit weight only.
// With Lanes, as many digits a step and a (Lanes + 2):2 compressor: the cell of OPT4E.
// Reference : arXiv:2503.06342, OPT3 and OPT4
// Latency   : no register before the psum register. One digit a lane and cycle.
// Overflow  : none while a pass sums at most the K that PsumWidth was computed for.
`default_nettype none

module tpe_pe_opt4c #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 3,    // a code is one digit {neg, two, one}
    parameter int unsigned PsumWidth  = 44,   // {carry, sum}, each the interval width of one plane
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned Negate     = tpe_pkg::NegateAdder  // or NegateFreeBits
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

  localparam int unsigned PairWidth = PsumWidth / 2;

  localparam int unsigned FreeBits  = (Negate == tpe_pkg::NegateFreeBits) ? 1 : 0;

  if (CodeWidth != 3 || PsumWidth % 2 != 0 || PairWidth < BWidth + 2
      || PairWidth > AccWidth || AWidth > 17) begin : gen_check
    $error("tpe_pe_opt4c: CodeWidth = 3, BWidth + 2 <= PsumWidth / 2 <= AccWidth");
  end

  logic unused_inputs;
  assign unused_inputs = ^{plane_i, rst_ni};

  logic [Lanes-1:0][PairWidth-1:0]  addend;
  logic [1:0][PairWidth-1:0]        pair;
  logic [Lanes-1:0]                 negative;  // a 1 is to be added to the word
  logic [PairWidth-1:0]             sum_d, sum_q, carry_d, carry_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [BWidth+1:0] pp;

    tpe_multiple #(
        .InWidth   (BWidth),
        .Complement(FreeBits)
    ) u_multiple (
        .digit_i   (code_i[l*CodeWidth+:CodeWidth]),
        .b_i       (b_i[l*BWidth+:BWidth]),
        .word_o    (pp),
        .negative_o(negative[l])
    );

    if (PairWidth > BWidth + 2) begin : gen_extend
      assign addend[l] = {{(PairWidth - BWidth - 2) {pp[BWidth+1]}}, pp};
    end else begin : gen_same
      assign addend[l] = pp;
    end
  end

  assign pair = first_i ? '0 : psum_i;

  if (FreeBits != 0) begin : gen_ones
    tpe_half_reduce_ones #(
        .NumOps(Lanes + 2),
        .Width (PairWidth)
    ) u_half_reduce (
        .op_i   ({addend, pair}),
        .one_i  (negative),
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
    assign unused_negative = ^negative;
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) begin
      sum_q   <= sum_d;
      carry_q <= carry_d;
    end
  end

  assign psum_o = {carry_q, sum_q};

endmodule

`default_nettype wire
