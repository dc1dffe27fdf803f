// tpe_select_cell -- a cell behind selects: one operand comes as it is stored of N:M sparsity.
//
// Of SelectM consecutive k of that operand SelectN are stored, each with its place above it. The
// other operand comes a group at a time, and every lane takes the one at its own place.
// SelectFromA: B is the sparse one, and A's codes are selected; SelectFromB: the other way round.
// A step is of Lanes / SelectN groups; with fewer lanes than SelectN a group takes several steps.
// Reference : arXiv:2104.08378
// Latency   : that of the cell; the selects are combinational.
`default_nettype none

module tpe_select_cell #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 10,  // of a lane, as it comes through the array
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,   // stored operands of a step
    parameter int unsigned CodeWidth  = 32,  // of a lane, as it comes through the array
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned SelectN    = 2,
    parameter int unsigned SelectM    = 4,
    parameter int unsigned SelectFrom = tpe_pkg::SelectFromA
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  localparam bit          FromA       = SelectFrom == tpe_pkg::SelectFromA;
  localparam int unsigned PlaceWidth  = $clog2(SelectM);
  localparam int unsigned Offered     = ((Lanes > SelectN) ? Lanes / SelectN : 1) * SelectM;
  localparam int unsigned LaneWidth   = FromA ? BWidth : CodeWidth;  // a stored value, its place
  localparam int unsigned StoredWidth = LaneWidth - PlaceWidth;
  localparam int unsigned WordWidth   = (FromA ? CodeWidth : BWidth) * Lanes / Offered;
  localparam int unsigned GroupBits   = SelectM * WordWidth;
  localparam int unsigned CellCode    = FromA ? WordWidth : StoredWidth;
  localparam int unsigned CellB       = FromA ? StoredWidth : WordWidth;

  if (SelectN < 1 || SelectM < SelectN || SelectFrom > tpe_pkg::SelectFromB
      || LaneWidth <= PlaceWidth
      || (Lanes % SelectN != 0 && SelectN % Lanes != 0)) begin : gen_check
    $error("tpe_select_cell: Lanes is a multiple or a divisor of SelectN, 1 to SelectM");
  end

  logic [Offered*WordWidth-1:0] offered;
  logic [Lanes*LaneWidth-1:0]   sparse;
  logic [Lanes*StoredWidth-1:0] stored;
  logic [Lanes*WordWidth-1:0]   selected;
  logic [Lanes*CellCode-1:0]    code;  // as the cell behind takes them
  logic [Lanes*CellB-1:0]       b;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign stored[l*StoredWidth+:StoredWidth] = sparse[l*LaneWidth+:StoredWidth];

    tpe_select #(
        .NumOps(SelectM),
        .Width (WordWidth)
    ) u_select (
        .op_i   (offered[l/SelectN*GroupBits+:GroupBits]),
        .place_i(sparse[l*LaneWidth+StoredWidth+:PlaceWidth]),
        .op_o   (selected[l*WordWidth+:WordWidth])
    );
  end

  if (FromA) begin : gen_from_a
    assign offered = code_i;
    assign sparse  = b_i;
    assign code    = selected;
    assign b       = stored;
  end else begin : gen_from_b
    assign offered = b_i;
    assign sparse  = code_i;
    assign code    = stored;
    assign b       = selected;
  end

  tpe_dense_cell #(
      .AWidth    (AWidth),
      .BWidth    (CellB),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CellCode),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_cell (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .first_i,
      .code_i (code),
      .b_i    (b),
      .plane_i,
      .psum_i,
      .psum_o
  );

endmodule

`default_nettype wire
