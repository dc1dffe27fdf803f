// tpe_front_lane_staged -- tpe_front_lane with stages ahead of the group in work.
//
// A group is encoded before it is taken into work, in stages that have room for one each. Where its
// first digit stands, and whether it has another one, is found as it is taken, and for each further
// step beside the choice of this one's digit. So whether a group goes on is a register: what the
// source has room for, and where lanes meet, depend on no search.
// Primitive : encode, sparse       (arXiv:2503.06342, OPT3 and OPT4)
// Latency   : FrontStages cycles from the accepted group to its first digit, if nothing waits:
//             FrontStages 2 encodes in one stage ahead, 3 in two (tpe_encode_cut).
`default_nettype none

module tpe_front_lane_staged #(
    parameter  int unsigned AWidth      = 8,
    parameter  int unsigned Group       = 4,
    parameter  int unsigned CodeWidth   = 3,
    parameter  int unsigned IndexWidth  = 10,  // addresses the resident B
    parameter  int unsigned PlaneWidth  = 2,
    parameter  int unsigned Encoder     = tpe_pkg::EncoderEnt,
    parameter  int unsigned MsbFirst    = 0,
    parameter  int unsigned FrontStages = 2    // 2..3
) (
    input  wire  logic                      clk_i,
    input  wire  logic                      rst_ni,
    input  wire  logic                      en_i,       // 0 holds every register
    // groups of A: taken in an enabled cycle
    input  wire  logic                      valid_i,
    output       logic                      ready_o,    // whatever en_i is: it comes late
    input  wire  logic [Group*AWidth-1:0]   a_i,
    input  wire  logic                      last_i,     // the last group of K
    output       logic [PlaneWidth-1:0]     next_o,     // the plane that the next group is of
    // the group that waits longest
    input  wire  logic                      allowed_i,  // it may be taken into work
    output       logic                      closes_o,   // it is, and is the last of K
    // steps: one a cycle
    output       logic                      valid_o,
    output       logic [CodeWidth-1:0]      code_o,     // zero: the group is empty
    output       logic [IndexWidth-1:0]     index_o,    // row of B
    output       logic [PlaneWidth-1:0]     plane_o,
    output       logic                      first_o,    // the first step of a plane
    output       logic                      last_o      // the last step of a plane
);

  localparam int unsigned NumDigits  = (AWidth + 1) / 2;
  localparam int unsigned LaneWidth  = $clog2(Group);
  localparam int unsigned GroupWidth = IndexWidth - LaneWidth;
  localparam int unsigned Ahead      = FrontStages - 1;  // stages before the group in work
  localparam int unsigned Last       = Ahead - 1;        // the last of them
  localparam logic [PlaneWidth-1:0] LastPlane = PlaneWidth'(NumDigits - 1);

  if (Group != 2 ** LaneWidth || CodeWidth != 3 || IndexWidth <= LaneWidth
      || NumDigits > 2 ** PlaneWidth || FrontStages < 2 || FrontStages > 3) begin : gen_check
    $error("tpe_front_lane_staged: as tpe_front_lane, FrontStages 2..3");
  end

  // ---- groups on their way to the work ----------------------------------------------------------

  logic              goes_q;          // the group in work goes on behind this cycle
  logic              load;            // the one that waits is taken, if enabled
  logic              accept;
  logic [Ahead-1:0]  full_q, tail_q;  // a stage has a group; it is the last of K
  logic [Ahead-1:0]  move;            // it takes what is before it, if enabled

  assign load     = full_q[Last] && !goes_q && allowed_i;
  assign closes_o = load && tail_q[Last];
  assign ready_o  = move[0];
  assign accept   = valid_i && move[0];

  for (genvar s = 0; s < Ahead; s++) begin : gen_ahead
    assign move[s] = !full_q[s] || ((s == Last) ? load : move[(s == Last) ? s : s+1]);

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) full_q[s] <= 1'b0;
      else if (en_i && move[s]) full_q[s] <= (s == 0) ? accept : full_q[(s == 0) ? 0 : s-1];
    end

    always_ff @(posedge clk_i) begin
      if (en_i && move[s]) tail_q[s] <= (s == 0) ? last_i : tail_q[(s == 0) ? 0 : s-1];
    end
  end

  // ---- encoded, at the plane that it comes for --------------------------------------------------

  logic [PlaneWidth-1:0]                next_q, plane_in;  // of the next group; of one encoded now
  logic [Group-1:0][NumDigits-1:0][2:0] digit;
  logic [Group-1:0][2:0]                wait_q;            // of the last stage

  assign next_o = next_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) next_q <= '0;
    else if (en_i && accept && last_i) next_q <= (next_q == LastPlane) ? '0 : next_q + 1'b1;
  end

  if (FrontStages == 2) begin : gen_plane
    assign plane_in = next_q;
  end else begin : gen_plane_cut
    always_ff @(posedge clk_i) begin
      if (en_i && move[0]) plane_in <= next_q;
    end
  end

  for (genvar g = 0; g < Group; g++) begin : gen_operand
    if (FrontStages == 2) begin : gen_whole
      tpe_encode #(
          .Width  (AWidth),
          .Encoder(Encoder)
      ) u_encode (
          .a_i    (a_i[g*AWidth+:AWidth]),
          .digit_o(digit[g])
      );
    end else begin : gen_cut
      tpe_encode_cut #(
          .Width  (AWidth),
          .Encoder(Encoder)
      ) u_encode (
          .clk_i,
          .en_i   (en_i && move[0]),
          .a_i    (a_i[g*AWidth+:AWidth]),
          .digit_o(digit[g])
      );
    end

    always_ff @(posedge clk_i) begin
      if (en_i && move[Last]) begin
        wait_q[g] <= digit[g][(MsbFirst != 0) ? LastPlane - plane_in : plane_in];
      end
    end
  end

  // ---- its digits -------------------------------------------------------------------------------

  logic [Group-1:0]      nonzero, rest_in;  // of the group that waits; those behind its first
  logic [LaneWidth-1:0]  lane_in;           // where its first digit stands
  logic [Group-1:0]      rest_q, rest;      // digits behind this step; behind the next one
  logic [LaneWidth-1:0]  lane_q, lane;      // where the digit of this step stands; of the next one

  for (genvar g = 0; g < Group; g++) begin : gen_flag
    assign nonzero[g] = |wait_q[g][1:0];
  end

  tpe_sparse #(
      .Group(Group)
  ) u_sparse_in (
      .nonzero_i(nonzero),
      .index_o  (lane_in),
      .rest_o   (rest_in)
  );

  tpe_sparse #(
      .Group(Group)
  ) u_sparse (
      .nonzero_i(rest_q),
      .index_o  (lane),
      .rest_o   (rest)
  );

  // ---- the group in work ------------------------------------------------------------------------

  // What waits is taken all the same where nothing does: busy_q and goes_q alone say that there is
  // a group.
  logic [Group-1:0][2:0]  code_q;
  logic                   busy_q;            // a group is in work
  logic                   first_q, close_q;  // its first step of the plane; its last group
  logic [GroupWidth-1:0]  group_q, group_next_q;
  logic [PlaneWidth-1:0]  plane_q, plane_next_q;

  assign valid_o = busy_q;
  assign code_o  = code_q[lane_q];
  assign index_o = {group_q, lane_q};
  assign plane_o = plane_q;
  assign first_o = first_q;
  assign last_o  = close_q && !goes_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q       <= 1'b0;
      goes_q       <= 1'b0;
      group_next_q <= '0;
      plane_next_q <= '0;
    end else if (en_i) begin
      busy_q <= load || goes_q;
      goes_q <= goes_q ? |rest : load && (|rest_in);
      if (load) group_next_q <= tail_q[Last] ? '0 : group_next_q + 1'b1;
      if (closes_o) plane_next_q <= (plane_next_q == LastPlane) ? '0 : plane_next_q + 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      lane_q  <= goes_q ? lane : lane_in;
      rest_q  <= goes_q ? rest : rest_in;
      first_q <= !goes_q && group_next_q == '0;
      if (!goes_q) begin
        code_q  <= wait_q;
        group_q <= group_next_q;
        plane_q <= plane_next_q;
        close_q <= tail_q[Last];
      end
    end
  end

endmodule

`default_nettype wire
