// tpe_pe_lut_tc -- a look-up of one bit plane of weights in a row's table, shifted and accumulated.
//
// A step is one plane of a group: its bits, which are stored for the look-up, pick an entry of the
// table that comes as the code, or minus it, and that is added at the plane's weight.
// Which one the bits pick: tpe_lut_index. TableNone: the activations whose bit is 1 are added up
// here, bit-serially.
// Reference : arXiv:2408.06003
// Latency   : Stages - 1 registers before the psum register: 2 registers what is looked up.
// Overflow  : a step is exact; the accumulator wraps modulo 2**PsumWidth.
`default_nettype none

module tpe_pe_lut_tc #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,         // bits of a weight
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 4,         // activations of a group
    parameter int unsigned CodeWidth  = 22,        // the table's share of a lane
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Inversion  = tpe_pkg::InversionOffline,
    parameter int unsigned Stages     = 1          // 1..2
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
  localparam int unsigned Entries = Ternary ? (3 ** Lanes - 1) / 2
      : (Table == tpe_pkg::TableNone) ? Lanes
      : (Table == tpe_pkg::TableFull) ? 2 ** Lanes : 2 ** (Lanes - 1);
  localparam int unsigned Most       = Lanes * 2 ** (AWidth - 1);  // in size
  localparam int unsigned EntryWidth = (Table == tpe_pkg::TableNone) ? AWidth
      : $clog2((Table == tpe_pkg::TableHalf) ? Most + 1 : Most) + 1;
  localparam int unsigned ValueWidth = $clog2(Most + 1) + 1;
  localparam int unsigned IndexWidth = Ternary ? $clog2(Entries + 1)
      : (Table == tpe_pkg::TableHalf) ? Lanes - 1 : Lanes;

  if (Lanes * CodeWidth < Entries * EntryWidth) begin : gen_check_code
    $error("tpe_pe_lut_tc: Lanes * CodeWidth holds the table");
  end
  if (Lanes < 2 || (Ternary && BWidth != 2) || PsumWidth < AccWidth) begin : gen_check
    $error("tpe_pe_lut_tc: Lanes >= 2, BWidth = 2 if ternary, PsumWidth >= AccWidth");
  end
  if (Stages < 1 || Stages > 2) begin : gen_check_stages
    $error("tpe_pe_lut_tc: Stages must be 1 or 2");
  end

  logic [IndexWidth-1:0]  index;
  logic                   negative;
  logic [ValueWidth-1:0]  value, value_s;  // what is looked up; the same, staged
  logic [PlaneWidth-1:0]  plane_s;
  logic                   valid_s, first_s;
  logic [PsumWidth-1:0]   addend, psum_q;
  logic                   unused_bits;

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

  if (Table == tpe_pkg::TableNone) begin : gen_add
    tpe_lut_add #(
        .Lanes     (Lanes),
        .AWidth    (AWidth),
        .ValueWidth(ValueWidth)
    ) u_add (
        .a_i       (code_i[Entries*EntryWidth-1:0]),
        .bits_i    (index),
        .negative_i(negative),
        .value_o   (value)
    );
  end else begin : gen_mux
    tpe_lut_mux #(
        .Entries   (Entries),
        .EntryWidth(EntryWidth),
        .IndexWidth(IndexWidth),
        .ValueWidth(ValueWidth),
        .Base      (Ternary ? 1 : 0)
    ) u_mux (
        .table_i   (code_i[Entries*EntryWidth-1:0]),
        .index_i   (index),
        .negative_i(negative),
        .value_o   (value)
    );
  end

  tpe_delay #(
      .Width (ValueWidth + PlaneWidth),
      .Cycles((Stages >= 2) ? 1 : 0)
  ) u_value (
      .clk_i,
      .en_i,
      .d_i({value, plane_i}),
      .d_o({value_s, plane_s})
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

  assign addend = PsumWidth'($signed(value_s)) << plane_s;

  logic [PsumWidth-1:0] psum_d;

  tpe_accumulate #(
      .NumOps(2),
      .Width (PsumWidth)
  ) u_accumulate (
      .op_i   ({addend, first_s ? '0 : psum_i}),
      .total_o(psum_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid_s) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
