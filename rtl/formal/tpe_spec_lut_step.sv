// tpe_spec_lut_step -- specification: what a step of planes adds, from its table and its bits.
//
// Entry by entry: that whose index the bits are, at its sign, at the plane's weight. TableHalf: the
// last lane's bit is the sign, the others are the index. TableFull: all are the index, the top
// plane counts negative. TableNone: those whose bit is 1 are added up, the top plane negative.
// TableTernary: the top bit is the sign, the index counts from 1.
// legal_o says that there are such operands: no entry is larger, in size, than the sum of all lanes
// may be; no ternary word has an index beyond the table.
// Reference : arXiv:2408.06003; ternary: arXiv:2604.25183
`default_nettype none

module tpe_spec_lut_step #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned Lanes      = 4,
    parameter int unsigned CodeWidth  = 22,
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Inversion  = tpe_pkg::InversionOffline,
    parameter int unsigned Width      = 33
) (
    input  wire  logic [Lanes*CodeWidth-1:0]         code_i,
    input  wire  logic [Lanes-1:0][BWidth-1:0]       b_i,     // bit 0 is the plane
    input  wire  logic [PlaneWidth-1:0]              plane_i,
    output       logic [Width-1:0]                   added_o,
    output       logic                               legal_o
);

  localparam bit Half    = (Table == tpe_pkg::TableHalf);
  localparam bit Ternary = (Table == tpe_pkg::TableTernary);
  localparam bit None    = (Table == tpe_pkg::TableNone);
  localparam int unsigned Entries = Ternary ? (3 ** Lanes - 1) / 2
      : None ? Lanes : Half ? 2 ** (Lanes - 1) : 2 ** Lanes;
  localparam int Most                = Lanes * 2 ** (AWidth - 1);
  localparam int unsigned EntryWidth = None ? AWidth : $clog2(Half ? Most + 1 : Most) + 1;
  localparam int unsigned WordWidth  = Lanes * BWidth;

  logic [WordWidth-1:0] index;
  logic                 sign;
  logic [Width-1:0]     entry;
  logic signed [31:0]   held;

  always_comb begin
    index = '0;
    if (Ternary) begin
      index              = b_i;
      index[WordWidth-1] = 1'b0;
    end else begin
      for (int unsigned l = 0; l < Lanes; l++) index[l] = b_i[l][0];
      if (Half && Inversion == tpe_pkg::InversionCell && b_i[Lanes-1][0]) begin
        for (int unsigned l = 0; l < Lanes - 1; l++) index[l] = !b_i[l][0];
      end
      if (Half) index[Lanes-1] = 1'b0;
    end
    if (Ternary) sign = b_i[Lanes-1][BWidth-1];
    else if (Half) sign = b_i[Lanes-1][0];
    else sign = 32'(plane_i) == BWidth - 1;
    entry   = '0;
    held    = '0;
    legal_o = !Ternary || index <= WordWidth'(Entries);
    for (int unsigned i = 0; i < Entries; i++) begin
      held = 32'($signed(code_i[i*EntryWidth+:EntryWidth]));
      if (held > Most || held < -Most) legal_o = 1'b0;
      if (None) begin
        if (index[i]) entry = entry + Width'($signed(code_i[i*EntryWidth+:EntryWidth]));
      end else if (index == WordWidth'(i + 32'(Ternary))) begin
        entry = Width'($signed(code_i[i*EntryWidth+:EntryWidth]));
      end
    end
    added_o = (sign ? -entry : entry) << plane_i;
  end

endmodule

`default_nettype wire
