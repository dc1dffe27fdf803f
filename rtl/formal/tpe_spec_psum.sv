// tpe_spec_psum -- specification: the number that a psum stands for, modulo 2**Width.
//
// Kind 0: a word. 1: {carry, sum}, the carry as long as the psum has room for. 2: such a pair per
// radix-4 bit weight bw, the lowest weight in the lowest bits, that of bw Width - 2 bw bits wide.
// 3, 4: {carries, sum}, a carry at every second, at every fourth bit but the lowest.
`default_nettype none

module tpe_spec_psum #(
    parameter int unsigned Kind      = 0,
    parameter int unsigned Weights   = 1,  // pairs, of Kind 2
    parameter int unsigned Width     = 32,
    parameter int unsigned PsumWidth = 32
) (
    input  wire  logic [PsumWidth-1:0]               psum_i,
    output       logic [Weights-1:0][Width-1:0]      pair_o,  // of each pair, at its own width
    output       logic [Width-1:0]                   value_o
);

  if (Kind == 0) begin : gen_word
    assign pair_o = psum_i[Width-1:0];
  end else if (Kind == 1) begin : gen_pair
    assign pair_o = psum_i[Width-1:0] + Width'(psum_i[PsumWidth-1:Width]);
  end else if (Kind >= 3) begin : gen_kept
    localparam int unsigned Every = (Kind == 3) ? 2 : 4;
    logic [Width-1:0] carry;
    always_comb begin
      carry = '0;
      for (int unsigned j = 0; j < PsumWidth - Width; j++) begin
        carry = carry | (Width'(psum_i[Width+j]) << ((j + 1) * Every));
      end
    end
    assign pair_o = psum_i[Width-1:0] + carry;
  end else begin : gen_pairs
    for (genvar w = 0; w < Weights; w++) begin : gen_weight
      localparam int unsigned Bits  = Width - 2 * w;
      localparam int unsigned Start = 2 * w * (Width - w + 1);  // the bits of lower pairs
      logic [Bits-1:0] pair;
      assign pair      = psum_i[Start+:Bits] + psum_i[Start+Bits+:Bits];
      assign pair_o[w] = Width'(pair);
    end
  end

  always_comb begin
    value_o = '0;
    for (int unsigned w = 0; w < Weights; w++) value_o = value_o + (pair_o[w] << (2 * w));
  end

endmodule

`default_nettype wire
