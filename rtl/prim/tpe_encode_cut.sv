// tpe_encode_cut -- tpe_encode with a register inside: its digits come an enabled cycle later.
//
// EN-T takes the magnitude before the register and recodes it behind; Booth's recoding is short,
// and stands behind it as a whole.
// Primitive : encode               (arXiv:2404.11887)
// Interface : as tpe_encode.
// Latency   : 1 cycle.
`default_nettype none

module tpe_encode_cut #(
    parameter  int unsigned Width     = 8,  // operand width in bits, 2..17
    parameter  int unsigned Encoder   = tpe_pkg::EncoderBooth,
    localparam int unsigned NumDigits = (Width + 1) / 2
) (
    input  wire  logic                        clk_i,
    input  wire  logic                        en_i,
    input  wire  logic [Width-1:0]            a_i,
    output       logic [NumDigits-1:0][2:0]   digit_o
);

  if (Width < 2 || Width > 17) begin : gen_check_width
    $error("tpe_encode_cut: Width must be 2..17");
  end
  if (Encoder > tpe_pkg::EncoderEnt) begin : gen_check_encoder
    $error("tpe_encode_cut: Encoder must be one of tpe_pkg");
  end

  if (Encoder == tpe_pkg::EncoderBooth) begin : gen_booth
    logic [Width-1:0] a_q;

    always_ff @(posedge clk_i) begin
      if (en_i) a_q <= a_i;
    end

    tpe_encode_booth #(
        .Width(Width)
    ) u_booth (
        .a_i    (a_q),
        .digit_o(digit_o)
    );
  end else begin : gen_ent
    localparam int unsigned EvenWidth = 2 * NumDigits;

    logic                 sign, sign_q;
    logic [EvenWidth-1:0] magnitude, magnitude_q;  // unsigned: 2**(Width-1) at most
    logic [NumDigits-1:0] carry;

    assign sign = a_i[Width-1];
    assign magnitude = ({EvenWidth{sign}} ^ {{(EvenWidth - Width + 1){sign}}, a_i[Width-2:0]})
                     + EvenWidth'(sign);

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        sign_q      <= sign;
        magnitude_q <= magnitude;
      end
    end

    assign carry[0] = 1'b0;

    for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
      logic [2:0] t;  // a pair of bits and the carry into it: 0..4
      logic       negative, two, one;
      assign t = {1'b0, magnitude_q[2*i+:2]} + {2'b00, carry[i]};
      if (i + 1 < NumDigits) begin : gen_recode
        assign carry[i+1] = (t >= 3'd3);
      end
      assign negative = (t == 3'd3);  // 3 = 4 - 1; 4 = 4 - 0
      assign one      = t[0];
      assign two      = (t == 3'd2);
      assign digit_o[i] = {(sign_q ^ negative) & (one | two), two, one};
    end
  end

endmodule

`default_nettype wire
