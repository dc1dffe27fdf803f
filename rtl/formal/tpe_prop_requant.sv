// tpe_prop_requant -- y = round(x * scale / 2**shift) + zero, at the nearest value of its format.
//
// The rounding is written another way than in tpe_requant: half up is the floor of twice the
// product and one half more, half even takes an odd result of a tie back, half away is half up of
// the magnitude.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_requant #(
    parameter int unsigned SumWidth   = 5,
    parameter int unsigned ScaleWidth = 4,
    parameter int unsigned ShiftWidth = 3,
    parameter int unsigned Rounding   = tpe_pkg::RoundingHalfEven,
    parameter int unsigned Relu       = 0,
    parameter int unsigned YWidth     = 4,
    parameter int unsigned YSigned    = 1
) (
    input  wire  logic [SumWidth-1:0]     x_i,
    input  wire  logic [ScaleWidth-1:0]   scale_i,
    input  wire  logic [ShiftWidth-1:0]   shift_i,
    input  wire  logic [YWidth-1:0]       zero_i,
    output       logic                    fails_o
);

  localparam int unsigned Width = SumWidth + ScaleWidth + (1 << ShiftWidth) + 3;

  logic [YWidth-1:0] y;

  tpe_requant #(
      .SumWidth  (SumWidth),
      .ScaleWidth(ScaleWidth),
      .ShiftWidth(ShiftWidth),
      .Rounding  (Rounding),
      .Relu      (Relu),
      .YWidth    (YWidth),
      .YSigned   (YSigned)
  ) u_requant (
      .x_i,
      .scale_i,
      .shift_i,
      .zero_i,
      .y_o(y)
  );

  logic signed [Width-1:0] x, scale, product, twice, one, half_up, away, rounded, placed, zero;
  logic signed [Width-1:0] low, high, wanted;
  logic                    tie;

  assign x       = Width'($signed(x_i));
  assign scale   = Width'($signed({1'b0, scale_i}));
  assign product = x * scale;
  assign one     = Width'(1) << shift_i;
  assign twice   = (product <<< 1) + one;
  assign half_up = (twice >>> shift_i) >>> 1;
  assign tie     = (half_up <<< shift_i <<< 1) == twice && shift_i != '0;
  assign away    = (product < 0) ? -(((one - (product <<< 1)) >>> shift_i) >>> 1) : half_up;
  assign zero    = (YSigned == 1) ? Width'($signed(zero_i)) : Width'($signed({1'b0, zero_i}));
  assign low     = (YSigned == 1) ? -(Width'(1) << (YWidth - 1)) : '0;
  assign high    = (YSigned == 1) ? (Width'(1) << (YWidth - 1)) - 1 : (Width'(1) << YWidth) - 1;

  always_comb begin
    if (Rounding == tpe_pkg::RoundingHalfUp) rounded = half_up;
    else if (Rounding == tpe_pkg::RoundingHalfEven)
      rounded = (tie && half_up[0]) ? half_up - 1 : half_up;
    else rounded = away;
    if (Relu == 1 && rounded < 0) rounded = '0;
    placed = rounded + zero;
    wanted = (placed < low) ? low : (placed > high) ? high : placed;
  end

  assign fails_o = y != wanted[YWidth-1:0];

endmodule

`default_nettype wire
