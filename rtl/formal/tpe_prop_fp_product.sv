// tpe_prop_fp_product -- the parts of a product are those of its operands, multiplied out.
//
// Significands by shifts and additions; where Fixed is not 0, besides, as integers in units of the
// least subnormal: those of both operands multiplied are that of the product.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_product #(
    parameter  int unsigned ExpWidth  = 4,
    parameter  int unsigned FracWidth = 3,
    parameter  int unsigned Special   = tpe_pkg::SpecialTop,
    parameter  int unsigned Fixed     = 1,
    localparam int unsigned Width     = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Width-1:0]   a_i,
    input  wire  logic [Width-1:0]   b_i,
    output       logic               fails_o
);

  localparam int unsigned SigWidth = 2 * FracWidth + 2;

  logic                sign, zero, inf, not_a_number;
  logic [ExpWidth:0]   exponent;
  logic [SigWidth-1:0] significand;

  tpe_fp_multiply #(
      .AExpWidth(ExpWidth),
      .AWidth   (Width),
      .ASpecial (Special),
      .BExpWidth(ExpWidth),
      .BWidth   (Width),
      .BSpecial (Special)
  ) u_multiply (
      .a_i,
      .b_i,
      .sign_o(sign),
      .exp_o (exponent),
      .sig_o (significand),
      .zero_o(zero),
      .inf_o (inf),
      .nan_o (not_a_number)
  );

  // By definition: what each operand is, in parts.
  logic [1:0][Width-1:0]    code;
  logic [1:0][ExpWidth-1:0] field, weight;
  logic [1:0][FracWidth:0]  whole;
  logic [1:0]               is_inf, is_nan, is_zero;
  logic [SigWidth-1:0]      sum;

  assign code = {b_i, a_i};

  always_comb begin
    for (int unsigned i = 0; i < 2; i++) begin
      field[i]   = ExpWidth'(code[i] >> FracWidth);
      weight[i]  = (field[i] == '0) ? ExpWidth'(1) : field[i];
      whole[i]   = {field[i] != '0, code[i][FracWidth-1:0]};
      is_zero[i] = code[i][Width-2:0] == '0;
      is_inf[i]  = Special == tpe_pkg::SpecialIeee
                 && code[i][Width-2:0] == {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};
      is_nan[i]  = (Special == tpe_pkg::SpecialIeee
                    && code[i][Width-2:0] > {{ExpWidth{1'b1}}, {FracWidth{1'b0}}})
                 || (Special == tpe_pkg::SpecialTop && code[i][Width-2:0] == '1);
    end
    sum = '0;
    for (int unsigned i = 0; i <= FracWidth; i++) begin
      if (whole[1][i]) sum = sum + (SigWidth'(whole[0]) << i);
    end
  end

  logic is_product_nan, wrong;

  assign is_product_nan = |is_nan || (is_inf[0] && is_zero[1]) || (is_inf[1] && is_zero[0]);
  assign wrong = not_a_number != is_product_nan || inf != |is_inf || zero != |is_zero
               || sign != (a_i[Width-1] ^ b_i[Width-1]) || significand != sum
               || exponent != (ExpWidth + 1)'(weight[0]) + (ExpWidth + 1)'(weight[1]);

  if (Fixed != 0) begin : gen_fixed
    localparam int unsigned Units = FracWidth + 1 + (1 << ExpWidth);  // of an operand
    logic [Units-1:0]   left, right;
    logic [2*Units-1:0] both;

    assign left    = Units'(whole[0]) << (weight[0] - ExpWidth'(1));
    assign right   = Units'(whole[1]) << (weight[1] - ExpWidth'(1));
    assign both    = (2 * Units)'(significand) << (exponent - (ExpWidth + 1)'(2));
    assign fails_o = wrong || both != (2 * Units)'(left) * (2 * Units)'(right);
  end else begin : gen_parts
    assign fails_o = wrong;
  end

endmodule

`default_nettype wire
