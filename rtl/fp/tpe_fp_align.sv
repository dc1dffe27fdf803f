// tpe_fp_align -- a significand shifted right, as far as its exponent is below another one.
//
// One term of a sum; a tree of terms has one of these for each. AlignTruncate drops what is shifted
// out: a magnitude towards zero, two's complement (Signed) towards minus infinity. AlignSticky
// keeps in the lowest bit whether there was any of it.
// Latency   : combinational.
`default_nettype none

module tpe_fp_align #(
    parameter int unsigned Width     = 18,
    parameter int unsigned DistWidth = 10,
    parameter int unsigned Signed    = 0,  // 1: two's complement
    parameter int unsigned Align     = tpe_pkg::AlignTruncate
) (
    input  wire  logic [Width-1:0]       x_i,
    input  wire  logic [DistWidth-1:0]   distance_i,
    output       logic [Width-1:0]       x_o
);

  if (Signed > 1 || Align > tpe_pkg::AlignSticky) begin : gen_check
    $error("tpe_fp_align: Signed is 0 or 1, Align one of align_e");
  end

  logic [Width-1:0] shifted;

  if (Signed != 0) begin : gen_signed
    assign shifted = $signed(x_i) >>> distance_i;
  end else begin : gen_magnitude
    assign shifted = x_i >> distance_i;
  end

  if (Align == tpe_pkg::AlignSticky) begin : gen_sticky
    logic [Width-1:0] lost;
    assign lost = x_i & ~({Width{1'b1}} << distance_i);
    assign x_o  = {shifted[Width-1:1], shifted[0] || lost != '0};
  end else begin : gen_truncate
    assign x_o = shifted;
  end

endmodule

`default_nettype wire
