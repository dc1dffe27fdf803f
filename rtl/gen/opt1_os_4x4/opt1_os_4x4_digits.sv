// opt1_os_4x4_digits -- the digits of what reaches a cell: an operand to encode, or digits to unpack.
//
// Latency   : combinational.
`default_nettype none

module opt1_os_4x4_digits #(
    parameter  int unsigned AWidth    = 8,
    parameter  int unsigned Encoder   = opt1_os_4x4_pkg::EncoderBooth,
    parameter  int unsigned Coded     = 0,                // 1: a_i is digits, see opt1_os_4x4_unpack
    parameter  int unsigned CodeWidth = 8,
    localparam int unsigned NumDigits = (AWidth + 1) / 2
) (
    input  wire  logic [CodeWidth-1:0]        a_i,
    output       logic [NumDigits-1:0][2:0]   digit_o
);

  if (Coded == 0 && CodeWidth != AWidth) begin : gen_check
    $error("opt1_os_4x4_digits: CodeWidth = AWidth for operands that are not coded");
  end

  if (Coded == 0) begin : gen_encode
    opt1_os_4x4_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i,
        .digit_o
    );
  end else begin : gen_unpack
    opt1_os_4x4_unpack #(
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
