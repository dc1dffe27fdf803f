// tpe_fp_promote -- every Period steps a partial sum is added to a running one, and begins anew.
//
// All in fp32, to nearest, ties to even; NaN is {0, ones}.
// Latency   : combinational.
`default_nettype none

module tpe_fp_promote #(
    parameter int unsigned Period     = 4,   // steps, 1 or more
    parameter int unsigned CountWidth = 16
) (
    input  wire  logic [31:0]             partial_i,  // with the step that is now
    input  wire  logic [31:0]             running_i,
    input  wire  logic [CountWidth-1:0]   count_i,    // steps since it began, without this one
    output       logic [31:0]             partial_o,
    output       logic [31:0]             running_o,
    output       logic [CountWidth-1:0]   count_o
);

  if (Period >= (1 << CountWidth)) begin : gen_check
    $error("tpe_fp_promote: CountWidth must hold Period");
  end

  logic                  ends;
  logic [CountWidth-1:0] count;
  logic [31:0]           sum;

  assign count = count_i + CountWidth'(1);
  assign ends  = count == CountWidth'(Period);

  tpe_fp_add #(
      .ExpWidth (8),
      .FracWidth(23),
      .NanOnes  (1)
  ) u_add (
      .a_i  (running_i),
      .b_i  (partial_i),
      .sum_o(sum)
  );

  assign partial_o = ends ? '0 : partial_i;
  assign running_o = ends ? sum : running_i;
  assign count_o   = ends ? '0 : count;

endmodule

`default_nettype wire
