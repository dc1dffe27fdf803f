// tpe_front_lut_tc -- the table of a row's group of activations, built and held for its cells.
//
// Reference : arXiv:2408.06003
// Latency   : one cycle: the table of a_i, taken with en_i, is at code_o from the next one on.
`default_nettype none

module tpe_front_lut_tc #(
    parameter int unsigned AWidth    = 8,
    parameter int unsigned Lanes     = 4,   // activations of a group
    parameter int unsigned CodeWidth = 22,  // the table's share of a lane
    parameter int unsigned Table     = tpe_pkg::TableHalf
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,   // 0 keeps the table
    input  wire  logic [Lanes*AWidth-1:0]      a_i,
    output       logic [Lanes*CodeWidth-1:0]   code_o  // entry 0 lowest, zeros above the last
);

  localparam int unsigned Entries = (Table == tpe_pkg::TableTernary) ? (3 ** Lanes - 1) / 2
      : (Table == tpe_pkg::TableNone) ? Lanes
      : (Table == tpe_pkg::TableFull) ? 2 ** Lanes : 2 ** (Lanes - 1);
  localparam int unsigned Most       = Lanes * 2 ** (AWidth - 1);  // in size
  localparam int unsigned EntryWidth = (Table == tpe_pkg::TableNone) ? AWidth
      : $clog2((Table == tpe_pkg::TableHalf) ? Most + 1 : Most) + 1;

  if (Lanes * CodeWidth < Entries * EntryWidth) begin : gen_check
    $error("tpe_front_lut_tc: Lanes * CodeWidth holds the table");
  end

  logic [Entries-1:0][EntryWidth-1:0] built, held;

  tpe_lut_precompute #(
      .AWidth    (AWidth),
      .Lanes     (Lanes),
      .Table     (Table),
      .Entries   (Entries),
      .EntryWidth(EntryWidth)
  ) u_precompute (
      .a_i    (a_i),
      .table_o(built)
  );

  tpe_lut_broadcast #(
      .Entries   (Entries),
      .EntryWidth(EntryWidth)
  ) u_broadcast (
      .clk_i,
      .en_i,
      .table_i(built),
      .table_o(held)
  );

  assign code_o = (Lanes * CodeWidth)'(held);

endmodule

`default_nettype wire
