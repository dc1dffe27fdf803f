// tpe_encode_row -- operands encoded once, at the array's edge, into the words that travel.
//
// Primitive : encode, hoisted out of N     (arXiv:2404.11887)
// Interface : see tpe_unpack for the words.
// Latency   : combinational.
`default_nettype none

module tpe_encode_row #(
    parameter int unsigned Count     = 1,
    parameter int unsigned Width     = 8,  // operand width in bits, 2..17
    parameter int unsigned Encoder   = tpe_pkg::EncoderBooth,
    parameter int unsigned CodeWidth = 12
) (
    input  wire  logic [Count*Width-1:0]       a_i,
    output       logic [Count*CodeWidth-1:0]   code_o
);

  localparam int unsigned NumDigits = (Width + 1) / 2;
  localparam int unsigned Bits      = (Encoder == tpe_pkg::EncoderBooth) ? 3 * NumDigits
                                                                         : 2 * NumDigits + 1;

  if (CodeWidth != Bits) begin : gen_check
    $error("tpe_encode_row: CodeWidth is 3 bits a digit (Booth), or 2 and a sign (EN-T)");
  end

  // (At module scope: Yosys takes no packed array of two dimensions inside a generate block.)
  logic [Count-1:0][NumDigits-1:0][2:0] digit;

  for (genvar i = 0; i < Count; i++) begin : gen_operand
    tpe_encode #(
        .Width  (Width),
        .Encoder(Encoder)
    ) u_encode (
        .a_i    (a_i[i*Width+:Width]),
        .digit_o(digit[i])
    );

    if (Encoder == tpe_pkg::EncoderBooth) begin : gen_booth
      assign code_o[i*CodeWidth+:CodeWidth] = digit[i];
    end else begin : gen_ent
      logic sign;
      assign sign = a_i[i*Width+Width-1];
      assign code_o[i*CodeWidth+CodeWidth-1] = sign;
      for (genvar d = 0; d < NumDigits; d++) begin : gen_digit
        logic neg, two, one;
        assign {neg, two, one} = digit[i][d];
        // The digit times the sign is 0, 1, 2 or -1, modulo 4.
        assign code_o[i*CodeWidth+2*d+:2] = {two | (one & (neg ^ sign)), one};
      end
    end
  end

endmodule

`default_nettype wire
