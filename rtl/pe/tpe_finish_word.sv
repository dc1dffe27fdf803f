// tpe_finish_word -- the finish of a psum that is already a word: wires.
//
// Latency   : combinational.
`default_nettype none

module tpe_finish_word #(
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned PsumWidth  = AccWidth,
    parameter int unsigned PlaneWidth = 1
) (
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  if (PsumWidth != AccWidth) begin : gen_check
    $error("tpe_finish_word: PsumWidth must be AccWidth");
  end

  logic unused_inputs;
  assign unused_inputs = ^{plane_i, acc_i};

  assign c_o = psum_i;

endmodule

`default_nettype wire
