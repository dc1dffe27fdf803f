// tpe_prop_front_group -- every non-zero digit of an accepted group leaves once, in its turn.
//
// One digit of one operand is watched, free but constant. Groups are followed in a queue of their
// own: a group takes max(1, ceil (non-zero digits / Lanes)) steps, and the watched digit must leave
// in one of them, once, with the right code; a zero digit never does. Every digit has the slot of
// its group. room_o and idle_o are those of the queue. en_i = 0 holds everything.
// HoldZero: digits are zero without a step, once a cycle has been enabled.
// fails_o   : the property does not hold. The digits are those of tpe_encode, proved by itself.
`default_nettype none

module tpe_prop_front_group #(
    parameter  int unsigned AWidth     = 3,
    parameter  int unsigned Lanes      = 1,
    parameter  int unsigned Group      = 4,
    parameter  int unsigned Window     = 0,
    parameter  int unsigned CodeWidth  = 6,
    parameter  int unsigned PlaneWidth = 1,
    parameter  int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter  int unsigned Hold       = tpe_pkg::HoldMux,
    localparam int unsigned NumDigits  = (AWidth + 1) / 2,
    localparam int unsigned ItemWidth  = $clog2(Group)
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,
    input  wire  logic                    valid_i,
    input  wire  logic [Group*AWidth-1:0] a_i,
    input  wire  logic                    first_i,
    input  wire  logic [ItemWidth-1:0]    item_i,   // taken in the first cycle
    input  wire  logic [PlaneWidth-1:0]   plane_i,  // likewise
    output       logic                    fails_o
);

  logic                       begun_q = 1'b0;
  logic                       rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                       room, idle, valid, first, take;
  logic [Lanes*CodeWidth-1:0] code;

  assign take = begun_q && valid_i && room;

  tpe_front_group #(
      .AWidth    (AWidth),
      .Lanes     (Lanes),
      .Group     (Group),
      .Window    (Window),
      .CodeWidth (CodeWidth),
      .PlaneWidth(PlaneWidth),
      .Encoder   (Encoder),
      .Hold      (Hold)
  ) u_front (
      .clk_i,
      .rst_ni (rst_nq),
      .en_i,
      .valid_i(take),
      .room_o (room),
      .a_i,
      .first_i,
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
      if (take && kept == i) begin
        left[i]   = (count == 0) ? 1 : (count + Lanes - 1) / Lanes;
        digits[i] = watched;
        empty[i]  = (count == 0);
        start[i]  = first_i;
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
    rst_nq  <= 1'b1;
    if (!begun_q) begin
      item_q  <= item_i;
      plane_q <= plane_i;
      held_q  <= 0;
      slot_q  <= 0;
      step_q  <= 1'b0;
      hit_q   <= 1'b0;
      told_q  <= 1'b0;
    end else if (en_i) begin
      left_q  <= left;
      digit_q <= digits;
      empty_q <= empty;
      start_q <= start;
      held_q  <= take ? kept + 1 : kept;
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
                 && (room != (kept <= Window) || idle != (kept == 0)
                     || valid != (step_q && (out_first_q || !out_empty_q))
                     || (valid && first != out_first_q)
                     || (Hold == tpe_pkg::HoldZero && |stray)
                     || (step_q && (|wrong || twice || lost)));

endmodule

`default_nettype wire
