// tpe_prop_fp_fused_add -- a product and a code are summed exactly and rounded once, to nearest.
//
// Both as fixed-point numbers, wide enough to hold them; the product's exponent is any that does
// not leave its width as the product is normalised. A sum of zero is positive unless both terms
// are -0; NaN, infinities of opposite signs give the one NaN.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_fused_add #(
    parameter  int unsigned ExpWidth  = 3,
    parameter  int unsigned FracWidth = 2,
    parameter  int unsigned ProdWidth = 6,
    parameter  int unsigned ProdExp   = ExpWidth + 2,
    localparam int unsigned Width     = ExpWidth + FracWidth + 1
) (
    input  wire  logic                   prod_sign_i,
    input  wire  logic [ProdExp-1:0]     prod_exp_i,
    input  wire  logic [ProdWidth-1:0]   prod_sig_i,
    input  wire  logic                   prod_inf_i,
    input  wire  logic                   prod_nan_i,
    input  wire  logic [Width-1:0]       word_i,
    output       logic                   fails_o
);

  // Exponents of the product's top bit: the lowest one leaves room to be normalised.
  localparam int Lowest = -(2 ** (ProdExp - 1)) + ProdWidth;
  localparam int unsigned Guards = ProdWidth - FracWidth - Lowest;  // makes its last bit a unit
  localparam int unsigned Bits   = ProdWidth + 2 ** ProdExp + Guards;
  localparam logic [Width-2:0] Infinity = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};

  logic [Width-1:0] sum;

  tpe_fp_fused_add #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth),
      .ProdWidth(ProdWidth),
      .ProdExp  (ProdExp)
  ) u_add (
      .prod_sign_i,
      .prod_exp_i,
      .prod_sig_i,
      .prod_inf_i,
      .prod_nan_i,
      .word_i,
      .sum_o(sum)
  );

  logic signed [31:0]     exponent;
  logic [ExpWidth-1:0]    field;
  logic [Bits-1:0]        product, code;
  logic signed [Bits+1:0] total;
  logic [Bits+1:0]        number;
  logic                   legal, sign, word_inf, word_nan, no_number, right;

  assign exponent = 32'($signed(prod_exp_i));
  assign legal    = exponent >= Lowest;
  assign field    = word_i[FracWidth+:ExpWidth];
  assign sign     = word_i[Width-1];
  assign word_inf = word_i[Width-2:0] == Infinity;
  assign word_nan = word_i[Width-2:0] > Infinity;
  assign product  = Bits'(prod_sig_i) << (exponent - Lowest);
  assign code     = (Bits'({field != '0, word_i[FracWidth-1:0]}) << Guards)
                 << ((field == '0) ? field : field - 1'b1);
  assign total    = (prod_sign_i ? -$signed({2'b00, product}) : $signed({2'b00, product}))
                  + (sign ? -$signed({2'b00, code}) : $signed({2'b00, code}));
  assign number   = (total < 0) ? -total : total;

  tpe_spec_fp_nearest #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth),
      .Guards   (Guards),
      .Bits     (Bits + 2)
  ) u_nearest (
      .code_i  (sum[Width-2:0]),
      .number_i(number),
      .right_o (right)
  );

  assign no_number = prod_nan_i || word_nan || (prod_inf_i && word_inf && prod_sign_i != sign);

  always_comb begin
    if (no_number) begin
      fails_o = sum != {1'b0, Infinity | (Width - 1)'(1) << (FracWidth - 1)};
    end else if (prod_inf_i || word_inf) begin
      fails_o = sum != {prod_inf_i ? prod_sign_i : sign, Infinity};
    end else begin
      fails_o = legal && (!right || sum[Width-1] != ((total == 0) ? prod_sign_i && sign
                                                                  : total < 0));
    end
  end

endmodule

`default_nettype wire
