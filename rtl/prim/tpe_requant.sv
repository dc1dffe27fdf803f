// tpe_requant -- one sum as a narrow output: round(x * scale / 2**shift) + zero, saturated.
//
// Rounding  : as rounding_e of tpe_pkg says; the exact product is rounded once.
// Latency   : combinational.
// Overflow  : the output takes the nearest end of its range.
`default_nettype none

module tpe_requant #(
    parameter int unsigned SumWidth   = 32,
    parameter int unsigned ScaleWidth = 32,  // unsigned multiplier
    parameter int unsigned ShiftWidth = 6,
    parameter int unsigned Rounding   = tpe_pkg::RoundingHalfEven,
    parameter int unsigned Relu       = 0,   // 1: what is below zero_i becomes zero_i
    parameter int unsigned YWidth     = 8,
    parameter int unsigned YSigned    = 1
) (
    input  wire  logic [SumWidth-1:0]     x_i,
    input  wire  logic [ScaleWidth-1:0]   scale_i,
    input  wire  logic [ShiftWidth-1:0]   shift_i,
    input  wire  logic [YWidth-1:0]       zero_i,   // in the output's format
    output       logic [YWidth-1:0]       y_o
);

  // Wide enough for the product, and for one half of any shift.
  localparam int unsigned ProductWidth = SumWidth + ScaleWidth;
  localparam int unsigned HalfWidth    = 1 << ShiftWidth;
  localparam int unsigned Width        = (ProductWidth > HalfWidth) ? ProductWidth : HalfWidth;

  if (Rounding > tpe_pkg::RoundingHalfAway || Relu > 1 || YSigned > 1
      || YWidth + 1 > Width) begin : gen_check
    $error("tpe_requant: Rounding of tpe_pkg, Relu and YSigned 0 or 1, YWidth below the product's");
  end

  logic signed [Width-1:0] product, rounded, positive;
  logic        [Width-1:0] one, below, rest, half;
  logic                    tie, up;

  assign product = $signed({{(Width - SumWidth) {x_i[SumWidth-1]}}, x_i})
                 * $signed({{(Width - ScaleWidth) {1'b0}}, scale_i});

  assign one   = {{(Width - 1) {1'b0}}, 1'b1} << shift_i;
  assign below = one - 1'b1;
  assign half  = one >> 1;
  assign rest  = product & below;
  assign tie   = (rest == half) && (half != '0);

  logic floor_odd, negative;
  assign negative  = product[Width-1];
  assign floor_odd = |(product & one);

  if (Rounding == tpe_pkg::RoundingHalfUp) begin : gen_half_up
    assign up = (rest > half) || tie;
    logic unused_parity;
    assign unused_parity = ^{floor_odd, negative};
  end else if (Rounding == tpe_pkg::RoundingHalfEven) begin : gen_half_even
    assign up = (rest > half) || (tie && floor_odd);
    logic unused_sign;
    assign unused_sign = negative;
  end else begin : gen_half_away
    assign up = (rest > half) || (tie && !negative);
    logic unused_parity;
    assign unused_parity = floor_odd;
  end

  assign rounded  = (product >>> shift_i) + $signed({{(Width - 1) {1'b0}}, up});
  assign positive = (Relu == 1 && rounded[Width-1]) ? '0 : rounded;

  // One bit more for the zero point, then the nearest value of the output's format.
  logic [Width:0] placed;
  logic           zero_sign, fits;

  assign zero_sign = (YSigned == 1) && zero_i[YWidth-1];
  assign placed    = {positive[Width-1], positive}
                   + {{(Width + 1 - YWidth) {zero_sign}}, zero_i};

  if (YSigned == 1) begin : gen_signed
    assign fits = (placed[Width:YWidth-1] == '0) || (&placed[Width:YWidth-1]);
    assign y_o  = fits ? placed[YWidth-1:0] : {placed[Width], {(YWidth - 1) {!placed[Width]}}};
  end else begin : gen_unsigned
    assign fits = (placed[Width:YWidth] == '0);
    assign y_o  = fits ? placed[YWidth-1:0] : {YWidth{!placed[Width]}};
  end

endmodule

`default_nettype wire
