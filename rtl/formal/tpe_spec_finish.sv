// tpe_spec_finish -- specification: a psum leaves as it is, FinishLatency cycles later.
//
// Beside tpe_spec_cell it shows which psum leaves as which word, whatever a finish makes of it.
`default_nettype none

module tpe_spec_finish #(
    parameter int unsigned AccWidth      = 8,
    parameter int unsigned PsumWidth     = AccWidth,
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned FinishLatency = 0  // 0..1
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic [AccWidth-1:0]     c_o
);

  logic unused_inputs;
  assign unused_inputs = ^{plane_i, acc_i};

  if (FinishLatency == 0) begin : gen_wires
    assign c_o = psum_i;
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_register
    always_ff @(posedge clk_i) begin
      if (en_i) c_o <= psum_i;
    end
  end

endmodule

`default_nettype wire
