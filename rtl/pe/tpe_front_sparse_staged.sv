// tpe_front_sparse_staged -- tpe_front_sparse with stages ahead of the groups in work.
//
// Lanes take the next plane's groups into their stages while others are still in this one: where
// they meet is behind the stages, and is said by registers, so that it costs no cycle.
// Primitive : encode, sparse       (arXiv:2503.06342, OPT3 and OPT4; OPT4E has four lanes)
// Latency   : FrontStages cycles from the accepted group to its first digit.
`default_nettype none

module tpe_front_sparse_staged #(
    parameter  int unsigned AWidth      = 8,
    parameter  int unsigned Lanes       = 1,
    parameter  int unsigned Group       = 4,
    parameter  int unsigned CodeWidth   = 3,
    parameter  int unsigned IndexWidth  = 10,  // addresses the resident B
    parameter  int unsigned PlaneWidth  = 2,
    parameter  int unsigned Encoder     = tpe_pkg::EncoderEnt,
    parameter  int unsigned MsbFirst    = 0,   // 1: the most significant plane comes first
    parameter  int unsigned FrontStages = 2    // 2..3, see tpe_front_lane_staged
) (
    input  wire  logic                               clk_i,
    input  wire  logic                               rst_ni,
    input  wire  logic                               en_i,       // 0 holds every register
    // groups of A, a stream per lane: taken in an enabled cycle
    input  wire  logic [Lanes-1:0]                   valid_i,
    output       logic [Lanes-1:0]                   ready_o,    // whatever en_i is: it comes late
    input  wire  logic [Lanes*Group*AWidth-1:0]      a_i,
    input  wire  logic [Lanes-1:0]                   last_i,     // the lane's last group of K
    output       logic [Lanes-1:0]                   closing_o,  // its next group: last plane
    // steps: one a cycle
    output       logic                               valid_o,
    output       logic [Lanes*CodeWidth-1:0]         code_o,     // zero: the lane has no digit
    output       logic [Lanes-1:0][IndexWidth-1:0]   index_o,    // rows of B
    output       logic [PlaneWidth-1:0]              plane_o,
    output       logic                               first_o,    // the first step of a plane
    output       logic                               last_o,     // the last step of a plane
    output       logic                               final_o     // the plane is the last one
);

  localparam int unsigned NumDigits  = (AWidth + 1) / 2;
  localparam int unsigned GroupBits  = $clog2(Group);
  localparam int unsigned LaneBits   = $clog2(Lanes);
  localparam int unsigned LaneWidth  = IndexWidth - LaneBits;  // index within a lane's own groups
  localparam logic [PlaneWidth-1:0] LastPlane = PlaneWidth'(NumDigits - 1);

  if (Lanes != 2 ** LaneBits || LaneWidth <= GroupBits) begin : gen_check
    $error("tpe_front_sparse_staged: Lanes a power of 2, IndexWidth > log2 (Lanes Group)");
  end

  logic [Lanes-1:0]                  allowed, closes, valid, first, last;
  logic [Lanes-1:0][PlaneWidth-1:0]  next, plane;

  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    logic [CodeWidth-1:0]   code;
    logic [LaneWidth-1:0]   index;

    tpe_front_lane_staged #(
        .AWidth     (AWidth),
        .Group      (Group),
        .CodeWidth  (CodeWidth),
        .IndexWidth (LaneWidth),
        .PlaneWidth (PlaneWidth),
        .Encoder    (Encoder),
        .MsbFirst   (MsbFirst),
        .FrontStages(FrontStages)
    ) u_lane (
        .clk_i,
        .rst_ni,
        .en_i,
        .valid_i  (valid_i[l]),
        .ready_o  (ready_o[l]),
        .a_i      (a_i[l*Group*AWidth+:Group*AWidth]),
        .last_i   (last_i[l]),
        .next_o   (next[l]),
        .allowed_i(allowed[l]),
        .closes_o (closes[l]),
        .valid_o  (valid[l]),
        .code_o   (code),
        .index_o  (index),
        .plane_o  (plane[l]),
        .first_o  (first[l]),
        .last_o   (last[l])
    );

    assign closing_o[l] = (next[l] == LastPlane);
    assign code_o[l*CodeWidth+:CodeWidth] = valid[l] ? code : '0;
    if (Lanes > 1) begin : gen_index
      assign index_o[l] = {index[LaneWidth-1:GroupBits], LaneBits'(l), index[GroupBits-1:0]};
    end else begin : gen_index
      assign index_o[l] = index;
    end
  end

  assign valid_o = |valid;
  assign final_o = (plane_o == LastPlane);

  if (Lanes == 1) begin : gen_alone
    assign allowed = 1'b1;
    assign plane_o = plane;
    assign first_o = first;
    assign last_o  = last;

    logic unused_closes;
    assign unused_closes = closes;
  end else begin : gen_meeting
    logic [PlaneWidth-1:0] now_q;     // the plane that the lanes are in
    logic                  begun_q;   // it has had a step
    logic [Lanes-1:0]      closed_q;  // the lane has its last group of it in work, or behind it
    logic                  met;       // with this cycle all lanes have finished it

    assign met     = &(closed_q & (last | ~valid));
    assign allowed = ~closed_q | {Lanes{met}};
    assign plane_o = now_q;
    assign first_o = !begun_q;
    assign last_o  = met;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        now_q    <= '0;
        begun_q  <= 1'b0;
        closed_q <= '0;
      end else if (en_i) begin
        if (met) now_q <= (now_q == LastPlane) ? '0 : now_q + 1'b1;
        if (valid_o) begun_q <= !met;
        closed_q <= (met ? '0 : closed_q) | closes;
      end
    end

    logic unused_lanes;
    assign unused_lanes = ^{plane, first};
  end

endmodule

`default_nettype wire
