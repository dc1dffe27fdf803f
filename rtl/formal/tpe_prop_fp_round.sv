// tpe_prop_fp_round -- a rounded code is the nearest one, the even one of two that are as near; or,
// where Nearest is 0, the last one that is not above.
//
// Codes of one sign are in the order of their values, so that a number between two of them is one
// between two integers: its exponent and its significand below the hidden one, as a fixed-point
// word. Sums above all finite ones are infinite. Where the hidden one is 0 the exponent is 1.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_round #(
    parameter  int unsigned ExpWidth  = 8,
    parameter  int unsigned FracWidth = 7,
    parameter  int unsigned SigWidth  = 12,
    parameter  int unsigned InWidth   = 10,
    parameter  int unsigned Nearest   = 1,
    parameter  int unsigned NanOnes   = 0,
    localparam int unsigned Width     = ExpWidth + FracWidth + 1
) (
    input  wire  logic                  sign_i,
    input  wire  logic [InWidth-1:0]    exp_i,
    input  wire  logic [SigWidth-1:0]   sig_i,
    output       logic                  fails_o
);

  localparam int unsigned Low  = SigWidth - FracWidth - 1;
  localparam int unsigned Wide = InWidth + SigWidth + 1;
  localparam logic [Width-2:0] Infinity = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};

  logic [Width-1:0] word;

  tpe_fp_round #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth),
      .SigWidth (SigWidth),
      .InWidth  (InWidth),
      .Nearest  (Nearest),
      .NanOnes  (NanOnes)
  ) u_round (
      .sign_i,
      .exp_i,
      .sig_i,
      .inf_i (1'b0),
      .nan_i (1'b0),
      .word_o(word)
  );

  logic [Wide-1:0] number, code, distance, last;
  logic            legal, right;

  assign legal    = sig_i[SigWidth-1] ? exp_i != '0 : exp_i == InWidth'(1);
  // Above a hidden one of 1 lies the exponent, one too many by it.
  assign number   = (Wide'(exp_i - InWidth'(1)) << (SigWidth - 1)) + Wide'(sig_i);
  assign code     = Wide'(word[Width-2:0]) << Low;
  assign distance = (number > code) ? number - code : code - number;
  assign last     = Wide'(Infinity) << Low;

  if (Nearest != 0) begin : gen_nearest
    assign right = (distance << 1) < (Wide'(1) << Low)
                 || ((distance << 1) == (Wide'(1) << Low) && !word[0]);
  end else begin : gen_cut
    assign right = code <= number && distance < (Wide'(1) << Low);
  end

  assign fails_o = legal && (word[Width-1] != sign_i
                             || ((number >= last) ? word[Width-2:0] != Infinity : !right));

endmodule

`default_nettype wire
