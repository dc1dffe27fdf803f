// tpe_pe_table_mult -- multiply-accumulate cell around a multiplier of two bytes without a sign.
//
// Operands are magnitudes to the multiplier; its product gets the sign of the exact one.
// Reference : docs/howto/multiplier.md
// Latency   : the psum register alone. One step of Lanes products a cycle.
// Overflow  : the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_table_mult #(
    parameter int unsigned AWidth     = 8,         // 2..9: an unsigned byte has a zero above
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,         // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Multiplier = tpe_pkg::MultiplierMitchell
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  if (AWidth < 2 || AWidth > 9 || BWidth < 2 || BWidth > 9) begin : gen_check_width
    $error("tpe_pe_table_mult: AWidth and BWidth must be 2..9");
  end
  if (CodeWidth != AWidth || PsumWidth != AccWidth) begin : gen_check
    $error("tpe_pe_table_mult: CodeWidth = AWidth, PsumWidth = AccWidth");
  end
  if (Multiplier > tpe_pkg::MultiplierExact) begin : gen_check_multiplier
    $error("tpe_pe_table_mult: Multiplier must be one of multiplier_e");
  end

  logic unused_pins;
  assign unused_pins = ^{rst_ni, plane_i};

  logic [Lanes-1:0][AWidth-1:0] a, a_plain;
  logic [Lanes-1:0][BWidth-1:0] b, b_plain;
  logic [Lanes-1:0][7:0]        a_size, b_size;
  logic [Lanes-1:0][15:0]       size;
  logic [Lanes-1:0]             negative;

  assign a = code_i;
  assign b = b_i;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    // At the operand's own width: within a cast a tool may negate a wider word.
    assign a_plain[l]  = a[l][AWidth-1] ? -a[l] : a[l];
    assign b_plain[l]  = b[l][BWidth-1] ? -b[l] : b[l];
    assign a_size[l]   = 8'(a_plain[l]);
    assign b_size[l]   = 8'(b_plain[l]);
    assign negative[l] = a[l][AWidth-1] ^ b[l][BWidth-1];

    if (Multiplier == tpe_pkg::MultiplierMitchell) begin : gen_mitchell
      tpe_mult_mitchell u_mult (
          .a_i(a_size[l]),
          .b_i(b_size[l]),
          .p_o(size[l])
      );
    end else if (Multiplier == tpe_pkg::MultiplierKulkarni) begin : gen_kulkarni
      tpe_mult_kulkarni u_mult (
          .a_i(a_size[l]),
          .b_i(b_size[l]),
          .p_o(size[l])
      );
    end else begin : gen_exact
      assign size[l] = 16'(a_size[l]) * 16'(b_size[l]);
    end
  end

  logic [AccWidth-1:0] psum_d, psum_q;

  always_comb begin
    psum_d = first_i ? '0 : psum_i;
    for (int unsigned l = 0; l < Lanes; l++) begin
      psum_d = negative[l] ? psum_d - AccWidth'(size[l]) : psum_d + AccWidth'(size[l]);
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
