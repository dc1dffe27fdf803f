// opt4c_2d_4x4_encode_booth -- radix-4 Booth recoding of a two's-complement operand.
//
// Primitive : encode               (arXiv:2503.06342; d_i = -2 b[2i+1] + b[2i] + b[2i-1])
// Interface : digit i of weight 4**i as the select {neg, two, one}; zero is always 000.
// Latency   : combinational. No overflow: every operand has a code.
`default_nettype none

module opt4c_2d_4x4_encode_booth #(
    parameter  int unsigned Width     = 8,                // operand width in bits, 2..17
    localparam int unsigned NumDigits = (Width + 1) / 2
) (
    input  wire  logic [Width-1:0]            a_i,
    output       logic [NumDigits-1:0][2:0]   digit_o
);

  localparam int unsigned EvenWidth = 2 * NumDigits;

  logic [EvenWidth:0] padded;  // sign-extended to an even width, one zero below the last bit

  assign padded[0] = 1'b0;
  assign padded[Width:1] = a_i;
  if (EvenWidth > Width) begin : gen_odd
    assign padded[EvenWidth] = a_i[Width-1];
  end

  for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
    logic high, mid, low;
    logic neg, two, one;
    assign {high, mid, low} = padded[2*i+:3];
    assign one = mid ^ low;
    assign two = (high & ~mid & ~low) | (~high & mid & low);
    assign neg = high & ~(mid & low);
    assign digit_o[i] = {neg, two, one};
  end

endmodule

`default_nettype wire
