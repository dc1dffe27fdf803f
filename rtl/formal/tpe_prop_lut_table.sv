// tpe_prop_lut_table -- every entry of a table is the sum that it is said to be.
//
// The sums are written down entry by entry, each from its own index, on integers that cannot
// overflow; what is built adds lane to lane.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_lut_table #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned Lanes      = 4,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Entries    = 8,
    parameter int unsigned EntryWidth = 11
) (
    input  wire  logic [Lanes-1:0][AWidth-1:0]   a_i,
    output       logic                           fails_o
);

  logic [Entries-1:0][EntryWidth-1:0] built;
  logic [Entries-1:0]                 wrong;

  tpe_lut_precompute #(
      .AWidth    (AWidth),
      .Lanes     (Lanes),
      .Table     (Table),
      .Entries   (Entries),
      .EntryWidth(EntryWidth)
  ) u_precompute (
      .a_i,
      .table_o(built)
  );

  for (genvar i = 0; i < Entries; i++) begin : gen_entry
    tpe_spec_lut_entry #(
        .AWidth    (AWidth),
        .Lanes     (Lanes),
        .Table     (Table),
        .Index     (i),
        .EntryWidth(EntryWidth)
    ) u_entry (
        .a_i,
        .built_i(built[i]),
        .wrong_o(wrong[i])
    );
  end

  assign fails_o = |wrong;

endmodule

`default_nettype wire
