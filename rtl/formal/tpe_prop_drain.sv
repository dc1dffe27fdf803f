// tpe_prop_drain -- every row that is drained leaves once, in order; a refused word stays.
//
// The reference is a queue of finished rows, filled while en_o is up.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_drain #(
    parameter  int unsigned Rows          = 2,
    parameter  int unsigned Cols          = 2,
    parameter  int unsigned AccWidth      = 8,
    parameter  int unsigned PsumWidth     = 8,
    parameter  int unsigned PlaneWidth    = 1,
    parameter  int unsigned FinishLatency = 0,
    parameter  int unsigned Stall         = tpe_pkg::StallDirect,
    localparam int unsigned RowWidth      = (Rows > 1) ? $clog2(Rows) : 1
) (
    input  wire  logic                                      clk_i,
    input  wire  logic                                      drain_i,
    input  wire  logic [RowWidth-1:0]                       row_i,
    input  wire  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0]  psum_i,
    input  wire  logic [Rows-1:0][AccWidth-1:0]             term_i,
    input  wire  logic                                      c_ready_i,
    output       logic                                      fails_o
);

  localparam int unsigned Bits = Cols * AccWidth + 1;

  logic                          begun_q = 1'b0;
  logic                          rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                          en, c_valid, c_last, legal;
  logic [Cols*AccWidth-1:0]      c;
  logic [Cols-1:0][AccWidth-1:0] finished;
  logic [3:0][Bits-1:0]          queue_q;  // {last, row}; [0] leaves next
  logic [2:0]                    count_q;
  logic                          push, pop;
  logic                          given, given_last;  // finishes take a row, a tile's last
  logic                          finishes, end_row;  // they have one
  logic                          refused_q, last_q;
  logic [Rows-1:0]               en_row;
  logic                          en_array, direct;
  logic [Cols*AccWidth-1:0]      c_q;

  assign legal = 32'(row_i) < Rows;
  assign push  = begun_q && en && finishes;
  assign pop   = begun_q && c_valid && c_ready_i;

  // StallRegistered: cells are not held, nothing is in them.
  assign direct = Stall == tpe_pkg::StallDirect;

  assign given      = begun_q && drain_i && legal;
  assign given_last = row_i == RowWidth'(Rows - 1);

  tpe_drain #(
      .Rows         (Rows),
      .Cols         (Cols),
      .AccWidth     (AccWidth),
      .PsumWidth    (PsumWidth),
      .PlaneWidth   (PlaneWidth),
      .FinishLatency(FinishLatency),
      .Stall        (Stall)
  ) u_drain (
      .clk_i,
      .rst_ni   (rst_nq),
      .en_o     (en_array),
      .en_row_o (en_row),
      .en_drain_o(en),
      .drain_i  (drain_i && legal),
      .row_i,
      .psum_i,
      .term_i,
      .c_valid_o(c_valid),
      .c_ready_i,
      .c_last_o (c_last),
      .c_o      (c)
  );

  for (genvar i = 0; i < Cols; i++) begin : gen_finish
    tpe_finish #(
        .AccWidth  (AccWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth)
    ) u_finish (
        .clk_i,
        .en_i   (en),
        .psum_i (psum_i[row_i][i]),
        .plane_i('0),
        .acc_i  (term_i[row_i]),
        .c_o    (finished[i])
    );
  end

  // What finishes have: with a register inside, what they were given an enabled cycle ago.
  if (FinishLatency == 0) begin : gen_at_once
    assign finishes = given;
    assign end_row  = given_last;
  end else begin : gen_later
    logic given_q, given_last_q;

    always_ff @(posedge clk_i) begin
      if (!begun_q) given_q <= 1'b0;
      else if (en) given_q <= given;
      if (en) given_last_q <= given_last;
    end

    assign finishes = given_q;
    assign end_row  = given_last_q;
  end

  always_ff @(posedge clk_i) begin
    begun_q   <= 1'b1;
    rst_nq    <= 1'b1;
    refused_q <= begun_q && c_valid && !c_ready_i;
    c_q       <= c;
    last_q    <= c_last;
    if (!begun_q) begin
      count_q <= '0;
    end else begin
      count_q <= count_q + 3'(push) - 3'(pop);
      if (pop) queue_q <= queue_q >> Bits;
      if (push) queue_q[2'(count_q-3'(pop))] <= {end_row, finished};
    end
  end

  assign fails_o = begun_q
                 && ((c_valid && (count_q == '0 || {c_last, c} != queue_q[0]))
                     || (count_q > 3'd2) || (count_q >= 3'd2 && !c_valid)
                     || {en_array, en_row} != {(Rows + 1) {en || !direct}}
                     || (refused_q && (!c_valid || c != c_q || c_last != last_q)));

endmodule

`default_nettype wire
