// tpe_spec_multiplier -- specification: the product of two numbers by a multiplier of magnitudes.
//
// The magnitudes' product, by the definition of its Method, with the sign of the exact one.
// Mitchell (doi:10.1109/TEC.1962.5219391): with a = 2**i (1 + x) and b = 2**j (1 + y), which have
// 0 <= x, y < 1, it is 2**(i+j) (1 + x + y) or, if x + y >= 1, 2**(i+j+1) (x + y). Kulkarni
// (doi:10.1109/VLSID.2011.51): the exact one, less 2 * 4**(i+j) for every digit i of a and digit j
// of b, of two bits each, that both are 3.
// legal_o: both magnitudes are numbers of a byte.
`default_nettype none

module tpe_spec_multiplier #(
    parameter int unsigned AWidth  = 8,
    parameter int unsigned BWidth  = 8,
    parameter int unsigned Method  = 0  // Mitchell, Kulkarni, or an exact one
) (
    input  wire  logic signed [AWidth-1:0]          a_i,
    input  wire  logic signed [BWidth-1:0]          b_i,
    output       logic                              legal_o,
    output       logic signed [AWidth+BWidth-1:0]   product_o
);

  localparam int unsigned Mitchell = 0;
  localparam int unsigned Kulkarni = 1;

  logic signed [31:0] whole_a, whole_b, a, b, one, fractions, size;

  assign whole_a = 32'(a_i);
  assign whole_b = 32'(b_i);
  assign a       = (a_i < 0) ? -whole_a : whole_a;
  assign b       = (b_i < 0) ? -whole_b : whole_b;
  assign legal_o = a < 256 && b < 256;

  if (Method == Mitchell) begin : gen_mitchell
    always_comb begin
      one       = '0;  // 2**(i+j)
      fractions = '0;  // (x + y) 2**(i+j)
      for (int i = 0; i < 8; i++) begin
        for (int j = 0; j < 8; j++) begin
          if (a >= (1 << i) && a < (2 << i) && b >= (1 << j) && b < (2 << j)) begin
            one       = 1 << (i + j);
            fractions = ((a - (1 << i)) << j) + ((b - (1 << j)) << i);
          end
        end
      end
      size = (fractions < one) ? one + fractions : 2 * fractions;
    end
  end else begin : gen_exact
    assign one = '0;
    always_comb begin
      fractions = '0;  // what the exact one is too large by
      for (int i = 0; i < 4; i++) begin
        for (int j = 0; j < 4; j++) begin
          if (Method == Kulkarni && ((a >> (2 * i)) & 3) == 3
              && ((b >> (2 * j)) & 3) == 3) begin
            fractions = fractions + (2 << (2 * (i + j)));
          end
        end
      end
      size = 32'(a[7:0]) * 32'(b[7:0]) - fractions;
    end
    logic unused_one;
    assign unused_one = ^one;
  end

  logic signed [31:0] value;
  logic               unused_value;
  assign value        = ((a_i < 0) != (b_i < 0)) ? -size : size;
  assign unused_value = ^value;
  assign product_o    = value[AWidth+BWidth-1:0];

endmodule

`default_nettype wire
