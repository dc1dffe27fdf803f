// Small PEs with one trait each, for the tests of co-simulation.

// A sum with a synchronous clear that takes effect beside the products already under way.
module mac_clear (
    input  logic               clk,
    input  logic               clr,
    input  logic signed [ 3:0] a0, a1,
    input  logic signed [ 3:0] b0, b1,
    output logic signed [11:0] acc
);
  logic signed [11:0] product_q;
  always_ff @(posedge clk) begin
    product_q <= a0 * b0 + a1 * b1;
    acc       <= clr ? '0 : acc + product_q;
  end
endmodule

// A sum that only reset can empty; with Broken it cannot.
module mac_reset #(
    parameter bit Broken = 1'b0
) (
    input  wire        clk,
    input  wire        rst,
    input  wire  [3:0] a,
    input  wire  [3:0] b,
    output logic [8:0] acc
);
  always_ff @(posedge clk) acc <= (rst && !Broken) ? '0 : acc + a * b;
endmodule

// Shift and add, one bit of b per cycle: done as soon as no bit of b is left.
module serial_mult (
    input  logic       clk,
    input  logic       rst_n,
    input  logic       start,
    input  logic [3:0] a,
    input  logic [3:0] b,
    output logic [7:0] p,
    output logic       done
);
  logic [7:0] a_q, sum_q;
  logic [3:0] b_q;
  logic       busy_q;
  assign p    = sum_q;
  assign done = busy_q && b_q == '0;
  always_ff @(posedge clk or negedge rst_n)
    if (!rst_n) busy_q <= 1'b0;
    else if (start) begin
      {busy_q, a_q, b_q, sum_q} <= {1'b1, 4'b0, a, b, 8'b0};
    end else if (done) busy_q <= 1'b0;
    else begin
      sum_q <= sum_q + (b_q[0] ? a_q : '0);
      a_q   <= a_q << 1;
      b_q   <= b_q >> 1;
    end
endmodule

// Combinational, with operands of different types and a macro for what it does.
`include "what.vh"
module any_function (
    input  wire        [ 2:0] x,
    input  wire signed [ 4:0] y,
    input  wire signed [11:0] z,
    output wire signed [11:0] r
);
  assign r = $signed({1'b0, x}) * y `WHAT z;
endmodule

// Never drives its flag.
module silent (
    input  wire       clk,
    input  wire [1:0] a,
    input  wire [1:0] b,
    output reg  [3:0] p,
    output wire       ok
);
  always @(posedge clk) p <= a * b;
  assign ok = 1'b0;
endmodule

// Ports that no role fits.
typedef struct packed { logic [2:0] hi; logic lo; } pair_t;
module odd_ports #(
    parameter int Width = 4
) (
    input  wire               clk,
    input  wire               rst_n,
    input  wire               en,
    input  pair_t             a,
    input  wire signed [Width-1:0] b,
    input  wire         [7:0] unpacked[2],
    inout  wire               both,
    output wire        [6:0]  narrow,
    output wire        [71:0] wide,
    output wire        [7:0]  p
);
  assign {p, narrow, wide} = '0;
endmodule
