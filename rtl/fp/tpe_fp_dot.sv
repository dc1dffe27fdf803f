// tpe_fp_dot -- a fused dot product: exact products and, with Fused, a code c, added in one sum.
//
// All terms are aligned to the largest exponent, cut there, summed exactly and closed to a code as
// tpe_fp_total says. The products come as tpe_fp_multiply gives them.
// Reference : arXiv:2511.10909
// Latency   : Stages registers: 1 registers the products once they are aligned among each other;
//             c then meets them behind it, and whichever side is lower is aligned to the other:
//             two cuts towards zero are one. c_i belongs to the step that leaves.
// Overflow  : infinity; NaN is {0, ones}.
`default_nettype none

module tpe_fp_dot #(
    parameter int unsigned Lanes      = 8,
    parameter int unsigned ProdExp    = 5,                          // of a product's exponent
    parameter int unsigned ProdWidth  = 8,                          // ... significand
    parameter int unsigned ProdBias   = 14,                         // ... exponent's bias
    parameter int unsigned ExpWidth   = 8,                          // of the code
    parameter int unsigned FracWidth  = 23,
    parameter int unsigned AlignBits  = 24,
    parameter int unsigned KeptBits   = 23,
    parameter int unsigned FloorBelow = 6,
    parameter int unsigned Nearest    = 0,
    parameter int unsigned Fused      = 1,
    parameter int unsigned Stages     = 0,                          // 0..1
    parameter int unsigned Width      = ExpWidth + FracWidth + 1
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes-1:0]             sign_i,
    input  wire  logic [Lanes*ProdExp-1:0]     exp_i,
    input  wire  logic [Lanes*ProdWidth-1:0]   sig_i,
    input  wire  logic [Lanes-1:0]             zero_i,
    input  wire  logic [Lanes-1:0]             inf_i,
    input  wire  logic [Lanes-1:0]             nan_i,
    input  wire  logic [Width-1:0]             c_i,
    output       logic                         valid_o,
    output       logic                         first_o,
    output       logic [Width-1:0]             word_o
);

  localparam int unsigned Terms     = Lanes + ((Fused != 0) ? 1 : 0);  // c is the last one
  localparam int unsigned WideExp   = (ProdExp > ExpWidth + 1) ? ProdExp : ExpWidth + 1;
  localparam int unsigned TopExp    = WideExp + 1;  // signed: exponents less the floor
  localparam int unsigned TermWidth = AlignBits + 2;
  localparam int unsigned Bias      = (1 << (ExpWidth - 1)) - 1;
  localparam logic [TopExp-1:0] Offset = TopExp'(Bias + FloorBelow - 1) - TopExp'(ProdBias);

  if (ProdWidth > TermWidth || Fused > 1 || Stages > 1) begin : gen_check
    $error("tpe_fp_dot: AlignBits must hold a product, Fused and Stages are 0 or 1");
  end

  // The products as terms: two integer bits each, whatever their highest one.
  logic [Lanes-1:0][TopExp-1:0]    prod_exp;
  logic [Lanes-1:0][TermWidth-1:0] prod_sig;

  for (genvar l = 0; l < Lanes; l++) begin : gen_product
    assign prod_exp[l] = TopExp'(exp_i[l*ProdExp+:ProdExp]) + Offset;
    assign prod_sig[l] = TermWidth'(sig_i[l*ProdWidth+:ProdWidth]) << (TermWidth - ProdWidth);
  end

  // c as a term.
  logic                 c_sign, c_zero, c_inf, c_nan;
  logic [ExpWidth-1:0]  c_code_exp;
  logic [FracWidth:0]   c_code_sig;
  logic [TopExp-1:0]    c_exp;
  logic [TermWidth-1:0] c_sig;

  tpe_fp_unpack #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth)
  ) u_unpack (
      .x_i   ((Fused != 0) ? c_i : '0),
      .sign_o(c_sign),
      .exp_o (c_code_exp),
      .sig_o (c_code_sig),
      .zero_o(c_zero),
      .inf_o (c_inf),
      .nan_o (c_nan)
  );

  assign c_exp = TopExp'(c_code_exp) + TopExp'(FloorBelow) - TopExp'(1);

  if (AlignBits >= FracWidth) begin : gen_c_wider
    assign c_sig = TermWidth'(c_code_sig) << (AlignBits - FracWidth);
  end else begin : gen_c_cut
    assign c_sig = TermWidth'(c_code_sig >> (FracWidth - AlignBits));
  end

  // Aligned, at last.
  logic [Terms-1:0]                sign;
  logic [Terms-1:0][TermWidth-1:0] aligned;
  logic [TopExp-1:0]               top;
  logic                            pos_inf, neg_inf, not_a_number;  // of the products

  localparam int unsigned Kinds = 3;
  logic [Kinds-1:0] kinds, kinds_s;  // the same of the products as they come; staged

  assign kinds = {|nan_i, |(inf_i & sign_i), |(inf_i & ~sign_i)};
  assign {not_a_number, neg_inf, pos_inf} = kinds_s;

  if (Stages == 0) begin : gen_together
    logic [Terms-1:0]           zero;
    logic [Terms*TopExp-1:0]    exponents;
    logic [Terms*TermWidth-1:0] significands;

    // Without Fused the casts leave c out.
    assign sign         = Terms'({c_sign, sign_i});
    assign zero         = Terms'({c_zero, zero_i});
    assign exponents    = (Terms*TopExp)'({c_exp, prod_exp});
    assign significands = (Terms*TermWidth)'({c_sig, prod_sig});

    tpe_fp_align_all #(
        .Terms   (Terms),
        .ExpWidth(TopExp),
        .Width   (TermWidth)
    ) u_align_all (
        .zero_i(zero),
        .exp_i (exponents),
        .sig_i (significands),
        .exp_o (top),
        .sig_o (aligned)
    );

    assign valid_o = valid_i;
    assign first_o = first_i;
    assign kinds_s = kinds;
    logic unused_clk;
    assign unused_clk = ^{clk_i, rst_ni, en_i};
  end else begin : gen_apart
    logic [TopExp-1:0]          prod_top, prod_top_q;
    logic [Lanes-1:0]           sign_q;
    logic [Lanes*TermWidth-1:0] prod_aligned, prod_aligned_q;
    logic [Kinds-1:0]           kinds_q;

    tpe_fp_align_all #(
        .Terms   (Lanes),
        .ExpWidth(TopExp),
        .Width   (TermWidth)
    ) u_align_all (
        .zero_i,
        .exp_i (prod_exp),
        .sig_i (prod_sig),
        .exp_o (prod_top),
        .sig_o (prod_aligned)
    );

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid_o <= 1'b0;
        first_o <= 1'b0;
      end else if (en_i) begin
        valid_o <= valid_i;
        first_o <= first_i;
      end
    end

    always_ff @(posedge clk_i) begin
      if (en_i && valid_i) begin
        prod_top_q     <= prod_top;
        prod_aligned_q <= prod_aligned;
        sign_q         <= sign_i;
        kinds_q        <= kinds;
      end
    end

    assign kinds_s = kinds_q;

    if (Fused != 0) begin : gen_with_c
      logic [TopExp-1:0] c_top;
      logic              larger;  // c has the larger exponent

      assign c_top  = c_zero ? '0 : c_exp;
      assign larger = c_top > prod_top_q;
      assign top    = larger ? c_top : prod_top_q;
      assign sign   = {c_sign, sign_q};

      for (genvar t = 0; t < Terms; t++) begin : gen_term
        tpe_fp_align #(
            .Width    (TermWidth),
            .DistWidth(TopExp),
            .Align    (tpe_pkg::AlignTruncate)
        ) u_align (
            .x_i       ((t == Lanes) ? c_sig : prod_aligned_q[(t%Lanes)*TermWidth+:TermWidth]),
            .distance_i(top - ((t == Lanes) ? c_exp : prod_top_q)),
            .x_o       (aligned[t])
        );
      end
    end else begin : gen_alone
      assign top     = prod_top_q;
      assign sign    = sign_q;
      assign aligned = prod_aligned_q;
    end
  end

  tpe_fp_total #(
      .Terms     (Terms),
      .AlignBits (AlignBits),
      .InWidth   (TopExp),
      .ExpWidth  (ExpWidth),
      .FracWidth (FracWidth),
      .KeptBits  (KeptBits),
      .FloorBelow(FloorBelow),
      .Nearest   (Nearest)
  ) u_total (
      .sign_i   (sign),
      .exp_i    (top),
      .sig_i    (aligned),
      .pos_inf_i(pos_inf || (c_inf && !c_sign)),
      .neg_inf_i(neg_inf || (c_inf && c_sign)),
      .nan_i    (not_a_number || c_nan),
      .word_o
  );

  if (Fused == 0) begin : gen_no_c
    logic unused_c;
    assign unused_c = ^{c_i, c_exp, c_sig, c_zero};
  end

endmodule

`default_nettype wire
