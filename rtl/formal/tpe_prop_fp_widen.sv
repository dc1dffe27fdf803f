// tpe_prop_fp_widen -- a code and the one that it is widened to are the same number.
//
// Both are a significand times a power of two; the wide one has its hidden one, unless it is zero
// or exponents are as wide. Where subnormals do not occur they may be anything.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_widen #(
    parameter  int unsigned ExpWidth      = 4,
    parameter  int unsigned FracWidth     = 3,
    parameter  int unsigned Special       = tpe_pkg::SpecialTop,
    parameter  int unsigned HasSubnormals = 1,
    localparam int unsigned WideExp       = 8,
    localparam int unsigned WideFrac      = 23,
    localparam int unsigned Width         = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Width-1:0]   x_i,
    output       logic               fails_o
);

  localparam bit Ieee   = Special == tpe_pkg::SpecialIeee;
  localparam int Rebias = 2 ** (WideExp - 1) - 2 ** (ExpWidth - 1);
  localparam logic [Width-2:0] Infinity = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};

  logic [WideExp+WideFrac:0] y;

  tpe_fp_widen #(
      .ExpWidth     (ExpWidth),
      .FracWidth    (FracWidth),
      .Special      (Special),
      .HasSubnormals(HasSubnormals)
  ) u_widen (
      .x_i,
      .x_o(y)
  );

  logic [ExpWidth-1:0] field;
  logic [WideExp-1:0]  wide_field;
  logic [WideFrac:0]   significand, wide;  // in units of the wide one's last bit at its exponent
  logic signed [31:0]  exponent, lower;    // of x in the wide bias; how far y's is below it
  logic                subnormal, x_inf, x_nan, same;

  assign field       = x_i[FracWidth+:ExpWidth];
  assign wide_field  = y[WideFrac+:WideExp];
  assign subnormal   = field == '0 && x_i[FracWidth-1:0] != '0;
  assign significand = (WideFrac + 1)'({field != '0, x_i[FracWidth-1:0]}) << (WideFrac - FracWidth);
  assign wide        = {wide_field != '0, y[WideFrac-1:0]};
  assign exponent    = $signed(32'((field == '0) ? ExpWidth'(1) : field)) + Rebias;
  assign lower       = exponent - $signed(32'((wide_field == '0) ? WideExp'(1) : wide_field));
  assign x_inf       = Ieee && x_i[Width-2:0] == Infinity;
  assign x_nan       = Ieee ? x_i[Width-2:0] > Infinity : &x_i[Width-2:0];

  // No bit is lost: the shift ends at the hidden one.
  assign same = lower >= 0 && lower <= WideFrac && (significand << lower) == wide
             && (wide >> lower) == significand && (wide[WideFrac] || wide_field == '0);

  always_comb begin
    if (x_nan) begin  // the sum behind it has the one NaN
      fails_o = wide_field != '1 || y[WideFrac-1:0] == '0;
    end else if (x_inf) begin
      fails_o = y != {x_i[Width-1], {WideExp{1'b1}}, {WideFrac{1'b0}}};
    end else if (x_i[Width-2:0] == '0) begin
      fails_o = y != {x_i[Width-1], {(WideExp + WideFrac) {1'b0}}};
    end else begin
      fails_o = (!subnormal || HasSubnormals != 0)
             && (!same || y[WideExp+WideFrac] != x_i[Width-1]);
    end
  end

endmodule

`default_nettype wire
