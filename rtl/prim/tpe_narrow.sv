// tpe_narrow -- one word at its accumulator's width, from one with guard bits.
//
// Latency   : combinational.
// Overflow  : Saturate 0 wraps modulo 2**OutWidth, 1 takes the nearest end of the range;
//             over_o says that the word did not fit.
`default_nettype none

module tpe_narrow #(
    parameter int unsigned InWidth  = 40,
    parameter int unsigned OutWidth = 32,
    parameter int unsigned Saturate = 0
) (
    input  wire  logic [InWidth-1:0]    word_i,
    output       logic [OutWidth-1:0]   word_o,
    output       logic                  over_o
);

  if (InWidth < OutWidth || Saturate > 1) begin : gen_check
    $error("tpe_narrow: InWidth >= OutWidth, Saturate 0 or 1");
  end

  // It fits if all bits above the result are copies of its sign.
  logic [InWidth-OutWidth:0] top;
  logic                      negative;

  assign top      = word_i[InWidth-1:OutWidth-1];
  assign negative = word_i[InWidth-1];
  assign over_o   = (|top) && !(&top);

  if (Saturate == 1) begin : gen_saturate
    assign word_o = over_o ? {negative, {(OutWidth - 1) {!negative}}} : word_i[OutWidth-1:0];
  end else begin : gen_wrap
    assign word_o = word_i[OutWidth-1:0];
    logic unused_negative;
    assign unused_negative = negative;
  end

endmodule

`default_nettype wire
