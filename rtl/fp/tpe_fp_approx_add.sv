// tpe_fp_approx_add -- the sum of two numbers that need not be normalised, nor is it.
//
// The one of the smaller exponent, whatever its highest one, is aligned to the other's; a carry out
// of the integer bits shifts the sum right by one; tpe_fp_approx_normalise moves it up. A sum of
// zero is all zero, and so is its exponent, which has to be below all others.
// Reference : arXiv:2408.11997
// Overflow  : none of the significand; the exponent has to have room.
// Latency   : combinational.
`default_nettype none

module tpe_fp_approx_add #(
    parameter int unsigned ExpWidth   = 10,
    parameter int unsigned Width      = 18,  // of a magnitude: integer and fraction bits
    parameter int unsigned NormK      = 1,
    parameter int unsigned NormLambda = 1,
    parameter int unsigned Normaliser = tpe_pkg::NormaliserApprox,
    parameter int unsigned Align      = tpe_pkg::AlignTruncate,
    parameter int unsigned PsumForm   = tpe_pkg::PsumFormSignMagnitude
) (
    input  wire  logic [ExpWidth-1:0]   a_exp_i,
    input  wire  logic [Width:0]        a_sig_i,  // sign and magnitude, or two's complement
    input  wire  logic [ExpWidth-1:0]   b_exp_i,
    input  wire  logic [Width:0]        b_sig_i,
    output       logic [ExpWidth-1:0]   exp_o,
    output       logic [Width:0]        sig_o
);

  localparam bit          Signed     = PsumForm == tpe_pkg::PsumFormTwosComplement;
  localparam int unsigned TermWidth  = Signed ? Width + 1 : Width;
  localparam int unsigned CountWidth = $clog2(Width + 1);

  if (PsumForm > tpe_pkg::PsumFormTwosComplement || ExpWidth < CountWidth) begin : gen_check
    $error("tpe_fp_approx_add: PsumForm is one of psum_form_e; ExpWidth must hold a shift");
  end

  logic                  larger;  // b has the larger exponent
  logic [ExpWidth-1:0]   top, distance;
  logic [Width:0]        major, minor;
  logic [TermWidth-1:0]  aligned;

  assign larger   = b_exp_i > a_exp_i;
  assign top      = larger ? b_exp_i : a_exp_i;
  assign distance = larger ? b_exp_i - a_exp_i : a_exp_i - b_exp_i;
  assign major    = larger ? b_sig_i : a_sig_i;
  assign minor    = larger ? a_sig_i : b_sig_i;

  tpe_fp_align #(
      .Width    (TermWidth),
      .DistWidth(ExpWidth),
      .Signed   (Signed ? 1 : 0),
      .Align    (Align)
  ) u_align (
      .x_i       (minor[TermWidth-1:0]),
      .distance_i(distance),
      .x_o       (aligned)
  );

  logic                  negative, carry;  // of the sum
  logic [TermWidth:0]    total;            // with a carry on top; a magnitude, or signed
  logic [TermWidth:0]    halved;           // shifted right by one where there is a carry
  logic [Width-1:0]      bits;             // of the magnitude, or those that differ from the sign
  logic [TermWidth-1:0]  moved;
  logic [CountWidth-1:0] shift;

  if (Signed) begin : gen_signed
    assign total    = {major[Width], major} + {aligned[Width], aligned};
    assign negative = total[Width+1];
    assign carry    = total[Width+1] != total[Width];
    assign bits     = halved[Width-1:0] ^ {Width{negative}};
  end else begin : gen_magnitude
    logic             subtract, below;
    logic [Width:0]   sum;

    assign subtract = major[Width] ^ minor[Width];
    assign sum      = subtract ? {1'b0, major[Width-1:0]} - {1'b0, aligned}
                               : {1'b0, major[Width-1:0]} + {1'b0, aligned};
    assign below    = subtract && sum[Width];  // exponents alone do not say which one is larger
    assign total    = below ? -sum : sum;
    assign negative = major[Width] ^ below;
    assign carry    = total[Width];
    assign bits     = halved[Width-1:0];
  end

  tpe_fp_align #(
      .Width    (TermWidth + 1),
      .DistWidth(1),
      .Signed   (Signed ? 1 : 0),
      .Align    (Align)
  ) u_halve (
      .x_i       (total),
      .distance_i(carry),
      .x_o       (halved)
  );

  tpe_fp_approx_normalise #(
      .Width     (Width),
      .SigWidth  (TermWidth),
      .NormK     (NormK),
      .NormLambda(NormLambda),
      .Normaliser(Normaliser)
  ) u_normalise (
      .bits_i (bits),
      .sig_i  (halved[TermWidth-1:0]),
      .sig_o  (moved),
      .shift_o(shift)
  );

  logic empty;  // the sum is zero

  assign empty = total == '0;
  assign exp_o = empty ? '0 : top + ExpWidth'(carry) - ExpWidth'(shift);
  assign sig_o = empty ? '0 : {negative, moved[Width-1:0]};

  logic unused_top;
  assign unused_top = ^{halved[TermWidth], moved[TermWidth-1]};

endmodule

`default_nettype wire
