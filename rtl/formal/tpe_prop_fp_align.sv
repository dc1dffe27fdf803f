// tpe_prop_fp_align -- every bit of an aligned significand is the one so far above it, or the sign.
//
// With a sticky bit the lowest one is set too if any below it was.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_align #(
    parameter int unsigned Width     = 18,
    parameter int unsigned DistWidth = 10,
    parameter int unsigned Signed    = 0,
    parameter int unsigned Align     = tpe_pkg::AlignTruncate
) (
    input  wire  logic [Width-1:0]       x_i,
    input  wire  logic [DistWidth-1:0]   distance_i,
    output       logic                   fails_o
);

  logic [Width-1:0] aligned, wanted;

  tpe_fp_align #(
      .Width    (Width),
      .DistWidth(DistWidth),
      .Signed   (Signed),
      .Align    (Align)
  ) u_align (
      .x_i,
      .distance_i,
      .x_o(aligned)
  );

  always_comb begin
    wanted = {Width{(Signed != 0) && x_i[Width-1]}};
    for (int unsigned i = 0; i < Width; i++) begin
      for (int unsigned from = i; from < Width; from++) begin
        if (32'(distance_i) == from - i) wanted[i] = x_i[from];
      end
    end
    for (int unsigned i = 0; i < Width; i++) begin
      if (Align == tpe_pkg::AlignSticky && 32'(distance_i) > i && x_i[i]) wanted[0] = 1'b1;
    end
  end

  assign fails_o = aligned != wanted;

endmodule

`default_nettype wire
