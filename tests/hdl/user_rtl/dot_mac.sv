// A MAC over lanes with an enable: `load` starts a sum, `mode` 0 adds and 1 subtracts.
module dot_mac #(
    parameter int LANES = 2,
    parameter int ACC   = 24
) (
    input  logic                       clk_i,
    input  logic                       arst_ni,
    input  logic                       en_i,
    input  logic                       load_i,
    input  logic                       mode_i,
    input  logic        [LANES*8-1:0]  x_i,
    input  logic signed [LANES-1:0][7:0] w_i,
    output logic signed [ACC-1:0]      acc_o,
    output logic                       vld_no,
    output logic                       unused_o
);
  logic signed [ACC-1:0] sum;
  always_comb begin
    sum = '0;
    for (int i = 0; i < LANES; i++) sum += ACC'($signed(x_i[i*8+:8])) * ACC'($signed(w_i[i]));
    if (mode_i) sum = -sum;
  end
  always_ff @(posedge clk_i) if (en_i) acc_o <= (load_i ? '0 : acc_o) + sum;
  always_ff @(posedge clk_i or negedge arst_ni)
    if (!arst_ni) vld_no <= 1'b1;
    else vld_no <= !en_i;
  assign unused_o = 1'b0;
endmodule
