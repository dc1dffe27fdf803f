// tpe_prop_lut_row -- a row's term makes of psums that are twice C, and a sum more, the right C.
//
// The row sums what comes with the first planes of groups: entry 0 of a table, minus the group's
// sum of activations. Beside it a psum of any number takes the same sums and any even number, as
// the cells of the row do, and the finish of the engine makes C of both: half of what is even.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_lut_row #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 4,
    parameter int unsigned CodeWidth  = 22,
    parameter int unsigned PsumWidth  = 33,
    parameter int unsigned PlaneWidth = 3,
    parameter int unsigned Latency    = 0  // registers of the cell before its psum
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [AccWidth-1:0]          half_i,   // of what the cells of the row add besides
    output       logic                         fails_o
);

  localparam int unsigned EntryWidth = $clog2(Lanes * 2 ** (AWidth - 1) + 1) + 1;

  logic                            rst_nq = 1'b0;   // the first cycle is the reset
  logic                            known_q = 1'b0;  // a first step has been
  logic [Latency:0]                valid_at, first_at;
  logic [Latency:0][PsumWidth-1:0] sum_at;          // of the group, not negative
  logic [Latency:0][AccWidth-1:0]  half_at;
  logic [PsumWidth-1:0]            psum_q;
  logic [AccWidth-1:0]             c_q, c, term;

  tpe_row #(
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .CellLatency(Latency)
  ) u_row (
      .clk_i,
      .rst_ni (rst_nq),
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .term_i (term),
      .term_o (term)
  );

  tpe_finish #(
      .AccWidth  (AccWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_finish (
      .clk_i,
      .en_i   (1'b1),
      .psum_i (psum_q),
      .plane_i('0),
      .acc_i  (term),
      .c_o    (c)
  );

  assign valid_at[0] = valid_i && rst_nq;
  assign first_at[0] = first_i;
  assign sum_at[0]   = '0 - PsumWidth'($signed(code_i[EntryWidth-1:0]));
  assign half_at[0]  = half_i;

  if (Latency > 0) begin : gen_pipeline
    always_ff @(posedge clk_i) begin
      if (!rst_nq) valid_at[Latency:1] <= '0;
      else if (en_i) valid_at[Latency:1] <= valid_at[Latency-1:0];
      if (en_i) begin
        first_at[Latency:1] <= first_at[Latency-1:0];
        sum_at[Latency:1]   <= sum_at[Latency-1:0];
        half_at[Latency:1]  <= half_at[Latency-1:0];
      end
    end
  end

  always_ff @(posedge clk_i) begin
    rst_nq <= 1'b1;
    if (rst_nq && en_i && valid_at[Latency]) begin
      if (first_at[Latency]) known_q <= 1'b1;
      psum_q <= (first_at[Latency] ? '0 : psum_q) + sum_at[Latency]
              + {half_at[Latency], 1'b0};
      c_q    <= (first_at[Latency] ? '0 : c_q) + half_at[Latency];
    end
  end

  assign fails_o = known_q && c != c_q;

endmodule

`default_nettype wire
