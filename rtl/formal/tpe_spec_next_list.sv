// tpe_spec_next_list -- specification: a psum that is no number but the list of its operands.
//
// The pair of a step moves in from the right, as many pairs are kept as there is room for. No
// arithmetic forgets less: an array that makes the right list of every cell makes the right psum of
// any step, whatever it computes, and in the right order.
`default_nettype none

module tpe_spec_next_list #(
    parameter int unsigned CodeWidth = 1,
    parameter int unsigned BWidth    = 1,
    parameter int unsigned PsumWidth = 8,
    parameter int unsigned TermWidth = CodeWidth + BWidth
) (
    input  wire  logic [CodeWidth-1:0]   code_i,
    input  wire  logic [BWidth-1:0]      b_i,
    output       logic [TermWidth-1:0]   term_o,
    input  wire  logic [TermWidth-1:0]   term_i,  // term_o, some registers later
    input  wire  logic [PsumWidth-1:0]   psum_i,
    output       logic [PsumWidth-1:0]   psum_o
);

  assign term_o = TermWidth'({code_i, b_i});
  assign psum_o = PsumWidth'({psum_i, term_i[CodeWidth+BWidth-1:0]});

endmodule

`default_nettype wire
