// tpe_lut_broadcast -- the register from which a table goes to all cells of its row.
//
// Latency   : one cycle, in which en_i is 1; 0 keeps the table.
`default_nettype none

module tpe_lut_broadcast #(
    parameter int unsigned Entries    = 8,
    parameter int unsigned EntryWidth = 11
) (
    input  wire  logic                                 clk_i,
    input  wire  logic                                 en_i,
    input  wire  logic [Entries-1:0][EntryWidth-1:0]   table_i,
    output       logic [Entries-1:0][EntryWidth-1:0]   table_o
);

  logic [Entries-1:0][EntryWidth-1:0] table_q;

  always_ff @(posedge clk_i) begin
    if (en_i) table_q <= table_i;
  end

  assign table_o = table_q;

endmodule

`default_nettype wire
