// tpe_prop_half_reduce -- sum and carry of a compressor sum to its words, modulo 2**Width.
//
// With Ones they sum to the words and to the ones that come with all but two of them. Of words that
// are Shaped those with a bit in Zeros do not come.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_half_reduce #(
    parameter int unsigned NumOps = 6,
    parameter int unsigned Width  = 32,
    parameter int unsigned Ones   = 0,
    parameter int unsigned Shaped = 0
) (
    input  wire  logic [NumOps-1:0][Width-1:0]   op_i,
    input  wire  logic [NumOps-1:0]              one_i,
    output       logic                           fails_o
);

  localparam logic [NumOps*Width-1:0] Zeros = '0;  // replaced by what is known of the words

  logic [Width-1:0] sum, carry, total;

  if (Ones != 0) begin : gen_ones
    tpe_half_reduce_ones #(
        .NumOps(NumOps),
        .Width (Width)
    ) u_half_reduce (
        .op_i,
        .one_i  (one_i[NumOps-1:2]),
        .sum_o  (sum),
        .carry_o(carry)
    );
  end else begin : gen_words
    tpe_half_reduce #(
        .NumOps(NumOps),
        .Width (Width),
        .Shaped(Shaped)
    ) u_half_reduce (
        .op_i,
        .sum_o  (sum),
        .carry_o(carry)
    );
  end

  always_comb begin
    total = '0;
    for (int unsigned i = 0; i < NumOps; i++) begin
      total = total + op_i[i] + Width'(one_i[i] && Ones != 0 && i > 1);
    end
  end

  logic [Width-1:0] resolved;
  assign resolved = sum + carry;
  assign fails_o  = (resolved != total) && ((op_i & Zeros) == '0);

endmodule

`default_nettype wire
