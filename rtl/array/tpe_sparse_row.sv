// tpe_sparse_row -- one row of a sparse array: its fronts, its cells, the plane they finished.
//
// The row runs at its own pace. The pair of a whole plane moves into the shadow registers, where
// it waits for the finish; while it is there and the next plane is whole too, the row waits for its
// slot. A plane before the last is always taken in the slot, whatever the sink does: C leaves only
// when no row has a step left. So the row's enable is made of registers alone.
// Without Shadow the pair waits in the cells, which stand still: for the finish that the row asks
// for, or, the last one, for the drain. With MsbFirst there is no other than the last: the pair
// moves up at the first step of each plane but the first, and holds them all.
// What the cells leave to the row, its term, goes wherever their psums go. Cells whose registers
// have no enable (Hold) have their clock stopped, and codes of zero where there is no step.
// A row that waits for its slot is told so by registers, one for each column, one for its fronts
// and one for the rest: what they say of a cycle is found in the one before.
// B is read by index, which takes a cycle; the rest of a step waits for it. Its word is registered
// before a cell has it, so that no path of a cell begins in a memory.
// Latency   : group accepted, digit, B, operand register, psum, shadow: one cycle each.
`default_nettype none

module tpe_sparse_row #(
    parameter int unsigned Cols       = 4,
    parameter int unsigned AWidth     = 8,
    parameter int unsigned BWidth     = 8,
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned Lanes      = 1,
    parameter int unsigned Group      = 4,
    parameter int unsigned CodeWidth  = 3,
    parameter int unsigned IndexWidth = 10,
    parameter int unsigned PsumWidth  = 40,
    parameter int unsigned PlaneWidth = 2,
    parameter int unsigned OwnFronts  = 0,  // 1: a front in every cell; 0: one for the row
    parameter int unsigned MsbFirst   = 0,  // 1: planes from the most significant down, in one pair
    parameter int unsigned Shadow     = 1,  // 0: whole planes wait in the cells
    parameter int unsigned Hold       = tpe_pkg::HoldMux,
    parameter int unsigned CarryEvery = 1,  // bits from one carry of a psum to the next
    localparam int unsigned Few       = (PsumWidth - 1) / (CarryEvery + 1),  // carries, if no word
    localparam int unsigned TermWidth = PsumWidth - ((CarryEvery == 1) ? PsumWidth / 2 : Few),
    localparam int unsigned Fronts    = (OwnFronts != 0) ? Cols : 1
) (
    input  wire  logic                                         clk_i,
    input  wire  logic                                         rst_ni,
    input  wire  logic                                         open_i,        // groups are welcome
    input  wire  logic                                         done_i,        // the pass is over
    // groups of A, a stream per lane
    input  wire  logic [Lanes-1:0]                             a_valid_i,
    output       logic [Lanes-1:0]                             a_ready_o,
    input  wire  logic [Lanes-1:0]                             a_last_i,
    input  wire  logic [Lanes*Group*AWidth-1:0]                a_i,
    // B by index, a cycle later
    output       logic                                         read_o,
    output       logic [Cols-1:0][Lanes-1:0][IndexWidth-1:0]   index_o,
    input  wire  logic [Cols-1:0][Lanes-1:0][BWidth-1:0]       b_i,
    // whole planes
    output       logic                                         full_o,
    // the pass's last plane
    output       logic                                         final_o,
    output       logic                                         full_next_o,   // the same in the
    output       logic                                         final_next_o,  // next cycle
    output       logic [PlaneWidth-1:0]                        plane_o,
    output       logic [Cols-1:0][PsumWidth-1:0]               psum_o,
    output       logic [TermWidth-1:0]                         term_o,
    // ... from next cycle on
    output       logic                                         ask_o,
    // the row has the finish
    input  wire  logic                                         slot_i,
    input  wire  logic                                         slot_next_i,   // in the next cycle
    input  wire  logic                                         take_i         // the plane is taken
);

  logic                                         en;        // the row's own enable
  logic                                         en_front;  // ... of its fronts
  logic [Cols-1:0]                              en_col;    // ... of each column
  logic [Lanes-1:0]                             offer, accept, front_ready, closing;
  logic [Lanes-1:0]                             closed_q;  // its last group of the pass is taken
  // what the fronts say; they all say the same
  logic [Fronts-1:0][Lanes-1:0]                 ready, close;
  logic [Fronts-1:0]                            step_valid, step_first, step_last, step_final;
  logic [Fronts-1:0][Lanes*CodeWidth-1:0]       step_code;
  logic [Fronts-1:0][Lanes-1:0][IndexWidth-1:0] step_index;
  logic [Fronts-1:0][PlaneWidth-1:0]            step_plane;
  // the step whose B is read
  logic                                         read_valid_q, read_first_q, read_last_q;
  logic                                         read_final_q;
  logic [Fronts-1:0][Lanes*CodeWidth-1:0]       read_code_q;
  logic [PlaneWidth-1:0]                        read_plane_q;
  // the step that the cells work on; those that a digit of zero leaves alone are not active
  logic                                         last_q, final_q;
  logic [Fronts-1:0]                            active_q;
  logic                                         first_q, shift_q;  // it begins, moves up the psum
  logic [Fronts-1:0][Lanes*CodeWidth-1:0]       code_q;
  logic [PlaneWidth-1:0]                        plane_q;
  logic [Cols-1:0][Lanes-1:0][BWidth-1:0]       b_q;
  // the plane that is whole in the cells
  logic                            whole_q, whole_final_q;
  logic [PlaneWidth-1:0]           whole_plane_q;
  logic [Cols-1:0][PsumWidth-1:0]  psum;
  logic [TermWidth-1:0]            term;
  logic [PlaneWidth-1:0]           cell_plane;
  logic                            cell_clk;

  if ((MsbFirst != 0) && (Shadow != 0)) begin : gen_check
    $error("tpe_sparse_row: MsbFirst has no plane that waits beside the cells: Shadow = 0");
  end

  assign offer       = a_valid_i & {Lanes{open_i}} & ~closed_q;
  assign accept      = a_valid_i & a_ready_o;
  assign front_ready = ready[0];
  assign closing     = close[0];
  assign a_ready_o   = {Lanes{open_i && en_front}} & ~closed_q & front_ready;

  for (genvar f = 0; f < Fronts; f++) begin : gen_front
    tpe_front #(
        .AWidth    (AWidth),
        .Lanes     (Lanes),
        .Group     (Group),
        .CodeWidth (CodeWidth),
        .IndexWidth(IndexWidth),
        .PlaneWidth(PlaneWidth)
    ) u_front (
        .clk_i,
        .rst_ni,
        .en_i     (en_front),
        .valid_i  (offer),
        .ready_o  (ready[f]),
        .a_i,
        .last_i   (a_last_i),
        .closing_o(close[f]),
        .valid_o  (step_valid[f]),
        .code_o   (step_code[f]),
        .index_o  (step_index[f]),
        .plane_o  (step_plane[f]),
        .first_o  (step_first[f]),
        .last_o   (step_last[f]),
        .final_o  (step_final[f])
    );

    // An empty group is a step without a digit; only the first step of a plane must clear the psum,
    // or move it up.
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) active_q[f] <= 1'b0;
      else if (en) active_q[f] <= read_valid_q && (read_first_q || |read_code_q[f]);
    end

    always_ff @(posedge clk_i) begin
      if (en) begin
        if (read_valid_q) code_q[f] <= read_code_q[f];
        else if (Hold != tpe_pkg::HoldMux) code_q[f] <= '0;
      end
    end
  end

  assign read_o = en_front && step_valid[0];
  for (genvar c = 0; c < Cols; c++) begin : gen_index
    assign index_o[c] = step_index[(OwnFronts != 0) ? c : 0];
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      closed_q     <= '0;
      read_valid_q <= 1'b0;
      read_last_q  <= 1'b0;
      last_q       <= 1'b0;
    end else begin
      closed_q <= done_i ? '0 : closed_q | (accept & a_last_i & closing);
      if (en) begin
        read_valid_q <= step_valid[0];
        read_last_q  <= step_valid[0] && step_last[0];
        last_q       <= read_last_q;
      end
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      if (step_valid[0]) begin
        read_first_q <= step_first[0];
        read_final_q <= step_final[0];
        read_code_q  <= step_code;
        read_plane_q <= step_plane[0];
      end
      if (read_valid_q) begin
        final_q <= read_final_q;
        plane_q <= read_plane_q;
      end
      whole_final_q <= final_q;
      whole_plane_q <= plane_q;
    end
    for (int unsigned c = 0; c < Cols; c++) begin
      if (en_col[c] && read_valid_q) b_q[c] <= b_i[c];
    end
  end

  if (MsbFirst == 0) begin : gen_planes
    assign shift_q    = 1'b0;
    assign cell_plane = plane_q;
    always_ff @(posedge clk_i) begin
      if (en && read_valid_q) first_q <= read_first_q;
    end
  end else begin : gen_falling
    assign cell_plane = PlaneWidth'(shift_q);
    always_ff @(posedge clk_i) begin
      if (en && read_valid_q) begin
        first_q <= read_first_q && read_plane_q == '0;
        shift_q <= read_first_q && read_plane_q != '0;
      end
    end
  end

  if (Shadow != 0) begin : gen_shadow
    // the plane that waits for the finish
    logic                       full_q, shadow_final_q, capture;
    logic [PlaneWidth-1:0]      shadow_plane_q;
    logic [Cols*PsumWidth-1:0]  shadow_q;
    logic [TermWidth-1:0]       shadow_term_q;

    assign capture = whole_q && (!full_q || slot_i);

    logic [Cols+1:0] waits_q;  // the row waits for its slot, for each part of it
    logic            behind;   // the plane that is whole next has one before it

    assign behind = last_q && (whole_q || (full_q && !take_i));

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) waits_q <= '0;
      else waits_q <= (waits_q | {(Cols + 2){behind}}) & ~{(Cols + 2){slot_next_i}};
    end

    assign {en_col, en_front, en} = ~waits_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        whole_q <= 1'b0;
        full_q  <= 1'b0;
      end else begin
        if (en) whole_q <= last_q;
        full_q <= full_next_o;
      end
    end

    always_ff @(posedge clk_i) begin
      shadow_final_q <= final_next_o;
      if (capture) begin
        shadow_q       <= psum;
        shadow_term_q  <= term;
        shadow_plane_q <= whole_plane_q;
      end
    end

    assign full_o       = full_q;
    assign final_o      = shadow_final_q;
    assign full_next_o  = capture || (full_q && !take_i);
    assign final_next_o = capture ? whole_final_q : shadow_final_q;
    assign plane_o      = shadow_plane_q;
    assign psum_o       = shadow_q;
    assign term_o       = shadow_term_q;
    assign ask_o        = 1'b0;
  end else begin : gen_direct
    assign en       = !whole_q || slot_i;
    assign en_front = en;
    assign en_col   = {Cols{en}};

    // The last plane has no slot; it is over when it is taken.
    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) whole_q <= 1'b0;
      else whole_q <= full_next_o;
    end

    assign full_o       = whole_q;
    assign final_o      = whole_final_q;
    assign full_next_o  = en ? last_q && (final_q || MsbFirst == 0) : whole_q && !take_i;
    assign final_next_o = en ? final_q : whole_final_q;
    assign plane_o      = whole_plane_q;
    assign psum_o       = psum;
    assign term_o       = term;
    assign ask_o        = (MsbFirst == 0) && en && last_q && !final_q;

    logic unused_next;
    assign unused_next = slot_next_i;
  end

  tpe_row #(
      .AWidth   (AWidth),
      .BWidth   (BWidth),
      .AccWidth (TermWidth),
      .Lanes    (Lanes),
      .CodeWidth(CodeWidth)
  ) u_row (
      .clk_i,
      .rst_ni,
      .en_i   (en),
      .valid_i(active_q[0]),
      .first_i(first_q),
      .code_i (code_q[0]),
      .term_i (shift_q ? term << 2 : term),
      .term_o (term)
  );

  if (Hold == tpe_pkg::HoldZero) begin : gen_gate
    tpe_clock_gate u_clock_gate (
        .clk_i,
        .en_i (en),
        .clk_o(cell_clk)
    );
  end else begin : gen_no_gate
    assign cell_clk = clk_i;
  end

  for (genvar c = 0; c < Cols; c++) begin : gen_col
    tpe_cell #(
        .AWidth    (AWidth),
        .BWidth    (BWidth),
        .AccWidth  (AccWidth),
        .Lanes     (Lanes),
        .CodeWidth (CodeWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth)
    ) u_cell (
        .clk_i  (cell_clk),
        .rst_ni,
        .en_i   (en_col[c]),
        .valid_i(active_q[(OwnFronts != 0) ? c : 0]),
        .first_i(first_q),
        .code_i (code_q[(OwnFronts != 0) ? c : 0]),
        .b_i    (b_q[c]),
        .plane_i(cell_plane),
        .psum_i (psum[c]),
        .psum_o (psum[c])
    );
  end

  logic unused_fronts;
  assign unused_fronts = ^{ready, close, step_valid, step_first, step_last, step_final, step_plane};

endmodule

`default_nettype wire
