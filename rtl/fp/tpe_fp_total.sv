// tpe_fp_total -- the exact sum of terms that are aligned to one exponent, as a code.
//
// A term's magnitude has two integer and AlignBits fraction bits. The sum is normalised, and
// rounded to KeptBits of the code's fraction bits: cut towards zero, or to nearest with Nearest.
// Zero is +0. An exponent of 0 stands FloorBelow under the least normal number of the code.
// Reference : arXiv:2511.10909
// Overflow  : infinity. Infinities of opposite signs, and any NaN, give the NaN {0, ones}.
// Latency   : combinational.
`default_nettype none

module tpe_fp_total #(
    parameter int unsigned Terms      = 9,
    parameter int unsigned AlignBits  = 24,
    parameter int unsigned InWidth    = 10,                        // of the exponent as it comes
    parameter int unsigned ExpWidth   = 8,                         // of the code
    parameter int unsigned FracWidth  = 23,
    parameter int unsigned KeptBits   = 23,
    parameter int unsigned FloorBelow = 6,
    parameter int unsigned Nearest    = 0,
    parameter int unsigned Width      = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Terms-1:0]                 sign_i,
    input  wire  logic [InWidth-1:0]               exp_i,      // of all terms
    input  wire  logic [Terms*(AlignBits+2)-1:0]   sig_i,
    input  wire  logic                             pos_inf_i,  // a term is infinite
    input  wire  logic                             neg_inf_i,
    input  wire  logic                             nan_i,
    output       logic [Width-1:0]                 word_o
);

  localparam int unsigned TermWidth = AlignBits + 2;
  localparam int unsigned Grown     = $clog2(4 * Terms);      // integer bits of the sum
  localparam int unsigned SumWidth  = AlignBits + Grown + 1;  // signed
  // As many above the point that the exponent of the top bit is that of a code: 1 or more.
  localparam int unsigned IntBits   = (Grown > FloorBelow) ? Grown : FloorBelow + 1;
  localparam int unsigned SizeWidth = AlignBits + IntBits;
  localparam int unsigned CodeWidth = 1 + ExpWidth + KeptBits;

  if (KeptBits > FracWidth || KeptBits > AlignBits || Nearest > 1) begin : gen_check
    $error("tpe_fp_total: KeptBits at most FracWidth and AlignBits, Nearest 0 or 1");
  end

  // A negative term is its complement and a one; the ones are counted, and are one word more.
  logic [Terms:0][SumWidth-1:0] words;
  logic [SumWidth-1:0]          total;

  for (genvar t = 0; t < Terms; t++) begin : gen_term
    assign words[t] = SumWidth'(sig_i[t*TermWidth+:TermWidth]) ^ {SumWidth{sign_i[t]}};
  end
  assign words[Terms] = SumWidth'($countones(sign_i));

  tpe_accumulate #(
      .NumOps(Terms + 1),
      .Width (SumWidth)
  ) u_accumulate (
      .op_i   (words),
      .total_o(total)
  );

  logic                 negative;
  logic [SumWidth-2:0]  size;
  logic [SizeWidth-1:0] normal;
  logic [InWidth-1:0]   exponent, shift;

  assign negative = total[SumWidth-1];
  assign size     = negative ? -total[SumWidth-2:0] : total[SumWidth-2:0];
  assign exponent = exp_i + InWidth'(IntBits - FloorBelow);

  tpe_fp_normalise #(
      .Width    (SizeWidth),
      .RoomWidth(InWidth)
  ) u_normalise (
      .sig_i  (SizeWidth'(size)),
      .room_i (exponent - InWidth'(1)),
      .sig_o  (normal),
      .shift_o(shift)
  );

  logic                 inf, not_a_number;
  logic [CodeWidth-1:0] code;

  assign inf          = pos_inf_i || neg_inf_i;
  assign not_a_number = nan_i || (pos_inf_i && neg_inf_i);

  tpe_fp_round #(
      .ExpWidth (ExpWidth),
      .FracWidth(KeptBits),
      .SigWidth (SizeWidth),
      .InWidth  (InWidth),
      .Nearest  (Nearest),
      .NanOnes  (1)
  ) u_round (
      .sign_i(inf ? neg_inf_i : negative),
      .exp_i (exponent - shift),
      .sig_i (normal),
      .inf_i (inf),
      .nan_i (not_a_number),
      .word_o(code)
  );

  logic sign;

  assign sign = code[CodeWidth-1] && code[CodeWidth-2:0] != '0;

  if (KeptBits == FracWidth) begin : gen_whole
    assign word_o = {sign, code[CodeWidth-2:0]};
  end else begin : gen_short
    assign word_o = {sign, code[CodeWidth-2:0], {(FracWidth - KeptBits) {not_a_number}}};
  end

endmodule

`default_nettype wire
