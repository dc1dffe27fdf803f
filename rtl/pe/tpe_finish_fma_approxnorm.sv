// tpe_finish_fma_approxnorm -- a psum of tpe_pe_fma_approxnorm as a code: normalised, rounded once.
//
// To nearest, ties to even. Below the exponent 1 the significand is shifted right again, with a
// sticky bit: the code is a subnormal's.
// Reference : arXiv:2408.11997
// Latency   : FinishLatency cycles, 0 or 1: then what is rounded is registered.
// Overflow  : infinity.
`default_nettype none

module tpe_finish_fma_approxnorm #(
    parameter int unsigned AccWidth      = 32,
    parameter int unsigned PsumWidth     = 31,
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned PsumFracBits  = 16,
    parameter int unsigned IntBits       = 2,
    parameter int unsigned PsumForm      = tpe_pkg::PsumFormSignMagnitude,
    parameter int unsigned CType         = tpe_pkg::CTypeFp32,
    parameter int unsigned FinishLatency = 0  // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,     // 0 holds the register, if there is one
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  localparam int unsigned CExpWidth  = 8;                          // of fp32 and bf16
  localparam int unsigned CFracWidth = AccWidth - CExpWidth - 1;
  localparam int unsigned Width      = IntBits + PsumFracBits;
  localparam int unsigned ExpWidth   = PsumWidth - Width - 3;
  localparam int unsigned WideExp    = ((ExpWidth > CExpWidth) ? ExpWidth : CExpWidth) + 2;
  localparam int unsigned SizeWidth  = Width + 1;                  // -2**Width has a bit more
  localparam int unsigned RoundWidth = ((SizeWidth > CFracWidth + 1) ? SizeWidth : CFracWidth + 1)
                                     + 2;
  localparam int unsigned Bias       = (1 << (CExpWidth - 1)) - 1;
  // From the stored exponent to that of the magnitude's top bit, in the bias of C.
  localparam logic [WideExp-1:0] Offset = WideExp'(Bias + IntBits)
                                        - (WideExp'(1) << (ExpWidth - 1));

  if (!(AccWidth == 32 && CType == tpe_pkg::CTypeFp32)
      && !(AccWidth == 16 && CType == tpe_pkg::CTypeBf16)) begin : gen_check
    $error("tpe_finish_fma_approxnorm: AccWidth and CType: 32, CTypeFp32 or 16, CTypeBf16");
  end
  if (FinishLatency > 1) begin : gen_check_latency
    $error("tpe_finish_fma_approxnorm: FinishLatency must be 0 or 1");
  end

  logic unused_inputs;
  assign unused_inputs = ^{plane_i, acc_i};

  logic                 sign;
  logic [SizeWidth-1:0] size, normal;
  logic [WideExp-1:0]   shift, exponent, distance;
  logic                 tiny;  // below the exponent 1

  assign sign = psum_i[Width];

  if (PsumForm == tpe_pkg::PsumFormTwosComplement) begin : gen_signed
    assign size = sign ? -psum_i[Width:0] : psum_i[Width:0];
  end else begin : gen_magnitude
    assign size = {1'b0, psum_i[Width-1:0]};
  end

  tpe_fp_normalise #(
      .Width    (SizeWidth),
      .RoomWidth(WideExp)
  ) u_normalise (
      .sig_i  (size),
      .room_i ('1),
      .sig_o  (normal),
      .shift_o(shift)
  );

  assign exponent = WideExp'(psum_i[Width+1+:ExpWidth]) + Offset - shift;
  assign tiny     = $signed(exponent) < 1;
  assign distance = tiny ? WideExp'(1) - exponent : '0;

  localparam int unsigned Bits = 3 + WideExp + RoundWidth;

  logic [RoundWidth-1:0] significand, significand_s;
  logic [WideExp-1:0]    exponent_s;
  logic                  nan_s, inf_s, sign_s;
  logic [Bits-1:0]       rounds, rounds_s;  // what is rounded; the same, staged

  tpe_fp_align #(
      .Width    (RoundWidth),
      .DistWidth(WideExp),
      .Align    (tpe_pkg::AlignSticky)
  ) u_align (
      .x_i       ({normal, {(RoundWidth - SizeWidth) {1'b0}}}),
      .distance_i(distance),
      .x_o       (significand)
  );

  assign rounds = {psum_i[PsumWidth-1-:2], sign, tiny ? WideExp'(1) : exponent, significand};

  if (FinishLatency == 0) begin : gen_wires
    assign rounds_s = rounds;
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_register
    logic [Bits-1:0] rounds_q;

    always_ff @(posedge clk_i) begin
      if (en_i) rounds_q <= rounds;
    end

    assign rounds_s = rounds_q;
  end

  assign {nan_s, inf_s, sign_s, exponent_s, significand_s} = rounds_s;

  tpe_fp_round #(
      .ExpWidth (CExpWidth),
      .FracWidth(CFracWidth),
      .SigWidth (RoundWidth),
      .InWidth  (WideExp)
  ) u_round (
      .sign_i(sign_s),
      .exp_i (exponent_s),
      .sig_i (significand_s),
      .inf_i (inf_s),
      .nan_i (nan_s),
      .word_o(c_o)
  );

endmodule

`default_nettype wire
