// tpe_prop_array -- every accepted beat counts once in C, and every word of C leaves once.
//
// The source offers and the sink takes when they like. The reference sums a * b of the accepted
// beats of a tile, or, of an array that streams K once per bit weight (Planes), the digits of each
// beat's plane times b; rows leave in order, after the last beat. No beat enters before the last
// row has left, or, where tiles overlap, no more whole tiles are inside than Tiles. A word that is
// refused stays as it is. Codes that are offered are legal.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_array #(
    parameter int unsigned Rows        = 2,
    parameter int unsigned Cols        = 2,
    parameter int unsigned AWidth      = 2,
    parameter int unsigned BWidth      = 2,
    parameter int unsigned AccWidth    = 5,
    parameter int unsigned Lanes       = 1,
    parameter int unsigned CodeWidth   = 2,
    parameter int unsigned PsumWidth   = 5,
    parameter int unsigned PlaneWidth  = 1,
    parameter int unsigned Planes      = 1,
    parameter int unsigned CellLatency = 0,
    parameter int unsigned Overlap     = tpe_pkg::OverlapNone,
    parameter int unsigned Tiles       = 1,  // whole ones that may be inside
    parameter int unsigned Digits      = 0,  // what a code is, as tpe_spec_product has it
    parameter int unsigned InOrder     = 0,  // 1: psums are lists of operands, no sums
    parameter int unsigned Encoder     = tpe_pkg::EncoderBooth
) (
    input  wire  logic                           clk_i,
    input  wire  logic                           a_valid_i,
    input  wire  logic                           a_last_i,
    input  wire  logic [Rows*Lanes*CodeWidth-1:0] a_i,
    input  wire  logic                           b_valid_i,
    input  wire  logic [Cols*Lanes*BWidth-1:0]   b_i,
    input  wire  logic                           c_ready_i,
    output       logic                           fails_o
);

  localparam int unsigned Moved = InOrder * Lanes * (CodeWidth + BWidth);

  logic                     begun_q = 1'b0;
  logic                     rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                     a_ready, b_ready, c_valid, c_last, a_beat, b_beat, take;
  logic [Cols*AccWidth-1:0] c, c_q;
  logic                     refused_q, last_q;
  logic [31:0]              row_q, whole_q;  // of the tile that leaves; whole tiles inside
  logic [Rows-1:0][Cols-1:0][AccWidth-1:0] step;
  logic [Tiles:0][Rows-1:0][Cols-1:0][AccWidth-1:0] total_q, total;  // oldest first, then the open
  logic [Rows-1:0][Cols-1:0] legal;
  logic                      a_offer, final_plane;
  logic [PlaneWidth-1:0]     plane_q;  // of the next beat

  tpe_array #(
      .Rows       (Rows),
      .Cols       (Cols),
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .PsumWidth  (PsumWidth),
      .PlaneWidth (PlaneWidth),
      .Planes     (Planes),
      .CellLatency(CellLatency),
      .Overlap    (Overlap)
  ) u_array (
      .clk_i,
      .rst_ni   (rst_nq),
      .a_valid_i(a_offer),
      .a_ready_o(a_ready),
      .a_last_i,
      .a_i,
      .b_valid_i(b_valid_i && begun_q),
      .b_ready_o(b_ready),
      .b_i,
      .c_valid_o(c_valid),
      .c_ready_i,
      .c_last_o (c_last),
      .c_o      (c)
  );

  assign a_offer     = begun_q && a_valid_i && (&legal);
  assign final_plane = 32'(plane_q) == Planes - 1;

  assign a_beat = a_offer && a_ready;
  assign b_beat = begun_q && b_valid_i && b_ready;
  assign take   = begun_q && c_valid && c_ready_i;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    for (genvar i = 0; i < Cols; i++) begin : gen_col
      tpe_spec_beat #(
          .AWidth    (AWidth),
          .BWidth    (BWidth),
          .CodeWidth (CodeWidth),
          .Lanes     (Lanes),
          .Digits    (Digits),
          .InOrder   (InOrder),
          .Encoder   (Encoder),
          .Planes    (Planes),
          .PlaneWidth(PlaneWidth),
          .Width     (AccWidth)
      ) u_beat (
          .code_i (a_i[r*Lanes*CodeWidth+:Lanes*CodeWidth]),
          .b_i    (b_i[i*Lanes*BWidth+:Lanes*BWidth]),
          .plane_i(plane_q),
          .legal_o(legal[r][i]),
          .sum_o  (step[r][i])
      );
    end
  end

  always_ff @(posedge clk_i) begin
    begun_q   <= 1'b1;
    rst_nq    <= 1'b1;
    refused_q <= begun_q && c_valid && !c_ready_i;
    c_q       <= c;
    last_q    <= c_last;
    if (!begun_q) begin
      whole_q <= '0;
      row_q   <= '0;
      total_q <= '0;
      plane_q <= '0;
    end else begin
      if (a_beat && a_last_i) plane_q <= final_plane ? '0 : plane_q + 1'b1;
      if (take) row_q <= c_last ? '0 : row_q + 1;
      whole_q <= whole_q + 32'(a_beat && a_last_i && final_plane) - 32'(take && c_last);
      total_q <= (take && c_last) ? total >> (Rows * Cols * AccWidth) : total;
    end
  end

  // The totals with what is accepted in this cycle.
  always_comb begin
    total = total_q;
    for (int unsigned t = 0; t <= Tiles; t++) begin
      for (int unsigned r = 0; r < Rows; r++) begin
        for (int unsigned i = 0; i < Cols; i++) begin
          if (a_beat && whole_q == t) total[t][r][i] = (total_q[t][r][i] << Moved) + step[r][i];
        end
      end
    end
  end

  logic wrong_word, wrong_last;

  always_comb begin
    wrong_word = 1'b1;  // a row that no tile has
    for (int unsigned r = 0; r < Rows; r++) begin
      if (row_q == r) wrong_word = (c != total_q[0][r]);
    end
  end

  assign wrong_last = (c_last != (row_q == Rows - 1));
  assign fails_o    = begun_q
                    && ((a_beat != b_beat) || (whole_q > Tiles)
                        || (a_beat && whole_q != '0 && Overlap == tpe_pkg::OverlapNone)
                        || (c_valid && (whole_q == '0 || wrong_word || wrong_last))
                        || (refused_q && (!c_valid || c != c_q || c_last != last_q)));

endmodule

`default_nettype wire
