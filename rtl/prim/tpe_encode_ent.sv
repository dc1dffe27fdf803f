// tpe_encode_ent -- EN-T recoding: radix-4 digits of the magnitude, each times the sign.
//
// Primitive : encode               (arXiv:2404.11887; d_i in {-1, 0, 1, 2} times the sign)
// Interface : digit i of weight 4**i as the select {neg, two, one}; zero is always 000.
// Latency   : combinational. No overflow: the magnitude of the most negative operand fits.
`default_nettype none

module tpe_encode_ent #(
    parameter  int unsigned Width     = 8,                // operand width in bits, 2..17
    localparam int unsigned NumDigits = (Width + 1) / 2
) (
    input  wire  logic [Width-1:0]            a_i,
    output       logic [NumDigits-1:0][2:0]   digit_o
);

  localparam int unsigned EvenWidth = 2 * NumDigits;

  logic                       sign;
  logic [EvenWidth-1:0]       magnitude;  // unsigned: 2**(Width-1) at most
  logic [NumDigits-1:0]       carry;

  assign sign = a_i[Width-1];
  assign magnitude = ({EvenWidth{sign}} ^ {{(EvenWidth - Width + 1){sign}}, a_i[Width-2:0]})
                   + EvenWidth'(sign);

  assign carry[0] = 1'b0;

  for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
    logic [2:0] t;  // a pair of bits and the carry into it: 0..4
    logic       negative, two, one;
    assign t = {1'b0, magnitude[2*i+:2]} + {2'b00, carry[i]};
    if (i + 1 < NumDigits) begin : gen_recode
      assign carry[i+1] = (t >= 3'd3);
    end
    assign negative = (t == 3'd3);  // 3 = 4 - 1; 4 = 4 - 0
    assign one      = t[0];
    assign two      = (t == 3'd2);
    assign digit_o[i] = {(sign ^ negative) & (one | two), two, one};
  end

endmodule

`default_nettype wire
