// tpe_prop_cell_group -- a step adds every lane's digit times its B, at its bit weight.
//
// For every psum_i and every state of the registers: behind an enabled cycle in which a step with
// valid_i is at the psum, Latency enabled cycles behind the one that sent it, the psum is, as a
// number, psum_i, or zero with first_i, and the sum over the lanes of
// digit * B[operand] * 4**plane, modulo 2**AccWidth. Behind any other cycle it is what it was.
// NegateRow, Biased: the cell leaves a part of that to its row, 4**plane of a negative digit less
// 2**(BWidth+1) 4**plane of any; its psum lacks that part, and the row's term, which has term_i in
// the place of psum_i, gets it: together they are what is said above. HoldZero: every cycle is an
// enabled one; digits are zero where valid_i is low, and behind that the psum is psum_i's number.
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
    parameter  int unsigned Kind       = 1,  // of the psum, as tpe_spec_psum has it
    parameter  int unsigned Hold       = tpe_pkg::HoldMux,
    parameter  int unsigned Negate     = tpe_pkg::NegateAdder,
    parameter  int unsigned Biased     = 0,
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
    input  wire  logic [AccWidth-1:0]          term_i,
    output       logic                         fails_o
);

  localparam bit Held = (Hold == tpe_pkg::HoldMux);

  logic                 en;
  logic [PsumWidth-1:0] psum, before_q;
  logic [AccWidth-1:0]  term, term_q;  // of the row; in the cycle before
  logic [AccWidth-1:0]  value, number, number_q;  // of psum; of psum_i, ... in the cycle before
  logic                 done_q = 1'b0;
  logic                 legal_q, step_q;
  logic [AccWidth-1:0]  sum, sum_q;  // the number after the step
  logic [AccWidth-1:0]  count, count_q;  // the term after it

  assign en = en_i || !Held;

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
      .en_i  (en),
      .valid_i,
      .first_i,
      .code_i,
      .b_i,
      .plane_i,
      .psum_i,
      .psum_o(psum)
  );

  tpe_row #(
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .CellLatency(Latency)
  ) u_row (
      .clk_i,
      .rst_ni(1'b1),
      .en_i  (en),
      .valid_i,
      .first_i,
      .code_i,
      .term_i,
      .term_o(term)
  );

  logic [AccWidth-1:0] unused_pair, unused_pair_i;

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (1),
      .Width    (AccWidth),
      .PsumWidth(PsumWidth)
  ) u_value (
      .psum_i (psum),
      .pair_o (unused_pair),
      .value_o(value)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (1),
      .Width    (AccWidth),
      .PsumWidth(PsumWidth)
  ) u_number (
      .psum_i,
      .pair_o (unused_pair_i),
      .value_o(number)
  );

  logic [Lanes-1:0]               known, legal;
  logic [Lanes-1:0][3:0]          digit;
  logic [Lanes-1:0][BWidth-1:0]   b;
  logic [Lanes-1:0][AccWidth-1:0] wide, multiple, word;
  logic [Lanes-1:0][AccWidth-1:0] left;  // what the cell leaves to its row

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

    assign legal[l] = known[l] && 32'(index) < Offered && 32'(plane) < NumDigits
                    && (valid_i || Held || digit[l] == '0);
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
      left[l] = (Negate == tpe_pkg::NegateRow) ? AccWidth'(code[2]) : '0;
      if (Biased != 0) left[l] = left[l] - (AccWidth'(1) << (BWidth + 1));
      for (int unsigned p = 0; p < NumDigits; p++) begin
        if (32'(plane) == p) begin
          word[l] = multiple[l] << (2 * p);
          left[l] = left[l] << (2 * p);
        end
      end
    end
  end

  // What is at the psum, from the first cycle on in which it is what came here.
  logic [AccWidth-1:0] words, words_l, lefts, lefts_l;
  logic                valid_l, first_l, legal_l;
  logic [31:0]         age_q = 0;
  logic                known_q = 1'b0;

  always_comb begin
    words = '0;
    lefts = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      words = words + (word[l] - left[l]);
      lefts = lefts + left[l];
    end
    sum   = (first_l ? '0 : number) + words_l;
    count = (first_l ? '0 : term_i) + lefts_l;
  end

  tpe_delay #(
      .Width (3 + 2 * AccWidth),
      .Cycles(Latency)
  ) u_delay (
      .clk_i,
      .en_i(en),
      .d_i({valid_i, first_i, &legal, words, lefts}),
      .d_o({valid_l, first_l, legal_l, words_l, lefts_l})
  );

  always_ff @(posedge clk_i) begin
    if (en && age_q != Latency) age_q <= age_q + 1;
    done_q   <= 1'b1;
    known_q  <= age_q == Latency;
    legal_q  <= legal_l;
    step_q   <= en && valid_l;
    sum_q    <= sum;
    count_q  <= count;
    before_q <= psum;
    term_q   <= term;
    number_q <= number;
  end

  localparam bit RowTerm = (Negate == tpe_pkg::NegateRow) || (Biased != 0);

  logic stays, counts;
  assign stays   = Held ? psum == before_q : value == number_q;
  assign counts  = !RowTerm || term == (step_q ? count_q : term_q);
  assign fails_o = done_q && known_q && legal_q
                 && (!counts || (step_q ? value != sum_q : !stays));

endmodule

`default_nettype wire
