// tpe_finish_kept -- the finish of a sum that keeps a carry every so many bits: one adder.
//
// The carries are put at their bits, which is a pair: tpe_finish_carry_save resolves it, with the
// term of its row where the cells leave something to that.
// Primitive : add                  (arXiv:2503.06342, OPT1)
// Latency   : FinishLatency cycles, 0 or 1. Modulo 2**AccWidth.
`default_nettype none

module tpe_finish_kept #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 47,  // {carries, sum}
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned CarryEvery    = 2,   // bits from one carry to the next, 2 or more
    parameter int unsigned Negate        = tpe_pkg::NegateAdder,
    parameter int unsigned Biased        = 0,
    parameter int unsigned FinishLatency = 0    // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  if (CarryEvery < 2 || PsumWidth != AccWidth + (AccWidth - 1) / CarryEvery) begin : gen_check
    $error("tpe_finish_kept: CarryEvery of 2 or more, a carry at every so many bits");
  end

  logic [2*AccWidth-1:0] pair;  // {carry, sum}

  tpe_kept_pair #(
      .PsumWidth(PsumWidth),
      .Every    (CarryEvery),
      .RowTerm  (0)
  ) u_pair (
      .psum_i,
      .term_i('0),
      .pair_o(pair)
  );

  tpe_finish_carry_save #(
      .AccWidth     (AccWidth),
      .PsumWidth    (2 * AccWidth),
      .PlaneWidth   (PlaneWidth),
      .Negate       (Negate),
      .Biased       (Biased),
      .FinishLatency(FinishLatency)
  ) u_finish (
      .clk_i,
      .en_i,
      .psum_i(pair),
      .plane_i,
      .acc_i,
      .c_o
  );

endmodule

`default_nettype wire
