// tpe_group_scale -- behind an array: sums of groups of K times their scales, added up in fp32.
//
// A step takes a row of sums of one group, a sum and a scale for every column, and which word of
// the accumulators it goes to; first_i: that begins at +0, with the first group. Products are
// rounded to fp32, then sums, both to nearest, ties to even, in the order in which steps come. Any
// order of words is legal, one word in every cycle, too: what is being written is forwarded.
// Reference : arXiv:2411.16158
// Latency   : 2 registers, of the products and of the sums. A step a cycle.
// Overflow  : infinity.
`default_nettype none

module tpe_group_scale #(
    parameter  int unsigned Cols           = 2,
    parameter  int unsigned SumWidth       = 32,
    parameter  int unsigned ScaleExpWidth  = 5,
    parameter  int unsigned ScaleFracWidth = 10,
    parameter  int unsigned Words          = 16,                                // rows of C in work
    localparam int unsigned ScaleWidth     = ScaleExpWidth + ScaleFracWidth + 1,
    localparam int unsigned AddrWidth      = $clog2(Words)
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,  // of the first group
    input  wire  logic                         last_i,   // of the last one: a row of C leaves
    input  wire  logic [AddrWidth-1:0]         word_i,
    input  wire  logic [Cols*SumWidth-1:0]     sum_i,
    input  wire  logic [Cols*ScaleWidth-1:0]   scale_i,
    output       logic                         valid_o,
    output       logic [Cols*32-1:0]           c_o
);

  // What was made of a step a cycle ago, and two cycles ago.
  logic                      valid_q, first_q, last_q, written_q;
  logic [AddrWidth-1:0]      word_q, total_word_q;
  logic [Cols-1:0][31:0]     product, product_q, total, total_q, kept, base;

  for (genvar n = 0; n < Cols; n++) begin : gen_column
    tpe_fp_scale #(
        .SumWidth      (SumWidth),
        .ScaleExpWidth (ScaleExpWidth),
        .ScaleFracWidth(ScaleFracWidth)
    ) u_scale (
        .sum_i  (sum_i[n*SumWidth+:SumWidth]),
        .scale_i(scale_i[n*ScaleWidth+:ScaleWidth]),
        .word_o (product[n])
    );

    tpe_fp_add #(
        .ExpWidth (8),
        .FracWidth(23)
    ) u_add (
        .a_i  (base[n]),
        .b_i  (product_q[n]),
        .sum_o(total[n])
    );
  end

  // The word of the step before was read while it was written.
  always_comb begin
    if (first_q) base = '0;
    else if (written_q && total_word_q == word_q) base = total_q;
    else base = kept;
  end

  tpe_ram #(
      .Words(Words),
      .Width(Cols * 32)
  ) u_accumulators (
      .clk_i,
      .write_i     (en_i && valid_q),
      .write_addr_i(word_q),
      .write_data_i(total),
      .read_i      (en_i && valid_i),
      .read_addr_i (word_i),
      .read_data_o (kept)
  );

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      valid_q   <= 1'b0;
      written_q <= 1'b0;
      valid_o   <= 1'b0;
    end else if (en_i) begin
      valid_q   <= valid_i;
      written_q <= valid_q || written_q;
      valid_o   <= valid_q && last_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) begin
      product_q <= product;
      word_q    <= word_i;
      first_q   <= first_i;
      last_q    <= last_i;
    end
    if (en_i && valid_q) begin
      total_q      <= total;
      total_word_q <= word_q;
    end
  end

  assign c_o = total_q;

endmodule

`default_nettype wire
