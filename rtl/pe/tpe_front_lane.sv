// tpe_front_lane -- one lane of a sparse front: encode a group of operands, emit non-zero digits.
//
// A group is Group operands of consecutive k at one bit weight; the planes come outermost, least
// significant first, or (MsbFirst) most significant, and the source sends the groups of a lane once
// per plane. Planes are counted as they come. A group takes as many cycles as it has non-zero
// digits, at least one.
// Primitive : encode, sparse       (arXiv:2503.06342, OPT3 and OPT4)
// Latency   : 1 cycle from the accepted group to its first digit.
`default_nettype none

module tpe_front_lane #(
    parameter  int unsigned AWidth     = 8,
    parameter  int unsigned Group      = 4,
    parameter  int unsigned CodeWidth  = 3,
    parameter  int unsigned IndexWidth = 10,  // addresses the resident B
    parameter  int unsigned PlaneWidth = 2,
    parameter  int unsigned Encoder    = tpe_pkg::EncoderEnt,
    parameter  int unsigned MsbFirst   = 0
) (
    input  wire  logic                      clk_i,
    input  wire  logic                      rst_ni,
    input  wire  logic                      en_i,     // 0 holds every register
    // groups of A: taken in an enabled cycle
    input  wire  logic                      valid_i,
    output       logic                      ready_o,  // whatever en_i is: it comes late
    input  wire  logic [Group*AWidth-1:0]   a_i,
    input  wire  logic                      last_i,   // the last group of K
    output       logic [PlaneWidth-1:0]     next_o,   // the plane that the next group is of
    // steps: one a cycle
    output       logic                      valid_o,
    output       logic [CodeWidth-1:0]      code_o,   // zero: the group is empty
    output       logic [IndexWidth-1:0]     index_o,  // row of B
    output       logic [PlaneWidth-1:0]     plane_o,
    output       logic                      first_o,  // the first step of a plane
    output       logic                      last_o    // the last step of a plane
);

  localparam int unsigned NumDigits  = (AWidth + 1) / 2;
  localparam int unsigned LaneWidth  = $clog2(Group);
  localparam int unsigned GroupWidth = IndexWidth - LaneWidth;
  localparam logic [PlaneWidth-1:0] LastPlane = PlaneWidth'(NumDigits - 1);

  if (Group != 2 ** LaneWidth || CodeWidth != 3 || IndexWidth <= LaneWidth
      || NumDigits > 2 ** PlaneWidth) begin : gen_check
    $error("tpe_front_lane: Group a power of 2, CodeWidth 3, IndexWidth > log2 Group");
  end

  logic [Group-1:0][NumDigits-1:0][2:0] digit;
  logic [Group-1:0][2:0]                code_d, code_q;       // the digits of this plane
  logic [Group-1:0]                     nonzero_d, nonzero_q, rest;
  logic [LaneWidth-1:0]                 lane;
  logic                                 busy_q;               // a group is held
  logic                                 begun_q;              // its first step is done
  logic                                 group_last_q;         // it is the last of K
  logic [GroupWidth-1:0]                group_q, group_next_q;
  logic [PlaneWidth-1:0]                plane_q, plane_next_q;
  logic                                 accept, done;

  for (genvar g = 0; g < Group; g++) begin : gen_operand
    tpe_encode #(
        .Width  (AWidth),
        .Encoder(Encoder)
    ) u_encode (
        .a_i    (a_i[g*AWidth+:AWidth]),
        .digit_o(digit[g])
    );
    if (MsbFirst != 0) begin : gen_falling
      assign code_d[g]    = digit[g][LastPlane-plane_next_q];
      assign nonzero_d[g] = |digit[g][LastPlane-plane_next_q][1:0];
    end else begin : gen_rising
      assign code_d[g]    = digit[g][plane_next_q];
      assign nonzero_d[g] = |digit[g][plane_next_q][1:0];
    end
  end

  tpe_sparse #(
      .Group(Group)
  ) u_sparse (
      .nonzero_i(nonzero_q),
      .index_o  (lane),
      .rest_o   (rest)
  );

  assign done    = ~|rest;
  assign ready_o = !busy_q || done;
  assign accept  = valid_i && ready_o;  // if enabled

  assign valid_o = busy_q;
  assign code_o  = code_q[lane];
  assign index_o = {group_q, lane};
  assign plane_o = plane_q;
  assign first_o = (group_q == '0) && !begun_q;
  assign last_o  = group_last_q && done;

  assign next_o  = plane_next_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      busy_q       <= 1'b0;
      group_next_q <= '0;
      plane_next_q <= '0;
    end else if (en_i) begin
      busy_q <= accept || (busy_q && !done);
      if (accept) begin
        group_next_q <= last_i ? '0 : group_next_q + 1'b1;
        if (last_i) begin
          plane_next_q <= (plane_next_q == LastPlane) ? '0 : plane_next_q + 1'b1;
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (en_i) begin
      if (accept) begin
        code_q       <= code_d;
        nonzero_q    <= nonzero_d;
        group_q      <= group_next_q;
        plane_q      <= plane_next_q;
        group_last_q <= last_i;
        begun_q      <= 1'b0;
      end else if (busy_q) begin
        nonzero_q <= rest;
        begun_q   <= 1'b1;
      end
    end
  end

endmodule

`default_nettype wire
