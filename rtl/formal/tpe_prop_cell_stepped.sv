// tpe_prop_cell_stepped -- every step that a cell is given counts once, however long it lasts.
//
// A step begins when begin_i says so, with operands that are then held; it lasts until the cell is
// ready, and beyond while linger_i says that others still work. en_i is free in every cycle. From
// the cycle in which the step is over the psum is the number before, or zero on a first step, plus
// the sum over the lanes of a * b, until the next step begins: Latency enabled cycles later.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_cell_stepped #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 16,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Most       = 8,  // cycles that a step takes
    parameter int unsigned Latency    = 0   // registers of the cell before its psum
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,
    input  wire  logic                         begin_i,
    input  wire  logic                         linger_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    output       logic                         fails_o
);

  logic                       begun_q = 1'b0;  // the first cycle is the reset
  logic                       rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                       valid_q = 1'b0, start_q = 1'b0, first_q, ready, unused_legal;
  logic                       known_q = 1'b0;  // a first step has begun
  logic                       over_q = 1'b0;  // the last step that began is over
  logic [Lanes*CodeWidth-1:0] code_q;
  logic [Lanes*BWidth-1:0]    b_q;
  logic [PsumWidth-1:0]       psum;
  logic [AccWidth-1:0]        sum, total_q;
  logic [31:0]                cycles_q;  // that the step has had

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
      .rst_ni (rst_nq),
      .en_i,
      .valid_i(valid_q),
      .start_i(start_q),
      .first_i(first_q),
      .code_i (code_q),
      .b_i    (b_q),
      .plane_i('0),
      .psum_i (psum),
      .psum_o (psum),
      .ready_o(ready)
  );

  tpe_spec_product #(
      .CodeWidth(CodeWidth),
      .BWidth   (BWidth),
      .Lanes    (Lanes),
      .Width    (AccWidth)
  ) u_product (
      .code_i (code_q),
      .b_i    (b_q),
      .legal_o(unused_legal),
      .sum_o  (sum)
  );

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    if (begun_q && en_i) begin
      start_q <= 1'b0;
      if (start_q) begin
        total_q  <= (first_q ? '0 : total_q) + sum;
        known_q  <= known_q || first_q;
        cycles_q <= 1;
      end else begin
        cycles_q <= cycles_q + 1;
      end
      if (valid_q && ready) over_q <= 1'b1;
      if (!valid_q || (ready && !linger_i)) begin
        valid_q <= begin_i;
        start_q <= begin_i;
        if (begin_i) begin
          first_q <= first_i;
          code_q  <= code_i;
          b_q     <= b_i;
        end
      end
      if (start_q && !ready) over_q <= 1'b0;
    end
  end

  // [i]: i enabled cycles later
  logic [Latency:0]               over_at;
  logic [Latency:0][AccWidth-1:0] total_at;

  assign over_at[0]  = known_q && over_q;
  assign total_at[0] = total_q;

  if (Latency > 0) begin : gen_pipeline
    always_ff @(posedge clk_i) begin
      if (!begun_q) begin
        over_at[Latency:1] <= '0;
      end else if (en_i) begin
        over_at[Latency:1]  <= over_at[Latency-1:0];
        total_at[Latency:1] <= total_at[Latency-1:0];
      end
    end
  end

  // The psum of a step that is over is compared until the first cycle of the next one, included.
  assign fails_o = (begun_q && over_at[Latency] && psum != total_at[Latency])
                || (valid_q && !start_q && !over_q && cycles_q == Most);

endmodule

`default_nettype wire
