// opt1_os_4x4_unpack -- a word of digits, as it travels or is stored, to the select lines of `map`.
//
// Interface : Booth, three bits a digit: the select {neg, two, one} itself. EN-T, two bits a digit
//             and the operand's sign on top: the digit times the sign, modulo 4 (arXiv:2404.11887).
// Latency   : combinational.
`default_nettype none

module opt1_os_4x4_unpack #(
    parameter int unsigned NumDigits = 4,
    parameter int unsigned Encoder   = opt1_os_4x4_pkg::EncoderBooth,
    parameter int unsigned CodeWidth = 8
) (
    input  wire  logic [CodeWidth-1:0]        code_i,
    output       logic [NumDigits-1:0][2:0]   digit_o
);

  if (Encoder == opt1_os_4x4_pkg::EncoderBooth) begin : gen_booth
    assign digit_o = code_i;
  end else begin : gen_ent
    logic sign;
    assign sign = code_i[CodeWidth-1];
    for (genvar d = 0; d < NumDigits; d++) begin : gen_digit
      logic high, low;
      assign {high, low} = code_i[2*d+:2];
      assign digit_o[d]  = {(sign ^ (high & low)) & (high | low), high & ~low, low};
    end
  end

endmodule

`default_nettype wire
