// tpe_spec_lut_entry -- specification: the sum of activations that one entry of a table is.
//
// Lane l counts with a weight of -1, 0 or 1, which the entry's index says: bit l of it, the last of
// half a table being 0; or digit l of Index + 1 in balanced ternary, found by counting. TableNone:
// 1 of the lane that is the index.
// Reference : arXiv:2408.06003; ternary: arXiv:2604.25183
`default_nettype none

module tpe_spec_lut_entry #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned Lanes      = 4,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Index      = 0,
    parameter int unsigned EntryWidth = 11
) (
    input  wire  logic [Lanes-1:0][AWidth-1:0]   a_i,
    input  wire  logic [EntryWidth-1:0]          built_i,
    output       logic                           wrong_o
);

  localparam int unsigned Wide = AWidth + Lanes + 2;  // holds any sum, and what is built

  // With a one added to every digit, of 0, 1 and 2, a number is a plain ternary one.
  localparam int unsigned Ones  = (3 ** Lanes - 1) / 2;
  localparam int unsigned Plain = Index + 1 + Ones;

  logic [Wide-1:0] sum;

  always_comb begin
    sum = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      if (Table == tpe_pkg::TableTernary) begin
        if ((Plain / 3 ** l) % 3 == 2) sum = sum + Wide'($signed(a_i[l]));
        if ((Plain / 3 ** l) % 3 == 0) sum = sum - Wide'($signed(a_i[l]));
      end else if (Table == tpe_pkg::TableNone) begin
        if (l == Index) sum = Wide'($signed(a_i[l]));
      end else begin
        if ((Index >> l) % 2 == 1) sum = sum + Wide'($signed(a_i[l]));
        else if (Table == tpe_pkg::TableHalf) sum = sum - Wide'($signed(a_i[l]));
      end
    end
    wrong_o = sum != Wide'($signed(built_i));
  end

endmodule

`default_nettype wire
