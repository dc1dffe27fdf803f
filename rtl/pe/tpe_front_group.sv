// tpe_front_group -- the front of a row that takes the digits of a group at all bit weights.
//
// A group is Group operands of consecutive k. It is encoded as it enters, and takes max(1, ceil
// (non-zero digits / Lanes)) steps; that one is its last is known before it, so that what says when
// the row goes on is made of registers. A step sends the lowest digit that is left, with two lanes
// the highest, too; a lane without a digit sends zero. Up to Window groups wait behind the one in
// work.
// Primitive : encode, sparse       (arXiv:2503.06342, OPT4; there bit weights are outermost)
// Latency   : 2 cycles from the accepted group to its first digit: the group, and the digit found.
`default_nettype none

module tpe_front_group #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned Lanes      = 1,   // digits a step, 1 or 2
    parameter int unsigned Group      = 4,   // operands of K in a group, a power of 2
    parameter int unsigned Window     = 0,   // groups by which a row may lead the slowest
    parameter int unsigned CodeWidth  = 7,   // a code is {slot, operand, plane, digit}
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned Encoder    = tpe_pkg::EncoderEnt,
    parameter int unsigned Hold       = tpe_pkg::HoldMux  // HoldZero: digits are 0 without a step
) (
    input  wire  logic                         clk_i,
    input  wire  logic                         rst_ni,
    input  wire  logic                         en_i,     // 0 holds every register
    // groups of A
    input  wire  logic                         valid_i,  // one enters; only where there is room
    output       logic                         room_o,   // ... for one, with this cycle
    input  wire  logic [Group*AWidth-1:0]      a_i,
    input  wire  logic                         first_i,  // the first group of K
    output       logic                         idle_o,   // no step is left behind this cycle
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
  localparam int unsigned EntryWidth = 3 * NumCodes + 1;

  if (Lanes < 1 || Lanes > 2 || Group != 2 ** ItemWidth || Group < 2 || Window > 2
      || FieldWidth != ItemWidth + SlotWidth || NumDigits > 2 ** PlaneWidth) begin : gen_check
    $error("tpe_front_group: Lanes 1..2, Group a power of 2, Window 0..2, CodeWidth as it says");
  end

  // ---- a group as it enters --------------------------------------------------------------------

  logic [Group-1:0][NumDigits-1:0][2:0] digit;
  logic [NumCodes-1:0][2:0]             codes_in;
  logic [EntryWidth-1:0]                entry_in;

  for (genvar g = 0; g < Group; g++) begin : gen_operand
    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i    (a_i[g*AWidth+:AWidth]),
        .digit_o(digit[g])
    );
    for (genvar p = 0; p < NumDigits; p++) begin : gen_plane
      assign codes_in[p*Group+g] = digit[g][p];
    end
  end

  assign entry_in = {first_i, codes_in};

  // ---- groups that wait, the oldest lowest -----------------------------------------------------

  logic                  busy_q;  // a group is in work
  logic                  more_q;  // it has digits for a step behind this one
  logic                  over;    // behind this cycle it is not in work
  logic                  load;    // the next one is taken into work
  logic                  waits;   // one waits
  logic [EntryWidth-1:0] entry;   // the next one

  assign over = !busy_q || !more_q;

  if (Window == 0) begin : gen_alone
    assign waits  = 1'b0;
    assign room_o = over;
    assign load   = over && valid_i;
    assign entry  = entry_in;
  end else begin : gen_queue
    localparam int unsigned WaitBits  = Window * EntryWidth;
    localparam int unsigned FillWidth = $clog2(Window + 1);

    logic [WaitBits-1:0]  wait_d, wait_q;
    logic [FillWidth-1:0] fill_q, fill;  // how many wait; less the one that is taken
    logic                 pop, push;

    assign waits  = (fill_q != '0);
    assign room_o = over || fill_q != FillWidth'(Window);
    assign load   = over && (waits || valid_i);
    assign entry  = waits ? wait_q[EntryWidth-1:0] : entry_in;
    assign pop    = over && waits;
    assign push   = valid_i && !(over && !waits);
    assign fill   = fill_q - FillWidth'(pop);

    always_comb begin
      wait_d = pop ? WaitBits'({EntryWidth'(0), wait_q} >> EntryWidth) : wait_q;
      for (int unsigned i = 0; i < Window; i++) begin
        if (push && fill == FillWidth'(i)) wait_d[i*EntryWidth+:EntryWidth] = entry_in;
      end
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) fill_q <= '0;
      else if (en_i) fill_q <= fill + FillWidth'(push);
    end

    always_ff @(posedge clk_i) begin
      if (en_i) wait_q <= wait_d;
    end
  end

  assign idle_o = over && !waits;

  // ---- the group in work -----------------------------------------------------------------------

  logic                       start_q;  // it is the first one of K, and this its first step
  logic                       lone_q;   // one digit is left of it at most
  logic [NumCodes-1:0][2:0]   codes_q;
  logic [NumCodes-1:0]        flag_d, flag_q, rest;  // digits that are left; behind this step
  logic [Lanes-1:0]           none;     // the lane has no digit
  logic [Lanes*CodeWidth-1:0] code_d;
  logic [FieldWidth-1:0]      base;     // {slot, 0}

  for (genvar i = 0; i < NumCodes; i++) begin : gen_flag
    assign flag_d[i] = load ? |entry[3*i+:2] : rest[i];
  end

  // Whether one, two, three digits are left or more: a tree, node i above 2 i and 2 i + 1.
  logic [2*NumCodes-1:0] one, two, three;

  always_comb begin
    one   = {flag_d, NumCodes'(0)};
    two   = '0;
    three = '0;
    for (int unsigned i = NumCodes - 1; i > 0; i--) begin
      one[i]   = one[2*i] || one[2*i+1];
      two[i]   = two[2*i] || two[2*i+1] || (one[2*i] && one[2*i+1]);
      three[i] = three[2*i] || three[2*i+1] || (two[2*i] && one[2*i+1])
              || (one[2*i] && two[2*i+1]);
    end
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q  <= 1'b0;
      start_q <= 1'b0;
    end else if (en_i) begin
      busy_q  <= load || !over;
      start_q <= load && entry[EntryWidth-1];
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      flag_q <= flag_d;
      more_q <= (Lanes == 2) ? three[1] : two[1];
      lone_q <= !two[1];
      if (load) codes_q <= entry[EntryWidth-2:0];
    end
  end

  if (Window == 0) begin : gen_one_slot
    assign base = '0;
  end else begin : gen_slots
    logic [SlotWidth-1:0] slot_q;  // of the B at a cell's port

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) slot_q <= '0;
      else if (en_i && busy_q && over) begin
        slot_q <= (slot_q == SlotWidth'(Window)) ? '0 : slot_q + 1'b1;
      end
    end

    assign base = {slot_q, ItemWidth'(0)};
  end

  // ---- the digits of a step: from below, and from above ----------------------------------------

  logic [Lanes-1:0][PlaceWidth-1:0] place;  // where in the group the lane's digit stands
  logic [Lanes-1:0][NumCodes-1:0]   kept;   // digits that the lane leaves

  tpe_sparse #(
      .Group(NumCodes)
  ) u_lowest (
      .nonzero_i(flag_q),
      .index_o  (place[0]),
      .rest_o   (kept[0])
  );

  // Of a group without a digit the lowest code is sent, which is zero.
  if (Hold == tpe_pkg::HoldZero) begin : gen_zero
    assign none[0] = !busy_q;
  end else begin : gen_any
    assign none[0] = 1'b0;
  end

  if (Lanes == 2) begin : gen_highest
    logic [NumCodes-1:0]   turned, turned_rest;
    logic [PlaceWidth-1:0] turned_place;

    for (genvar i = 0; i < NumCodes; i++) begin : gen_turn
      assign turned[i]  = flag_q[NumCodes-1-i];
      assign kept[1][i] = turned_rest[NumCodes-1-i];
    end

    tpe_sparse #(
        .Group(NumCodes)
    ) u_highest (
        .nonzero_i(turned),
        .index_o  (turned_place),
        .rest_o   (turned_rest)
    );

    assign place[1] = PlaceWidth'(NumCodes - 1) - turned_place;

    // The last digit is the other lane's.
    if (Hold == tpe_pkg::HoldZero) begin : gen_zero_too
      assign none[1] = lone_q || !busy_q;
    end else begin : gen_any_too
      assign none[1] = lone_q;
    end
  end else begin : gen_lowest
    logic unused_lone;
    assign unused_lone = lone_q;
  end

  assign rest = kept[0] & kept[Lanes-1];

  for (genvar l = 0; l < Lanes; l++) begin : gen_code
    logic [2:0]            found;
    logic [PlaneWidth-1:0] plane;

    assign found = none[l] ? 3'b000 : codes_q[place[l]];
    assign plane = PlaneWidth'({1'b0, place[l]} >> ItemWidth);
    assign code_d[l*CodeWidth+:CodeWidth] =
        {base | FieldWidth'(place[l][ItemWidth-1:0]), plane, found};
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) valid_o <= 1'b0;
    else if (en_i) valid_o <= busy_q && (start_q || |flag_q);
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      first_o <= start_q;
      code_o  <= code_d;
    end
  end

endmodule

`default_nettype wire
