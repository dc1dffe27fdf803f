// tpe_prop_lut_dot -- what the planes of stored weights look up adds up to their dot product.
//
// Weights w_i are free, in two's complement or, with Bipolar, as bits that stand for plus or minus
// their weights; they are stored here as the definition says. The table is the front's own, what is
// looked up in it is tpe_spec_lut_step's, which tpe_prop_lut_step holds the cell to. Half tables of
// two's complement give twice the product, and the sum of a more.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_lut_dot #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned Lanes      = 4,
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Inversion  = tpe_pkg::InversionOffline,
    parameter int unsigned Bipolar    = 0,
    parameter int unsigned CodeWidth  = 22,
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned BitPlanes  = 8
) (
    input  wire  logic                           clk_i,
    input  wire  logic [Lanes-1:0][AWidth-1:0]   a_i,
    input  wire  logic [Lanes-1:0][BWidth-1:0]   w_i,
    output       logic                           fails_o
);

  localparam bit Half    = (Table == tpe_pkg::TableHalf);
  localparam bit Ternary = (Table == tpe_pkg::TableTernary);
  localparam int unsigned Wide = AWidth + BWidth + Lanes + 4;
  localparam int unsigned Bits = Lanes * BWidth;

  logic [Lanes*CodeWidth-1:0]          code;
  logic [Bits-1:0]                     stored;
  logic [BitPlanes-1:0][Wide-1:0]      found;
  logic [Wide-1:0]                     total, expected;
  logic                                legal;  // weights that there are: of ternary no -2
  logic [BitPlanes-1:0]                allowed;

  // The front's register shows the table one cycle later, of the same operands.
  tpe_front #(
      .AWidth   (AWidth),
      .Lanes    (Lanes),
      .CodeWidth(CodeWidth)
  ) u_front (
      .clk_i,
      .en_i  (1'b1),
      .a_i   (a_i),
      .code_o(code)
  );

  logic [Lanes-1:0][AWidth-1:0] a_q;
  logic [Lanes-1:0][BWidth-1:0] q;
  always_ff @(posedge clk_i) a_q <= a_i;

  logic known_q = 1'b0;
  always_ff @(posedge clk_i) known_q <= 1'b1;

  logic [Wide-1:0] number;  // of a ternary group

  always_comb begin
    q      = '0;
    stored = '0;
    number = '0;
    legal  = 1'b1;
    for (int unsigned l = 0; l < Lanes; l++) begin
      q[l] = w_i[l];
      if (Half && Bipolar == 0) q[l][BWidth-1] = !w_i[l][BWidth-1];
      if (Ternary) begin
        number = number + Wide'($signed(w_i[l])) * Wide'(3 ** l);
        if (w_i[l] == {1'b1, (BWidth - 1)'(0)}) legal = 1'b0;
      end
    end
    for (int unsigned l = 0; l < Lanes; l++) begin
      stored[l*BWidth+:BWidth] = q[l];
      if (Half && Inversion == tpe_pkg::InversionOffline && l < Lanes - 1) begin
        stored[l*BWidth+:BWidth] = q[l] ^ q[Lanes-1];
      end
    end
    if (Ternary) begin
      stored         = Bits'(number[Wide-1] ? -number : number);
      stored[Bits-1] = number[Wide-1];
    end
  end

  for (genvar p = 0; p < BitPlanes; p++) begin : gen_plane
    logic [Bits-1:0] rest;
    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      assign rest[l*BWidth+:BWidth] = stored[l*BWidth+:BWidth] >> p;
    end

    tpe_spec_lut_step #(
        .AWidth    (AWidth),
        .BWidth    (BWidth),
        .Lanes     (Lanes),
        .CodeWidth (CodeWidth),
        .PlaneWidth(PlaneWidth),
        .Table     (Table),
        .Inversion (Inversion),
        .Width     (Wide)
    ) u_step (
        .code_i (code),
        .b_i    (rest),
        .plane_i(PlaneWidth'(p)),
        .added_o(found[p]),
        .legal_o(allowed[p])
    );
  end

  always_comb begin
    total    = '0;
    expected = '0;
    for (int unsigned p = 0; p < BitPlanes; p++) total = total + found[p];
    for (int unsigned l = 0; l < Lanes; l++) begin
      for (int unsigned b = 0; b < BWidth; b++) begin
        // Bits of plus or minus 2**b; or of 2**b, the top one negative, all of it twice, and one.
        if (Bipolar != 0) begin
          expected = w_i[l][b] ? expected + (Wide'($signed(a_q[l])) << b)
                               : expected - (Wide'($signed(a_q[l])) << b);
        end else if (w_i[l][b]) begin
          expected = (b == BWidth - 1) ? expected - (Wide'($signed(a_q[l])) << (b + 32'(Half)))
                                       : expected + (Wide'($signed(a_q[l])) << (b + 32'(Half)));
        end
      end
      if (Half && Bipolar == 0) expected = expected + Wide'($signed(a_q[l]));
    end
  end

  assign fails_o = known_q && legal && (total != expected || !(&allowed));

endmodule

`default_nettype wire
