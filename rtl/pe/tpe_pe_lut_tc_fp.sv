// tpe_pe_lut_tc_fp -- a look-up of one bit plane of weights in a table of floating-point sums.
//
// A step is one plane of a group: the entry that tpe_lut_index picks, or minus it, at the plane's
// weight, is added to the fp32 psum, rounded once. Halved: entries are of 2 w + 1, so that each
// counts half, and the group's sum, minus entry 0, is taken off with plane 0, before it is rounded.
// The code is {NaN, exponent, entries}: see tpe_front_lut_tc_fp.
// Reference : arXiv:2408.06003
// Latency   : Stages - 1 registers before the psum register: 2 registers what is looked up.
// Overflow  : infinity. Subnormals are kept; NaN is the one of tpe_fp_round.
`default_nettype none

module tpe_pe_lut_tc_fp #(
    parameter int unsigned AWidth     = 16,
    parameter int unsigned BWidth     = 8,                    // bits of a weight
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 4,                    // activations of a group
    parameter int unsigned CodeWidth  = 48,                   // the table's share of a lane
    parameter int unsigned PsumWidth  = AccWidth,             // fp32
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned AExpWidth  = 5,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Inversion  = tpe_pkg::InversionOffline,
    parameter int unsigned AlignBits  = 8,
    parameter int unsigned TableBits  = 0,                    // of an entry; 0: all
    parameter int unsigned Halved     = 0,
    parameter int unsigned Stages     = 1                     // 1..2
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,   // the table
    input  wire  logic [Lanes*BWidth-1:0]      b_i,      // bit 0 of each lane is the plane
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  localparam bit Ternary = (Table == tpe_pkg::TableTernary);
  localparam bit Full    = (Table == tpe_pkg::TableFull);
  localparam int unsigned Entries = Ternary ? (3 ** Lanes - 1) / 2
      : Full ? 2 ** Lanes : 2 ** (Lanes - 1);
  localparam int unsigned FracWidth  = AWidth - AExpWidth - 1;
  localparam int unsigned AlignWidth = FracWidth + 1 + AlignBits;
  localparam int unsigned ExactWidth = AlignWidth + 1
      + $clog2((Table == tpe_pkg::TableHalf) ? Lanes + 1 : Lanes);
  localparam bit          Quantised  = (TableBits != 0) && (TableBits < ExactWidth);
  localparam int unsigned EntryWidth = Quantised ? TableBits : ExactWidth;
  localparam int unsigned FoundWidth = Quantised ? TableBits : AlignWidth + 1 + $clog2(Lanes + 1);
  localparam int unsigned ValueWidth = FoundWidth + Halved;  // of a sum of two of them
  localparam int unsigned ExpWidth   = AExpWidth + 2;
  localparam int unsigned TableWidth = Entries * EntryWidth;
  localparam int unsigned IndexWidth = Ternary ? $clog2(Entries + 1)
      : Full ? Lanes : Lanes - 1;

  // Exponents: of the psum, and signed, of a product's top bit in its bias.
  localparam int unsigned CExpWidth  = 8;
  localparam int unsigned CFracWidth = 23;
  localparam int unsigned ProdExp    = CExpWidth + 3;
  localparam int unsigned Bias       = (1 << (CExpWidth - 1)) - 1;
  localparam int unsigned ABias      = (1 << (AExpWidth - 1)) - 1;
  localparam logic [ProdExp-1:0] Offset = ProdExp'(Bias + ValueWidth - 1)
      - ProdExp'(ABias + FracWidth + AlignBits + Halved);

  if (Lanes * CodeWidth < TableWidth + ExpWidth + 1) begin : gen_check_code
    $error("tpe_pe_lut_tc_fp: Lanes * CodeWidth holds the table");
  end
  if (Lanes < 2 || PsumWidth != 32 || AccWidth != 32) begin : gen_check
    $error("tpe_pe_lut_tc_fp: Lanes >= 2, PsumWidth = AccWidth = 32");
  end
  if (Halved > 1 || (Halved == 1 && Table != tpe_pkg::TableHalf)) begin : gen_check_halved
    $error("tpe_pe_lut_tc_fp: Halved is 0 or 1, and 1 of TableHalf alone");
  end
  if (Stages < 1 || Stages > 2) begin : gen_check_stages
    $error("tpe_pe_lut_tc_fp: Stages must be 1 or 2");
  end

  logic [IndexWidth-1:0] index;
  logic                  negative;
  logic [FoundWidth-1:0] found;
  logic [ValueWidth-1:0] value, value_s;  // what is added to the psum; the same, staged
  logic [ExpWidth-1:0]   exponent_s;
  logic [PlaneWidth-1:0] plane_s;
  logic                  nan_s;
  logic                  valid_s, first_s;
  logic                  unused_bits;

  assign unused_bits = ^code_i;  // what pads a table

  tpe_lut_index #(
      .BWidth    (BWidth),
      .Lanes     (Lanes),
      .PlaneWidth(PlaneWidth),
      .IndexWidth(IndexWidth),
      .Table     (Table),
      .Inversion (Inversion)
  ) u_index (
      .b_i,
      .plane_i,
      .index_o   (index),
      .negative_o(negative)
  );

  tpe_lut_mux #(
      .Entries   (Entries),
      .EntryWidth(EntryWidth),
      .IndexWidth(IndexWidth),
      .ValueWidth(FoundWidth),
      .Base      (Ternary ? 1 : 0)
  ) u_mux (
      .table_i   (code_i[TableWidth-1:0]),
      .index_i   (index),
      .negative_i(negative),
      .value_o   (found)
  );

  if (Halved != 0) begin : gen_halved
    logic [EntryWidth-1:0] less;  // minus the sum of the group, with plane 0

    assign less  = (plane_i == '0) ? code_i[EntryWidth-1:0] : '0;
    assign value = ValueWidth'($signed(found)) + ValueWidth'($signed(less));
  end else begin : gen_found
    assign value = found;
  end

  tpe_delay #(
      .Width (1 + ExpWidth + PlaneWidth + ValueWidth),
      .Cycles(Stages - 1)
  ) u_value (
      .clk_i,
      .en_i,
      .d_i({code_i[TableWidth+:ExpWidth+1], plane_i, value}),
      .d_o({nan_s, exponent_s, plane_s, value_s})
  );

  tpe_delay_reset #(
      .Width (2),
      .Cycles(Stages - 1)
  ) u_control (
      .clk_i,
      .rst_ni,
      .en_i,
      .d_i({valid_i, first_i}),
      .d_o({valid_s, first_s})
  );

  logic                  value_sign;
  logic [ValueWidth-1:0] value_size;
  logic [PsumWidth-1:0]  psum_d, psum_q;

  assign value_sign = value_s[ValueWidth-1];
  assign value_size = value_sign ? -value_s : value_s;

  tpe_fp_fused_add #(
      .ExpWidth (CExpWidth),
      .FracWidth(CFracWidth),
      .ProdWidth(ValueWidth),
      .ProdExp  (ProdExp)
  ) u_add (
      .prod_sign_i(value_sign),
      .prod_exp_i (ProdExp'(exponent_s) + ProdExp'(plane_s) + Offset),
      .prod_sig_i (value_size),
      .prod_inf_i (1'b0),
      .prod_nan_i (nan_s),
      .word_i     (first_s ? '0 : psum_i),
      .sum_o      (psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid_s) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
