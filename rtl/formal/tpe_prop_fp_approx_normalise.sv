// tpe_prop_fp_approx_normalise -- a sum moved up keeps its value, and stops at its highest one.
//
// The shift is 0, NormK or their sum with NormLambda, never more than there are leading zeros, and
// as many where their count is one of these; NormaliserExact: always as many.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_approx_normalise #(
    parameter int unsigned Width      = 18,
    parameter int unsigned NormK      = 1,
    parameter int unsigned NormLambda = 1,
    parameter int unsigned Normaliser = tpe_pkg::NormaliserApprox
) (
    input  wire  logic [Width-1:0]   bits_i,
    output       logic               fails_o
);

  localparam int unsigned CountWidth = $clog2(Width + 1);

  logic [Width-1:0]      moved;
  logic [CountWidth-1:0] shift;

  tpe_fp_approx_normalise #(
      .Width     (Width),
      .SigWidth  (Width),
      .NormK     (NormK),
      .NormLambda(NormLambda),
      .Normaliser(Normaliser)
  ) u_normalise (
      .bits_i,
      .sig_i  (bits_i),
      .sig_o  (moved),
      .shift_o(shift)
  );

  logic [31:0] zeros;  // ahead of the highest one

  always_comb begin
    zeros = Width;
    for (int unsigned i = 0; i < Width; i++) begin
      if (bits_i[i]) zeros = Width - 1 - i;
    end
  end

  logic legal, same;

  assign legal = shift == '0 || 32'(shift) == NormK || 32'(shift) == NormK + NormLambda;
  assign same  = zeros == 0 || zeros == NormK || zeros == NormK + NormLambda;

  if (Normaliser == tpe_pkg::NormaliserApprox) begin : gen_approx
    assign fails_o = !legal || 32'(shift) > zeros || (same && 32'(shift) != zeros)
                   || (moved >> shift) != bits_i;
  end else if (Normaliser == tpe_pkg::NormaliserExact) begin : gen_exact
    assign fails_o = 32'(shift) != zeros || (moved >> shift) != bits_i;
  end else begin : gen_none
    assign fails_o = shift != '0 || moved != bits_i;
  end

endmodule

`default_nettype wire
