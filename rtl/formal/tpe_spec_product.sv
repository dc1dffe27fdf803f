// tpe_spec_product -- specification: the sum over lanes of a * b, modulo 2**Width.
//
// Digits 0: a code is the operand a itself. 1: a code is one digit as the select {neg, two, one};
// legal_o says whether every code stands for a digit of -2..2, zero being 000. 2 and 3: a code is
// all digits of an operand, as tpe_spec_code has them; legal_o as there. 4: bits stand for plus or
// minus their weights; the top one of a code says that there is an operand, else all of it is zero.
// 5 and more: an operand as it is, and products by the multiplier of that number less 5, as
// tpe_spec_multiplier has them; legal_o as there.
// InOrder 1: no sum, but the pairs {a, b} themselves, that of lane 0 on top.
`default_nettype none

module tpe_spec_product #(
    parameter int unsigned AWidth    = 8,  // of Digits 2 to 4
    parameter int unsigned CodeWidth = 8,
    parameter int unsigned BWidth    = 8,
    parameter int unsigned Lanes     = 1,
    parameter int unsigned Digits    = 0,
    parameter int unsigned InOrder   = 0,
    parameter int unsigned Width     = 32
) (
    input  wire  logic [Lanes-1:0][CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes-1:0][BWidth-1:0]      b_i,
    output       logic                              legal_o,
    output       logic [Width-1:0]                  sum_o
);

  localparam int unsigned Sign    = (Digits == 4) ? 1 : 0;  // more than bits that are signed
  localparam int unsigned Code    = (Digits > 1 && Digits < 5) ? AWidth : CodeWidth;
  localparam int unsigned Operand = Code + Sign;      // bits of a
  localparam int unsigned Other   = BWidth + Sign;    // ... of b
  localparam int unsigned Exact   = Operand + Other;  // holds every product

  logic [Lanes-1:0]                   legal;
  logic signed [Lanes-1:0][Exact-1:0] product;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic signed [Operand-1:0] a;
    logic signed [Other-1:0]   b;

    if (Digits == 4) begin : gen_bipolar
      always_comb begin
        a = '0;
        b = '0;
        for (int unsigned i = 0; i < AWidth; i++) begin
          if (code_i[l][AWidth]) a = code_i[l][i] ? a + Operand'(1 << i) : a - Operand'(1 << i);
        end
        for (int unsigned j = 0; j < BWidth; j++) begin
          b = b_i[l][j] ? b + Other'(1 << j) : b - Other'(1 << j);
        end
      end
      assign legal[l] = code_i[l][AWidth] || code_i[l] == '0;
    end else begin : gen_signed
      assign b = b_i[l];
    end

    if (Digits == 0) begin : gen_operand
      assign a        = code_i[l];
      assign legal[l] = 1'b1;
    end else if (Digits > 4) begin : gen_looked_up
      assign a = code_i[l];
    end else if (Digits == 1) begin : gen_digit
      tpe_spec_digit #(
          .Width(CodeWidth)
      ) u_digit (
          .digit_i(code_i[l]),
          .legal_o(legal[l]),
          .value_o(a)
      );
    end else if (Digits < 4) begin : gen_code
      localparam int unsigned NumDigits = (AWidth + 1) / 2;
      logic signed [2*NumDigits+2:0] value;
      logic [4*NumDigits-1:0]        unused_digit;
      tpe_spec_code #(
          .AWidth   (AWidth),
          .CodeWidth(CodeWidth),
          .Form     (Digits)
      ) u_code (
          .code_i (code_i[l]),
          .legal_o(legal[l]),
          .digit_o(unused_digit),
          .value_o(value)
      );
      assign a = value[AWidth-1:0];
    end

    if (Digits > 4) begin : gen_multiplier
      tpe_spec_multiplier #(
          .AWidth(Operand),
          .BWidth(Other),
          .Method(Digits - 5)
      ) u_multiplier (
          .a_i      (a),
          .b_i      (b),
          .legal_o  (legal[l]),
          .product_o(product[l])
      );
    end else begin : gen_product
      assign product[l] = Exact'(a) * Exact'(b);
    end
  end

  assign legal_o = &legal;

  always_comb begin
    sum_o = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      if (InOrder != 0) sum_o = Width'({sum_o, code_i[l], b_i[l]});
      else sum_o = sum_o + Width'($signed(product[l]));
    end
  end

endmodule

`default_nettype wire
