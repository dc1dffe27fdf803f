// tpe_digits -- the digits of what reaches a cell: an operand to encode, or digits to unpack.
//
// Latency   : combinational.
`default_nettype none

module tpe_digits #(
    parameter  int unsigned AWidth    = 8,
    parameter  int unsigned Encoder   = tpe_pkg::EncoderBooth,
    parameter  int unsigned Coded     = 0,                // 1: a_i is digits, see tpe_unpack
    parameter  int unsigned CodeWidth = AWidth,
    localparam int unsigned NumDigits = (AWidth + 1) / 2
) (
    input  wire  logic [CodeWidth-1:0]        a_i,
    output       logic [NumDigits-1:0][2:0]   digit_o
);

  if (Coded == 0 && CodeWidth != AWidth) begin : gen_check
    $error("tpe_digits: CodeWidth = AWidth for operands that are not coded");
  end

  if (Coded == 0) begin : gen_encode
    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i,
        .digit_o
    );
  end else begin : gen_unpack
    tpe_unpack #(
        .NumDigits(NumDigits),
        .Encoder  (Encoder),
        .CodeWidth(CodeWidth)
    ) u_unpack (
        .code_i(a_i),
        .digit_o
    );
  end

endmodule

`default_nettype wire
