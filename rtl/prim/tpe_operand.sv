// tpe_operand -- operands as they enter the signed array: widened, or less a zero point.
//
// ZeroNone: an unsigned operand is zero-extended. ZeroSubtract: zero_i is subtracted, exactly, in
// OutWidth = InWidth + 1 bits. ZeroOffset: an unsigned operand less 2**(InWidth-1), a signed one as
// it is.
// Latency   : combinational. No overflow.
`default_nettype none

module tpe_operand #(
    parameter int unsigned Count    = 1,  // operands
    parameter int unsigned InWidth  = 8,  // as stored
    parameter int unsigned OutWidth = 9,  // as the array sees them
    parameter int unsigned Signed   = 0,  // 1: stored in two's complement
    parameter int unsigned Zero     = tpe_pkg::ZeroNone
) (
    input  wire  logic [Count*InWidth-1:0]    x_i,
    input  wire  logic [InWidth-1:0]          zero_i,
    output       logic [Count*OutWidth-1:0]   x_o
);

  localparam bit Extend = (Signed == 0 && Zero == tpe_pkg::ZeroNone)
                        || Zero == tpe_pkg::ZeroSubtract;

  if (OutWidth != InWidth + (Extend ? 1 : 0) || Signed > 1 || Zero > tpe_pkg::ZeroOffset)
  begin : gen_check
    $error("tpe_operand: OutWidth = InWidth, or InWidth + 1 if unsigned or less a zero point");
  end

  for (genvar i = 0; i < Count; i++) begin : gen_operand
    logic [InWidth-1:0] x;
    assign x = x_i[i*InWidth+:InWidth];
    if (Zero == tpe_pkg::ZeroSubtract) begin : gen_subtract
      assign x_o[i*OutWidth+:OutWidth] = {Signed[0] & x[InWidth-1], x}
                                       - {Signed[0] & zero_i[InWidth-1], zero_i};
    end else if (Extend) begin : gen_extend
      assign x_o[i*OutWidth+:OutWidth] = {1'b0, x};
    end else if (Signed == 0) begin : gen_offset
      assign x_o[i*OutWidth+:OutWidth] = {~x[InWidth-1], x[InWidth-2:0]};
    end else begin : gen_same
      assign x_o[i*OutWidth+:OutWidth] = x;
    end
  end

  if (Zero != tpe_pkg::ZeroSubtract) begin : gen_no_zero
    logic unused_zero;
    assign unused_zero = ^zero_i;
  end

endmodule

`default_nettype wire
