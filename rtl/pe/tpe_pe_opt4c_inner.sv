// tpe_pe_opt4c_inner -- OPT4C with all digits of a group inside: a digit is shifted in the cell.
//
// A code says of one digit its bit weight and which of the operands of B at the port it meets. The
// cell chooses the operand, makes its multiple, shifts it to the bit weight and compresses it with
// the pair, which has the accumulator's width and is resolved once per output.
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
    parameter int unsigned PsumWidth  = 64,   // {carry, sum}
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned Offered    = 4,    // operands of B at the port
    parameter int unsigned CellStages = 1,    // 1..4
    parameter int unsigned Negate     = tpe_pkg::NegateAdder  // or NegateFreeBits
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
  localparam int unsigned IndexWidth  = CodeWidth - PlaneWidth - 3;
  localparam int unsigned Above       = 2 * ((AWidth + 1) / 2 - 1);  // of the highest bit weight
  localparam int unsigned WordWidth   = BWidth + 2 + Above;
  // Below the word stand the bits that are shifted in: ones of a complement.
  localparam int unsigned ShiftWidth  = WordWidth + Above;

  if (PsumWidth != 2 * AccWidth || AccWidth < AWidth + BWidth || AWidth > 17
      || 2 ** IndexWidth < Offered || AccWidth < WordWidth || CellStages < 1
      || CellStages > 4) begin : gen_check
    $error("tpe_pe_opt4c_inner: PsumWidth = 2 AccWidth >= 2 (AWidth + BWidth); a code as it says");
  end

  logic unused_plane_i;
  assign unused_plane_i = ^plane_i;

  logic [Offered-1:0][BWidth-1:0]  offered;
  logic [Lanes-1:0][AccWidth-1:0]  addend;
  logic [1:0][AccWidth-1:0]        pair;
  logic [Lanes-1:0]                negative;  // a 1 is to be added to the word
  logic [AccWidth-1:0]             sum_d, sum_q, carry_d, carry_q;
  logic                            valid, first;  // as the words come to the psum

  assign offered = b_i;

  tpe_delay_reset #(
      .Width (2),
      .Cycles(CellStages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, first_i}),
      .d_o({valid, first})
  );

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [IndexWidth-1:0] index;
    logic [PlaneWidth-1:0] plane, plane_b, plane_m;  // as it comes; with the operand; the multiple
    logic [2:0]            digit, digit_b;
    logic [BWidth-1:0]     b, b_b;
    logic [BWidth+1:0]     multiple, multiple_m;
    logic                  negative_d, negative_m;
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
        .en_i,
        .d_i({plane, digit, b}),
        .d_o({plane_b, digit_b, b_b})
    );

    tpe_multiple #(
        .InWidth   (BWidth),
        .Complement(FreeBits)
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
        .en_i,
        .d_i({plane_b, negative_d, multiple}),
        .d_o({plane_m, negative_m, multiple_m})
    );

    if (Above > 0) begin : gen_shift
      logic [ShiftWidth-1:0] shifted_d;

      assign word = {{Above{multiple_m[BWidth+1]}}, multiple_m, {Above{negative_m}}};

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
          .en_i,
          .d_i({negative_m, shifted_d}),
          .d_o({negative[l], shifted})
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
          .en_i,
          .d_i({negative_m, word}),
          .d_o({negative[l], shifted})
      );

      logic unused_plane;
      assign unused_plane = ^plane_m;
    end

    if (AccWidth > WordWidth) begin : gen_extend
      assign addend[l] = {{(AccWidth - WordWidth) {shifted[ShiftWidth-1]}},
                          shifted[ShiftWidth-1-:WordWidth]};
    end else begin : gen_same
      assign addend[l] = shifted[ShiftWidth-1-:WordWidth];
    end
  end

  assign pair = first ? '0 : psum_i;

  if (FreeBits != 0) begin : gen_ones
    tpe_half_reduce_ones #(
        .NumOps(Lanes + 2),
        .Width (AccWidth)
    ) u_half_reduce (
        .op_i   ({addend, pair}),
        .one_i  (negative),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
  end else begin : gen_words
    tpe_half_reduce #(
        .NumOps(Lanes + 2),
        .Width (AccWidth)
    ) u_half_reduce (
        .op_i   ({pair, addend}),
        .sum_o  (sum_d),
        .carry_o(carry_d)
    );
    logic unused_negative;
    assign unused_negative = ^negative;
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid) begin
      sum_q   <= sum_d;
      carry_q <= carry_d;
    end
  end

  assign psum_o = {carry_q, sum_q};

endmodule

`default_nettype wire
