// tpe_prop_fp_add -- two codes are summed exactly, and rounded once to the nearest.
//
// As fixed-point numbers in units of the least subnormal. A sum of zero is positive unless both
// terms are -0; NaN, infinities of opposite signs give the one NaN.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_add #(
    parameter  int unsigned ExpWidth  = 4,
    parameter  int unsigned FracWidth = 3,
    localparam int unsigned Width     = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Width-1:0]   a_i,
    input  wire  logic [Width-1:0]   b_i,
    output       logic               fails_o
);

  localparam int unsigned Bits = FracWidth + (1 << ExpWidth) + 2;  // of a sum, with its sign
  localparam logic [Width-2:0] Infinity = {{ExpWidth{1'b1}}, {FracWidth{1'b0}}};

  logic [Width-1:0] sum;

  tpe_fp_add #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth)
  ) u_add (
      .a_i,
      .b_i,
      .sum_o(sum)
  );

  function automatic logic signed [Bits-1:0] number_of(input logic [Width-1:0] code);
    logic [ExpWidth-1:0] field;
    field = code[Width-2:FracWidth];
    number_of = Bits'({field != '0, code[FracWidth-1:0]});
    number_of = number_of << ((field == '0) ? field : field - 1'b1);
    if (code[Width-1]) number_of = -number_of;
  endfunction

  logic signed [Bits-1:0] total;
  logic [Bits-1:0]        number;
  logic                   a_inf, b_inf, no_number, right;

  assign total  = number_of(a_i) + number_of(b_i);
  assign number = (total < 0) ? -total : total;

  tpe_spec_fp_nearest #(
      .ExpWidth (ExpWidth),
      .FracWidth(FracWidth),
      .Guards   (0),
      .Bits     (Bits)
  ) u_nearest (
      .code_i  (sum[Width-2:0]),
      .number_i(number),
      .right_o (right)
  );

  assign a_inf     = a_i[Width-2:0] == Infinity;
  assign b_inf     = b_i[Width-2:0] == Infinity;
  assign no_number = a_i[Width-2:0] > Infinity || b_i[Width-2:0] > Infinity
                  || (a_inf && b_inf && a_i[Width-1] != b_i[Width-1]);

  always_comb begin
    if (no_number) begin
      fails_o = sum != {1'b0, Infinity | (Width - 1)'(1) << (FracWidth - 1)};
    end else if (a_inf || b_inf) begin
      fails_o = sum != (a_inf ? a_i : b_i);
    end else begin
      fails_o = !right || sum[Width-1] != ((total == 0) ? a_i[Width-1] && b_i[Width-1]
                                                        : total < 0);
    end
  end

endmodule

`default_nettype wire
