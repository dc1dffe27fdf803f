// tpe_prop_fp_align_twice -- a magnitude that is cut by two alignments is cut as by one.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_align_twice #(
    parameter int unsigned Width     = 26,
    parameter int unsigned DistWidth = 10
) (
    input  wire  logic [Width-1:0]       x_i,
    input  wire  logic [DistWidth-1:0]   first_i,
    input  wire  logic [DistWidth-1:0]   then_i,
    output       logic                   fails_o
);

  logic [Width-1:0]   once, twice, whole;
  logic [DistWidth:0] far;

  assign far = {1'b0, first_i} + {1'b0, then_i};

  tpe_fp_align #(
      .Width    (Width),
      .DistWidth(DistWidth),
      .Align    (tpe_pkg::AlignTruncate)
  ) u_once (
      .x_i,
      .distance_i(first_i),
      .x_o       (once)
  );

  tpe_fp_align #(
      .Width    (Width),
      .DistWidth(DistWidth),
      .Align    (tpe_pkg::AlignTruncate)
  ) u_twice (
      .x_i       (once),
      .distance_i(then_i),
      .x_o       (twice)
  );

  tpe_fp_align #(
      .Width    (Width),
      .DistWidth(DistWidth + 1),
      .Align    (tpe_pkg::AlignTruncate)
  ) u_whole (
      .x_i,
      .distance_i(far),
      .x_o       (whole)
  );

  assign fails_o = twice != whole;

endmodule

`default_nettype wire
