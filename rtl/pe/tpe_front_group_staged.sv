// tpe_front_group_staged -- tpe_front_group with stages ahead of its window, and behind it.
//
// A group is encoded, its digits are counted as far as two steps go and its first ones found before
// it enters the window, in stages that whoever has all rows moves on. What says that a group is
// over, now or in the next cycle, is then a register, and what the next cycle will have room for is
// known with this one. The digits of a step stand in a register as one flag each, so that the
// search for the next ones goes beside the choice of these.
// Primitive : encode, sparse       (arXiv:2503.06342, OPT4; there bit weights are outermost)
// Latency   : from the group at a_i to its first digit FrontStages + 1 cycles, if nothing waits:
//             FrontStages 2 encodes, counts and finds in one stage ahead of the window; 3 encodes
//             in one more.
`default_nettype none

module tpe_front_group_staged #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned Lanes       = 1,   // digits a step, 1 or 2
    parameter int unsigned Group       = 4,   // operands of K in a group, a power of 2
    parameter int unsigned Window      = 0,   // groups by which a row may lead the slowest
    parameter int unsigned CodeWidth   = 7,   // a code is {slot, operand, plane, digit}
    parameter int unsigned PlaneWidth  = 2,
    parameter int unsigned FrontStages = 2,   // 2..3
    parameter int unsigned EnAhead     = 0,   // 1: en_i is that of the next cycle
    parameter int unsigned Encoder     = tpe_pkg::EncoderEnt,
    parameter int unsigned Hold        = tpe_pkg::HoldMux  // HoldZero: digits are 0 without a step
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    output       logic                         en_o,     // likewise, of the row's cells
    // groups of A, on their way to the window
    input  wire  logic                         enter_i,  // the first stage takes what is at a_i
    input  wire  logic                         shift_i,  // the last one what is before it
    input  wire  logic                         push_i,   // the last one's group enters the window
    input  wire  logic [Group*AWidth-1:0]      a_i,
    input  wire  logic                         first_i,  // the first group of K
    // of the next cycle, if no group enters with this one, and if one does
    output       logic [1:0]                   room_o,   // one can enter
    output       logic [1:0]                   idle_o,   // no step is left behind it
    // steps: one a cycle
    output       logic                         valid_o,  // there is a digit, or K begins
    output       logic                         first_o,  // K begins
    output       logic [Lanes*CodeWidth-1:0]   code_o
);

  localparam int unsigned NumDigits  = (AWidth + 1) / 2;
  localparam int unsigned NumCodes   = Group * NumDigits;  // of a group, the lowest plane first
  localparam int unsigned PlaceWidth = $clog2(NumCodes);
  localparam int unsigned ItemWidth  = $clog2(Group);      // of an operand within its group
  localparam int unsigned SlotWidth  = $clog2(Window + 1);
  localparam int unsigned FieldWidth = CodeWidth - PlaneWidth - 3;  // {slot, operand}
  localparam int unsigned GroupWidth = 1 + 3 * NumCodes;               // {first, codes}
  localparam int unsigned DataWidth  = GroupWidth + Lanes * NumCodes;  // {first, codes, found}
  localparam bit          Early      = (FrontStages >= 3);             // encoded a stage earlier

  if (Lanes < 1 || Lanes > 2 || Group != 2 ** ItemWidth || Group < 2 || Window > 2
      || FrontStages < 2 || FrontStages > 3 || FieldWidth != ItemWidth + SlotWidth
      || NumDigits > 2 ** PlaneWidth) begin : gen_check
    $error("tpe_front_group_staged: as tpe_front_group, FrontStages 2..3");
  end

  // ---- whether the row goes on -----------------------------------------------------------------

  logic en;

  if (EnAhead != 0) begin : gen_en
    logic held_q, cells_q;  // the cells' own, low in reset: nothing is on its way to them

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        held_q  <= 1'b0;
        cells_q <= 1'b0;
      end else begin
        held_q  <= !en_i;
        cells_q <= en_i;
      end
    end

    assign en   = !held_q;
    assign en_o = cells_q;
  end else begin : gen_en_now
    assign en   = en_i;
    assign en_o = en_i;
  end

  // ---- encoded ---------------------------------------------------------------------------------

  logic [Group-1:0][NumDigits-1:0][2:0] digit;
  logic [NumCodes-1:0][2:0]             codes_in;
  logic [GroupWidth-1:0]                group;  // {first, codes}

  for (genvar g = 0; g < Group; g++) begin : genperand
    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i    (a_i[g*AWidth+:AWidth]),
        .digit_o(digit[g])
    );
    for (genvar p = 0; p < NumDigits; p++) begin : gen_plane
      // {negative, twice, not zero}: so the digits that are left have a bit of their own
      assign codes_in[p*Group+g] = {digit[g][p][2:1], |digit[g][p][1:0]};
    end
  end

  if (Early) begin : gen_early
    always_ff @(posedge clk_i) begin
      if (en && enter_i) group <= {first_i, codes_in};
    end
  end else begin : gen_same
    assign group = {first_i, codes_in};
  end

  // ---- counted, and its first digits found ------------------------------------------------------

  logic [NumCodes-1:0]        flag;      // a digit is not zero
  logic [2*Lanes:0]           at_least;  // 1, 2, ... digits are not
  logic [Lanes*NumCodes-1:0]  found_in;
  logic [DataWidth-1:0]       data_in;   // of the last stage
  logic [1:0]                 steps_in;  // it takes two steps; it takes one

  for (genvar i = 0; i < NumCodes; i++) begin : gen_flag
    assign flag[i] = group[3*i];
  end

  tpe_tally #(
      .Width(NumCodes),
      .Most (2 * Lanes + 1)
  ) u_tally_in (
      .flag_i    (flag),
      .at_least_o(at_least)
  );

  tpe_ends #(
      .Width(NumCodes),
      .Ends (Lanes)
  ) u_ends_in (
      .flag_i(flag),
      .end_o (found_in)
  );

  always_ff @(posedge clk_i) begin
    if (en && (Early ? shift_i : enter_i)) begin
      data_in  <= {group, found_in};
      steps_in <= {at_least[Lanes] && !at_least[2*Lanes], !at_least[Lanes]};
    end
  end

  if (!Early) begin : genne_ahead
    logic unused_shift;
    assign unused_shift = shift_i;
  end

  // ---- what is in work -------------------------------------------------------------------------

  // What is not known to come is taken all the same where there is nothing else: only whether a
  // group is in work, and how many wait, depends on what all rows say.
  logic                 busy_q;    // a group is in work
  logic                 goes_q;    // ... and goes on behind this cycle
  logic                 second_q;  // then the next one is its last
  logic                 third;     // ... the one behind that is
  logic                 waits;     // a group waits
  logic                 load;      // the next one is taken into work
  logic [1:0]           steps;     // of the next one
  logic [DataWidth-1:0] data;

  assign load = !goes_q && (waits || push_i);

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q <= 1'b0;
      goes_q <= 1'b0;
    end else if (en) begin
      busy_q <= load || goes_q;
      goes_q <= goes_q ? !second_q : load && !steps[0];
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) second_q <= goes_q ? third : steps[1];
  end

  // ---- groups that wait, the oldest lowest ------------------------------------------------------

  if (Window == 0) begin : gen_alone
    assign waits  = 1'b0;
    assign steps  = steps_in;
    assign data   = data_in;
    assign room_o = {steps_in[0], !goes_q || second_q};
    assign idle_o = room_o;
  end else begin : gen_queue
    localparam int unsigned WaitBits  = Window * DataWidth;
    localparam int unsigned StepBits  = Window * 2;
    localparam int unsigned FillWidth = $clog2(Window + 1);

    logic [WaitBits-1:0]  wait_d, wait_q;
    logic [StepBits-1:0]  steps_d, steps_q;
    logic [FillWidth-1:0] fill_q, fill;  // how many wait; less the one that is taken
    logic                 pop;
    logic [1:0]           ends, none;    // no group is in work in the next cycle; none waits

    assign waits = (fill_q != '0);
    assign pop   = !goes_q && waits;
    assign fill  = fill_q - FillWidth'(pop);
    assign steps = waits ? steps_q[1:0] : steps_in;
    assign data  = waits ? wait_q[DataWidth-1:0] : data_in;

    always_comb begin
      wait_d  = pop ? WaitBits'({DataWidth'(0), wait_q} >> DataWidth) : wait_q;
      steps_d = pop ? StepBits'({2'b00, steps_q} >> 2) : steps_q;
      for (int unsigned i = 0; i < Window; i++) begin
        if (fill == FillWidth'(i)) begin
          wait_d[i*DataWidth+:DataWidth] = data_in;
          steps_d[2*i+:2]                = steps_in;
        end
      end
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) fill_q <= '0;
      else if (en) fill_q <= fill + FillWidth'(push_i && !none[1]);
    end

    always_ff @(posedge clk_i) begin
      if (en) begin
        wait_q  <= wait_d;
        steps_q <= steps_d;
      end
    end

    assign ends[0] = goes_q ? second_q : !waits || steps_q[0];
    assign ends[1] = goes_q ? second_q : steps[0];
    assign none[0] = (fill == '0);
    assign none[1] = !goes_q && !waits;
    assign room_o  = ends | {none[1] || fill != FillWidth'(Window - 1), fill != FillWidth'(Window)};
    assign idle_o  = ends & none;
  end

  // ---- the digits of a step: from below, and from above -----------------------------------------

  logic                       start_q;            // it is the first step of K
  logic [NumCodes-1:0][2:0]   codes_q;
  logic [Lanes*NumCodes-1:0]  found_q, found;     // the digits of a step, lane 0 lowest; the next
  logic [NumCodes-1:0]        rest_q, rest_new;   // digits left behind it; of a group taken
  logic [2*Lanes:0]           left;               // 1, 2, ... of the former, or more
  logic [NumCodes-1:0]        sent, sent_new;     // those that the next step, or its first, has
  logic [FieldWidth-1:0]      base;               // {slot, 0}
  logic [Lanes*CodeWidth-1:0] code_d;

  tpe_ends #(
      .Width(NumCodes),
      .Ends (Lanes)
  ) u_ends (
      .flag_i(rest_q),
      .end_o (found)
  );

  tpe_tally #(
      .Width(NumCodes),
      .Most (2 * Lanes + 1)
  ) u_tally (
      .flag_i    (rest_q),
      .at_least_o(left)
  );

  assign third = left[Lanes] && !left[2*Lanes];  // two steps are behind this one

  assign sent     = found[0+:NumCodes] | found[(Lanes-1)*NumCodes+:NumCodes];
  assign sent_new = data[0+:NumCodes] | data[(Lanes-1)*NumCodes+:NumCodes];

  always_comb begin
    for (int unsigned i = 0; i < NumCodes; i++) begin
      rest_new[i] = data[Lanes*NumCodes+3*i] && !sent_new[i];
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) start_q <= 1'b0;
    else if (en) start_q <= !goes_q && data[DataWidth-1];
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      if (!goes_q) codes_q <= data[DataWidth-2:Lanes*NumCodes];
      found_q <= goes_q ? found : data[0+:Lanes*NumCodes];
      rest_q  <= goes_q ? rest_q & ~sent : rest_new;
    end
  end

  if (Window == 0) begin : gen_no_slot
    assign base = '0;
  end else begin : gen_slots
    logic [SlotWidth-1:0] slot_q;  // of the B at a cell's port

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) slot_q <= '0;
      else if (en && busy_q && !goes_q) begin
        slot_q <= (slot_q == SlotWidth'(Window)) ? '0 : slot_q + 1'b1;
      end
    end

    assign base = {slot_q, ItemWidth'(0)};
  end

  // ---- their codes ------------------------------------------------------------------------------

  for (genvar l = 0; l < Lanes; l++) begin : gen_code
    logic [NumCodes-1:0]   here;   // the lane's digit; none where it is the other lane's
    logic [PlaceWidth-1:0] place;  // where in the group it stands
    logic [2:0]            chosen;  // {negative, twice, not zero}

    if (l == 0) begin : gen_lowest
      assign here = found_q[0+:NumCodes];
    end else begin : gen_highest
      assign here = found_q[l*NumCodes+:NumCodes] & ~found_q[0+:NumCodes];
    end

    always_comb begin
      place  = '0;
      chosen = '0;
      for (int unsigned i = 0; i < NumCodes; i++) begin
        if (here[i]) place = place | PlaceWidth'(i);
        if (here[i]) chosen = chosen | codes_q[i];
      end
      if (Hold == tpe_pkg::HoldZero && !busy_q) chosen = '0;
    end

    assign code_d[l*CodeWidth+:CodeWidth] =
        {base | FieldWidth'(place[ItemWidth-1:0]),
         PlaneWidth'({1'b0, place} >> ItemWidth), chosen[2:1], chosen[0] && !chosen[1]};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_o <= 1'b0;
    else if (en) valid_o <= busy_q && (start_q || |found_q[0+:NumCodes]);
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      first_o <= start_q;
      code_o  <= code_d;
    end
  end

endmodule

`default_nettype wire
