// tpe_fp_align_all -- the terms of a sum, all of them aligned to the largest exponent there is.
//
// That is the largest one of the terms that are not zero, or 0 if none is larger. What is shifted
// out is dropped, so that a magnitude is cut towards zero.
// Reference : arXiv:2511.10909
// Latency   : combinational.
`default_nettype none

module tpe_fp_align_all #(
    parameter int unsigned Terms    = 9,
    parameter int unsigned ExpWidth = 10,
    parameter int unsigned Width    = 26
) (
    input  wire  logic [Terms-1:0]            zero_i,  // those that are zero
    input  wire  logic [Terms*ExpWidth-1:0]   exp_i,   // signed
    input  wire  logic [Terms*Width-1:0]      sig_i,   // magnitudes
    output       logic [ExpWidth-1:0]         exp_o,   // of all terms; not negative
    output       logic [Terms*Width-1:0]      sig_o
);

  localparam int unsigned TopWidth = ExpWidth - 1;

  logic [Terms-1:0][TopWidth-1:0] above;  // what of an exponent may be the largest one
  logic [TopWidth-1:0]            top;

  for (genvar t = 0; t < Terms; t++) begin : gen_term
    logic negative;

    assign negative = exp_i[t*ExpWidth+TopWidth];
    assign above[t] = (zero_i[t] || negative) ? '0 : exp_i[t*ExpWidth+:TopWidth];

    // The distance of a term that is zero may be anything.
    tpe_fp_align #(
        .Width    (Width),
        .DistWidth(ExpWidth),
        .Align    (tpe_pkg::AlignTruncate)
    ) u_align (
        .x_i       (sig_i[t*Width+:Width]),
        .distance_i(exp_o - exp_i[t*ExpWidth+:ExpWidth]),
        .x_o       (sig_o[t*Width+:Width])
    );
  end

  tpe_fp_largest #(
      .Terms(Terms),
      .Width(TopWidth)
  ) u_largest (
      .x_i      (above),
      .largest_o(top)
  );

  assign exp_o = {1'b0, top};

endmodule

`default_nettype wire
