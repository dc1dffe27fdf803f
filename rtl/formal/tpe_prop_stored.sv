// tpe_prop_stored -- tpe_matrix2d_serial behind weights as they are, in two's complement.
//
// So that its streams can be followed by tpe_prop_array: b_i is stored here as its cells look it
// up, by the definition, and a code of A is the operand.
`default_nettype none

module tpe_prop_stored #(
    parameter int unsigned Rows        = 2,
    parameter int unsigned Cols        = 1,
    parameter int unsigned AWidth      = 2,
    parameter int unsigned BWidth      = 2,
    parameter int unsigned AccWidth    = 6,
    parameter int unsigned Lanes       = 2,
    parameter int unsigned CodeWidth   = 2,  // of an operand of A
    parameter int unsigned TableWidth  = 4,  // of a lane's share of the table
    parameter int unsigned PsumWidth   = 7,
    parameter int unsigned PlaneWidth  = 1,
    parameter int unsigned BitPlanes   = 2,
    parameter int unsigned CellLatency = 0,
    parameter int unsigned RowTerm     = 1,
    parameter int unsigned Table       = tpe_pkg::TableHalf,
    parameter int unsigned Inversion   = tpe_pkg::InversionOffline,
    parameter int unsigned Overlap     = tpe_pkg::OverlapNone
) (
    input  wire  logic                           clk_i,
    input  wire  logic                           rst_ni,
    input  wire  logic                           a_valid_i,
    output       logic                           a_ready_o,
    input  wire  logic                           a_last_i,
    input  wire  logic [Rows*Lanes*AWidth-1:0]   a_i,
    input  wire  logic                           b_valid_i,
    output       logic                           b_ready_o,
    input  wire  logic [Cols*Lanes*BWidth-1:0]   b_i,
    output       logic                           c_valid_o,
    input  wire  logic                           c_ready_i,
    output       logic                           c_last_o,
    output       logic [Cols*AccWidth-1:0]       c_o
);

  if (CodeWidth != AWidth) begin : gen_check
    $error("tpe_prop_stored: CodeWidth = AWidth");
  end

  // Bit by bit: above the range's middle, and inverted where the group's last one is set.
  localparam logic [BWidth-1:0] Middle = {1'b1, (BWidth - 1)'(0)};

  logic [Cols*Lanes*BWidth-1:0] stored;

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      localparam int unsigned Low  = (c * Lanes + l) * BWidth;
      localparam int unsigned Last = (c * Lanes + Lanes - 1) * BWidth;
      if (Table != tpe_pkg::TableHalf) begin : gen_full
        assign stored[Low+:BWidth] = b_i[Low+:BWidth];
      end else if (l == Lanes - 1 || Inversion == tpe_pkg::InversionCell) begin : gen_last
        assign stored[Low+:BWidth] = b_i[Low+:BWidth] ^ Middle;
      end else begin : gen_half
        assign stored[Low+:BWidth] = b_i[Low+:BWidth] ^ b_i[Last+:BWidth];
      end
    end
  end

  tpe_matrix2d_serial #(
      .Rows       (Rows),
      .Cols       (Cols),
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (TableWidth),
      .PsumWidth  (PsumWidth),
      .PlaneWidth (PlaneWidth),
      .BitPlanes  (BitPlanes),
      .CellLatency(CellLatency),
      .RowTerm    (RowTerm),
      .Overlap    (Overlap)
  ) u_array (
      .clk_i,
      .rst_ni,
      .a_valid_i,
      .a_ready_o,
      .a_last_i,
      .a_i,
      .b_valid_i,
      .b_ready_o,
      .b_i      (stored),
      .c_valid_o,
      .c_ready_i,
      .c_last_o,
      .c_o
  );

endmodule

`default_nettype wire
