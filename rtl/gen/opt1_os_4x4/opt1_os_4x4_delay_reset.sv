// opt1_os_4x4_delay_reset -- a word delayed by Cycles enabled cycles; reset to zero, for control.
`default_nettype none

module opt1_os_4x4_delay_reset #(
    parameter int unsigned Width  = 1,
    parameter int unsigned Cycles = 1   // 0: wires
) (
    input  wire  logic               clk_i,
    input  wire  logic               rst_ni,
    input  wire  logic               en_i,
    input  wire  logic [Width-1:0]   d_i,
    output       logic [Width-1:0]   d_o
);

  logic [Cycles:0][Width-1:0] stage;  // stage[i]: i cycles late

  assign stage[0] = d_i;
  assign d_o      = stage[Cycles];

  if (Cycles > 0) begin : gen_registers
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) stage[Cycles:1] <= '0;
      else if (en_i) stage[Cycles:1] <= stage[Cycles-1:0];
    end
  end else begin : gen_wires
    logic unused_clk;
    assign unused_clk = ^{clk_i, rst_ni, en_i};
  end

endmodule

`default_nettype wire
