// tpe_group_post -- the unit of scales behind an array, with valid and ready.
//
// A word of the array is a row's sums of one group of K. It is taken with the scales of its columns
// and with group_i = {last group, first group}. A row of C leaves with its last group; tiles of the
// array are groups of one tile of C, one after another, so that rows are counted here.
// Latency   : 2 cycles; a word a cycle.
// Overflow  : infinity.
`default_nettype none

module tpe_group_post #(
    parameter int unsigned Count      = 4,   // columns
    parameter int unsigned AccWidth   = 32,  // of a sum
    parameter int unsigned ScaleExp   = 8,   // of a scale's exponent
    parameter int unsigned ScaleWidth = 32,
    parameter int unsigned GroupRows  = 4,   // rows of a tile
    parameter int unsigned GroupWidth = 2,
    parameter int unsigned YWidth     = 32
) (
    input  wire  logic                          clk_i,
    input  wire  logic                          rst_ni,
    // from the array
    input  wire  logic                          valid_i,
    output       logic                          ready_o,
    input  wire  logic                          last_i,   // the last row of a tile
    input  wire  logic [Count*AccWidth-1:0]     c_i,
    // taken with the word
    output       logic                          take_o,
    input  wire  logic [Count*ScaleWidth-1:0]   scale_i,
    input  wire  logic [GroupWidth-1:0]         group_i,
    // on the way out
    output       logic                          valid_o,
    input  wire  logic                          ready_i,
    output       logic                          last_o,
    output       logic [Count*YWidth-1:0]       c_o
);

  localparam int unsigned Words    = (GroupRows > 2) ? GroupRows : 2;
  localparam int unsigned RowWidth = $clog2(Words);

  if (YWidth != 32 || GroupWidth != 2) begin : gen_check
    $error("tpe_group_post: YWidth = 32, GroupWidth = 2");
  end

  logic                last_q;
  logic [RowWidth-1:0] row_q;

  assign ready_o = !valid_o || ready_i;
  assign take_o  = valid_i && ready_o;

  tpe_group_scale #(
      .Cols          (Count),
      .SumWidth      (AccWidth),
      .ScaleExpWidth (ScaleExp),
      .ScaleFracWidth(ScaleWidth - ScaleExp - 1),
      .Words         (Words)
  ) u_scale (
      .clk_i,
      .rst_ni,
      .en_i   (ready_o),
      .valid_i,
      .first_i(group_i[0]),
      .last_i (group_i[1]),
      .word_i (row_q),
      .sum_i  (c_i),
      .scale_i,
      .valid_o,
      .c_o
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) row_q <= '0;
    else if (take_o) row_q <= last_i ? '0 : row_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    if (ready_o) begin
      last_q <= last_i;
      last_o <= last_q;
    end
  end

endmodule

`default_nettype wire
