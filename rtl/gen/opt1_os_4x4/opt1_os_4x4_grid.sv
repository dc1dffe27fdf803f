// opt1_os_4x4_grid -- Rows x Cols cells, each keeping its own psum; and a term of each row.
//
// A row's term takes the steps of its first cell; the finish adds it to the psums of the row.
// Cells whose registers have no enable (Hold) have their clock stopped, row by row.
// The array around it moves the operands; a row has its own enable.
`default_nettype none

module opt1_os_4x4_grid #(
    parameter int unsigned Rows       = 4,
    parameter int unsigned Cols       = 4,
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 64,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned CellLatency = 0,
    parameter int unsigned Hold       = opt1_os_4x4_pkg::HoldMux
) (
    input  wire  logic                                             clk_i,
    input  wire  logic                                             rst_ni,
    input  wire  logic [Rows-1:0]                                  en_i,
    input  wire  logic [Rows-1:0][Cols-1:0]                        valid_i,
    input  wire  logic [Rows-1:0][Cols-1:0]                        first_i,
    input  wire  logic [Rows-1:0][Cols-1:0][Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Rows-1:0][Cols-1:0][Lanes*BWidth-1:0]      b_i,
    input  wire  logic [Rows-1:0][Cols-1:0][PlaneWidth-1:0]        plane_i,
    output       logic [Rows-1:0][Cols-1:0][PsumWidth-1:0]         psum_o,
    output       logic [Rows-1:0][AccWidth-1:0]                    term_o
);

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    logic clk;  // of the cells of the row

    if (Hold == opt1_os_4x4_pkg::HoldZero) begin : gen_gate
      opt1_os_4x4_clock_gate u_clock_gate (
          .clk_i,
          .en_i (en_i[r]),
          .clk_o(clk)
      );
    end else begin : gen_no_gate
      assign clk = clk_i;
    end

    opt1_os_4x4_row #(
        .AWidth     (AWidth),
        .BWidth     (BWidth),
        .AccWidth   (AccWidth),
        .Lanes      (Lanes),
        .CodeWidth  (CodeWidth),
        .CellLatency(CellLatency)
    ) u_row (
        .clk_i,
        .rst_ni,
        .en_i   (en_i[r]),
        .valid_i(valid_i[r][0]),
        .first_i(first_i[r][0]),
        .code_i (code_i[r][0]),
        .term_i (term_o[r]),
        .term_o (term_o[r])
    );

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      opt1_os_4x4_cell #(
          .AWidth    (AWidth),
          .BWidth    (BWidth),
          .AccWidth  (AccWidth),
          .Lanes     (Lanes),
          .CodeWidth (CodeWidth),
          .PsumWidth (PsumWidth),
          .PlaneWidth(PlaneWidth)
      ) u_cell (
          .clk_i  (clk),
          .rst_ni,
          .en_i   (en_i[r]),
          .valid_i(valid_i[r][c]),
          .first_i(first_i[r][c]),
          .code_i (code_i[r][c]),
          .b_i    (b_i[r][c]),
          .plane_i(plane_i[r][c]),
          .psum_i (psum_o[r][c]),
          .psum_o (psum_o[r][c])
      );
    end
  end

endmodule

`default_nettype wire
