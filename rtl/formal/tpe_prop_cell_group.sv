// tpe_prop_cell_group -- a step adds every lane's digit times its B, at its bit weight.
//
// For every psum_i and every state of the registers: behind an enabled cycle in which a step with
// valid_i is at the psum, Latency enabled cycles behind the one that sent it, the psum is, as a
// number, psum_i, or zero with first_i, and the sum over the lanes of
// digit * B[operand] * 4**plane, modulo 2**AccWidth. Behind any other cycle it is what it was.
// fails_o   : the property does not hold, where every code is one.
`default_nettype none

module tpe_prop_cell_group #(
    parameter  int unsigned AWidth     = 8,
    parameter  int unsigned BWidth     = 8,
    parameter  int unsigned AccWidth   = 32,
    parameter  int unsigned Lanes      = 1,
    parameter  int unsigned CodeWidth  = 7,
    parameter  int unsigned PsumWidth  = 64,
    parameter  int unsigned PlaneWidth = 2,
    parameter  int unsigned Offered    = 4,
    parameter  int unsigned Latency    = 0,
    localparam int unsigned NumDigits  = (AWidth + 1) / 2,
    localparam int unsigned IndexWidth = CodeWidth - PlaneWidth - 3
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         en_i,
    input  wire  logic                         valid_i,
    input  wire  logic                         first_i,
    input  wire  logic [Lanes*CodeWidth-1:0]   code_i,
    input  wire  logic [Offered*BWidth-1:0]    b_i,
    input  wire  logic [PlaneWidth-1:0]        plane_i,
    input  wire  logic [PsumWidth-1:0]         psum_i,
    output       logic                         fails_o
);

  logic [PsumWidth-1:0] psum, before_q;
  logic                 done_q = 1'b0;
  logic                 legal_q, step_q;
  logic [AccWidth-1:0]  sum, sum_q;  // the number after the step

  tpe_cell #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .Offered   (Offered)
  ) u_cell (
      .clk_i,
      .rst_ni(1'b1),
      .en_i,
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o(psum)
  );

  logic [Lanes-1:0]               known, legal;
  logic [Lanes-1:0][3:0]          digit;
  logic [Lanes-1:0][BWidth-1:0]   b;
  logic [Lanes-1:0][AccWidth-1:0] wide, multiple, word;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [CodeWidth-1:0]  code;
    logic [IndexWidth-1:0] index;
    logic [PlaneWidth-1:0] plane;

    assign code  = code_i[l*CodeWidth+:CodeWidth];
    assign plane = code[3+:PlaneWidth];
    assign index = code[3+PlaneWidth+:IndexWidth];

    tpe_spec_digit #(
        .Width(4)
    ) u_digit (
        .digit_i(code[2:0]),
        .legal_o(known[l]),
        .value_o(digit[l])
    );

    assign legal[l] = known[l] && 32'(index) < Offered && 32'(plane) < NumDigits;
    assign b[l]     = BWidth'(b_i >> (32'(index) * BWidth));
    assign wide[l]  = AccWidth'($signed(b[l]));

    always_comb begin
      case (digit[l])
        4'd1: multiple[l] = wide[l];
        4'd2: multiple[l] = wide[l] << 1;
        4'd15: multiple[l] = -wide[l];
        4'd14: multiple[l] = -(wide[l] << 1);
        default: multiple[l] = '0;
      endcase
      word[l] = multiple[l];
      for (int unsigned p = 0; p < NumDigits; p++) begin
        if (32'(plane) == p) word[l] = multiple[l] << (2 * p);
      end
    end
  end

  // What is at the psum, from the first cycle on in which it is what came here.
  logic [AccWidth-1:0] words, words_l;
  logic                valid_l, first_l, legal_l;
  logic [31:0]         age_q = 0;
  logic                known_q = 1'b0;

  always_comb begin
    words = '0;
    for (int unsigned l = 0; l < Lanes; l++) words = words + word[l];
    sum = first_l ? '0 : psum_i[AccWidth-1:0] + psum_i[PsumWidth-1:AccWidth];
    sum = sum + words_l;
  end

  tpe_delay #(
      .Width (3 + AccWidth),
      .Cycles(Latency)
  ) u_delay (
      .clk_i,
      .en_i,
      .d_i({valid_i, first_i, &legal, words}),
      .d_o({valid_l, first_l, legal_l, words_l})
  );

  always_ff @(posedge clk_i) begin
    if (en_i && age_q != Latency) age_q <= age_q + 1;
    done_q   <= 1'b1;
    known_q  <= age_q == Latency;
    legal_q  <= legal_l;
    step_q   <= en_i && valid_l;
    sum_q    <= sum;
    before_q <= psum;
  end

  logic [AccWidth-1:0] value;
  assign value   = psum[AccWidth-1:0] + psum[PsumWidth-1:AccWidth];
  assign fails_o = done_q && known_q && legal_q
                 && (step_q ? value != sum_q : psum != before_q);

endmodule

`default_nettype wire
