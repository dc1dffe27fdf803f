// tpe_prop_stay -- when a cell whose steps take several cycles leaves its psum alone, in any state.
//
// Case 0: a step that is over and goes on, since others still work, stays over. 1: en_i = 0 keeps
// the psum, and whether the step is over. 2: valid_i = 0 keeps the psum. In 0 and 2 the psum is as
// much later as the cell has registers before it.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_stay #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 16,
    parameter int unsigned CodeWidth  = 8,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Case       = 0,
    parameter int unsigned Latency    = 0  // registers of the cell before its psum
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         start_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    output       logic                         fails_o
);

  localparam int unsigned Settled    = (Case == 1) ? 1 : 1 + Latency;  // cycles until psum has it
  localparam int unsigned CountWidth = $clog2(Latency + 4);

  logic [CountWidth-1:0]      count_q = '0;
  logic                       begun, start, ready, ready_q, over_q;
  logic                       start_q, valid, valid_q, first, first_q;
  logic [Lanes*CodeWidth-1:0] code, code_q;
  logic [Lanes*BWidth-1:0]    b, b_q;
  logic [PsumWidth-1:0]       psum, psum_q;

  assign begun = count_q != '0;
  assign start = begun ? (Case != 0 && start_q) : start_i;
  assign valid = begun ? valid_q : valid_i || Case == 0;
  assign first = begun ? first_q : first_i;
  assign code  = begun ? code_q : code_i;
  assign b     = begun ? b_q : b_i;

  always_ff @(posedge clk_i) begin
    if (count_q != CountWidth'(Latency + 3)) count_q <= count_q + 1'b1;
    over_q  <= begun ? over_q : ready;
    start_q <= start;
    valid_q <= valid;
    first_q <= first;
    code_q  <= code;
    b_q     <= b;
    psum_q  <= psum;
    ready_q <= ready;
  end

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
      .rst_ni (1'b1),
      .en_i   (Case != 1),
      .valid_i(valid && Case != 2),
      .start_i(start),
      .first_i(first),
      .code_i (code),
      .b_i    (b),
      .plane_i('0),
      .psum_i (psum),
      .psum_o (psum),
      .ready_o(ready)
  );

  if (Case == 0) begin : gen_over
    assign fails_o = over_q && ((begun && !ready)
                                || (count_q == CountWidth'(Settled + 1) && psum != psum_q));
  end else begin : gen_stays
    assign fails_o = (count_q >= CountWidth'(Settled) && psum != psum_q)
                  || (begun && Case == 1 && ready != ready_q);
  end

endmodule

`default_nettype wire
