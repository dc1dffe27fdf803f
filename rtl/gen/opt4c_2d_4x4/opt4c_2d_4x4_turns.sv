// opt4c_2d_4x4_turns -- which row of a sparse array has the finishes of the columns, for a plane of its own.
//
// Shadow: row r has its slot in the cycles of the pass that are r modulo Rows, counted from the
// first group that a row takes, asked for or not. Without: rows ask, and are served in line. With
// MsbFirst there are no planes but the last ones, which the drain takes: nobody has a turn.
// StallRegistered: a row's slot is a register, not a number that is compared: it holds the row.
// Latency   : registers alone decide.
`default_nettype none

module opt4c_2d_4x4_turns #(
    parameter  int unsigned Rows     = 4,
    parameter  int unsigned MsbFirst = 0,
    parameter  int unsigned Shadow   = 1,
    parameter  int unsigned Stall    = opt4c_2d_4x4_pkg::StallDirect,
    localparam int unsigned RowWidth = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic                  clk_i,
    input  wire  logic                  rst_ni,
    input  wire  logic                  done_i,   // the pass is over
    input  wire  logic                  group_i,  // a row takes a group
    input  wire  logic [Rows-1:0]       ask_i,    // its plane is whole in the next cycle
    output       logic [Rows-1:0]       slot_o,   // one row's, or none
    output       logic [Rows-1:0]       next_o,   // ... in the next cycle; StallRegistered, Shadow
    output       logic [RowWidth-1:0]   row_o     // the same as a number
);

  localparam logic [RowWidth-1:0] LastRow = RowWidth'(Rows - 1);

  if (Shadow != 0) begin : gen_slots
    logic                running_q;  // a group of this pass has been taken
    logic [RowWidth-1:0] slot_q;

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        running_q <= 1'b0;
        slot_q    <= '0;
      end else if (done_i) begin
        running_q <= 1'b0;
        slot_q    <= '0;
      end else begin
        running_q <= running_q || group_i;
        if (running_q || group_i) begin
          slot_q <= (slot_q == LastRow) ? '0 : slot_q + 1'b1;
        end
      end
    end

    assign row_o = slot_q;

    if (Stall == opt4c_2d_4x4_pkg::StallRegistered && Rows > 1) begin : gen_bits
      logic [Rows-1:0] bit_q;

      always_ff @(posedge clk_i or negedge rst_ni) begin
        if (!rst_ni) bit_q <= Rows'(1);
        else if (done_i) bit_q <= Rows'(1);
        else if (running_q || group_i) bit_q <= {bit_q[Rows-2:0], bit_q[Rows-1]};
      end

      assign slot_o = bit_q;
      // Before a group of the pass and at its end no row waits, whosever slot is next.
      assign next_o = {bit_q[Rows-2:0], bit_q[Rows-1]};
    end else begin : gen_compared
      assign next_o = {Rows{1'(Rows == 1)}};
      for (genvar r = 0; r < Rows; r++) begin : gen_row
        assign slot_o[r] = (slot_q == RowWidth'(r));
      end
    end

    logic unused_ask;
    assign unused_ask = ^ask_i;
  end else if (MsbFirst == 0) begin : gen_line
    opt4c_2d_4x4_oldest #(
        .Rows(Rows)
    ) u_oldest (
        .clk_i,
        .rst_ni,
        .ask_i,
        .grant_o(slot_o),
        .row_o
    );

    assign next_o = '0;

    logic unused_pass;
    assign unused_pass = ^{done_i, group_i};
  end else begin : gen_none
    assign slot_o = '0;
    assign next_o = '0;
    assign row_o  = '0;

    logic unused_inputs;
    assign unused_inputs = ^{clk_i, rst_ni, done_i, group_i, ask_i};
  end

endmodule

`default_nettype wire
