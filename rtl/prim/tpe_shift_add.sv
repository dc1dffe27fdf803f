// tpe_shift_add -- a product by shift and add: a word, shifted, for every bit of a narrow factor.
//
// Both are signed: the top bit of the factor takes its shifted word away.
// Reference : arXiv:2411.16158
// Latency   : combinational. The product is exact.
`default_nettype none

module tpe_shift_add #(
    parameter  int unsigned WordWidth   = 8,
    parameter  int unsigned FactorWidth = 4,                       // 2 or more
    localparam int unsigned Width       = WordWidth + FactorWidth
) (
    input  wire  logic [WordWidth-1:0]     word_i,
    input  wire  logic [FactorWidth-1:0]   factor_i,
    output       logic [Width-1:0]         product_o
);

  if (FactorWidth < 2) begin : gen_check
    $error("tpe_shift_add: FactorWidth must be 2 or more");
  end

  logic [FactorWidth-1:0][Width-1:0] row;  // the word at the place of each bit, or nothing
  logic [Width-1:0]                  word;

  assign word = {{FactorWidth{word_i[WordWidth-1]}}, word_i};

  for (genvar i = 0; i < FactorWidth; i++) begin : gen_row
    assign row[i] = (word << i) & {Width{factor_i[i]}};
  end

  always_comb begin
    product_o = '0;
    for (int unsigned i = 0; i < FactorWidth - 1; i++) product_o += row[i];
    product_o -= row[FactorWidth-1];
  end

endmodule

`default_nettype wire
