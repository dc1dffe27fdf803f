// tpe_prop_narrow -- a word that fits stays, one that does not is told and clamped, or wraps.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_narrow #(
    parameter int unsigned AccWidth = 40,
    parameter int unsigned SumWidth = 32,
    parameter int unsigned Saturate = 0
) (
    input  wire  logic [AccWidth-1:0]   word_i,
    output       logic                  fails_o
);

  logic [SumWidth-1:0] word;
  logic                over;

  tpe_narrow #(
      .AccWidth(AccWidth),
      .SumWidth(SumWidth),
      .Saturate(Saturate)
  ) u_narrow (
      .word_i,
      .word_o(word),
      .over_o(over)
  );

  logic signed [AccWidth:0] value, low, high, clamped;

  assign value   = (AccWidth + 1)'($signed(word_i));
  assign low     = -((AccWidth + 1)'(1) << (SumWidth - 1));
  assign high    = ((AccWidth + 1)'(1) << (SumWidth - 1)) - 1;
  assign clamped = (value < low) ? low : (value > high) ? high : value;

  assign fails_o = (over != (clamped != value))
                 || (Saturate == 1 && word != clamped[SumWidth-1:0])
                 || (Saturate == 0 && word != word_i[SumWidth-1:0]);

endmodule

`default_nettype wire
