// tpe_prop_planes -- a step of one bit weight, in a cell that keeps its pair apart from the total.
//
// From any state: a first cycle whose step brings the cell to a plane, whichever, then the step
// that is proved. Of the plane's pair: it grows by the step's digits times B, lane by lane, if the
// plane is the same, else starts anew. Of the total: it takes in the old pair at its weight if the
// plane changes, is zero after a first step, and stays otherwise. So the number of the psum,
// total + pair * 4**plane, grows by the sum of digit * b * 4**plane. With one plane the total is
// the pair.
// Watch     : 0 the pair, of a first step in which lane WatchLane alone has operands: digit * b
//             1 the pair, of any step: the pair before and the first steps of the lanes
//             2 the total
//             3 hold and valid: the psum of a step that is not enabled or not valid stays
//             4 clear: a first step leaves the same psum, whatever came before
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_planes #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 128,
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned Digits     = 0,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Watch      = 0,
    parameter int unsigned WatchLane  = 0
) (
    input  wire  logic                         clk_i,
    input  wire  logic [1:0]                   flags_i,  // valid and first of the step before
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    output       logic                         fails_o
);

  localparam int unsigned NumDigits = (AWidth + 1) / 2;
  localparam int unsigned Cells     = (Watch == 1) ? Lanes + 1 : (Watch == 4) ? 2 : 1;
  localparam bit          First     = Watch == 0 || Watch == 4;

  logic [1:0]                            count_q = '0;  // 1: the step proved, 2: what it left
  logic [Cells-1:0][PsumWidth-1:0]       psum;
  logic [Cells-1:0][AccWidth-1:0]        pair, total;
  logic [AccWidth-1:0]                   pair_q, total_q, part_q;
  logic [PsumWidth-1:0]                  psum_q;
  logic [PlaneWidth-1:0]                 plane_q, plane_before_q;
  logic                                  first, same_q, first_q, legal, legal_q;
  logic [Lanes-1:0][NumDigits-1:0][AccWidth-1:0] own_part;  // digit * b
  logic [Lanes-1:0][AccWidth-1:0]        unused_product;
  logic [AccWidth-1:0]                   part_now;
  logic [Lanes-1:0]                      legal_lane;

  assign first = First ? 1'b1 : first_i;

  for (genvar l = 0; l < Lanes; l++) begin : gen_legal
    tpe_spec_product_digits #(
        .AWidth   (AWidth),
        .BWidth   (BWidth),
        .CodeWidth(CodeWidth),
        .Digits   (Digits),
        .Encoder  (Encoder),
        .Width    (AccWidth)
    ) u_product (
        .code_i   (code_i[l*CodeWidth+:CodeWidth]),
        .b_i      (b_i[l*BWidth+:BWidth]),
        .legal_o  (legal_lane[l]),
        .part_o   (own_part[l]),
        .product_o(unused_product[l])
    );
  end

  assign legal = &legal_lane;

  always_comb begin
    part_now = '0;
    for (int unsigned i = 0; i < NumDigits; i++) begin
      if (32'(plane_i) == i) part_now = own_part[WatchLane][i];
    end
  end

  // [0]: the step as it is. Watch 1: [1 + l] is a first step in which only lane l has operands.
  // Watch 4: [1] is the same cell in another state.
  for (genvar n = 0; n < Cells; n++) begin : gen_cell
    localparam int unsigned Only  = (Watch == 0) ? WatchLane : (Watch == 1 && n > 0) ? n - 1 : 0;
    localparam bit          Alone = Watch == 0 || (Watch == 1 && n > 0);

    logic [Lanes*CodeWidth-1:0] code;
    logic [Lanes*BWidth-1:0]    b;

    assign code = !Alone ? code_i
                : (Lanes * CodeWidth)'(code_i[Only*CodeWidth+:CodeWidth]) << (Only * CodeWidth);
    assign b    = !Alone ? b_i
                : (Lanes * BWidth)'(b_i[Only*BWidth+:BWidth]) << (Only * BWidth);

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
        .rst_ni (1'b1),
        .en_i   (Watch == 3 && count_q != '0 ? en_i : 1'b1),
        .valid_i(count_q == '0 ? (Watch == 4 ? flags_i[1] : 1'b1)
                 : Watch == 3 ? (en_i ? 1'b0 : valid_i) : 1'b1),
        .first_i(count_q == '0 ? flags_i[0] : (Alone || first)),
        .code_i (code),
        .b_i    (b),
        .plane_i,
        .psum_i (psum[n]),
        .psum_o (psum[n])
    );

    assign total[n] = psum[n][0+:AccWidth] + psum[n][AccWidth+:AccWidth];
    assign pair[n]  = psum[n][2*AccWidth+:AccWidth] + psum[n][3*AccWidth+:AccWidth];
  end

  always_ff @(posedge clk_i) begin
    if (count_q != 2'd2) count_q <= count_q + 1'b1;
    pair_q         <= pair[0];
    total_q        <= total[0];
    psum_q         <= psum[0];
    part_q         <= part_now;
    plane_q        <= plane_i;
    plane_before_q <= plane_q;
    same_q         <= !first && plane_i == plane_q;
    first_q        <= first;
    legal_q        <= legal;
  end

  logic                wrong;
  logic [AccWidth-1:0] expected;

  if (Watch == 0) begin : gen_product
    assign expected = part_q;
    assign wrong    = pair[0] != expected;
  end else if (Watch == 1) begin : gen_pair
    always_comb begin
      expected = same_q ? pair_q : '0;
      for (int unsigned n = 1; n < Cells; n++) expected = expected + pair[n];
    end
    assign wrong = pair[0] != expected;
  end else if (Watch == 2) begin : gen_total
    // The pair at its weight, as bits: no shifter.
    logic [AccWidth-1:0] weighed;
    always_comb begin
      weighed = '0;
      for (int unsigned i = 0; i < 2 ** PlaneWidth; i++) begin
        if (NumDigits == 1 && 32'(plane_q) == i) weighed = pair[0] << (2 * i);
        if (NumDigits > 1 && 32'(plane_before_q) == i) weighed = pair_q << (2 * i);
      end
      expected = total_q;
      if (NumDigits == 1) expected = weighed;
      else if (first_q) expected = '0;
      else if (!same_q) expected = total_q + weighed;
    end
    assign wrong = total[0] != expected;
  end else if (Watch == 3) begin : gen_stays
    assign expected = '0;
    assign wrong    = psum[0] != psum_q;
  end else begin : gen_clear
    assign expected = '0;
    assign wrong    = psum[0] != psum[Cells-1];
  end

  assign fails_o = count_q == 2'd2 && legal_q && wrong;

endmodule

`default_nettype wire
