// opt4c_2d_4x4_sparse_drain -- whose plane the finishes take: one row's, then those of all rows in order.
//
// Planes before the last leave in their rows' turns (opt4c_2d_4x4_turns). When the last plane of every row
// is whole the rows meet, and drain: row 0 first, one a cycle.
// Ahead: the row is a register, found a cycle before from what rows will have then. It is where
// turns are known a cycle ahead, or nobody has one.
// Latency   : none; rows that are whole in a cycle drain from that cycle on.
`default_nettype none

module opt4c_2d_4x4_sparse_drain #(
    parameter int unsigned Rows  = 4,
    parameter int unsigned Ahead = 0
) (
    input  wire  logic              clk_i,
    input  wire  logic              rst_ni,
    input  wire  logic              en_i,          // 0: no plane is taken
    input  wire  logic              done_i,        // the pass is over
    input  wire  logic [Rows-1:0]   full_i,        // a row has a plane
    input  wire  logic [Rows-1:0]   final_i,       // ... its last
    input  wire  logic [Rows-1:0]   full_next_i,   // the same in the next cycle
    input  wire  logic [Rows-1:0]   final_next_i,
    input  wire  logic [Rows-1:0]   turn_i,        // the row whose turn it is before rows drain
    input  wire  logic [Rows-1:0]   turn_next_i,   // ... in the next cycle
    output       logic              drain_o,
    output       logic              last_o,        // the last row drains
    output       logic [Rows-1:0]   row_o,         // the row that the finishes look at, or none
    output       logic [Rows-1:0]   take_o         // its plane is taken
);

  logic [Rows-1:0] drain_row_q, drain_row_d;  // the row that drains, or drains first
  logic            drain_q, drain_d;          // from the second row of the drain to the last
  logic            sending_q, sending_d;      // all rows have been taken
  logic            moves;

  assign moves       = en_i && drain_o;
  assign last_o      = drain_o && drain_row_q[Rows-1];
  assign drain_d     = !done_i && (drain_q || moves);
  assign sending_d   = !done_i && (moves ? last_o : sending_q);
  assign drain_row_d = done_i ? Rows'(1) : moves ? Rows'({drain_row_q, 1'b0}) : drain_row_q;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      drain_q     <= 1'b0;
      drain_row_q <= Rows'(1);
      sending_q   <= 1'b0;
    end else begin
      drain_q     <= drain_d;
      drain_row_q <= drain_row_d;
      sending_q   <= sending_d;
    end
  end

  if (Ahead == 0) begin : gen_at_once
    assign drain_o = ((&(full_i & final_i)) || drain_q) && !sending_q;
    assign row_o   = drain_o ? drain_row_q : turn_i;

    logic unused_next;
    assign unused_next = ^{full_next_i, final_next_i, turn_next_i};
  end else begin : gen_ahead
    logic            now_q, now_d;  // rows drain
    logic [Rows-1:0] row_q;

    assign now_d = ((&(full_next_i & final_next_i)) || drain_d) && !sending_d;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        now_q <= 1'b0;
        row_q <= Rows'(1);
      end else begin
        now_q <= now_d;
        row_q <= now_d ? drain_row_d : turn_next_i;
      end
    end

    assign drain_o = now_q;
    assign row_o   = row_q;

    logic unused_turn;
    assign unused_turn = ^turn_i;
  end

  assign take_o = {Rows{en_i}} & row_o & full_i & ({Rows{drain_o}} | ~final_i);

endmodule

`default_nettype wire
