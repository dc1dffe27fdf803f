// tpe_narrow -- one word at its accumulator's width, from one with guard bits.
//
// Latency   : combinational.
// Overflow  : Saturate 0 wraps modulo 2**SumWidth, 1 takes the nearest end of the range;
//             over_o says that the word did not fit.
`default_nettype none

module tpe_narrow #(
    parameter int unsigned AccWidth = 40,
    parameter int unsigned SumWidth = 32,
    parameter int unsigned Saturate = 0
) (
    input  wire  logic [AccWidth-1:0]   word_i,
    output       logic [SumWidth-1:0]   word_o,
    output       logic                  over_o
);

  if (AccWidth < SumWidth || Saturate > 1) begin : gen_check
    $error("tpe_narrow: AccWidth >= SumWidth, Saturate 0 or 1");
  end

  // It fits if all bits above the result are copies of its sign.
  logic [AccWidth-SumWidth:0] top;
  logic                       negative;

  assign top      = word_i[AccWidth-1:SumWidth-1];
  assign negative = word_i[AccWidth-1];
  assign over_o   = (|top) && !(&top);

  if (Saturate == 1) begin : gen_saturate
    assign word_o = over_o ? {negative, {(SumWidth - 1) {!negative}}} : word_i[SumWidth-1:0];
  end else begin : gen_wrap
    assign word_o = word_i[SumWidth-1:0];
    logic unused_negative;
    assign unused_negative = negative;
  end

endmodule

`default_nettype wire
