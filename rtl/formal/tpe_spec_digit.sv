// tpe_spec_digit -- specification: the digit of -2..2 that a select {neg, two, one} stands for.
`default_nettype none

module tpe_spec_digit #(
    parameter int unsigned Width = 8
) (
    input  wire  logic [2:0]               digit_i,
    output       logic                     legal_o,
    output       logic signed [Width-1:0]  value_o
);

  always_comb begin
    legal_o = 1'b1;
    case (digit_i)
      3'b000: value_o = 0;
      3'b001: value_o = 1;
      3'b010: value_o = 2;
      3'b101: value_o = -1;
      3'b110: value_o = -2;
      default: begin
        legal_o = 1'b0;
        value_o = 0;
      end
    endcase
  end

endmodule

`default_nettype wire
