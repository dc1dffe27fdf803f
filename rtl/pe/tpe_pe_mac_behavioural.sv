// tpe_pe_mac_behavioural -- multiply-accumulate cell as an expression: psum + a * b.
//
// What a designer writes who leaves multiplier and adder to synthesis. It takes the place of
// tpe_pe_mac where that costs less: same ports, values and latency.
// Reference : arXiv:2503.06342, the MAC nest
// Latency   : Stages - 1 registers before the psum register. One step of Lanes products a cycle.
//             Stages 2 registers the products; 3 also registers the operands.
// Overflow  : the products are exact; the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_pe_mac_behavioural #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,         // operands of K merged in one step
    parameter int unsigned CodeWidth  = AWidth,    // a code is the operand
    parameter int unsigned PsumWidth  = AccWidth,  // a word
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Stages     = 1          // 1..3
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    input  wire  logic                         valid_i,  // the operands are a step; 0: psum holds
    input  wire  logic                         first_i,  // start from zero instead of psum_i
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Lanes*BWidth-1:0]      b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic [PsumWidth-1:0]         psum_o
);

  localparam int unsigned ProductWidth = AWidth + BWidth;

  if (Stages < 1 || Stages > 3) begin : gen_check_stages
    $error("tpe_pe_mac_behavioural: Stages must be 1..3");
  end
  if (CodeWidth != AWidth) begin : gen_check_code
    $error("tpe_pe_mac_behavioural: CodeWidth = AWidth: digits are no operand");
  end
  if (PsumWidth != AccWidth || AccWidth < ProductWidth) begin : gen_check
    $error("tpe_pe_mac_behavioural: PsumWidth = AccWidth >= AWidth + BWidth");
  end

  logic unused_plane;
  assign unused_plane = ^plane_i;

  logic [Lanes-1:0][AWidth-1:0]       a, a_s;  // as they enter, and staged
  logic [Lanes-1:0][BWidth-1:0]       b, b_s;
  logic [Lanes-1:0][ProductWidth-1:0] product, product_s;

  assign a = code_i;
  assign b = b_i;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign product[l] = ProductWidth'($signed(a_s[l])) * ProductWidth'($signed(b_s[l]));
  end

  // Pipeline: `valid` and `first` travel with their operands.
  logic [Stages-1:0] valid, first;  // [s]: s registers after the operands

  assign valid[0] = valid_i;
  assign first[0] = first_i;

  if (Stages == 3) begin : gen_stage_operands
    always_ff @(posedge clk_i) begin
      if (en_i) begin
        a_s <= a;
        b_s <= b;
      end
    end
  end else begin : gen_no_stage_operands
    assign a_s = a;
    assign b_s = b;
  end

  if (Stages >= 2) begin : gen_stage_product
    always_ff @(posedge clk_i) begin
      if (en_i) product_s <= product;
    end
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        valid[Stages-1:1] <= '0;
        first[Stages-1:1] <= '0;
      end else if (en_i) begin
        valid[Stages-1:1] <= valid[Stages-2:0];
        first[Stages-1:1] <= first[Stages-2:0];
      end
    end
  end else begin : gen_no_stage_product
    assign product_s = product;
    logic unused_rst;
    assign unused_rst = rst_ni;
  end

  logic [AccWidth-1:0] psum_d, psum_q;

  always_comb begin
    psum_d = first[Stages-1] ? '0 : psum_i;
    for (int unsigned l = 0; l < Lanes; l++) begin
      psum_d += AccWidth'($signed(product_s[l]));
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i && valid[Stages-1]) psum_q <= psum_d;
  end

  assign psum_o = psum_q;

endmodule

`default_nettype wire
