// tpe_finish_word -- the finish of a psum that is already a word: wires, or the term of its row.
//
// Where the cells leave something to their row (Negate, Biased) its term, acc_i, is added.
// Latency   : combinational.
`default_nettype none

module tpe_finish_word #(
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned PsumWidth  = AccWidth,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Negate     = tpe_pkg::NegateAdder,
    parameter int unsigned Biased     = 0
) (
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  if (PsumWidth != AccWidth) begin : gen_check
    $error("tpe_finish_word: PsumWidth must be AccWidth");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  if (Negate == tpe_pkg::NegateRow || Biased != 0) begin : gen_term
    tpe_add #(
        .InWidth(AccWidth),
        .Width  (AccWidth)
    ) u_add (
        .sum_i  (psum_i),
        .carry_i(acc_i),
        .word_o (c_o)
    );
  end else begin : gen_wires
    assign c_o = psum_i;
    logic unused_acc;
    assign unused_acc = ^acc_i;
  end

endmodule

`default_nettype wire
