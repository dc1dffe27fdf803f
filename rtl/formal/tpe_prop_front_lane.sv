// tpe_prop_front_lane -- in a lane with stages every non-zero digit of a group leaves in its turn.
//
// Groups are followed in places of their own, as many as there are stages, and one in work: a group
// moves on when the next place is free or becomes so, into work when it is allowed to, and takes
// max(1, non-zero digits) steps there. One operand of the groups is watched, free but constant: its
// digit at the plane of its group must leave once, with the right code and row of B; a zero digit
// never does. What is ready, and which group closes a plane, is what the places say, so that no
// cycle is lost. en_i = 0 holds all of it.
// fails_o   : the property does not hold. The digits are those of tpe_encode, proved by itself.
`default_nettype none

module tpe_prop_front_lane #(
    parameter  int unsigned AWidth      = 3,
    parameter  int unsigned Group       = 4,
    parameter  int unsigned CodeWidth   = 3,
    parameter  int unsigned IndexWidth  = 4,
    parameter  int unsigned PlaneWidth  = 1,
    parameter  int unsigned Encoder     = tpe_pkg::EncoderBooth,
    parameter  int unsigned MsbFirst    = 0,  // 1: the first plane is that of the top digit
    parameter  int unsigned FrontStages = 2,
    localparam int unsigned LaneWidth   = $clog2(Group),
    localparam int unsigned NumDigits   = (AWidth + 1) / 2,
    localparam int unsigned NumGroups   = 2 ** (IndexWidth - LaneWidth),
    localparam int unsigned Work        = FrontStages - 1  // the place in work, behind the stages
) (
    input  wire  logic                      clk_i,
    input  wire  logic                      en_i,
    input  wire  logic                      valid_i,
    input  wire  logic                      allowed_i,
    input  wire  logic [Group*AWidth-1:0]   a_i,
    input  wire  logic                      last_i,
    input  wire  logic [LaneWidth-1:0]      watch_i,  // taken in the first cycle
    output       logic                      fails_o
);

  logic                  begun_q = 1'b0;
  logic                  rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                  ready, closes, valid, first, last, step_last;
  logic [CodeWidth-1:0]  code;
  logic [IndexWidth-1:0] index;
  logic [PlaneWidth-1:0] plane, next;

  tpe_front_lane_staged #(
      .AWidth     (AWidth),
      .Group      (Group),
      .CodeWidth  (CodeWidth),
      .IndexWidth (IndexWidth),
      .PlaneWidth (PlaneWidth),
      .Encoder    (Encoder),
      .MsbFirst   (MsbFirst),
      .FrontStages(FrontStages)
  ) u_front (
      .clk_i,
      .rst_ni   (rst_nq),
      .en_i,
      .valid_i  (valid_i && begun_q),
      .ready_o  (ready),
      .a_i,
      .last_i   (last),
      .next_o   (next),
      .allowed_i,
      .closes_o (closes),
      .valid_o  (valid),
      .code_o   (code),
      .index_o  (index),
      .plane_o  (plane),
      .first_o  (first),
      .last_o   (step_last)
  );

  // ---- a group as it comes: its steps, and the digit that is watched ----------------------------

  // K is at most what the index can address: the group in its last place is the last one.
  logic [31:0]                          next_group_q, next_plane_q;
  logic [LaneWidth-1:0]                 watch_q;
  logic [Group-1:0][NumDigits-1:0][2:0] digit;
  logic [31:0]                          weight, steps;
  logic [2:0]                           watched;

  assign last   = last_i || next_group_q == NumGroups - 1;
  assign weight = (MsbFirst != 0) ? NumDigits - 1 - next_plane_q : next_plane_q;

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
    steps   = 0;
    watched = '0;
    for (int unsigned g = 0; g < Group; g++) begin
      for (int unsigned p = 0; p < NumDigits; p++) begin
        if (weight == p && digit[g][p] != '0) steps = steps + 1;
        if (weight == p && 32'(watch_q) == g) watched = digit[g][p];
      end
    end
    if (steps == 0) steps = 1;
  end

  // ---- the places -------------------------------------------------------------------------------

  logic [Work:0]       held_q, last_q, moves;  // moves: it takes what is before it
  logic [Work:0][31:0] steps_q, group_q, plane_q;
  logic [Work:0][2:0]  digit_q;
  logic [31:0]         left_q;                 // steps of the group in work, this one included
  logic                hit_q, opening_q;       // its digit has left; it has had no step

  always_comb begin
    for (int unsigned s = 0; s <= Work; s++) begin
      moves[s] = !held_q[Work] || left_q == 1;
      if (s < Work) moves[s] = moves[s] && held_q[Work-1] && allowed_i;
      for (int unsigned later = s; later < Work; later++) begin
        if (!held_q[later]) moves[s] = 1'b1;
      end
    end
  end

  logic step, hit, begins;

  assign step   = begun_q && held_q[Work];
  assign hit    = index[LaneWidth-1:0] == watch_q && code != '0;
  assign begins = held_q[Work-1] && moves[Work] && allowed_i;

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    if (!begun_q) begin
      watch_q      <= watch_i;
      held_q       <= '0;
      next_group_q <= 0;
      next_plane_q <= 0;
    end else if (en_i) begin
      for (int unsigned s = 0; s < Work; s++) begin
        if (moves[s]) begin
          held_q[s]  <= (s == 0) ? valid_i : held_q[(s == 0) ? 0 : s-1];
          last_q[s]  <= (s == 0) ? last : last_q[(s == 0) ? 0 : s-1];
          steps_q[s] <= (s == 0) ? steps : steps_q[(s == 0) ? 0 : s-1];
          group_q[s] <= (s == 0) ? next_group_q : group_q[(s == 0) ? 0 : s-1];
          plane_q[s] <= (s == 0) ? next_plane_q : plane_q[(s == 0) ? 0 : s-1];
          digit_q[s] <= (s == 0) ? watched : digit_q[(s == 0) ? 0 : s-1];
        end
      end
      if (valid_i && moves[0]) begin
        next_group_q <= last ? 0 : next_group_q + 1;
        if (last) next_plane_q <= (next_plane_q == NumDigits - 1) ? 0 : next_plane_q + 1;
      end
      if (moves[Work]) held_q[Work] <= begins;
      if (step) begin
        left_q    <= left_q - 1;
        hit_q     <= hit_q || hit;
        opening_q <= 1'b0;
      end
      if (begins) begin
        left_q        <= steps_q[Work-1];
        hit_q         <= 1'b0;
        opening_q     <= group_q[Work-1] == 0;
        last_q[Work]  <= last_q[Work-1];
        group_q[Work] <= group_q[Work-1];
        plane_q[Work] <= plane_q[Work-1];
        digit_q[Work] <= digit_q[Work-1];
      end
    end
  end

  logic wrong_step, wrong_hit, lost;

  assign wrong_step = 32'(index[IndexWidth-1:LaneWidth]) != group_q[Work]
                   || 32'(plane) != plane_q[Work] || first != opening_q
                   || step_last != (last_q[Work] && left_q == 1);
  assign wrong_hit  = hit && (hit_q || digit_q[Work] == '0 || code != digit_q[Work]);
  assign lost       = left_q == 1 && digit_q[Work] != '0 && !hit_q && !hit;

  assign fails_o = begun_q
                 && (valid != held_q[Work] || ready != moves[0]
                     || closes != (begins && last_q[Work-1])
                     || (valid && (wrong_step || wrong_hit || lost))
                     || 32'(next) != next_plane_q);

endmodule

`default_nettype wire
