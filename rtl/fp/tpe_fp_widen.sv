// tpe_fp_widen -- a floating-point code as one of a wider IEEE 754 format: the same number.
//
// Biases are 2**(ExpWidth-1) - 1. Where there are subnormals (HasSubnormals) and the wider format
// has more exponent bits, they are normal there; without them their codes do not occur.
// NaN       : where exponents are as wide its fraction is kept, else it is {0, ones, 1 0..0}.
// Latency   : combinational.
`default_nettype none

module tpe_fp_widen #(
    parameter int unsigned ExpWidth      = 5,
    parameter int unsigned FracWidth     = 10,
    parameter int unsigned Special       = tpe_pkg::SpecialIeee,
    parameter int unsigned HasSubnormals = 1,
    parameter int unsigned WideExp       = 8,
    parameter int unsigned WideFrac      = 23,
    parameter int unsigned Width         = ExpWidth + FracWidth + 1,
    parameter int unsigned WideWidth     = WideExp + WideFrac + 1
) (
    input  wire  logic [Width-1:0]       x_i,
    output       logic [WideWidth-1:0]   x_o
);

  if (WideExp < ExpWidth || WideFrac < FracWidth
      || (WideExp == ExpWidth && Special != tpe_pkg::SpecialIeee)) begin : gen_check
    $error("tpe_fp_widen: both fields as wide at least; where exponents are alike, SpecialIeee");
  end

  if (WideExp == ExpWidth) begin : gen_alike
    assign x_o = {x_i, {(WideFrac - FracWidth) {1'b0}}};
  end else begin : gen_wider
    localparam logic [WideExp-1:0] Rebias = (WideExp'(1) << (WideExp - 1))
                                          - (WideExp'(1) << (ExpWidth - 1));

    logic                sign, zero, inf, not_a_number;
    logic [ExpWidth-1:0] exponent;
    logic [FracWidth:0]  significand, normal;
    logic [WideExp-1:0]  wide_exp, shift;

    tpe_fp_unpack #(
        .ExpWidth (ExpWidth),
        .FracWidth(FracWidth),
        .Special  (Special)
    ) u_unpack (
        .x_i,
        .sign_o(sign),
        .exp_o (exponent),
        .sig_o (significand),
        .zero_o(zero),
        .inf_o (inf),
        .nan_o (not_a_number)
    );

    if (HasSubnormals != 0) begin : gen_normalise
      tpe_fp_normalise #(
          .Width    (FracWidth + 1),
          .RoomWidth(WideExp)
      ) u_normalise (
          .sig_i  (significand),
          .room_i ('1),
          .sig_o  (normal),
          .shift_o(shift)
      );
    end else begin : gen_normal
      assign normal = significand;
      assign shift  = '0;
    end

    assign wide_exp = WideExp'(exponent) + Rebias - shift;

    always_comb begin
      if (not_a_number) x_o = {1'b0, {WideExp{1'b1}}, 1'b1, {(WideFrac - 1) {1'b0}}};
      else if (inf) x_o = {sign, {WideExp{1'b1}}, {WideFrac{1'b0}}};
      else if (zero) x_o = {sign, {(WideWidth - 1) {1'b0}}};
      else x_o = {sign, wide_exp, normal[FracWidth-1:0], {(WideFrac - FracWidth) {1'b0}}};
    end

    logic unused_one;
    assign unused_one = normal[FracWidth];
  end

endmodule

`default_nettype wire
