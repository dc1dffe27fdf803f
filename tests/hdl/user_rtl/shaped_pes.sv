// PEs whose ports, or whose timing, are not those of a plain multiplier.

package shapes_pkg;
  typedef enum logic [1:0] {ADD, TAKE_AWAY, ZERO} kind_e;
  typedef struct packed {
    kind_e              kind;
    logic signed [3:0]  x;
    logic [1:0][3:0]    w;
  } bundle_t;
endpackage

// Both operands and what to do with them in one port; `w[1]` is an operand, `w[0]` an addend.
module bundled
  import shapes_pkg::*;
(
    input  bundle_t            in,
    output struct packed {
      logic              odd;
      logic signed [8:0] value;
    } result
);
  wire signed [8:0] product = in.x * $signed(in.w[1]);
  always_comb
    case (in.kind)
      ADD:       result.value = product + 9'($signed(in.w[0]));
      TAKE_AWAY: result.value = product - 9'($signed(in.w[0]));
      default:   result.value = '0;
    endcase
  assign result.odd = result.value[0];
endmodule

// Names that only an escape can write; the ports are the modules' own, down to a bracket.
module \odd-name (
    input  wire signed [3:0] \x.0 ,
    input  wire signed [3:0] \x@1 ,
    output wire signed [7:0] \p[0] ,
    input  wire              \reg
);
  assign \p[0] = \reg ? 8'sd0 : \x.0 * \x@1 ;
endmodule

// A sum whose controls are taken a cycle after the operands; with Own they come with them.
module late_control #(
    parameter bit Own = 1'b0
) (
    input  logic               clk,
    input  logic               rst_n,
    input  logic               en,
    input  logic               new_sum,
    input  logic signed [ 3:0] a,
    input  logic signed [ 3:0] b,
    output logic signed [11:0] y
);
  logic signed [7:0] product_q;
  logic              en_q, new_q;
  always_ff @(posedge clk) product_q <= a * b;
  always_ff @(posedge clk) {en_q, new_q} <= {en, new_sum};
  always_ff @(posedge clk or negedge rst_n)
    if (!rst_n) y <= '0;
    else if (Own ? en_q : en) y <= ((Own ? new_q : new_sum) ? '0 : y) + 12'(product_q);
endmodule

// b enters a register more than a, as along a systolic row.
module skewed (
    input  logic              clk,
    input  logic signed [3:0] a,
    input  logic signed [3:0] b,
    output logic signed [7:0] p
);
  logic signed [3:0] a_q;
  always_ff @(posedge clk) begin
    a_q <= a;
    p   <= a_q * b;
  end
endmodule

// A product left as two words. With Fault the carry loses its top bit.
module two_words #(
    parameter bit Fault = 1'b0
) (
    input  logic signed [3:0] a,
    input  logic signed [3:0] b,
    output logic        [7:0] s,
    output logic        [7:0] c
);
  logic [3:0][7:0] row;
  for (genvar i = 0; i < 4; i++) begin : gen_row
    assign row[i] = !b[i] ? '0 : i == 3 ? -(8'(a) << 3) : 8'(a) << i;
  end
  wire [7:0] s1 = row[0] ^ row[1] ^ row[2];
  wire [7:0] c1 = ((row[0] & row[1]) | (row[0] & row[2]) | (row[1] & row[2])) << 1;
  assign s = s1 ^ c1 ^ row[3];
  wire [7:0] carry = ((s1 & c1) | (s1 & row[3]) | (c1 & row[3])) << 1;
  assign c = Fault ? {1'b0, carry[6:0]} : carry;
endmodule

// A weight that stays, and a running word through. Fault 1 takes the weight at any time, 2 keeps
// the first one.
module stationary #(
    parameter int Fault = 0
) (
    input  logic               clk,
    input  logic               rst_n,
    input  logic               load_n,
    input  logic signed [ 3:0] weight,
    input  logic signed [ 3:0] act,
    input  logic signed [11:0] from_above,
    output logic signed [11:0] below
);
  logic signed [3:0] weight_q;
  logic              had_q;
  wire take = Fault == 1 || (!load_n && !(Fault == 2 && had_q));
  always_ff @(posedge clk or negedge rst_n)
    if (!rst_n) {weight_q, had_q, below} <= '0;
    else begin
      if (take) weight_q <= weight;
      if (!load_n) had_q <= 1'b1;
      below <= from_above + 12'(weight_q * act);
    end
endmodule
