// tpe_pe_opt4e -- OPT4E, grouped column: four digits a step, a 6:2 compressor.
//
// Four lanes of the row's front feed the cell; a lane that waits adds zero. No RTL of it has been
// published: this follows the definition in the paper.
// Reference : arXiv:2503.06342, OPT4E
// Latency   : no register before the psum register. Four digits a cycle.
// Overflow  : none while a pass sums at most the K that PsumWidth was computed for.
`default_nettype none

module tpe_pe_opt4e #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 4,
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

  if (Lanes != 4) begin : gen_check
    $error("tpe_pe_opt4e: Lanes must be 4");
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
