// tpe_fp_add -- floating-point addition: one rounding, to nearest, ties to even (IEEE 754).
//
// A word is {sign, exponent, mantissa fraction bits}. The smaller operand is aligned to the larger
// with guard, round and sticky bits; the sum is normalised by a count of its leading zeros.
// Subnormals : kept, in and out.
// Overflow   : infinity. Infinities of opposite signs, and any NaN, give the NaN {0, ones, 1 0..0},
//              or {0, ones} with NanOnes.
// Latency    : combinational.
`default_nettype none

module tpe_fp_add #(
    parameter int unsigned ExpWidth  = 8,
    parameter int unsigned FracWidth = 23,
    parameter int unsigned NanOnes   = 0,
    parameter int unsigned Width     = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Width-1:0]   a_i,
    input  wire  logic [Width-1:0]   b_i,
    output       logic [Width-1:0]   sum_o
);

  localparam int unsigned SigWidth   = FracWidth + 4;  // 1, fraction, guard, round, sticky
  localparam int unsigned CountWidth = $clog2(SigWidth + 1);
  localparam int unsigned LeftWidth  = (ExpWidth > CountWidth) ? ExpWidth : CountWidth;
  localparam int unsigned SizeWidth  = Width - 1;      // of a word without its sign

  localparam logic [SizeWidth-1:0] Infinity = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};
  localparam logic [Width-1:0]     NotANumber = {
    1'b0, {ExpWidth{1'b1}}, 1'b1, {(FracWidth - 1) {NanOnes != 0}}
  };

  if (NanOnes > 1) begin : gen_check
    $error("tpe_fp_add: NanOnes is 0 or 1");
  end

  // The larger magnitude first: then no difference is negative.
  logic             swap;
  logic [Width-1:0] major, minor;

  assign swap  = b_i[SizeWidth-1:0] > a_i[SizeWidth-1:0];
  assign major = swap ? b_i : a_i;
  assign minor = swap ? a_i : b_i;

  logic [ExpWidth-1:0] major_exp, minor_exp;  // that of a subnormal is 1, as its weight is
  logic                major_one, minor_one;  // hidden bits
  logic                subtract;

  assign major_one = major[FracWidth+:ExpWidth] != '0;
  assign minor_one = minor[FracWidth+:ExpWidth] != '0;
  assign major_exp = major_one ? major[FracWidth+:ExpWidth] : ExpWidth'(1);
  assign minor_exp = minor_one ? minor[FracWidth+:ExpWidth] : ExpWidth'(1);
  assign subtract  = major[Width-1] ^ minor[Width-1];

  // Alignment; what is shifted out is kept as a sticky bit.
  logic [ExpWidth-1:0] distance;
  logic [SigWidth-1:0] major_sig, minor_sig, shifted, lost, aligned;

  assign distance  = major_exp - minor_exp;
  assign major_sig = {major_one, major[FracWidth-1:0], 3'b000};
  assign minor_sig = {minor_one, minor[FracWidth-1:0], 3'b000};
  assign shifted   = minor_sig >> distance;
  assign lost      = minor_sig & ~({SigWidth{1'b1}} << distance);
  assign aligned   = shifted | SigWidth'(lost != '0);

  logic [SigWidth:0] total;

  assign total = subtract ? {1'b0, major_sig} - {1'b0, aligned}
                          : {1'b0, major_sig} + {1'b0, aligned};

  // Normalisation: right by one after a carry, else left, but never below the exponent 1.
  logic [CountWidth-1:0] zeros;

  always_comb begin
    zeros = CountWidth'(SigWidth);
    for (int unsigned i = 0; i < SigWidth; i++) begin
      if (total[i]) zeros = CountWidth'(SigWidth - 1 - i);
    end
  end

  logic [LeftWidth-1:0] room, left;
  logic [ExpWidth:0]    exponent;
  logic [SigWidth-1:0]  normal;

  assign room = LeftWidth'(major_exp - ExpWidth'(1));
  assign left = (LeftWidth'(zeros) < room) ? LeftWidth'(zeros) : room;

  always_comb begin
    if (total[SigWidth]) begin
      normal   = {total[SigWidth:2], total[1] | total[0]};
      exponent = {1'b0, major_exp} + (ExpWidth + 1)'(1);
    end else begin
      normal   = total[SigWidth-1:0] << left;
      exponent = {1'b0, major_exp - ExpWidth'(left)};
    end
  end

  // Rounding: a carry out of the fraction moves on into the exponent.
  logic             up;
  logic [Width-1:0] rounded;  // the sign's place takes an exponent that is too large

  assign up      = normal[2] & (normal[1] | normal[0] | normal[3]);
  assign rounded = {normal[SigWidth-1] ? exponent : '0, normal[SigWidth-2:3]} + Width'(up);

  logic a_nan, b_nan, a_inf, b_inf, sign;

  assign a_nan = a_i[SizeWidth-1:0] > Infinity;
  assign b_nan = b_i[SizeWidth-1:0] > Infinity;
  assign a_inf = a_i[SizeWidth-1:0] == Infinity;
  assign b_inf = b_i[SizeWidth-1:0] == Infinity;
  assign sign  = (total == '0) ? a_i[Width-1] & b_i[Width-1] : major[Width-1];

  always_comb begin
    if (a_nan || b_nan || (a_inf && b_inf && subtract)) sum_o = NotANumber;
    else if (a_inf || b_inf || rounded >= {1'b0, Infinity}) sum_o = {major[Width-1], Infinity};
    else sum_o = {sign, rounded[SizeWidth-1:0]};
  end

endmodule

`default_nettype wire
