// tpe_pe_opt3 -- OPT3, sparse digit-serial: one non-zero digit a step, a 3:2 compressor.
//
// The step is that of OPT4C; what differs is that every cell has a front of its own, which the row
// places beside it (OwnFronts).
// Reference : arXiv:2503.06342, OPT3
// Latency   : no register before the psum register. One digit a cycle.
// Overflow  : none while a pass sums at most the K that PsumWidth was computed for.
`default_nettype none

module tpe_pe_opt3 #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned CodeWidth  = 3,    // a code is one digit {neg, two, one}
    parameter int unsigned PsumWidth  = 44,   // {carry, sum}, the sum as wide as one plane needs
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
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  if (Lanes != 1) begin : gen_check
    $error("tpe_pe_opt3: Lanes must be 1");
  end

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
      .psum_i,
      .psum_o
  );

endmodule

`default_nettype wire
