// tpe_prop_fp_approx_add -- a sum that is approximately normalised is the one of its definition.
//
// In signed integers: the number of the smaller exponent is divided by a power of two, rounded
// towards zero (two's complement: down) or, with AlignSticky, its last bit set if that was not
// exact; the sum of both, if it has one bit too many, is halved in the same way; then it is
// multiplied by 2**0, 2**NormK or 2**(NormK + NormLambda), by the number of its leading zeros. What
// takes the place of zeros in a negative number of two's complement are ones.
// Reference : arXiv:2408.11997
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_approx_add #(
    parameter int unsigned ExpWidth   = 5,
    parameter int unsigned Width      = 6,
    parameter int unsigned NormK      = 1,
    parameter int unsigned NormLambda = 1,
    parameter int unsigned Normaliser = tpe_pkg::NormaliserApprox,
    parameter int unsigned Align      = tpe_pkg::AlignTruncate,
    parameter int unsigned PsumForm   = tpe_pkg::PsumFormSignMagnitude
) (
    input  wire  logic [ExpWidth-1:0]   a_exp_i,
    input  wire  logic [Width:0]        a_sig_i,
    input  wire  logic [ExpWidth-1:0]   b_exp_i,
    input  wire  logic [Width:0]        b_sig_i,
    output       logic                  fails_o
);

  localparam bit Signed = PsumForm == tpe_pkg::PsumFormTwosComplement;
  localparam int unsigned Bits = Width + 3;

  logic [ExpWidth-1:0] exponent;
  logic [Width:0]      significand;

  tpe_fp_approx_add #(
      .ExpWidth  (ExpWidth),
      .Width     (Width),
      .NormK     (NormK),
      .NormLambda(NormLambda),
      .Normaliser(Normaliser),
      .Align     (Align),
      .PsumForm  (PsumForm)
  ) u_add (
      .a_exp_i,
      .a_sig_i,
      .b_exp_i,
      .b_sig_i,
      .exp_o(exponent),
      .sig_o(significand)
  );

  function automatic logic signed [Bits-1:0] number_of(input logic [Width:0] code);
    if (Signed) number_of = Bits'($signed(code));
    else if (code[Width]) number_of = -$signed(Bits'(code[Width-1:0]));
    else number_of = $signed(Bits'(code[Width-1:0]));
  endfunction

  // x / 2**by, one bit after another.
  function automatic logic signed [Bits-1:0] divided(
      input logic signed [Bits-1:0] x, input logic [ExpWidth-1:0] by
  );
    logic [Bits-1:0] size;
    logic            lost;
    size = (!Signed && x < 0) ? -x : x;
    lost = 1'b0;
    for (int unsigned i = 0; i < Bits + 1; i++) begin
      if (i < 32'(by)) begin
        lost = lost || size[0];
        size = {size[Bits-1], size[Bits-1:1]};
      end
    end
    if (Align == tpe_pkg::AlignSticky && lost) size[0] = 1'b1;
    divided = (!Signed && x < 0) ? -size : size;
  endfunction

  logic signed [Bits-1:0] a, b, total, half, moved;
  logic [ExpWidth-1:0]    top, expected;
  logic                   carry;
  logic [Width-1:0]       tested;  // what leading zeros are counted in
  logic [31:0]            zeros, shift;

  always_comb begin
    a     = number_of(a_sig_i);
    b     = number_of(b_sig_i);
    top   = (a_exp_i > b_exp_i) ? a_exp_i : b_exp_i;
    total = divided(a, top - a_exp_i) + divided(b, top - b_exp_i);
    carry = total >= (1 << Width) || (Signed ? total < -(1 << Width) : total <= -(1 << Width));
    half  = carry ? divided(total, ExpWidth'(1)) : total;
    if (half >= 0) tested = half[Width-1:0];
    else tested = Signed ? ~half[Width-1:0] : Width'(-half);
    zeros = Width;
    for (int unsigned i = 0; i < Width; i++) begin
      if (tested[i]) zeros = Width - 1 - i;
    end
    shift = zeros;
    if (Normaliser == tpe_pkg::NormaliserNone) shift = 0;
    if (Normaliser == tpe_pkg::NormaliserApprox) begin
      shift = (zeros < NormK) ? 0 : (zeros < NormK + NormLambda) ? NormK : NormK + NormLambda;
    end
    moved    = half << shift;
    expected = top + ExpWidth'(carry) - ExpWidth'(shift);
  end

  assign fails_o = (total == 0) ? {exponent, significand} != '0
                                : exponent != expected || number_of(significand) != moved;

endmodule

`default_nettype wire
