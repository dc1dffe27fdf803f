// tpe_prop_cell -- every step that a cell is given reaches its psum once, in order.
//
// en_i, valid_i and first_i are free in every cycle after the reset; en_i is high for a cell whose
// clock others stop. The reference moves the sum
// of products through Latency registers, which en_i = 0 holds, into the number that the psum and
// the term of its row, which is kept, stand for.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_cell #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Latency    = 0,  // registers of the cell before its psum
    parameter int unsigned Kind       = 0,  // of the psum, as tpe_spec_psum has it
    parameter int unsigned Weights    = 1,
    parameter int unsigned Width      = 32,
    parameter int unsigned Digits     = 0,  // what a code is, as tpe_spec_product has it
    parameter int unsigned Hold       = tpe_pkg::HoldMux,  // of the cell: no enable, zero codes
    parameter int unsigned Moves      = 0   // 1: bit 0 of plane_i moves psum_i up a bit weight
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic                         fails_o
);

  logic [Weights-1:0][Width-1:0] unused_pair, unused_pair_in;
  logic                 begun_q = 1'b0;  // the first cycle is the reset
  logic                 rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                 known_q = 1'b0;  // the psum has been written
  logic                 legal;
  logic [Width-1:0]     sum, value, value_in, moved, total_q;
  logic [PsumWidth-1:0] psum;
  logic                 en;
  logic [Lanes*CodeWidth-1:0] code;
  logic [AccWidth-1:0]  term;
  // [s]: s registers after the operands
  logic [Latency:0]            valid_at, first_at, legal_at;
  logic [Latency:0][Width-1:0] sum_at;

  assign en   = en_i || Hold == tpe_pkg::HoldZero;
  assign code = (valid_i || Hold == tpe_pkg::HoldMux) ? code_i : '0;

  // What adds zero without a step keeps its own psum.
  logic [PsumWidth-1:0] psum_in;
  assign psum_in = (Hold == tpe_pkg::HoldMux) ? psum_i : psum;

  tpe_cell #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_cell (
      .clk_i,
      .rst_ni (rst_nq),
      .en_i   (en),
      .valid_i,
      .first_i,
      .code_i (code),
      .b_i,
      .plane_i,
      .psum_i (psum_in),
      .psum_o (psum)
  );

  tpe_row #(
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .CellLatency(Latency)
  ) u_row (
      .clk_i,
      .rst_ni (rst_nq),
      .en_i   (en),
      .valid_i,
      .first_i,
      .code_i (code),
      .term_i (term),
      .term_o (term)
  );

  tpe_spec_product #(
      .AWidth   (AWidth),
      .CodeWidth(CodeWidth),
      .BWidth   (BWidth),
      .Lanes    (Lanes),
      .Digits   (Digits),
      .Width    (Width)
  ) u_product (
      .code_i,
      .b_i,
      .legal_o(legal),
      .sum_o  (sum)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_before (
      .psum_i (psum_in),
      .pair_o (unused_pair_in),
      .value_o(value_in)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_value (
      .psum_i (psum),
      .pair_o (unused_pair),
      .value_o(value)
  );

  assign valid_at[0] = valid_i && begun_q;
  assign first_at[0] = first_i;
  assign legal_at[0] = legal;
  assign sum_at[0]   = sum;

  if (Latency > 0) begin : gen_pipeline
    always_ff @(posedge clk_i) begin
      if (!begun_q) begin
        valid_at[Latency:1] <= '0;
      end else if (en) begin
        valid_at[Latency:1] <= valid_at[Latency-1:0];
        first_at[Latency:1] <= first_at[Latency-1:0];
        legal_at[Latency:1] <= legal_at[Latency-1:0];
        sum_at[Latency:1]   <= sum_at[Latency-1:0];
      end
    end
  end

  assign moved = (Moves != 0 && plane_i[0]) ? value_in << 2 : value_in;

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    if (begun_q && en && valid_at[Latency]) begin
      known_q <= legal_at[Latency];
      total_q <= (first_at[Latency] ? '0 : moved + Width'(term)) + sum_at[Latency];
    end
  end

  assign fails_o = known_q && (value + Width'(term) != total_q);

endmodule

`default_nettype wire
