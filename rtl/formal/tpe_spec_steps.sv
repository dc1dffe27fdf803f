// tpe_spec_steps -- one step of a cell whose steps take several cycles, from any state.
//
// The registers start as anything. The step begins in the first cycle; its operands are then held,
// for the Most cycles that a step may take, whenever the cell says that it is over, and Latency
// more until its psum has it: as late as what was in the cell's registers has left them; what then
// comes to the cell as the psum so far is before_i, whatever it is. done_o, for one cycle: psum_o
// is what the step left. late_o: the cell still works in the last of the Most cycles.
`default_nettype none

module tpe_spec_steps #(
    parameter  int unsigned AWidth     = 8,
    parameter  int unsigned BWidth     = 8,
    parameter  int unsigned AccWidth   = 32,
    parameter  int unsigned Lanes      = 16,
    parameter  int unsigned CodeWidth  = 8,
    parameter  int unsigned PsumWidth  = 32,
    parameter  int unsigned PlaneWidth = 1,
    parameter  int unsigned Most       = 8,  // cycles
    parameter  int unsigned Latency    = 0,  // registers of the cell before its psum
    localparam int unsigned CountWidth = $clog2(Most + Latency + 2)
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         first_i,
    input  wire  logic [PsumWidth-1:0]         before_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    // as they were in the first cycle; the psum so far
    output       logic                         first_o,
    output       logic [Lanes*CodeWidth-1:0]   code_o,
    output       logic [Lanes*BWidth-1:0]      b_o,
    output       logic [PsumWidth-1:0]         before_o,
    output       logic                         done_o,
    output       logic                         late_o,
    output       logic [PsumWidth-1:0]         psum_o
);

  logic [CountWidth-1:0]      count_q = '0;  // cycles of the step that are over
  logic                       begun, ready, first_q;
  logic [Lanes*CodeWidth-1:0] code_q;
  logic [Lanes*BWidth-1:0]    b_q;
  logic [PsumWidth-1:0]       before_q, psum;
  logic                       enters;  // what the step's first cycle computed is to be added

  assign begun    = count_q != '0;
  assign first_o  = begun ? first_q : first_i;
  assign code_o   = begun ? code_q : code_i;
  assign b_o      = begun ? b_q : b_i;
  assign enters   = count_q == CountWidth'(Latency);
  assign before_o = enters ? before_i : before_q;
  assign psum     = enters ? before_i : psum_o;
  assign done_o   = count_q == CountWidth'(Most + Latency);
  assign late_o   = count_q == CountWidth'(Most - 1) && !ready;

  always_ff @(posedge clk_i) begin
    if (!done_o) count_q <= count_q + 1'b1;
    first_q  <= first_o;
    code_q   <= code_o;
    b_q      <= b_o;
    before_q <= before_o;
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
      .en_i   (1'b1),
      .valid_i(1'b1),
      .start_i(!begun),
      .first_i(first_o),
      .code_i (code_o),
      .b_i    (b_o),
      .plane_i('0),
      .psum_i (psum),
      .psum_o,
      .ready_o(ready)
  );

endmodule

`default_nettype wire
