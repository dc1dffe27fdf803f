// tpe_drain -- rows of kept psums, read one a cycle, through one finish per column.
//
// Latency   : 2 cycles from drain_i to c_valid_o: the row is registered, then its finish.
`default_nettype none

module tpe_drain #(
    parameter  int unsigned Rows       = 4,
    parameter  int unsigned Cols       = 4,
    parameter  int unsigned AccWidth   = 32,
    parameter  int unsigned PsumWidth  = 32,
    parameter  int unsigned PlaneWidth = 1,
    localparam int unsigned RowWidth   = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic                                       clk_i,
    input  wire  logic                                       rst_ni,
    output       logic                                       en_o,       // 0: the sink is busy
    input  wire  logic                                       drain_i,
    input  wire  logic [RowWidth-1:0]                        row_i,
    input  wire  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0]   psum_i,
    output       logic                                       c_valid_o,
    input  wire  logic                                       c_ready_i,
    output       logic                                       c_last_o,   // the last row of the tile
    output       logic [Cols*AccWidth-1:0]                   c_o
);

  logic                           row_valid_q, row_last_q, c_valid_q, c_last_q;
  logic [Cols-1:0][PsumWidth-1:0] row_q;
  logic [Cols-1:0][AccWidth-1:0]  c_d, c_q;

  assign en_o      = !(c_valid_q && !c_ready_i);
  assign c_valid_o = c_valid_q;
  assign c_last_o  = c_last_q;
  assign c_o       = c_q;

  for (genvar c = 0; c < Cols; c++) begin : gen_finish
    tpe_finish #(
        .AccWidth  (AccWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth)
    ) u_finish (
        .psum_i (row_q[c]),
        .plane_i('0),
        .acc_i  ('0),
        .c_o    (c_d[c])
    );
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      row_valid_q <= 1'b0;
      c_valid_q   <= 1'b0;
    end else if (en_o) begin
      row_valid_q <= drain_i;
      c_valid_q   <= row_valid_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_o) begin
      if (drain_i) row_q <= psum_i[row_i];
      row_last_q <= (row_i == RowWidth'(Rows - 1));
      if (row_valid_q) c_q <= c_d;
      c_last_q <= row_last_q;
    end
  end

endmodule

`default_nettype wire
