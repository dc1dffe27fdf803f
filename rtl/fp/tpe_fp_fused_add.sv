// tpe_fp_fused_add -- an exact product added to a floating-point code, with one rounding.
//
// The product, normalised, and the code are aligned to the larger exponent with guard, round and
// sticky bits. A smaller one loses bits only where the larger is normal, or subnormal and the sum
// with it: then what is lost lies below the round bit. The product's exponent is that of its top
// bit, in the bias of the code; it may be negative.
// Subnormals : kept, in and out. A sum of zero is positive unless both terms are -0.
// Overflow   : infinity. Infinities of opposite signs, and any NaN, give the NaN {0, ones, 1 0..0}.
// Latency    : combinational.
`default_nettype none

module tpe_fp_fused_add #(
    parameter int unsigned ExpWidth   = 8,                        // of the code
    parameter int unsigned FracWidth  = 23,
    parameter int unsigned ProdWidth  = 16,                       // of the product's significand
    parameter int unsigned ProdExp    = 10,                       // ... exponent, signed
    parameter int unsigned Width      = ExpWidth + FracWidth + 1
) (
    input  wire  logic                   prod_sign_i,
    input  wire  logic [ProdExp-1:0]     prod_exp_i,
    input  wire  logic [ProdWidth-1:0]   prod_sig_i,
    input  wire  logic                   prod_inf_i,
    input  wire  logic                   prod_nan_i,
    input  wire  logic [Width-1:0]       word_i,
    output       logic [Width-1:0]       sum_o
);

  localparam int unsigned TermWidth = ((ProdWidth > FracWidth + 1) ? ProdWidth : FracWidth + 1) + 3;
  localparam int unsigned SumWidth  = TermWidth + 1;

  if (ProdExp < ExpWidth + 2) begin : gen_check
    $error("tpe_fp_fused_add: ProdExp must be ExpWidth + 2 or more");
  end

  // The product, its highest one on top.
  logic [ProdWidth-1:0] prod_sig;
  logic [ProdExp-1:0]   prod_shift, prod_exp;
  logic                 prod_zero;

  tpe_fp_normalise #(
      .Width    (ProdWidth),
      .RoomWidth(ProdExp)
  ) u_normalise_product (
      .sig_i  (prod_sig_i),
      .room_i ('1),
      .sig_o  (prod_sig),
      .shift_o(prod_shift)
  );

  assign prod_zero = prod_sig_i == '0;
  // That of zero is the lowest one: it aligns nothing.
  assign prod_exp  = prod_zero ? {1'b1, {(ProdExp - 1) {1'b0}}} : prod_exp_i - prod_shift;

  logic                 sign, zero, inf, not_a_number;  // of the code
  logic [ExpWidth-1:0]  code_exp;
  logic [FracWidth:0]   code_sig;

  tpe_fp_unpack #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth)
  ) u_unpack (
      .x_i   (word_i),
      .sign_o(sign),
      .exp_o (code_exp),
      .sig_o (code_sig),
      .zero_o(zero),
      .inf_o (inf),
      .nan_o (not_a_number)
  );

  // The term of the larger exponent, and the other one, aligned to it.
  logic [ProdExp-1:0]   distance, exponent;  // the exponent, at last, is one of the code
  logic [TermWidth-1:0] prod_term, code_term, major, minor, aligned;
  logic                 larger;              // the product has the larger exponent
  logic                 major_sign, minor_sign, subtract;

  assign larger     = $signed(prod_exp) > $signed(ProdExp'(code_exp));
  assign exponent   = larger ? prod_exp : ProdExp'(code_exp);
  assign distance   = larger ? prod_exp - ProdExp'(code_exp) : ProdExp'(code_exp) - prod_exp;
  assign prod_term  = {prod_sig, {(TermWidth - ProdWidth) {1'b0}}};
  assign code_term  = {code_sig, {(TermWidth - FracWidth - 1) {1'b0}}};
  assign major      = larger ? prod_term : code_term;
  assign minor      = larger ? code_term : prod_term;
  assign major_sign = larger ? prod_sign_i : sign;
  assign minor_sign = larger ? sign : prod_sign_i;
  assign subtract   = prod_sign_i ^ sign;

  tpe_fp_align #(
      .Width    (TermWidth),
      .DistWidth(ProdExp),
      .Align    (tpe_pkg::AlignSticky)
  ) u_align (
      .x_i       (minor),
      .distance_i(distance),
      .x_o       (aligned)
  );

  // Sum or difference, and its magnitude: exponents alone do not say which one is larger.
  logic [SumWidth-1:0]  total, size;
  logic                 below;

  assign total = subtract ? {1'b0, major} - {1'b0, aligned} : {1'b0, major} + {1'b0, aligned};
  assign below = subtract && total[SumWidth-1];
  assign size  = below ? -total : total;

  // Normalised, its exponent 1 at least; the top bit is that of a carry.
  logic [SumWidth-1:0] normal;
  logic [ProdExp-1:0]  left;

  tpe_fp_normalise #(
      .Width    (SumWidth),
      .RoomWidth(ProdExp)
  ) u_normalise (
      .sig_i  (size),
      .room_i (exponent),  // one more, the carry's, less one
      .sig_o  (normal),
      .shift_o(left)
  );

  logic sum_sign;

  always_comb begin
    if (prod_inf_i) sum_sign = prod_sign_i;
    else if (inf) sum_sign = sign;
    else if (total == '0) sum_sign = prod_sign_i && sign;
    else sum_sign = below ? minor_sign : major_sign;
  end

  tpe_fp_round #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth),
      .SigWidth (SumWidth),
      .InWidth  (ProdExp)
  ) u_round (
      .sign_i(sum_sign),
      .exp_i (exponent + ProdExp'(1) - left),
      .sig_i (normal),
      .inf_i (prod_inf_i || inf),
      .nan_i (prod_nan_i || not_a_number || (prod_inf_i && inf && subtract)),
      .word_o(sum_o)
  );

  logic unused_zero;
  assign unused_zero = zero;

endmodule

`default_nettype wire
