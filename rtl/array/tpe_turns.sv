// tpe_turns -- which row of a sparse array has the finishes of the columns, for a plane of its own.
//
// Shadow: row r has its slot in the cycles of the pass that are r modulo Rows, counted from the
// first group that a row takes, asked for or not. Without: rows ask, and are served in line. With
// MsbFirst there are no planes but the last ones, which the drain takes: nobody has a turn.
// Latency   : registers alone decide.
`default_nettype none

module tpe_turns #(
    parameter int unsigned Rows     = 4,
    parameter int unsigned MsbFirst = 0,
    parameter int unsigned Shadow   = 1
) (
    input  wire  logic              clk_i,
    input  wire  logic              rst_ni,
    input  wire  logic              done_i,   // the pass is over
    input  wire  logic              group_i,  // a row takes a group
    input  wire  logic [Rows-1:0]   ask_i,    // its plane is whole in the next cycle
    output       logic [Rows-1:0]   turn_o,   // one row's, or none
    output       logic [Rows-1:0]   next_o    // ... in the next cycle; with Shadow
);

  if (Shadow != 0) begin : gen_slots
    logic            running_q;  // a group of this pass has been taken
    logic [Rows-1:0] slot_q, slot_next;

    assign slot_next = Rows'({slot_q, slot_q[Rows-1]});

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        running_q <= 1'b0;
        slot_q    <= Rows'(1);
      end else if (done_i) begin
        running_q <= 1'b0;
        slot_q    <= Rows'(1);
      end else begin
        running_q <= running_q || group_i;
        if (running_q || group_i) slot_q <= slot_next;
      end
    end

    // Before the first group of a pass and behind its end no plane is whole, whosever slot it is.
    assign turn_o = slot_q;
    assign next_o = slot_next;

    logic unused_ask;
    assign unused_ask = ^ask_i;
  end else if (MsbFirst == 0) begin : gen_line
    tpe_oldest #(
        .Rows(Rows)
    ) u_oldest (
        .clk_i,
        .rst_ni,
        .ask_i,
        .grant_o(turn_o)
    );

    assign next_o = '0;

    logic unused_pass;
    assign unused_pass = ^{done_i, group_i};
  end else begin : gen_none
    assign turn_o = '0;
    assign next_o = '0;

    logic unused_inputs;
    assign unused_inputs = ^{clk_i, rst_ni, done_i, group_i, ask_i};
  end

endmodule

`default_nettype wire
