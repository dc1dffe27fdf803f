// tpe_finish_word -- the finish of a psum that is already a word: wires, or the term of its row.
//
// Where the cells leave something to their row (Negate, Biased) its term, acc_i, is added.
// Latency   : FinishLatency cycles, 0 or 1: then the adder of the term is cut.
`default_nettype none

module tpe_finish_word #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = AccWidth,
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned Negate        = tpe_pkg::NegateAdder,
    parameter int unsigned Biased        = 0,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  localparam bit HasTerm = (Negate == tpe_pkg::NegateRow) || (Biased != 0);

  if (PsumWidth != AccWidth) begin : gen_check
    $error("tpe_finish_word: PsumWidth must be AccWidth");
  end

  if (FinishLatency > 1 || (FinishLatency != 0 && !HasTerm)) begin : gen_check_latency
    $error("tpe_finish_word: FinishLatency must be 0, or 1 with a term: else there is no adder");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  if (HasTerm) begin : gen_term
    if (FinishLatency == 0) begin : gen_add
      tpe_add #(
          .InWidth(AccWidth),
          .Width  (AccWidth)
      ) u_add (
          .sum_i  (psum_i),
          .carry_i(acc_i),
          .word_o (c_o)
      );
      logic unused_clk;
      assign unused_clk = ^{clk_i, en_i};
    end else begin : gen_add_cut
      tpe_add_cut #(
          .Width   (AccWidth),
          .LowWidth(AccWidth * 5 / 8)
      ) u_add (
          .clk_i,
          .en_i,
          .sum_i  (psum_i),
          .carry_i(acc_i),
          .word_o (c_o)
      );
    end
  end else begin : gen_wires
    assign c_o = psum_i;
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, en_i, acc_i};
  end

endmodule

`default_nettype wire
