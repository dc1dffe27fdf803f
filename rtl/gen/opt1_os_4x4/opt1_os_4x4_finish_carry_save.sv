// opt1_os_4x4_finish_carry_save -- the finish of a (sum, carry) pair: one adder, once per output.
//
// Where the cells leave something to their row (Negate, Biased) its term, acc_i, goes in as well.
// Primitive : add                  (arXiv:2503.06342, OPT1)
// Latency   : FinishLatency cycles, 0 or 1: then the adder is cut. Modulo 2**AccWidth.
`default_nettype none

module opt1_os_4x4_finish_carry_save #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 64,  // {carry, sum}; the carry may be shorter
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned Negate        = opt1_os_4x4_pkg::NegateAdder,
    parameter int unsigned Biased        = 0,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  if (PsumWidth <= AccWidth || PsumWidth > 2 * AccWidth) begin : gen_check
    $error("opt1_os_4x4_finish_carry_save: AccWidth < PsumWidth <= 2 AccWidth");
  end

  // Words go on to an enable behind the adder, so that more of it stands before the register; where
  // a term takes a row of adders there, half of it.
  localparam bit          HasTerm  = (Negate == opt1_os_4x4_pkg::NegateRow) || (Biased != 0);
  localparam int unsigned LowWidth = HasTerm ? AccWidth / 2 : AccWidth * 5 / 8;

  if (FinishLatency > 1) begin : gen_check_latency
    $error("opt1_os_4x4_finish_carry_save: FinishLatency must be 0 or 1");
  end

  logic [AccWidth-1:0] sum, carry, sum_all, carry_all;  // of the psum; and of the term

  assign sum   = psum_i[0+:AccWidth];
  assign carry = AccWidth'(psum_i[PsumWidth-1:AccWidth]);

  logic unused_plane;
  assign unused_plane = ^plane_i;

  if (HasTerm) begin : gen_term
    opt1_os_4x4_half_reduce #(
        .NumOps(3),
        .Width (AccWidth)
    ) u_half_reduce (
        .op_i   ({acc_i, carry, sum}),
        .sum_o  (sum_all),
        .carry_o(carry_all)
    );
  end else begin : gen_alone
    assign sum_all   = sum;
    assign carry_all = carry;
    logic unused_acc;
    assign unused_acc = ^acc_i;
  end

  if (FinishLatency == 0) begin : gen_add
    opt1_os_4x4_add #(
        .InWidth(AccWidth),
        .Width  (AccWidth)
    ) u_add (
        .sum_i  (sum_all),
        .carry_i(carry_all),
        .word_o (c_o)
    );
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_add_cut
    opt1_os_4x4_add_cut #(
        .Width   (AccWidth),
        .LowWidth(LowWidth)
    ) u_add (
        .clk_i,
        .en_i,
        .sum_i  (sum_all),
        .carry_i(carry_all),
        .word_o (c_o)
    );
  end

endmodule

`default_nettype wire
