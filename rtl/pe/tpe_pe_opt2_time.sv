// tpe_pe_opt2_time -- OPT2 with the bit weights in time: one plane of digits a step, two pairs.
//
// K is streamed once per bit weight (a plane), least significant first. A step compresses the
// digits of its plane over all lanes with the plane's pair. The step that brings another plane
// starts that pair anew and folds the old one, shifted to its weight, into the pair of the total;
// the last plane is folded by a step of plane NumDigits, whose digits are zero.
// Reference : arXiv:2503.06342, OPT2
// Latency   : no register before the psum register. Lanes digits a cycle.
// Overflow  : both pairs are exact modulo 2**AccWidth; the shift drops what lies above.
`default_nettype none

module tpe_pe_opt2_time #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 4,             // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,        // a code is the operand, or its digits
    parameter int unsigned PsumWidth  = 4 * AccWidth,  // {plane's carry, sum, total's carry, sum}
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Coded      = 0,             // 1: a code is digits, see tpe_unpack
    parameter int unsigned Negate     = tpe_pkg::NegateAdder  // or NegateFreeBits
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of the psum
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,  // which digit counts; NumDigits: none
    input  wire  logic [PsumWidth-1:0]         psum_i,   // its own: the psum stays in the cell
    output       logic [PsumWidth-1:0]         psum_o
);

  localparam int unsigned NumDigits = (AWidth + 1) / 2;
  localparam int unsigned FreeBits  = (Negate == tpe_pkg::NegateFreeBits) ? 1 : 0;

  if (PsumWidth != 4 * AccWidth || AccWidth < AWidth + BWidth || NumDigits >= 2 ** PlaneWidth)
  begin : gen_check
    $error("tpe_pe_opt2_time: PsumWidth = 4 AccWidth, AccWidth >= AWidth + BWidth");
  end

  logic unused_inputs;
  assign unused_inputs = ^{psum_i, rst_ni};

  logic [Lanes-1:0][NumDigits-1:0][2:0] digits;
  logic [Lanes-1:0][2:0]                digit;        // of the plane
  logic [Lanes-1:0][BWidth+1:0]         pp;
  logic [Lanes-1:0]                     negative;     // a 1 is to be added to the word
  logic [Lanes-1:0][AccWidth-1:0]       addend;
  logic [1:0][AccWidth-1:0]             pair;         // of the plane so far
  logic [AccWidth-1:0]                  sum_d, sum_q, carry_d, carry_q;        // of the plane
  logic [AccWidth-1:0]                  weighed_sum, weighed_carry;            // at its weight
  logic [AccWidth-1:0]                  total_sum, total_carry;                // without it
  logic [AccWidth-1:0]                  folded_sum, folded_carry;              // with it
  logic [PlaneWidth-1:0]                plane_q;
  logic                                 same;

  always_comb begin
    for (int unsigned l = 0; l < Lanes; l++) begin
      digit[l] = '0;
      for (int unsigned d = 0; d < NumDigits; d++) begin
        if (plane_i == PlaneWidth'(d)) digit[l] = digits[l][d];
      end
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tpe_digits #(
        .AWidth   (AWidth),
        .Encoder  (Encoder),
        .Coded    (Coded),
        .CodeWidth(CodeWidth)
    ) u_digits (
        .a_i    (code_i[l*CodeWidth+:CodeWidth]),
        .digit_o(digits[l])
    );

    tpe_multiple #(
        .InWidth   (BWidth),
        .Complement(FreeBits)
    ) u_multiple (
        .digit_i   (digit[l]),
        .b_i       (b_i[l*BWidth+:BWidth]),
        .word_o    (pp[l]),
        .negative_o(negative[l])
    );

    assign addend[l] = AccWidth'($signed(pp[l]));
  end

  assign same = !first_i && (plane_i == plane_q);
  assign pair = same ? {carry_q, sum_q} : '0;

  if (FreeBits != 0) begin : gen_ones
    tpe_half_reduce_ones #(
        .NumOps(Lanes + 2),
        .Width (AccWidth)
    ) u_reduce_plane (
        .op_i   ({addend, pair}),
        .one_i  (negative),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
  end else begin : gen_words
    tpe_half_reduce #(
        .NumOps(Lanes + 2),
        .Width (AccWidth)
    ) u_reduce_plane (
        .op_i   ({pair, addend}),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
    logic unused_negative;
    assign unused_negative = ^negative;
  end

  tpe_shift_pair_plane #(
      .Width     (AccWidth),
      .PlaneWidth(PlaneWidth)
  ) u_shift (
      .plane_i(plane_q),
      .sum_i  (sum_q),
      .carry_i(carry_q),
      .sum_o  (weighed_sum),
      .carry_o(weighed_carry)
  );

  tpe_half_reduce #(
      .NumOps(4),
      .Width (AccWidth)
  ) u_reduce_total (
      .op_i   ({weighed_carry, weighed_sum, total_carry, total_sum}),
      .sum_o  (folded_sum),
      .carry_o(folded_carry)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) begin
      plane_q <= plane_i;
      sum_q   <= sum_d;
      carry_q <= carry_d;
    end
  end

  if (NumDigits > 1) begin : gen_total
    always_ff @(posedge clk_i) begin
      if (en_i && valid_i && !same) begin
        total_sum   <= first_i ? '0 : folded_sum;
        total_carry <= first_i ? '0 : folded_carry;
      end
    end
    assign psum_o = {carry_q, sum_q, total_carry, total_sum};
  end else begin : gen_single  // one plane is the total; nothing closes it
    assign total_sum   = '0;
    assign total_carry = '0;
    assign psum_o      = {carry_q, sum_q, folded_carry, folded_sum};
  end

endmodule

`default_nettype wire
