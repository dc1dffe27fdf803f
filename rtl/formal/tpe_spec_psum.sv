// tpe_spec_psum -- specification: the number that a psum stands for, modulo 2**Width.
//
// Kind 0: a word. 1: {carry, sum}. 2: such a pair per radix-4 bit weight bw, the lowest weight in
// the lowest bits, the pair of bw Width - 2 bw bits wide.
`default_nettype none

module tpe_spec_psum #(
    parameter int unsigned Kind      = 0,
    parameter int unsigned Weights   = 1,  // pairs, of Kind 2
    parameter int unsigned Width     = 32,
    parameter int unsigned PsumWidth = 32
) (
    input  wire  logic [PsumWidth-1:0]   psum_i,
    output       logic [Width-1:0]       value_o
);

  logic [Weights:0][Width-1:0] total;  // [w]: the pairs below bit weight w, of Kind 2

  assign total[0] = '0;

  if (Kind == 0) begin : gen_word
    assign value_o = psum_i[Width-1:0];
  end else if (Kind == 1) begin : gen_pair
    assign value_o = psum_i[0+:Width] + psum_i[Width+:Width];
  end else begin : gen_weights
    for (genvar w = 0; w < Weights; w++) begin : gen_weight
      localparam int unsigned Bits  = Width - 2 * w;
      localparam int unsigned Start = 2 * w * Width - 2 * w * (w - 1);  // the bits of lower pairs
      logic [Bits-1:0] pair;
      assign pair       = psum_i[Start+:Bits] + psum_i[Start+Bits+:Bits];
      assign total[w+1] = total[w] + (Width'(pair) << (2 * w));
    end
    assign value_o = total[Weights];
  end

  if (Kind != 2) begin : gen_no_weights
    assign total[Weights:1] = '0;
    logic unused_total;
    assign unused_total = ^total;
  end

endmodule

`default_nettype wire
