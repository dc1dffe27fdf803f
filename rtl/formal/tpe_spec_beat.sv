// tpe_spec_beat -- specification: what a beat of operands adds to a psum, modulo 2**Width.
//
// Planes 1: the sum over the lanes of a * b. More: of digit * b * 4**plane_i, the digit of a at
// that bit weight, as tpe_spec_product_digits has it. Digits and legal_o as in tpe_spec_product.
`default_nettype none

module tpe_spec_beat #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned Digits     = 0,
    parameter int unsigned InOrder    = 0,  // with Planes 1, as tpe_spec_product has it
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Planes     = 1,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Width      = 32
) (
    input  wire  logic [Lanes-1:0][CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes-1:0][BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]             plane_i,
    output       logic                              legal_o,
    output       logic [Width-1:0]                  sum_o
);

  if (Planes == 1) begin : gen_whole
    logic unused_plane;
    assign unused_plane = ^plane_i;
    tpe_spec_product #(
        .AWidth   (AWidth),
        .CodeWidth(CodeWidth),
        .BWidth   (BWidth),
        .Lanes    (Lanes),
        .Digits   (Digits),
        .InOrder  (InOrder),
        .Width    (Width)
    ) u_product (
        .code_i,
        .b_i,
        .legal_o,
        .sum_o
    );
  end else begin : gen_plane
    localparam int unsigned NumDigits = (AWidth + 1) / 2;
    logic [Lanes-1:0]                 legal;
    logic [Lanes*NumDigits*Width-1:0] part;  // digit * b, of every lane
    logic [Lanes*Width-1:0]           unused_product;

    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      tpe_spec_product_digits #(
          .AWidth   (AWidth),
          .BWidth   (BWidth),
          .CodeWidth(CodeWidth),
          .Digits   (Digits),
          .Encoder  (Encoder),
          .Width    (Width)
      ) u_product (
          .code_i   (code_i[l]),
          .b_i      (b_i[l]),
          .legal_o  (legal[l]),
          .part_o   (part[l*NumDigits*Width+:NumDigits*Width]),
          .product_o(unused_product[l*Width+:Width])
      );
    end

    assign legal_o = &legal;
    always_comb begin
      sum_o = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        for (int unsigned p = 0; p < NumDigits; p++) begin
          if (32'(plane_i) == p) sum_o = sum_o + (part[(l*NumDigits+p)*Width+:Width] << (2 * p));
        end
      end
    end
  end

endmodule

`default_nettype wire
