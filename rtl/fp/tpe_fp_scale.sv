// tpe_fp_scale -- a whole number times a floating-point scale, as a code: rounded once.
//
// The product of the magnitude and the scale's significand is exact; tpe_fp_fused_add rounds it, to
// nearest, ties to even, as its sum with +0. So a product of zero is +0 whatever its sign.
// Subnormals : kept, of the scale and of the word.
// Overflow   : infinity. A scale that is none of the numbers gives NaN, or infinity, as a product.
// Latency    : combinational.
`default_nettype none

module tpe_fp_scale #(
    parameter  int unsigned SumWidth       = 32,  // of the whole number, signed
    parameter  int unsigned ScaleExpWidth  = 5,
    parameter  int unsigned ScaleFracWidth = 10,
    parameter  int unsigned ExpWidth       = 8,   // of the word; as wide as the scale's, or wider
    parameter  int unsigned FracWidth      = 23,
    localparam int unsigned ScaleWidth     = ScaleExpWidth + ScaleFracWidth + 1,
    localparam int unsigned Width          = ExpWidth + FracWidth + 1
) (
    input  wire  logic [SumWidth-1:0]     sum_i,
    input  wire  logic [ScaleWidth-1:0]   scale_i,
    output       logic [Width-1:0]        word_o
);

  localparam int unsigned SigWidth  = SumWidth + ScaleFracWidth + 1;
  localparam int unsigned Bias      = (1 << (ExpWidth - 1)) - 1;
  localparam int unsigned ScaleBias = (1 << (ScaleExpWidth - 1)) - 1;
  // Signed, of the product's top bit in the word's bias, and what normalisation takes from it.
  localparam int unsigned Reach     = Bias + (1 << ScaleExpWidth) + 2 * SigWidth;
  localparam int unsigned Needed    = $clog2(Reach) + 1;
  localparam int unsigned ProdExp   = (Needed > ExpWidth + 2) ? Needed : ExpWidth + 2;

  if (SumWidth < 2 || ScaleExpWidth > ExpWidth) begin : gen_check
    $error("tpe_fp_scale: SumWidth of 2 or more, ScaleExpWidth <= ExpWidth");
  end

  logic                      sign, zero, inf, not_a_number;  // of the scale
  logic [ScaleExpWidth-1:0]  exponent;
  logic [ScaleFracWidth:0]   significand;
  logic [SumWidth-1:0]       size;

  assign size = sum_i[SumWidth-1] ? -sum_i : sum_i;

  tpe_fp_unpack #(
      .ExpWidth (ScaleExpWidth),
      .FracWidth(ScaleFracWidth)
  ) u_unpack (
      .x_i   (scale_i),
      .sign_o(sign),
      .exp_o (exponent),
      .sig_o (significand),
      .zero_o(zero),
      .inf_o (inf),
      .nan_o (not_a_number)
  );

  tpe_fp_fused_add #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth),
      .ProdWidth(SigWidth),
      .ProdExp  (ProdExp)
  ) u_round (
      .prod_sign_i(sign ^ sum_i[SumWidth-1]),
      .prod_exp_i (ProdExp'(exponent) + ProdExp'(Bias + SumWidth) - ProdExp'(ScaleBias)),
      .prod_sig_i (SigWidth'(size) * SigWidth'(significand)),
      .prod_inf_i (inf),
      .prod_nan_i (not_a_number || (inf && sum_i == '0)),
      .word_i     ('0),
      .sum_o      (word_o)
  );

  logic unused_zero;
  assign unused_zero = zero;

endmodule

`default_nettype wire
