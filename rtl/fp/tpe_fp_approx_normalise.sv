// tpe_fp_approx_normalise -- a sum moved up by nothing, NormK, or NormK + NormLambda bits.
//
// By two tests of bits_i, its magnitude: nothing if one of the top NormK is set, NormK if one of
// the next NormLambda is. It never goes past the highest one. NormaliserExact counts leading zeros
// instead, NormaliserNone leaves the sum as it is.
// Reference : arXiv:2408.11997
// Latency   : combinational.
`default_nettype none

module tpe_fp_approx_normalise #(
    parameter  int unsigned Width      = 18,         // of the magnitude
    parameter  int unsigned SigWidth   = Width + 1,  // of the sum, with its sign perhaps
    parameter  int unsigned NormK      = 1,
    parameter  int unsigned NormLambda = 1,
    parameter  int unsigned Normaliser = tpe_pkg::NormaliserApprox,
    localparam int unsigned CountWidth = $clog2(Width + 1)
) (
    input  wire  logic [Width-1:0]        bits_i,
    input  wire  logic [SigWidth-1:0]     sig_i,
    output       logic [SigWidth-1:0]     sig_o,
    output       logic [CountWidth-1:0]   shift_o
);

  if (NormK < 1 || NormLambda < 1 || NormK + NormLambda >= Width) begin : gen_check
    $error("tpe_fp_approx_normalise: NormK and NormLambda from 1, their sum below Width");
  end
  if (Normaliser > tpe_pkg::NormaliserNone) begin : gen_check_normaliser
    $error("tpe_fp_approx_normalise: Normaliser must be one of normaliser_e");
  end

  if (Normaliser == tpe_pkg::NormaliserApprox) begin : gen_approx
    logic top, next;  // one of these bits is set

    assign top     = |bits_i[Width-1-:NormK];
    assign next    = |bits_i[Width-1-NormK-:NormLambda];
    assign shift_o = top ? '0 : next ? CountWidth'(NormK) : CountWidth'(NormK + NormLambda);
    assign sig_o   = top ? sig_i : next ? sig_i << NormK : sig_i << (NormK + NormLambda);

    if (Width > NormK + NormLambda) begin : gen_unused
      logic unused_low;
      assign unused_low = ^bits_i[Width-1-NormK-NormLambda:0];
    end
  end else if (Normaliser == tpe_pkg::NormaliserExact) begin : gen_exact
    tpe_fp_zeros #(
        .Width(Width + 1)
    ) u_zeros (
        .x_i    ({bits_i, 1'b1}),  // of a magnitude of zero all
        .zeros_o(shift_o)
    );
    assign sig_o = sig_i << shift_o;
  end else begin : gen_none
    assign shift_o = '0;
    assign sig_o   = sig_i;
    logic unused_bits;
    assign unused_bits = ^bits_i;
  end

endmodule

`default_nettype wire
