// tpe_mult_kulkarni -- a product of two bytes in blocks of 2 x 2 bits, all exact but 3 x 3 = 7.
//
// A block has three bits of result, and no carry. The blocks' products are added exactly.
// Reference : doi:10.1109/VLSID.2011.51
// Latency   : combinational.
// Overflow  : none; no product is above the exact one.
`default_nettype none

module tpe_mult_kulkarni (
    input  wire  logic [7:0]    a_i,  // unsigned
    input  wire  logic [7:0]    b_i,
    output       logic [15:0]   p_o
);

  logic [3:0][3:0][2:0] block;

  for (genvar i = 0; i < 4; i++) begin : gen_a
    for (genvar j = 0; j < 4; j++) begin : gen_b
      assign block[i][j][0] = a_i[2*i] & b_i[2*j];
      assign block[i][j][1] = (a_i[2*i+1] & b_i[2*j]) | (a_i[2*i] & b_i[2*j+1]);
      assign block[i][j][2] = a_i[2*i+1] & b_i[2*j+1];
    end
  end

  always_comb begin
    p_o = '0;
    for (int unsigned i = 0; i < 4; i++) begin
      for (int unsigned j = 0; j < 4; j++) begin
        p_o += 16'(block[i][j]) << (2 * (i + j));
      end
    end
  end

endmodule

`default_nettype wire
