// tpe_lut_mux -- one entry of a table, or minus it: what a word of weights looks up.
//
// The word is {sign, index}, TableFull the index alone, whose sign comes beside. TableTernary: the
// index counts from 1, and 0 finds nothing. An index beyond the table's end, which no weights make,
// finds nothing either. A tree of selectors, a bit of the index a level.
// Latency   : combinational. Exact: ValueWidth holds minus the lowest entry, too.
`default_nettype none

module tpe_lut_mux #(
    parameter int unsigned Entries    = 8,
    parameter int unsigned EntryWidth = 11,
    parameter int unsigned IndexWidth = $clog2(Entries),
    parameter int unsigned ValueWidth = 11,
    parameter int unsigned Base       = 0                 // the index of entry 0
) (
    input  wire  logic [Entries-1:0][EntryWidth-1:0]   table_i,
    input  wire  logic [IndexWidth-1:0]                index_i,
    input  wire  logic                                 negative_i,
    output       logic [ValueWidth-1:0]                value_o
);

  localparam int unsigned Places = 2 ** IndexWidth;

  if (ValueWidth < EntryWidth || Places < Entries + Base) begin : gen_check
    $error("tpe_lut_mux: ValueWidth >= EntryWidth, IndexWidth reaches every entry");
  end

  logic [Places-1:0][EntryWidth-1:0] place;  // by index
  logic [Places-1:0][EntryWidth-1:0] left;   // ... and what each bit of it leaves of them
  logic [ValueWidth-1:0]             value;

  for (genvar i = 0; i < Places; i++) begin : gen_place
    if (i >= Base && i < Base + Entries) begin : gen_entry
      assign place[i] = table_i[i-Base];
    end else begin : gen_nothing
      assign place[i] = '0;
    end
  end

  always_comb begin
    left = place;
    for (int unsigned bit_no = 0; bit_no < IndexWidth; bit_no++) begin
      for (int unsigned i = 0; i < (Places >> (bit_no + 1)); i++) begin
        left[i] = index_i[bit_no] ? left[2*i+1] : left[2*i];
      end
    end
  end

  assign value   = ValueWidth'($signed(left[0]));
  assign value_o = negative_i ? -value : value;

  logic unused_left;
  assign unused_left = ^left;

endmodule

`default_nettype wire
