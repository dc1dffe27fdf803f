// Pipelined radix-4 Booth multiplier, Verilog-2001, in the manner of a vendor's soft core.
// Two register stages: P belongs to the operands of two cycles before.
`include "booth_defs.vh"

module booth_mult #(
    parameter WIDTH = 16
) (
    CLK,
    RST_N,
    MULTIPLICAND,
    MULTIPLIER,
    P
);
  input CLK, RST_N;
  input signed [WIDTH-1:0] MULTIPLICAND, MULTIPLIER;
  output signed [2*WIDTH-1:0] P;

  reg signed [WIDTH-1:0] x_r, y_r;
  reg signed [2*WIDTH-1:0] p_r;
  reg signed [2*WIDTH-1:0] sum;
  reg [WIDTH:0] recoded;
  integer i;

  always @* begin
    recoded = {y_r, 1'b0};
    sum = 0;
    for (i = 0; i < WIDTH / 2; i = i + 1) begin
      case (recoded[2:0])
        `BOOTH_P1A, `BOOTH_P1B: sum = sum + (x_r <<< (2 * i));
        `BOOTH_P2: sum = sum + (x_r <<< (2 * i + 1));
        `BOOTH_N2: sum = sum - (x_r <<< (2 * i + 1));
        `BOOTH_N1A, `BOOTH_N1B: sum = sum - (x_r <<< (2 * i));
        default: sum = sum;
      endcase
      recoded = recoded >> 2;
    end
  end

  always @(posedge CLK or negedge RST_N)
    if (!RST_N) begin
      x_r <= 0;
      y_r <= 0;
      p_r <= 0;
    end else begin
      x_r <= MULTIPLICAND;
      y_r <= MULTIPLIER;
      p_r <= sum;
    end

  assign P = p_r;
endmodule
