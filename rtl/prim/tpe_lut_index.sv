// tpe_lut_index -- what stored weights look up: the index of an entry, and whether it is negated.
//
// Bit 0 of each lane is the plane. TableHalf: the last lane's bit is the sign, the others' are the
// index, or its complement if the sign is 1 and they are stored as they are (InversionCell).
// TableFull, TableNone: all are the index, and the top plane is negative. TableTernary: a word of
// all bits, {sign, index}, one plane.
// Reference : arXiv:2408.06003; ternary: arXiv:2604.25183
// Latency   : combinational.
`default_nettype none

module tpe_lut_index #(
    parameter int unsigned BWidth     = 8,                   // bits of a weight
    parameter int unsigned Lanes      = 4,                   // activations of a group
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned IndexWidth = 3,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Inversion  = tpe_pkg::InversionOffline  // of TableHalf
) (
    input  wire  logic [Lanes*BWidth-1:0]   b_i,
    input  wire  logic [PlaneWidth-1:0]     plane_i,
    output       logic [IndexWidth-1:0]     index_o,
    output       logic                      negative_o
);

  logic unused_bits;
  assign unused_bits = ^{b_i, plane_i};  // of planes to come; of ternary words between both

  if (Table == tpe_pkg::TableTernary) begin : gen_word
    if (BWidth != 2) begin : gen_check
      $error("tpe_lut_index: BWidth = 2 if ternary");
    end
    assign index_o    = b_i[IndexWidth-1:0];
    assign negative_o = b_i[Lanes*BWidth-1];
  end else begin : gen_plane
    logic [Lanes-1:0] bits;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      assign bits[l] = b_i[l*BWidth];
    end
    if (Table == tpe_pkg::TableHalf && Inversion == tpe_pkg::InversionCell) begin : gen_invert
      assign index_o = bits[IndexWidth-1:0] ^ {IndexWidth{bits[Lanes-1]}};
    end else begin : gen_stored
      assign index_o = bits[IndexWidth-1:0];
    end
    assign negative_o = (Table == tpe_pkg::TableHalf) ? bits[Lanes-1]
                                                      : plane_i == PlaneWidth'(BWidth - 1);
  end

endmodule

`default_nettype wire
