// opt1_os_4x4_encode -- an operand of A to signed radix-4 digits, by the recoding that `Encoder` names.
//
// Primitive : encode               (arXiv:2503.06342)
// Interface : digit i of weight 4**i as the select {neg, two, one}; zero is 000.
// Latency   : combinational.
`default_nettype none

module opt1_os_4x4_encode #(
    parameter  int unsigned Width     = 8,  // operand width in bits, 2..17
    parameter  int unsigned Encoder   = opt1_os_4x4_pkg::EncoderBooth,
    localparam int unsigned NumDigits = (Width + 1) / 2
) (
    input  wire  logic [Width-1:0]            a_i,
    output       logic [NumDigits-1:0][2:0]   digit_o
);

  if (Width < 2 || Width > 17) begin : gen_check_width
    $error("opt1_os_4x4_encode: Width must be 2..17");
  end
  if (Encoder > opt1_os_4x4_pkg::EncoderEnt) begin : gen_check_encoder
    $error("opt1_os_4x4_encode: Encoder must be one of opt1_os_4x4_pkg");
  end

  if (Encoder == opt1_os_4x4_pkg::EncoderBooth) begin : gen_booth
    opt1_os_4x4_encode_booth #(
        .Width(Width)
    ) u_booth (
        .a_i    (a_i),
        .digit_o(digit_o)
    );
  end else begin : gen_ent
    opt1_os_4x4_encode_ent #(
        .Width(Width)
    ) u_ent (
        .a_i    (a_i),
        .digit_o(digit_o)
    );
  end

endmodule

`default_nettype wire
