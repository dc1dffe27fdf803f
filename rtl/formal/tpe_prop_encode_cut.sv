// tpe_prop_encode_cut -- a cycle late, digits are legal and, at their weights, sum to an operand.
//
// The operand is that of the last enabled cycle. Legal: a select of -2..2, zero being 000.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_encode_cut #(
    parameter  int unsigned Width     = 8,
    parameter  int unsigned Encoder   = tpe_pkg::EncoderBooth,
    localparam int unsigned NumDigits = (Width + 1) / 2,
    localparam int unsigned SumWidth  = 2 * NumDigits + 3  // holds every sum of digits of -2..2
) (
    input  wire  logic               clk_i,
    input  wire  logic               en_i,
    input  wire  logic [Width-1:0]   a_i,
    output       logic               fails_o
);

  logic                                      begun_q = 1'b0;  // an operand has come
  logic [Width-1:0]                          a_q;
  logic [NumDigits-1:0][2:0]                 digit;
  logic [NumDigits-1:0]                      legal;
  logic signed [NumDigits-1:0][SumWidth-1:0] value;
  logic [SumWidth-1:0]                       sum;

  tpe_encode_cut #(
      .Width  (Width),
      .Encoder(Encoder)
  ) u_encode (
      .clk_i,
      .en_i,
      .a_i,
      .digit_o(digit)
  );

  for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
    tpe_spec_digit #(
        .Width(SumWidth)
    ) u_digit (
        .digit_i(digit[i]),
        .legal_o(legal[i]),
        .value_o(value[i])
    );
  end

  always_comb begin
    sum = '0;
    for (int unsigned i = 0; i < NumDigits; i++) sum = sum + value[i] * SumWidth'(4 ** i);
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      begun_q <= 1'b1;
      a_q     <= a_i;
    end
  end

  assign fails_o = begun_q && (!(&legal) || (sum != SumWidth'($signed(a_q))));

endmodule

`default_nettype wire
