// tpe_lmul -- L-Mul: a floating-point product by one integer addition.
//
// The exponent and fraction fields of both operands are added as one integer, less the bias, plus
// an offset, 2**(FracWidth - l) in the paper: r = x + y - (Bias << FracWidth) + Added. A carry out
// of the fractions moves on into the exponent, which is what makes it no sum of fractions.
// Reference : arXiv:2410.00907, the integer form
// Subnormals: in and out they are zero, or (SubnormalsKeep) codes like any other.
// Overflow  : as ProductOverflow says. NaN, and infinity times zero, give the one NaN.
// Latency   : combinational.
`default_nettype none

module tpe_lmul #(
    parameter int unsigned ExpWidth        = 8,
    parameter int unsigned FracWidth       = 7,
    parameter int unsigned Bias            = 127,
    parameter int unsigned Added           = 8,
    parameter int unsigned Special         = tpe_pkg::SpecialIeee,
    parameter int unsigned Subnormals      = tpe_pkg::SubnormalsFlush,
    parameter int unsigned ProductOverflow = tpe_pkg::ProductOverflowInf,
    parameter int unsigned Width           = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Width-1:0]   a_i,
    input  wire  logic [Width-1:0]   b_i,
    output       logic [Width-1:0]   product_o
);

  localparam int unsigned SizeWidth = Width - 1;      // of a word without its sign
  localparam int unsigned SumWidth  = SizeWidth + 2;  // of two of them, and a sign
  localparam bit          Ieee      = Special == tpe_pkg::SpecialIeee;

  localparam logic [SizeWidth-1:0] Infinity = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};
  localparam logic [SizeWidth-1:0] Beyond   = Ieee ? Infinity : '1;  // the largest code, and one
  localparam logic [SizeWidth-1:0] Largest  = Beyond - 1'b1;
  localparam logic [Width-1:0]     NotANumber = {
    1'b0, Beyond | (Ieee ? SizeWidth'(1) << (FracWidth - 1) : '0)
  };
  localparam logic [SumWidth-1:0]  Constant = SumWidth'(Added) - (SumWidth'(Bias) << FracWidth);

  if (Special > tpe_pkg::SpecialTop || Subnormals > tpe_pkg::SubnormalsKeep
      || ProductOverflow > tpe_pkg::ProductOverflowWrap) begin : gen_check
    $error("tpe_lmul: Special has NaN; Subnormals, ProductOverflow are of their enumerations");
  end

  logic                sign;
  logic [SumWidth-1:0] sum;
  logic                a_zero, b_zero, a_inf, b_inf, a_nan, b_nan, not_a_number;
  logic                none, under, over;

  assign sign = a_i[Width-1] ^ b_i[Width-1];
  assign sum  = {2'b00, a_i[SizeWidth-1:0]} + {2'b00, b_i[SizeWidth-1:0]} + Constant;

  if (Subnormals == tpe_pkg::SubnormalsFlush) begin : gen_flush
    assign a_zero = a_i[FracWidth+:ExpWidth] == '0;
    assign b_zero = b_i[FracWidth+:ExpWidth] == '0;
    assign none   = sum[SumWidth-2:FracWidth] == '0;
  end else begin : gen_keep
    assign a_zero = a_i[SizeWidth-1:0] == '0;
    assign b_zero = b_i[SizeWidth-1:0] == '0;
    assign none   = sum[SumWidth-2:0] == '0;
  end

  if (Ieee) begin : gen_ieee
    assign a_inf = a_i[FracWidth+:ExpWidth] == '1;  // NaN too, which goes first
    assign b_inf = b_i[FracWidth+:ExpWidth] == '1;
    assign a_nan = a_i[SizeWidth-1:0] > Infinity;
    assign b_nan = b_i[SizeWidth-1:0] > Infinity;
  end else begin : gen_finite
    assign a_inf = 1'b0;
    assign b_inf = 1'b0;
    assign a_nan = a_i[SizeWidth-1:0] == '1;
    assign b_nan = b_i[SizeWidth-1:0] == '1;
  end

  assign not_a_number = a_nan || b_nan || (a_inf && b_zero) || (b_inf && a_zero);
  assign under = sum[SumWidth-1] || none;
  assign over  = !sum[SumWidth-1] && sum[SumWidth-2:0] >= {1'b0, Beyond};

  logic [Width-1:0] overflowed;

  if (ProductOverflow == tpe_pkg::ProductOverflowWrap) begin : gen_wrap
    assign overflowed = {sign, sum[SizeWidth-1:0]};
  end else if (ProductOverflow == tpe_pkg::ProductOverflowSaturate) begin : gen_saturate
    assign overflowed = {sign, Largest};
  end else if (Ieee) begin : gen_infinity
    assign overflowed = {sign, Infinity};
  end else begin : gen_nan
    assign overflowed = NotANumber;
  end

  always_comb begin
    if (not_a_number) product_o = NotANumber;
    else if (a_inf || b_inf) product_o = {sign, Infinity};
    else if (a_zero || b_zero || under) product_o = {sign, {SizeWidth{1'b0}}};
    else if (over) product_o = overflowed;
    else product_o = {sign, sum[SizeWidth-1:0]};
  end

endmodule

`default_nettype wire
