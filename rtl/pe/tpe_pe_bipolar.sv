// tpe_pe_bipolar -- bit planes of both operands, XNOR and popcount, summed in a word.
//
// Bit i of an operand stands for +2**i or -2**i. Pairs of bits that differ are counted by their
// weight i + j, over all lanes: of v lanes with an operand their products add up to
// (2**AWidth - 1) (2**BWidth - 1) v - 2 sum over i, j of 2**(i+j) popcount(a_i xor b_j),
// popcount(a xnor b) being v less popcount(a xor b). There is no operand of zero: the top bit of a
// code says that there is one. A lane without it, whose code is all zeros, is counted nowhere,
// whatever its b is.
// Reference : arXiv:2409.17870
// Latency   : Stages - 1 registers before the psum register. One step of Lanes products a cycle.
//             Stages 2 registers the sum of the products; 3 also registers the counts.
// Overflow  : the sum of a step is exact; the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_bipolar #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,           // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth + 1,  // {an operand is there, its bits}
    parameter int unsigned PsumWidth  = AccWidth,    // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Stages     = 1            // 1..3
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

  localparam int unsigned Weights    = AWidth + BWidth - 1;
  localparam int unsigned MostPairs  = (AWidth < BWidth) ? AWidth : BWidth;  // of one weight
  localparam int unsigned CountWidth = $clog2(Lanes * MostPairs + 1);
  localparam int unsigned LanesWidth = $clog2(Lanes + 1);
  localparam int unsigned DotWidth   = AWidth + BWidth + $clog2(Lanes) + 1;
  localparam int unsigned SumWidth   = (DotWidth < AccWidth) ? DotWidth : AccWidth;

  if (CodeWidth != AWidth + 1 || PsumWidth != AccWidth) begin : gen_check
    $error("tpe_pe_bipolar: CodeWidth = AWidth + 1, PsumWidth = AccWidth");
  end
  if (Stages < 1 || Stages > 3) begin : gen_check_stages
    $error("tpe_pe_bipolar: Stages must be 1..3");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Lanes-1:0]                   there;               // lanes with an operand
  logic [Lanes-1:0][AWidth-1:0]       a;                   // zeros where there is none
  logic [Lanes-1:0][BWidth-1:0]       b;                   // ... here, too: no bits that differ
  logic [Weights-1:0][CountWidth-1:0] count, count_s;      // of pairs that differ; staged
  logic [LanesWidth-1:0]              present, present_s;  // of lanes with an operand; staged
  logic [SumWidth-1:0]                dot, dot_s;          // of the step; staged
  logic                               valid_s, first_s;
  logic [AccWidth-1:0]                dot_acc, psum_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign there[l] = code_i[l*CodeWidth+AWidth];
    assign a[l]     = code_i[l*CodeWidth+:AWidth];
    assign b[l]     = b_i[l*BWidth+:BWidth] & {BWidth{there[l]}};
  end

  for (genvar w = 0; w < Weights; w++) begin : gen_weight
    localparam int unsigned Low   = (w < BWidth) ? 0 : w - BWidth + 1;  // bits of A with a partner
    localparam int unsigned High  = (w < AWidth) ? w : AWidth - 1;
    localparam int unsigned Pairs = High - Low + 1;

    logic [Lanes*Pairs-1:0] differs;
    for (genvar l = 0; l < Lanes; l++) begin : gen_differs
      for (genvar p = 0; p < Pairs; p++) begin : gen_pair
        assign differs[l*Pairs+p] = a[l][Low+p] ^ b[l][w-Low-p];
      end
    end

    tpe_popcount #(
        .Width     (Lanes * Pairs),
        .CountWidth(CountWidth)
    ) u_popcount (
        .flag_i (differs),
        .count_o(count[w])
    );
  end

  tpe_popcount #(
      .Width     (Lanes),
      .CountWidth(LanesWidth)
  ) u_present (
      .flag_i (there),
      .count_o(present)
  );

  tpe_delay #(
      .Width (Weights * CountWidth + LanesWidth),
      .Cycles((Stages >= 3) ? 1 : 0)
  ) u_count (
      .clk_i,
      .en_i,
      .d_i({count, present}),
      .d_o({count_s, present_s})
  );

  // What lanes with an operand make if no pair differs, less twice what those that differ weigh.
  logic [SumWidth-1:0] lanes_present, times_b, alike, differ;

  always_comb begin
    lanes_present = SumWidth'(present_s);
    times_b       = (lanes_present << BWidth) - lanes_present;
    alike         = (times_b << AWidth) - times_b;
    differ        = '0;
    for (int unsigned w = 0; w < Weights; w++) differ += SumWidth'(count_s[w]) << w;
    dot           = alike - (differ << 1);
  end

  tpe_delay #(
      .Width (SumWidth),
      .Cycles((Stages >= 2) ? 1 : 0)
  ) u_dot (
      .clk_i,
      .en_i,
      .d_i(dot),
      .d_o(dot_s)
  );

  tpe_delay_reset #(
      .Width (2),
      .Cycles(Stages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, first_i}),
      .d_o({valid_s, first_s})
  );

  if (AccWidth > SumWidth) begin : gen_extend
    assign dot_acc = {{(AccWidth - SumWidth) {dot_s[SumWidth-1]}}, dot_s};
  end else begin : gen_same
    assign dot_acc = dot_s;
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_s) psum_q <= (first_s ? '0 : psum_i) + dot_acc;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
