// PEs that wait for each other: `valid` and `ready` on both sides, right and wrong.

// A product register that holds while the sink is busy. Fault 1 drops one that comes while it is full,
// 2 gives a result again, 3 changes a result that waits, 4 stops after 40 products.
module skid_mult #(
    parameter int Fault = 0
) (
    input  logic               ck,
    input  logic               rst_n,
    input  logic               req,
    output logic               ack,
    input  logic signed [ 3:0] left,
    input  logic signed [ 3:0] right,
    output logic               have,
    input  logic               take,
    output logic signed [ 7:0] prod
);
  logic       full_q, again_q;
  logic [5:0] count_q;
  wire        go = req && ack;
  assign have = full_q;
  assign ack  = ((Fault == 1 && count_q == 9) || !full_q || take) && !(Fault == 4 && count_q == 40)
              && !(Fault == 2 && again_q);
  always_ff @(posedge ck or negedge rst_n)
    if (!rst_n) {full_q, again_q, count_q} <= '0;
    else begin
      again_q <= Fault == 2 && go && count_q == 5;
      if (go) full_q <= 1'b1;
      else if (take && !(Fault == 2 && again_q)) full_q <= 1'b0;
      if (go) count_q <= count_q + 6'd1;
    end
  always_ff @(posedge ck)
    if (go && (!full_q || take)) prod <= left * right;
    else if (Fault == 3 && full_q && !take && count_q == 7) prod <= prod + 8'sd1;
endmodule

// Takes operands every third cycle at most; the result comes two cycles after, no flag.
module slow_mult (
    input  logic       clk,
    input  logic       rst,
    input  logic       go_n,
    output logic       busy,
    input  logic [3:0] x,
    input  logic [3:0] y,
    output logic [7:0] p
);
  logic [1:0] left_q;
  logic [7:0] first_q;
  assign busy = left_q != 0;
  always_ff @(posedge clk)
    if (rst) left_q <= '0;
    else if (busy) left_q <= left_q - 2'd1;
    else if (!go_n) left_q <= 2'd2;
  always_ff @(posedge clk) begin
    if (!busy && !go_n) first_q <= x * y;
    p <= first_q;
  end
endmodule

// A sum behind a handshake; `fresh` comes with the operands that begin it.
module stream_mac (
    input  logic               clk,
    input  logic               rst_n,
    input  logic               in_v,
    output logic               in_r,
    input  logic               fresh,
    input  logic signed [ 3:0] a,
    input  logic signed [ 3:0] b,
    output logic               out_v,
    input  logic               out_r,
    output logic signed [11:0] acc
);
  assign in_r = !out_v || out_r;
  always_ff @(posedge clk or negedge rst_n)
    if (!rst_n) out_v <= 1'b0;
    else if (in_r) out_v <= in_v;
  always_ff @(posedge clk) if (in_r && in_v) acc <= (fresh ? 12'sd0 : acc) + 12'(a * b);
endmodule
