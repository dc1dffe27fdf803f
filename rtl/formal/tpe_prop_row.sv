// tpe_prop_row -- every plane of a sparse row waits for the finish and is taken once, in order.
//
// Groups come when they like, each lane with its own number of them. The finish takes a plane when
// it likes: one before the last in the row's slot, the last one in the drain. The planes taken are
// 0, 1, 2 and so on, each after its groups have all come, and none stays behind: with the finish
// willing, a plane that has come is taken within Quiet cycles in which no group comes: those of a
// group in work, and of two a stage, since lanes that meet may each have another plane's. Without
// Shadow the finish takes a plane before the last when it has been asked; with MsbFirst it takes
// none, and the last one holds them all.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_row #(
    parameter  int unsigned AWidth     = 5,
    parameter  int unsigned BWidth     = 2,
    parameter  int unsigned AccWidth   = 8,
    parameter  int unsigned Lanes      = 1,
    parameter  int unsigned Group      = 2,
    parameter  int unsigned CodeWidth  = 3,
    parameter  int unsigned IndexWidth = 3,
    parameter  int unsigned PsumWidth  = 16,
    parameter  int unsigned PlaneWidth = 2,
    parameter  int unsigned OwnFronts  = 0,
    parameter  int unsigned MsbFirst   = 0,
    parameter  int unsigned Shadow     = 1,
    parameter  int unsigned Hold       = tpe_pkg::HoldMux,
    parameter  int unsigned CarryEvery = 1,
    parameter  int unsigned FrontStages = 1,  // all but one are ahead of the group in work
    localparam int unsigned NumDigits  = (AWidth + 1) / 2,
    localparam int unsigned NumGroups  = 2 ** (IndexWidth - $clog2(Group * Lanes)),
    localparam int unsigned Few        = (PsumWidth - 1) / (CarryEvery + 1),
    localparam int unsigned TermWidth  = PsumWidth - ((CarryEvery == 1) ? PsumWidth / 2 : Few),
    localparam int unsigned Quiet      = Group * (2 * FrontStages - 1) + 5
) (
    input  wire  logic                          clk_i,
    input  wire  logic                          open_i,
    input  wire  logic [Lanes-1:0]              a_valid_i,
    input  wire  logic [Lanes-1:0]              a_last_i,
    input  wire  logic [Lanes*Group*AWidth-1:0] a_i,
    input  wire  logic                          slot_i,   // ... in the next cycle
    input  wire  logic                          drain_i,
    output       logic                          fails_o
);

  logic                                 begun_q = 1'b0;
  logic                                 rst_nq = 1'b0;  // begun_q again: reset of what is proved
  logic [Lanes-1:0]                     offer, ready, last, accept;
  logic [Lanes-1:0][IndexWidth-1:0]     unused_index;
  logic                                 unused_read, unused_full, unused_final;
  logic [PsumWidth-1:0]                 unused_psum;
  logic [TermWidth-1:0]                 unused_term;
  logic                                 full, final_plane, take, done_q;
  logic [PlaneWidth-1:0]                plane;
  logic [Lanes-1:0][31:0]               group_q, come_q;  // groups of this plane, planes that came
  logic [31:0]                          taken_q, quiet_q, next;  // next: the plane that comes now
  logic                                 ask, line_q, slot;       // line_q: asked and not served
  logic                                 slot_q;                  // it would have the finish

  tpe_sparse_row #(
      .Cols      (1),
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .Group     (Group),
      .CodeWidth (CodeWidth),
      .IndexWidth(IndexWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth),
      .OwnFronts (OwnFronts),
      .MsbFirst  (MsbFirst),
      .Shadow    (Shadow),
      .Hold      (Hold),
      .CarryEvery(CarryEvery)
  ) u_row (
      .clk_i,
      .rst_ni      (rst_nq),
      .open_i,
      .done_i      (done_q),
      .a_valid_i   (offer),
      .a_ready_o   (ready),
      .a_last_i    (last),
      .a_i,
      .read_o      (unused_read),
      .index_o     (unused_index),
      .b_i         ('0),
      .full_o      (full),
      .final_o     (final_plane),
      .full_next_o (unused_full),
      .final_next_o(unused_final),
      .plane_o     (plane),
      .psum_o      (unused_psum),
      .term_o      (unused_term),
      .ask_o       (ask),
      .slot_i      (slot),
      .slot_next_i (slot_i),
      .take_i      (take)
  );

  assign offer  = a_valid_i & {Lanes{begun_q}};
  assign accept = offer & ready;
  assign slot   = slot_q && (Shadow != 0 || line_q);
  assign take   = begun_q && full && (final_plane ? drain_i : slot);
  assign next   = (MsbFirst != 0) ? NumDigits - 1 : taken_q;

  logic come, over;  // the plane that is next has come, in every lane; a lane has no group left

  always_comb begin
    come = 1'b1;
    over = 1'b0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      last[l] = a_last_i[l] || group_q[l] == NumGroups - 1;
      if (come_q[l] <= next) come = 1'b0;
      if (accept[l] && come_q[l] == NumDigits) over = 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    rst_nq  <= 1'b1;
    slot_q  <= slot_i;
    if (!begun_q || done_q) begin
      group_q <= '0;
      come_q  <= '0;
      taken_q <= 0;
      quiet_q <= 0;
      line_q  <= 1'b0;
      done_q  <= 1'b0;
    end else begin
      for (int unsigned l = 0; l < Lanes; l++) begin
        if (accept[l]) begin
          group_q[l] <= last[l] ? 0 : group_q[l] + 1;
          if (last[l]) come_q[l] <= come_q[l] + 1;
        end
      end
      if (take) taken_q <= taken_q + 1;
      line_q  <= ask || (line_q && !slot);
      quiet_q <= (come && slot_q && drain_i && !take && accept == '0) ? quiet_q + 1 : 0;
      done_q  <= take && final_plane;
    end
  end

  logic wrong_plane, stays;

  assign wrong_plane = full && (32'(plane) != next || !come
                                || final_plane != (next == NumDigits - 1));
  assign stays       = quiet_q > Quiet;

  assign fails_o = begun_q && !done_q && (wrong_plane || over || stays);

endmodule

`default_nettype wire
