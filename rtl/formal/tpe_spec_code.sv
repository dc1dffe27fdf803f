// tpe_spec_code -- specification: the digits that a word of digits stands for, and their number.
//
// Form 2: Booth, a select {neg, two, one} a digit, the lowest digit in the lowest bits. 3: EN-T
// (arXiv:2404.11887), the operand's sign on top and two bits a digit, 0, 1, 2 or 3 for -1; a digit
// counts times the sign. legal_o: every digit is one of these, and their number at the weights
// 4**i is an operand of AWidth bits.
`default_nettype none

module tpe_spec_code #(
    parameter  int unsigned AWidth    = 8,
    parameter  int unsigned CodeWidth = 12,
    parameter  int unsigned Form      = 2,
    localparam int unsigned NumDigits = (AWidth + 1) / 2,
    localparam int unsigned Width     = 2 * NumDigits + 3  // holds every sum of digits of -2..2
) (
    input  wire  logic [CodeWidth-1:0]                 code_i,
    output       logic                                 legal_o,
    output       logic signed [NumDigits-1:0][3:0]     digit_o,
    output       logic signed [Width-1:0]              value_o
);

  if (CodeWidth != (Form == 2 ? 3 * NumDigits : 2 * NumDigits + 1)) begin : gen_check
    $error("tpe_spec_code: CodeWidth is 3 bits a digit (Form 2), or 2 and a sign (Form 3)");
  end

  logic [NumDigits-1:0]      known;
  logic [NumDigits-1:0][3:0] digit;

  for (genvar i = 0; i < NumDigits; i++) begin : gen_digit
    if (Form == 2) begin : gen_booth
      tpe_spec_digit #(
          .Width(4)
      ) u_digit (
          .digit_i(code_i[3*i+:3]),
          .legal_o(known[i]),
          .value_o(digit[i])
      );
    end else begin : gen_ent
      logic signed [3:0] plain;
      always_comb begin
        case (code_i[2*i+:2])
          2'd0: plain = 0;
          2'd1: plain = 1;
          2'd2: plain = 2;
          default: plain = -1;
        endcase
      end
      assign known[i] = 1'b1;
      assign digit[i] = code_i[CodeWidth-1] ? -plain : plain;
    end
  end

  assign digit_o = digit;

  always_comb begin
    value_o = 0;
    for (int unsigned i = 0; i < NumDigits; i++) begin
      value_o = value_o + (Width'($signed(digit[i])) << (2 * i));
    end
  end

  // The bits from the operand's sign up are all alike.
  assign legal_o = &known && (value_o[Width-1:AWidth-1] == '0 || &value_o[Width-1:AWidth-1]);

endmodule

`default_nettype wire
