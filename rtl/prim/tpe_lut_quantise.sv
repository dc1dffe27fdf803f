// tpe_lut_quantise -- the entries of a table in fewer bits, at a scale of the table's own.
//
// The scale is a power of two, shift_o: the least at which size_i, what no entry is larger than,
// cut to whole numbers has OutWidth - 1 bits. Entries are rounded to nearest, ties to even; what
// becomes 2**(OutWidth - 1) in size is one less.
// Reference : arXiv:2408.06003: tables of INT8
// Latency   : combinational.
`default_nettype none

module tpe_lut_quantise #(
    parameter int unsigned Entries    = 8,
    parameter int unsigned InWidth    = 22,  // of an entry
    parameter int unsigned SizeWidth  = 21,
    parameter int unsigned OutWidth   = 8,
    parameter int unsigned ShiftWidth = 7
) (
    input  wire  logic [Entries-1:0][InWidth-1:0]    table_i,
    input  wire  logic [SizeWidth-1:0]               size_i,
    output       logic [Entries-1:0][OutWidth-1:0]   table_o,
    output       logic [ShiftWidth-1:0]              shift_o
);

  if (OutWidth < 2 || OutWidth > SizeWidth || InWidth < OutWidth || InWidth < SizeWidth)
  begin : gen_check
    $error("tpe_lut_quantise: 2 <= OutWidth <= SizeWidth <= InWidth");
  end

  localparam int unsigned Above     = SizeWidth - OutWidth + 1;  // bits that may be too many
  localparam int unsigned ZeroWidth = (Above > 1) ? $clog2(Above) : 1;
  localparam int unsigned Wide      = InWidth + 2;               // guard and sticky bit below

  logic [Above-1:0]     above;
  logic [ZeroWidth-1:0] zeros;

  logic unused_size;
  assign unused_size = ^size_i;

  assign above = size_i[SizeWidth-1:OutWidth-1];

  tpe_fp_zeros #(
      .Width(Above)
  ) u_zeros (
      .x_i    (above),
      .zeros_o(zeros)
  );

  assign shift_o = (above == '0) ? '0 : ShiftWidth'(Above) - ShiftWidth'(zeros);

  for (genvar i = 0; i < Entries; i++) begin : gen_entry
    logic [Wide-1:0]     shifted;
    logic [OutWidth-1:0] nearest;

    tpe_fp_align #(
        .Width    (Wide),
        .DistWidth(ShiftWidth),
        .Signed   (1),
        .Align    (tpe_pkg::AlignSticky)
    ) u_align (
        .x_i       ({table_i[i], 2'b00}),
        .distance_i(shift_o),
        .x_o       (shifted)
    );

    logic unused_shifted;  // signs, above what an entry holds
    assign unused_shifted = ^shifted;

    assign nearest = shifted[2+:OutWidth]
        + OutWidth'(shifted[1] && (shifted[0] || shifted[2]));
    // The lowest number is what is too large, at either sign.
    assign table_o[i] = (nearest == {1'b1, {(OutWidth - 1) {1'b0}}})
        ? {table_i[i][InWidth-1], {(OutWidth - 2) {!table_i[i][InWidth-1]}}, 1'b1} : nearest;
  end

endmodule

`default_nettype wire
