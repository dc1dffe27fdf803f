// tpe_prop_select -- every lane gets the word at its place of its own group, and its value.
//
// The operands as they are stored and offered, put together as the ports of tpe_select_cell have
// them; the cell behind it is tpe_spec_operands, which shows what it gets.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_select #(
    parameter  int unsigned Lanes       = 1,
    parameter  int unsigned CodeWidth   = 8,  // of a lane of the cell behind the selects
    parameter  int unsigned BWidth      = 8,
    parameter  int unsigned SelectN     = 2,
    parameter  int unsigned SelectM     = 4,
    parameter  int unsigned SelectFrom  = tpe_pkg::SelectFromA,
    localparam bit          FromA       = SelectFrom == tpe_pkg::SelectFromA,
    localparam int unsigned Groups      = (Lanes + SelectN - 1) / SelectN,
    localparam int unsigned PlaceWidth  = $clog2(SelectM),
    localparam int unsigned WordWidth   = FromA ? CodeWidth : BWidth,
    localparam int unsigned StoredWidth = FromA ? BWidth : CodeWidth
) (
    input  wire  logic [Groups-1:0][SelectM-1:0][WordWidth-1:0]   word_i,
    input  wire  logic [Lanes-1:0][StoredWidth-1:0]               stored_i,
    input  wire  logic [Lanes-1:0][PlaceWidth-1:0]                place_i,
    output       logic                                            fails_o
);

  localparam int unsigned WideBits  = Groups * SelectM * WordWidth;
  localparam int unsigned Placed    = PlaceWidth + StoredWidth;
  localparam int unsigned LaneCode  = FromA ? WideBits / Lanes : Placed;  // through the array
  localparam int unsigned LaneB     = FromA ? Placed : WideBits / Lanes;
  localparam int unsigned PsumWidth = Lanes * (CodeWidth + BWidth);

  logic [Lanes-1:0][Placed-1:0]      sparse;
  logic [Lanes-1:0][WordWidth-1:0]   selected;
  logic [Lanes*LaneCode-1:0]         code;
  logic [Lanes*LaneB-1:0]            b;
  logic [PsumWidth-1:0]              shown, expected;

  always_comb begin
    selected = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      for (int unsigned m = 0; m < SelectM; m++) begin
        if (int'(place_i[l]) == int'(m)) selected[l] = word_i[l/SelectN][m];
      end
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign sparse[l] = {place_i[l], stored_i[l]};
  end

  if (FromA) begin : gen_from_a
    assign code     = word_i;
    assign b        = sparse;
    assign expected = {selected, stored_i};
  end else begin : gen_from_b
    assign code     = sparse;
    assign b        = word_i;
    assign expected = {stored_i, selected};
  end

  tpe_select_cell #(
      .AWidth    (CodeWidth),
      .BWidth    (LaneB),
      .AccWidth  (PsumWidth),
      .Lanes     (Lanes),
      .CodeWidth (LaneCode),
      .PsumWidth (PsumWidth),
      .PlaneWidth(1),
      .SelectN   (SelectN),
      .SelectM   (SelectM),
      .SelectFrom(SelectFrom)
  ) u_cell (
      .clk_i  (1'b0),
      .rst_ni (1'b1),
      .en_i   (1'b1),
      .valid_i(1'b1),
      .first_i(1'b1),
      .code_i (code),
      .b_i    (b),
      .plane_i(1'b0),
      .psum_i ('0),
      .psum_o (shown)
  );

  assign fails_o = shown != expected;

endmodule

`default_nettype wire
