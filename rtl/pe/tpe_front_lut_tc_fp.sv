// tpe_front_lut_tc_fp -- the table of a row's group of floating-point activations, built and held.
//
// Significands are aligned to the largest exponent of the group, AlignBits below the last one's
// last bit, and cut there; entries are sums of these, and TableBits of them if that is fewer, see
// tpe_lut_quantise. The code is {NaN, exponent, entries}, entry 0 lowest: an entry counts
// 2**(exponent - bias - FracWidth - AlignBits). A NaN or an infinity among the activations makes
// all of the table NaN.
// Reference : arXiv:2408.06003
// Latency   : one cycle: the table of a_i, taken with en_i, is at code_o from the next one on.
`default_nettype none

module tpe_front_lut_tc_fp #(
    parameter int unsigned AWidth    = 16,
    parameter int unsigned AExpWidth = 5,
    parameter int unsigned ASpecial  = tpe_pkg::SpecialIeee,
    parameter int unsigned Lanes     = 4,                     // activations of a group
    parameter int unsigned CodeWidth = 48,                    // the table's share of a lane
    parameter int unsigned Table     = tpe_pkg::TableHalf,
    parameter int unsigned AlignBits = 8,
    parameter int unsigned TableBits = 0                      // of an entry; 0: all
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,   // 0 keeps the table
    input  wire  logic [Lanes*AWidth-1:0]      a_i,
    output       logic [Lanes*CodeWidth-1:0]   code_o  // zeros above the table
);

  localparam int unsigned Entries = (Table == tpe_pkg::TableTernary) ? (3 ** Lanes - 1) / 2
      : (Table == tpe_pkg::TableFull) ? 2 ** Lanes : 2 ** (Lanes - 1);
  localparam int unsigned FracWidth  = AWidth - AExpWidth - 1;
  localparam int unsigned AlignWidth = FracWidth + 1 + AlignBits;  // of a size
  localparam int unsigned SumWidth   = AlignWidth + $clog2(Lanes + 1);
  localparam int unsigned ExactWidth = AlignWidth + 1
      + $clog2((Table == tpe_pkg::TableHalf) ? Lanes + 1 : Lanes);
  localparam bit          Quantised  = (TableBits != 0) && (TableBits < ExactWidth);
  localparam int unsigned EntryWidth = Quantised ? TableBits : ExactWidth;
  localparam int unsigned ExpWidth   = AExpWidth + 2;
  localparam int unsigned TableWidth = Entries * EntryWidth;

  if (Lanes * CodeWidth < TableWidth + ExpWidth + 1) begin : gen_check
    $error("tpe_front_lut_tc_fp: Lanes * CodeWidth holds the table");
  end

  logic [Lanes-1:0]                 sign, zero, inf, not_a_number;
  logic [Lanes-1:0][AExpWidth:0]    exponent;
  logic [Lanes-1:0][AlignWidth-1:0] size, aligned;
  logic [Lanes-1:0][AlignWidth:0]   number;
  logic [AExpWidth:0]               top;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [FracWidth:0] significand;

    tpe_fp_unpack #(
        .ExpWidth (AExpWidth),
        .FracWidth(FracWidth),
        .Special  (ASpecial)
    ) u_unpack (
        .x_i   (a_i[l*AWidth+:AWidth]),
        .sign_o(sign[l]),
        .exp_o (exponent[l][AExpWidth-1:0]),
        .sig_o (significand),
        .zero_o(zero[l]),
        .inf_o (inf[l]),
        .nan_o (not_a_number[l])
    );

    assign exponent[l][AExpWidth] = 1'b0;
    assign size[l]                = AlignWidth'(significand) << AlignBits;
    assign number[l]              = sign[l] ? -{1'b0, aligned[l]} : {1'b0, aligned[l]};
  end

  tpe_fp_align_all #(
      .Terms   (Lanes),
      .ExpWidth(AExpWidth + 1),
      .Width   (AlignWidth)
  ) u_align_all (
      .zero_i(zero),
      .exp_i (exponent),
      .sig_i (size),
      .exp_o (top),
      .sig_o (aligned)
  );

  logic [Entries-1:0][ExactWidth-1:0] exact;
  logic [Entries-1:0][EntryWidth-1:0] built, held;
  logic [ExpWidth-1:0]                built_exp;

  tpe_lut_precompute #(
      .AWidth    (AlignWidth + 1),
      .Lanes     (Lanes),
      .Table     (Table),
      .Entries   (Entries),
      .EntryWidth(ExactWidth)
  ) u_precompute (
      .a_i    (number),
      .table_o(exact)
  );

  if (Quantised) begin : gen_quantised
    logic [SumWidth-1:0] sum;
    logic [ExpWidth-1:0] shift;

    always_comb begin
      sum = '0;
      for (int unsigned l = 0; l < Lanes; l++) sum += SumWidth'(aligned[l]);
    end

    tpe_lut_quantise #(
        .Entries   (Entries),
        .InWidth   (ExactWidth),
        .SizeWidth (ExactWidth - 1),
        .OutWidth  (EntryWidth),
        .ShiftWidth(ExpWidth)
    ) u_quantise (
        .table_i(exact),
        .size_i (sum[ExactWidth-2:0]),
        .table_o(built),
        .shift_o(shift)
    );

    assign built_exp = ExpWidth'(top) + shift;

    logic unused_sum;
    assign unused_sum = ^sum;
  end else begin : gen_exact
    assign built     = exact;
    assign built_exp = ExpWidth'(top);
  end

  tpe_lut_broadcast #(
      .Entries   (Entries),
      .EntryWidth(EntryWidth)
  ) u_broadcast (
      .clk_i,
      .en_i,
      .table_i(built),
      .table_o(held)
  );

  logic [ExpWidth:0] scale_q;  // {NaN, exponent}

  tpe_delay #(
      .Width (ExpWidth + 1),
      .Cycles(1)
  ) u_scale (
      .clk_i,
      .en_i,
      .d_i({|{inf, not_a_number}, built_exp}),
      .d_o(scale_q)
  );

  assign code_o = (Lanes * CodeWidth)'({scale_q, held});

endmodule

`default_nettype wire
