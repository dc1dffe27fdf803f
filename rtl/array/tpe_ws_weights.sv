// tpe_ws_weights -- the weights that stay in the cells of tpe_systolic_ws, shifted in from the top.
//
// A beat is the weights of one row of cells, the lowest row of the array first; every beat moves
// all of them down by one. OverlapNone: a cell has one register, and works on what is shifted in.
// Otherwise the registers that shift are shadows; a swap enters cell (0, 0) with the first operands
// of a pass and travels with them, so that each cell takes its shadow as they reach it.
`default_nettype none

module tpe_ws_weights #(
    parameter  int unsigned Rows    = 4,
    parameter  int unsigned Cols    = 4,
    parameter  int unsigned BWidth  = 8,
    parameter  int unsigned Lanes   = 1,  // weights that a cell keeps
    parameter  int unsigned Overlap = tpe_pkg::OverlapNone,
    localparam int unsigned BBits   = Lanes * BWidth
) (
    input  wire  logic                                   clk_i,
    input  wire  logic                                   rst_ni,
    input  wire  logic                                   en_i,
    input  wire  logic                                   load_i,     // a beat is being accepted
    input  wire  logic [Cols-1:0][BBits-1:0]             b_i,
    input  wire  logic                                   swap_i,     // so is the first of a pass
    output       logic                                   swapped_o,  // the last cell swaps now
    output       logic [Rows-1:0][Cols-1:0][BBits-1:0]   b_o
);

  logic [Rows-1:0][Cols-1:0][BBits-1:0] shift_q;
  logic [Rows-1:0][Cols-1:0]            swap;  // [r][c]: cell (r, c) takes its shadow

  always_ff @(posedge clk_i) begin
    if (en_i && load_i) begin
      shift_q[0] <= b_i;
      for (int unsigned r = 1; r < Rows; r++) shift_q[r] <= shift_q[r-1];
    end
  end

  if (Overlap != tpe_pkg::OverlapNone) begin : gen_shadow
    assign swapped_o = swap[Rows-1][Cols-1];

    for (genvar r = 0; r < Rows; r++) begin : gen_row
      for (genvar c = 0; c < Cols; c++) begin : gen_col
        if (r == 0 && c == 0) begin : gen_enter
          assign swap[r][c] = swap_i;

          logic unused_rst;  // of an array of one cell
          assign unused_rst = rst_ni;
        end else begin : gen_travel
          localparam int unsigned FromRow = (c == 0) ? r - 1 : r;
          localparam int unsigned FromCol = (c == 0) ? 0 : c - 1;

          logic swap_q;
          always_ff @(posedge clk_i or negedge rst_ni) begin
            if (!rst_ni) swap_q <= 1'b0;
            else if (en_i) swap_q <= swap[FromRow][FromCol];
          end
          assign swap[r][c] = swap_q;
        end

        always_ff @(posedge clk_i) begin
          if (en_i && swap[r][c]) b_o[r][c] <= shift_q[r][c];
        end
      end
    end
  end else begin : gen_in_place
    assign b_o       = shift_q;
    assign swap      = '0;
    assign swapped_o = 1'b0;

    logic unused_swap;
    assign unused_swap = ^{rst_ni, swap_i, swap};
  end

endmodule

`default_nettype wire
