// tpe_pe_opt1 -- OPT1, compressed accumulation: the cell keeps (sum, carry); `add` left the cell.
//
// Each step compresses the shifted partial products and the running pair; the pair is resolved
// once per output, by the finish that a column shares.
// Reference : arXiv:2503.06342, OPT1
// Latency   : no register before the psum register. One step of Lanes products a cycle.
// Overflow  : the pair is exact modulo 2**AccWidth.
`default_nettype none

module tpe_pe_opt1 #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,             // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,        // a code is the operand, or its digits
    parameter int unsigned PsumWidth  = 2 * AccWidth,  // {carry, sum}
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter int unsigned Coded      = 0              // 1: a code is digits, see tpe_unpack
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

  localparam int unsigned NumDigits = (AWidth + 1) / 2;
  localparam int unsigned NumOps    = Lanes * NumDigits + 2;

  if (PsumWidth != 2 * AccWidth || AccWidth < AWidth + BWidth)
  begin : gen_check
    $error("tpe_pe_opt1: PsumWidth = 2 AccWidth, AccWidth >= AWidth + BWidth");
  end

  logic unused_inputs;
  assign unused_inputs = ^{plane_i, rst_ni};

  logic [NumOps-1:0][AccWidth-1:0]             addend;
  logic [AccWidth-1:0]                         sum_d, sum_q, carry_d, carry_q;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    tpe_partial_products #(
        .AWidth (AWidth),
        .BWidth (BWidth),
        .Width  (AccWidth),
        .Encoder(Encoder),
        .Coded  (Coded),
        .CodeWidth(CodeWidth)
    ) u_partial_products (
        .a_i (code_i[l*CodeWidth+:CodeWidth]),
        .b_i (b_i[l*BWidth+:BWidth]),
        .pp_o(addend[l*NumDigits+:NumDigits])
    );
  end

  assign {addend[NumOps-1], addend[NumOps-2]} = first_i ? '0 : psum_i;

  tpe_half_reduce #(
      .NumOps(NumOps),
      .Width (AccWidth)
  ) u_half_reduce (
      .op_i   (addend),
      .sum_o  (sum_d),
      .carry_o(carry_d)
  );

  always_ff @(posedge clk_i) begin
    if (en_i && valid_i) begin
      sum_q   <= sum_d;
      carry_q <= carry_d;
    end
  end

  assign psum_o = {carry_q, sum_q};

endmodule

`default_nettype wire
