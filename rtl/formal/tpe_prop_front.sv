// tpe_prop_front -- every non-zero digit of an accepted group leaves once, in the group's place.
//
// One operand of the group is watched, free but constant. Its digit at the plane of the group must
// be emitted exactly once before the group is over, with the right code, row of B and plane; a zero
// digit never is. An empty group takes one step with code zero. en_i = 0 holds the step.
// fails_o   : the property does not hold. The digits are those of tpe_encode, proved by itself.
`default_nettype none

module tpe_prop_front #(
    parameter  int unsigned AWidth     = 3,
    parameter  int unsigned Group      = 4,
    parameter  int unsigned CodeWidth  = 3,
    parameter  int unsigned IndexWidth = 4,
    parameter  int unsigned PlaneWidth = 1,
    parameter  int unsigned Encoder    = tpe_pkg::EncoderBooth,
    parameter  int unsigned MsbFirst   = 0,  // 1: the first plane is that of the top digit
    localparam int unsigned LaneWidth  = $clog2(Group),
    localparam int unsigned NumDigits  = (AWidth + 1) / 2,
    localparam int unsigned NumGroups  = 2 ** (IndexWidth - LaneWidth)
) (
    input  wire  logic                      clk_i,
    input  wire  logic                      en_i,
    input  wire  logic                      valid_i,
    input  wire  logic [Group*AWidth-1:0]   a_i,
    input  wire  logic                      last_i,
    input  wire  logic [LaneWidth-1:0]      watch_i,  // taken in the first cycle
    output       logic                      fails_o
);

  logic                  begun_q = 1'b0;
  logic                  rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                  ready, valid, first, last, step_last;
  logic [CodeWidth-1:0]  code;
  logic [IndexWidth-1:0] index;
  logic [PlaneWidth-1:0] plane, next;

  tpe_front_lane #(
      .AWidth    (AWidth),
      .Group     (Group),
      .CodeWidth (CodeWidth),
      .IndexWidth(IndexWidth),
      .PlaneWidth(PlaneWidth),
      .Encoder   (Encoder),
      .MsbFirst  (MsbFirst)
  ) u_front (
      .clk_i,
      .rst_ni   (rst_nq),
      .en_i,
      .valid_i  (valid_i && begun_q),
      .ready_o  (ready),
      .a_i,
      .last_i   (last),
      .next_o   (next),
      .valid_o  (valid),
      .code_o   (code),
      .index_o  (index),
      .plane_o  (plane),
      .first_o  (first),
      .last_o   (step_last)
  );

  // K is at most what the index can address: the group in its last place is the last one.
  logic [31:0]                 next_group_q, next_plane_q;
  assign last = last_i || next_group_q == NumGroups - 1;

  // The digits of the operand that is watched, and how many operands are not zero at the plane.
  logic [LaneWidth-1:0]                 watch_q;
  logic [Group-1:0][NumDigits-1:0][2:0] digit;
  logic [Group-1:0][2:0]                now;
  logic [31:0]                          busy, weight;  // operands; the bit weight of the plane

  assign weight = (MsbFirst != 0) ? NumDigits - 1 - next_plane_q : next_plane_q;

  for (genvar g = 0; g < Group; g++) begin : gen_operand
    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i    (a_i[g*AWidth+:AWidth]),
        .digit_o(digit[g])
    );
    assign now[g] = digit[g][$clog2(NumDigits+1)'(weight)];
  end

  always_comb begin
    busy = 0;
    for (int unsigned g = 0; g < Group; g++) begin
      if (now[g] != '0) busy = busy + 1;
    end
  end

  // The group that is held, as it must leave.
  logic        held_q, hit_q, last_q, opening_q;
  logic [2:0]  digit_q;
  logic [31:0] left_q, group_q, plane_q;  // steps left of it, its place, its plane
  logic        accept, step, over, hit;

  assign accept = begun_q && valid_i && ready && en_i;
  assign step   = begun_q && valid && en_i;
  assign over   = step && left_q == 1;
  assign hit    = index[LaneWidth-1:0] == watch_q && code != '0;

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    if (!begun_q) begin
      watch_q      <= watch_i;
      held_q       <= 1'b0;
      next_group_q <= 0;
      next_plane_q <= 0;
    end else begin
      if (over) held_q <= 1'b0;
      if (step) begin
        left_q    <= left_q - 1;
        hit_q     <= hit_q || hit;
        opening_q <= 1'b0;
      end
      if (accept) begin
        held_q       <= 1'b1;
        hit_q        <= 1'b0;
        last_q       <= last;
        opening_q    <= (next_group_q == 0);
        digit_q      <= now[watch_q];
        left_q       <= (busy == 0) ? 1 : busy;
        group_q      <= next_group_q;
        plane_q      <= next_plane_q;
        next_group_q <= last ? 0 : next_group_q + 1;
        if (last) next_plane_q <= (next_plane_q == NumDigits - 1) ? 0 : next_plane_q + 1;
      end
    end
  end

  logic wrong_step, wrong_hit, lost;

  assign wrong_step = 32'(index[IndexWidth-1:LaneWidth]) != group_q || 32'(plane) != plane_q
                   || first != opening_q || step_last != (last_q && left_q == 1);
  assign wrong_hit  = hit && (hit_q || digit_q == '0 || code != digit_q);
  assign lost       = left_q == 1 && digit_q != '0 && !hit_q && !hit;

  assign fails_o = begun_q
                 && (valid != held_q || (accept && held_q && !over)
                     || (valid && (wrong_step || wrong_hit || lost))
                     || 32'(next) != next_plane_q);

endmodule

`default_nettype wire
