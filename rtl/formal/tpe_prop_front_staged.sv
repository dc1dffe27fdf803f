// tpe_prop_front_staged -- every non-zero digit of an accepted group leaves once, in its turn.
//
// One digit of one operand is watched, free but constant. Groups are followed in a queue of their
// own: a group takes max(1, ceil (non-zero digits / Lanes)) steps, and the watched digit must leave
// in one of them, once, with the right code; a zero digit never does. Every digit has the slot of
// its group. Stages ahead of the window move on as those of tpe_matrix2d_window_staged; what is
// registered of room_o and idle_o is what the queue says. While it is not enabled all is held;
// with EnAhead en_i says so of the next cycle.
// HoldZero: digits are zero without a step, once a cycle has been enabled.
// fails_o   : the property does not hold. The digits are those of tpe_encode, proved by itself.
`default_nettype none

module tpe_prop_front_staged #(
    parameter  int unsigned AWidth     = 3,
    parameter  int unsigned Lanes      = 1,
    parameter  int unsigned Group      = 4,
    parameter  int unsigned Window     = 0,
    parameter  int unsigned CodeWidth  = 6,
    parameter  int unsigned PlaneWidth = 1,
    parameter  int unsigned FrontStages = 2,
    parameter  int unsigned EnAhead     = 0,
    parameter  int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter  int unsigned Hold       = tpe_pkg::HoldMux,
    localparam int unsigned NumDigits  = (AWidth + 1) / 2,
    localparam int unsigned ItemWidth  = $clog2(Group)
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,
    input  wire  logic                    valid_i,
    input  wire  logic                    welcome_i,  // the rows may take one
    input  wire  logic [Group*AWidth-1:0] a_i,
    input  wire  logic                    first_i,
    input  wire  logic [ItemWidth-1:0]    item_i,   // taken in the first cycle
    input  wire  logic [PlaneWidth-1:0]   plane_i,  // likewise
    output       logic                    fails_o
);

  logic                       begun_q = 1'b0;
  logic                       goes_q = 1'b0;  // ... and the cycle behind the reset is over
  logic                       rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  localparam int unsigned Ahead = FrontStages - 1;
  localparam int unsigned Last  = Ahead - 1;

  logic                       en, en_q, en_cells, valid, first;
  logic [1:0]                 room, idle;
  logic                       room_q, idle_q, take, push;
  logic [Ahead-1:0]           full_q, move;
  logic [Lanes*CodeWidth-1:0] code;

  assign en   = (EnAhead != 0) ? en_q : en_i;
  assign push = full_q[Last] && room_q && welcome_i;
  assign take = begun_q && valid_i && move[0];

  always_comb begin
    for (int unsigned s = 0; s < Ahead; s++) begin
      move[s] = !full_q[s] || push;
      for (int unsigned later = s + 1; later < Ahead; later++) begin
        if (!full_q[later]) move[s] = 1'b1;
      end
    end
  end

  tpe_front_group_staged #(
      .AWidth     (AWidth),
      .Lanes      (Lanes),
      .Group      (Group),
      .Window     (Window),
      .CodeWidth  (CodeWidth),
      .PlaneWidth (PlaneWidth),
      .FrontStages(FrontStages),
      .EnAhead    (EnAhead),
      .Encoder    (Encoder),
      .Hold       (Hold)
  ) u_front (
      .clk_i,
      .rst_ni (rst_nq),
      .en_i,
      .en_o   (en_cells),
      .enter_i(move[0]),
      .shift_i(move[Last]),
      .push_i (push),
      .a_i,
      .first_i,
      .room_o (room),
      .idle_o (idle),
      .valid_o(valid),
      .first_o(first),
      .code_o (code)
  );

  // ---- a group as it enters: its steps, and the digit that is watched ---------------------------

  logic [ItemWidth-1:0]                 item_q;
  logic [PlaneWidth-1:0]                plane_q;
  logic [Group-1:0][NumDigits-1:0][2:0] digit;
  logic [31:0]                          count;
  logic [2:0]                           watched;

  for (genvar g = 0; g < Group; g++) begin : gen_operand
    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i    (a_i[g*AWidth+:AWidth]),
        .digit_o(digit[g])
    );
  end

  always_comb begin
    count   = 0;
    watched = '0;
    for (int unsigned g = 0; g < Group; g++) begin
      for (int unsigned p = 0; p < NumDigits; p++) begin
        if (digit[g][p] != '0) count = count + 1;
        if (32'(item_q) == g && 32'(plane_q) == p) watched = digit[g][p];
      end
    end
  end

  // ---- the stages ahead -------------------------------------------------------------------------

  logic [Ahead-1:0][31:0] count_s;
  logic [Ahead-1:0][2:0]  watched_s;
  logic [Ahead-1:0]       first_s;

  always_ff @(posedge clk_i) begin
    if (en) begin
      for (int unsigned s = 0; s < Ahead; s++) begin
        if (move[s]) begin
          count_s[s]   <= (s == 0) ? count : count_s[(s == 0) ? 0 : s-1];
          watched_s[s] <= (s == 0) ? watched : watched_s[(s == 0) ? 0 : s-1];
          first_s[s]   <= (s == 0) ? first_i : first_s[(s == 0) ? 0 : s-1];
        end
      end
    end
  end

  // ---- the groups that are held, the one in work lowest -----------------------------------------

  localparam int unsigned Held = Window + 1;

  logic [Held-1:0][31:0] left_q, left;    // steps that are left, this one included
  logic [Held-1:0][2:0]  digit_q, digits;
  logic [Held-1:0]       empty_q, empty, start_q, start;
  logic [31:0]           held_q, kept;    // how many; ... with this cycle's end
  logic                  over;
  logic [31:0]           slot_q;          // of the group in work
  logic                  hit_q;           // the watched digit has left

  assign over = held_q != 0 && left_q[0] == 1;
  assign kept = over ? held_q - 1 : held_q;

  always_comb begin
    left    = left_q;
    digits  = digit_q;
    empty   = empty_q;
    start   = start_q;
    left[0] = left_q[0] - 1;
    start[0] = 1'b0;  // the first step alone
    if (over) begin
      for (int unsigned i = 0; i + 1 < Held; i++) begin
        left[i]   = left_q[i+1];
        digits[i] = digit_q[i+1];
        empty[i]  = empty_q[i+1];
        start[i]  = start_q[i+1];
      end
    end
    for (int unsigned i = 0; i < Held; i++) begin
      if (push && kept == i) begin
        left[i]   = (count_s[Last] == 0) ? 1 : (count_s[Last] + Lanes - 1) / Lanes;
        digits[i] = watched_s[Last];
        empty[i]  = (count_s[Last] == 0);
        start[i]  = first_s[Last];
      end
    end
  end

  // ---- a step as it leaves, a cycle later -------------------------------------------------------

  logic             step_q, over_q, out_empty_q, out_first_q;
  logic             told_q;  // there has been an enabled cycle
  logic [2:0]       out_digit_q;
  logic [31:0]      out_slot_q;
  logic [Lanes-1:0] hit, wrong;  // the lane sends the watched digit; ... or what it must not
  logic [Lanes-1:0] stray;       // ... a digit without a step

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    goes_q  <= begun_q;
    rst_nq  <= 1'b1;
    en_q    <= !begun_q || en_i;
    if (!begun_q) begin
      full_q  <= '0;
      room_q  <= 1'b1;
      idle_q  <= 1'b1;
      item_q  <= item_i;
      plane_q <= plane_i;
      held_q  <= 0;
      slot_q  <= 0;
      step_q  <= 1'b0;
      hit_q   <= 1'b0;
      told_q  <= 1'b0;
    end else if (en) begin
      for (int unsigned s = 0; s < Ahead; s++) begin
        if (move[s]) full_q[s] <= (s == 0) ? take : full_q[(s == 0) ? 0 : s-1];
      end
      room_q  <= push ? room[1] : room[0];
      idle_q  <= push ? idle[1] : idle[0];
      left_q  <= left;
      digit_q <= digits;
      empty_q <= empty;
      start_q <= start;
      held_q  <= push ? kept + 1 : kept;
      if (over) slot_q <= (slot_q == Window) ? 0 : slot_q + 1;
      told_q      <= 1'b1;
      step_q      <= held_q != 0;
      over_q      <= over;
      out_empty_q <= empty_q[0];
      out_first_q <= start_q[0];
      out_digit_q <= digit_q[0];
      out_slot_q  <= slot_q;
      if (step_q) hit_q <= !over_q && (hit_q || |hit);
    end
  end

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [CodeWidth-1:0] sent;
    logic [31:0]          item, slot;

    assign sent = code[l*CodeWidth+:CodeWidth];
    assign item = 32'(sent[3+PlaneWidth+:ItemWidth]);
    assign slot = 32'(sent >> (3 + PlaneWidth + ItemWidth));
    assign hit[l] = valid && sent[2:0] != '0 && item == 32'(item_q)
                  && sent[3+:PlaneWidth] == plane_q;
    assign wrong[l] = valid && sent[2:0] != '0 && (slot != out_slot_q
                    || (hit[l] && sent[2:0] != out_digit_q));
    assign stray[l] = told_q && !valid && sent[2:0] != '0;
  end

  logic twice, lost;
  assign twice = |hit && (hit_q || &hit && Lanes > 1);
  assign lost  = over_q && out_digit_q != '0 && !hit_q && !(|hit);

  assign fails_o = begun_q
                 && (room_q != (kept <= Window) || idle_q != (kept == 0)
                     || (goes_q && en_cells != en)
                     || valid != (step_q && (out_first_q || !out_empty_q))
                     || (valid && first != out_first_q)
                     || (Hold == tpe_pkg::HoldZero && |stray)
                     || (step_q && (|wrong || twice || lost)));

endmodule

`default_nettype wire
