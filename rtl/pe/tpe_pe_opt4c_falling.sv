// tpe_pe_opt4c_falling -- OPT4C with bit weights from the most significant down, in one pair.
//
// The first step of a bit weight but the first moves the pair up by one, two bits to the left, and
// adds its digit as any step does: the step itself is that of tpe_pe_opt4c, with Lanes that of
// OPT4E. Both words lose their top bits: exact modulo 2**(PsumWidth / 2) before and behind.
// Reference : arXiv:2503.06342, OPT3 and OPT4, in the other order of the bit weights
// Latency   : no register before the psum register. One digit a lane and cycle.
// Overflow  : none while a pass sums at most the K that PsumWidth was computed for.
`default_nettype none

module tpe_pe_opt4c_falling #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 3,    // a code is one digit {neg, two, one}
    parameter int unsigned PsumWidth  = 56,   // {carry, sum}, the sum as wide as a pass needs
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned Negate     = tpe_pkg::NegateAdder,
    parameter int unsigned Biased     = 0,
    parameter int unsigned Hold       = tpe_pkg::HoldMux,
    parameter int unsigned CarryEvery = 1     // bits from one carry that is kept to the next
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,  // bit weights to move psum_i up: 0 or 1
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  localparam int unsigned PairWidth = (CarryEvery == 1)
      ? PsumWidth / 2 : PsumWidth - (PsumWidth - 1) / (CarryEvery + 1);
  localparam int unsigned Carries   = PsumWidth - PairWidth;

  if (CarryEvery > 2) begin : gen_check
    $error("tpe_pe_opt4c_falling: CarryEvery of 1 or 2, so that carries move up to carries");
  end

  logic                 up;  // the step moves the pair
  logic [PairWidth-1:0] sum_up;
  logic [Carries-1:0]   carry_up;

  assign up       = plane_i[0] && (valid_i || Hold == tpe_pkg::HoldMux);
  assign sum_up   = psum_i[0+:PairWidth] << 2;
  assign carry_up = psum_i[PsumWidth-1:PairWidth] << (2 / CarryEvery);

  tpe_pe_opt4c #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .Negate    (Negate),
      .Biased    (Biased),
      .Hold      (Hold),
      .CarryEvery(CarryEvery)
  ) u_step (
      .clk_i,
      .rst_ni,
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i (up ? {carry_up, sum_up} : psum_i),
      .psum_o
  );

endmodule

`default_nettype wire
