// tpe_fp_round -- a normalised number as a code: rounded, and packed.
//
// Value = (-1)**sign * sig * 2**(exp - bias - SigWidth + 1): the top bit of the significand is the
// hidden one. Where it is 0 the exponent is 1, and the code that of a subnormal or zero. What is
// below the fraction is rounded off to nearest, ties to even, and its lowest bit may stand for
// more; or, where Nearest is 0, cut off towards zero.
// Overflow  : infinity. nan_i gives the NaN {0, ones, 1 0..0}, or {0, ones} with NanOnes; inf_i,
//             but for that, infinity.
// Latency   : combinational.
`default_nettype none

module tpe_fp_round #(
    parameter int unsigned ExpWidth  = 8,                         // of the code
    parameter int unsigned FracWidth = 23,
    parameter int unsigned SigWidth  = 28,                        // FracWidth + 2 or more
    parameter int unsigned InWidth   = ExpWidth + 1,              // of the exponent as it comes
    parameter int unsigned Nearest   = 1,                         // 0: towards zero
    parameter int unsigned NanOnes   = 0,
    parameter int unsigned Width     = ExpWidth + FracWidth + 1
) (
    input  wire  logic                  sign_i,
    input  wire  logic [InWidth-1:0]    exp_i,   // 1 or more
    input  wire  logic [SigWidth-1:0]   sig_i,
    input  wire  logic                  inf_i,
    input  wire  logic                  nan_i,
    output       logic [Width-1:0]      word_o
);

  localparam int unsigned LowWidth = SigWidth - FracWidth - 1;  // bits that are rounded off

  if (SigWidth < FracWidth + 2 || InWidth < ExpWidth + 1) begin : gen_check
    $error("tpe_fp_round: SigWidth >= FracWidth + 2, InWidth >= ExpWidth + 1");
  end
  if (Nearest > 1 || NanOnes > 1) begin : gen_check_how
    $error("tpe_fp_round: Nearest and NanOnes are 0 or 1");
  end

  localparam logic [Width-2:0] Infinity   = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};
  localparam logic [Width-1:0] NotANumber = {
    1'b0, {ExpWidth{1'b1}}, 1'b1, {(FracWidth - 1) {NanOnes != 0}}
  };

  localparam int unsigned SumWidth = InWidth + FracWidth + 1;

  logic                half, rest, up, over;
  logic [InWidth-1:0]  exponent;
  logic [SumWidth-1:0] rounded;  // a carry out of the fraction moves on into the exponent

  assign half     = sig_i[LowWidth-1];
  assign exponent = sig_i[SigWidth-1] ? exp_i : '0;
  assign rounded  = {1'b0, exponent, sig_i[LowWidth+:FracWidth]} + SumWidth'(up);
  assign over     = rounded >= SumWidth'(Infinity);
  assign up       = Nearest != 0 && half && (rest || sig_i[LowWidth]);

  if (LowWidth > 1) begin : gen_rest
    assign rest = sig_i[LowWidth-2:0] != '0;
  end else begin : gen_no_rest
    assign rest = 1'b0;
  end

  always_comb begin
    if (nan_i) word_o = NotANumber;
    else if (inf_i || over) word_o = {sign_i, Infinity};
    else word_o = {sign_i, rounded[Width-2:0]};
  end

endmodule

`default_nettype wire
