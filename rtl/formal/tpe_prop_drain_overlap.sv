// tpe_prop_drain_overlap -- rows leave once, in order, as they were when their cells were done.
//
// What the cells hold may change in every cycle. The rows of a tile are those of the cycle in which
// its first one is read; or, if Skewed, the psum of row r and column c is that of r + c cycles
// later. The reference is a queue of finished rows, filled while en_o is up; cycles are those of
// en_o. A refused word stays.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_drain_overlap #(
    parameter int unsigned Rows          = 2,
    parameter int unsigned Cols          = 2,
    parameter int unsigned AccWidth      = 8,
    parameter int unsigned PsumWidth     = 8,
    parameter int unsigned PlaneWidth    = 1,
    parameter int unsigned FinishLatency = 0,
    parameter int unsigned Stall         = tpe_pkg::StallDirect,
    parameter int unsigned Overlap       = tpe_pkg::OverlapStream,
    parameter int unsigned Skewed        = 0
) (
    input  wire  logic                                      clk_i,
    input  wire  logic                                      start_i,  // row 0 may be read
    input  wire  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0]  psum_i,
    input  wire  logic                                      c_ready_i,
    output       logic                                      fails_o
);

  localparam int unsigned RowWidth = (Rows > 1) ? $clog2(Rows) : 1;
  localparam int unsigned Bits     = Cols * AccWidth + 1;
  localparam int unsigned Most     = (Stall == tpe_pkg::StallDirect) ? 2 : 3;  // words inside
  localparam int unsigned Grid     = Rows * Cols * PsumWidth;
  localparam int unsigned Late     = (Skewed != 0) ? Cols - 1 : 0;  // until all of a row is read
  localparam int unsigned Oldest   = (Skewed != 0) ? Cols - 1 : Rows - 1;

  logic                            begun_q = 1'b0;
  logic                            rst_nq = 1'b0;  // begun_q again: the reset of what is proved
  logic                            en, c_valid, c_last, drain;
  logic [Cols*AccWidth-1:0]        c;
  logic [RowWidth-1:0]             row_q;  // the next to be read; 0: of the next tile
  logic [Late:0]                   read;   // [i]: a row was, i cycles ago
  logic [Late:0][RowWidth-1:0]     row;    // ... this one
  logic [Late+1:1]                 read_q;
  logic [Late+1:1][RowWidth-1:0]   rows_q;
  logic [(Oldest+1)*Grid-1:0]      grids;  // the cells, as they were; now lowest
  logic [(Oldest+2)*Grid-1:Grid]   grids_q;
  logic [Cols-1:0][AccWidth-1:0]   finished;
  logic [3:0][Bits-1:0]            queue_q;  // {last, row}; [0] leaves next
  logic [2:0]                      count_q;
  logic                            push, pop;
  logic                            given, given_last;  // finishes take a row, a tile's last
  logic                            finishes, end_row;  // they have one
  logic                            refused_q, last_q;
  logic [Rows-1:0]                 en_row;
  logic                            en_array;
  logic [Cols*AccWidth-1:0]        c_q;

  assign drain = begun_q && (start_i || row_q != '0);
  assign read  = (Late + 1)'({read_q, drain});
  assign row   = ((Late + 1) * RowWidth)'({rows_q, row_q});
  assign grids = ((Oldest + 1) * Grid)'({grids_q, psum_i});
  assign push  = en && finishes;
  assign pop   = begun_q && c_valid && c_ready_i;

  assign given      = read[Late];
  assign given_last = row[Late] == RowWidth'(Rows - 1);

  tpe_drain #(
      .Rows         (Rows),
      .Cols         (Cols),
      .AccWidth     (AccWidth),
      .PsumWidth    (PsumWidth),
      .PlaneWidth   (PlaneWidth),
      .FinishLatency(FinishLatency),
      .Overlap      (Overlap),
      .Stall        (Stall),
      .Skewed       (Skewed)
  ) u_drain (
      .clk_i,
      .rst_ni   (rst_nq),
      .en_o     (en_array),
      .en_row_o (en_row),
      .en_drain_o(en),
      .drain_i  (drain),
      .row_i    (row_q),
      .psum_i,
      .term_i   ('0),
      .c_valid_o(c_valid),
      .c_ready_i,
      .c_last_o (c_last),
      .c_o      (c)
  );

  // The psums of the row that is complete with this cycle: how long ago each was read or taken.
  for (genvar i = 0; i < Cols; i++) begin : gen_finish
    localparam int unsigned Age = Late - i;
    logic [PsumWidth-1:0] psum;

    always_comb begin
      psum = '0;
      for (int unsigned r = 0; r < Rows; r++) begin
        if (32'(row[Late]) == r) begin
          psum = grids[(Skewed != 0 ? Age : r) * Grid + (r * Cols + i) * PsumWidth+:PsumWidth];
        end
      end
    end

    tpe_finish #(
        .AccWidth  (AccWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth)
    ) u_finish (
        .clk_i,
        .en_i   (en),
        .psum_i (psum),
        .plane_i('0),
        .acc_i  ('0),
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
      row_q   <= '0;
      read_q  <= '0;
      count_q <= '0;
    end else begin
      if (en) begin
        if (drain) row_q <= (row_q == RowWidth'(Rows - 1)) ? '0 : row_q + 1'b1;
        read_q  <= read;
        rows_q  <= row;
        grids_q <= grids;
      end
      count_q <= count_q + 3'(push) - 3'(pop);
      if (pop) queue_q <= queue_q >> Bits;
      if (push) queue_q[2'(count_q-3'(pop))] <= {end_row, finished};
    end
  end

  assign fails_o = begun_q
                 && ((c_valid && (count_q == '0 || {c_last, c} != queue_q[0]))
                     || (32'(count_q) > Most) || (count_q >= 3'd2 && !c_valid)
                     || {en_array, en_row} != {(Rows + 1) {en}}
                     || (refused_q && (!c_valid || c != c_q || c_last != last_q)));

endmodule

`default_nettype wire
