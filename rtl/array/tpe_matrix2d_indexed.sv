// tpe_matrix2d_indexed -- 2D matrix for sparse PEs: a front per row, B resident and read by index.
//
// A pass is at most Depth operands of K: load B if load_i says so, then every row runs through
// its groups at its own pace, plane by plane, and the rows meet when all have finished. A whole
// plane leaves its row through the finish of each column in the row's time slot (the cycle of the
// pass modulo Rows), and is added into an accumulator per row; the last planes drain row by row.
// Reference : arXiv:2503.06342, OPT4C (the column that shares A there is a row here)
// Cycles    : the load takes K; the pass takes the slowest row's steps + Rows + 5, and 1 less if C
//             stays. A row waits besides while two of its planes want the finish.
// Overflow  : the accumulator wraps modulo 2**AccWidth.
`default_nettype none

module tpe_matrix2d_indexed #(
    parameter  int unsigned Rows       = 4,
    parameter  int unsigned Cols       = 4,
    parameter  int unsigned AWidth     = 8,
    parameter  int unsigned BWidth     = 8,
    parameter  int unsigned AccWidth   = 32,
    parameter  int unsigned Group      = 4,       // operands of K in a group
    parameter  int unsigned Depth      = 1024,    // rows of B that are resident
    parameter  int unsigned CodeWidth  = 3,
    parameter  int unsigned PsumWidth  = 40,
    parameter  int unsigned PlaneWidth = 2,
    localparam int unsigned IndexWidth = $clog2(Depth)
) (
    input  wire  logic                           clk_i,
    input  wire  logic                           rst_ni,
    // What the pass does; stable while it lasts
    input  wire  logic                           load_i,   // B is loaded first
    input  wire  logic                           clear_i,  // the accumulators start from zero
    input  wire  logic                           flush_i,  // C leaves at the end
    output       logic                           done_o,   // the pass ends with this cycle
    // A: a stream per row of groups of K, the whole K once per plane, least significant first
    input  wire  logic [Rows-1:0]                a_valid_i,
    output       logic [Rows-1:0]                a_ready_o,
    input  wire  logic [Rows-1:0]                a_last_i,  // the last group of K
    input  wire  logic [Rows*Group*AWidth-1:0]   a_i,
    // B: one beat is one k of every column
    input  wire  logic                           b_valid_i,
    output       logic                           b_ready_o,
    input  wire  logic                           b_last_i,  // the last beat of the load
    input  wire  logic [Cols*BWidth-1:0]         b_i,
    // C: row 0 first
    output       logic                           c_valid_o,
    input  wire  logic                           c_ready_i,
    output       logic                           c_last_o,
    output       logic [Cols*AccWidth-1:0]       c_o
);

  localparam int unsigned RowWidth = (Rows > 1) ? $clog2(Rows) : 1;
  localparam logic [RowWidth-1:0] LastRow = RowWidth'(Rows - 1);

  if (Depth < 2 * Group || Depth % Group != 0) begin : gen_check
    $error("tpe_matrix2d_indexed: Depth must be a multiple of Group, two groups or more");
  end

  logic en;  // 0: the sink refuses a word

  // ---- B: loaded once, then read by index ------------------------------------------------------

  logic                                         loaded_q, load_beat;
  logic [IndexWidth-1:0]                        load_addr_q;
  logic [Rows-1:0][IndexWidth-1:0]              index;
  logic [Rows-1:0][Cols-1:0][BWidth-1:0]        b_row;

  assign b_ready_o = load_i && !loaded_q;
  assign load_beat = b_valid_i && b_ready_o;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      loaded_q    <= 1'b0;
      load_addr_q <= '0;
    end else if (done_o) begin
      loaded_q    <= 1'b0;
      load_addr_q <= '0;
    end else if (load_beat) begin
      loaded_q    <= b_last_i;
      load_addr_q <= load_addr_q + 1'b1;
    end
  end

  tpe_operand_buffer #(
      .Depth(Depth),
      .Width(Cols * BWidth),
      .Reads(Rows)
  ) u_b (
      .clk_i,
      .write_i     (load_beat),
      .write_addr_i(load_addr_q),
      .write_data_i(b_i),
      .read_addr_i (index),
      .read_data_o (b_row)
  );

  // ---- rows ------------------------------------------------------------------------------------

  logic [Rows-1:0]                           full, final_plane, take;
  logic [Rows-1:0][PlaneWidth-1:0]           plane;
  logic [Rows-1:0][Cols-1:0][PsumWidth-1:0]  psum;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    tpe_sparse_row #(
        .Cols      (Cols),
        .AWidth    (AWidth),
        .BWidth    (BWidth),
        .AccWidth  (AccWidth),
        .Group     (Group),
        .CodeWidth (CodeWidth),
        .IndexWidth(IndexWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth)
    ) u_row (
        .clk_i,
        .rst_ni,
        .open_i   (loaded_q || !load_i),
        .done_i   (done_o),
        .a_valid_i(a_valid_i[r]),
        .a_ready_o(a_ready_o[r]),
        .a_last_i (a_last_i[r]),
        .a_i      (a_i[r*Group*AWidth+:Group*AWidth]),
        .index_o  (index[r]),
        .b_i      (b_row[r]),
        .full_o   (full[r]),
        .final_o  (final_plane[r]),
        .plane_o  (plane[r]),
        .psum_o   (psum[r]),
        .take_i   (take[r])
    );
  end

  // ---- whose plane the finish takes: the row of the slot, then all rows in order ---------------

  logic                running_q;    // a group of this pass has been taken
  logic [RowWidth-1:0] slot_q, drain_row_q, row_sel;
  logic                drain_q;      // from the second row of the drain to the last
  logic                met, drain, drain_last, sending_q;

  assign met        = &(full & final_plane);
  assign drain      = (met || drain_q) && !sending_q;
  assign drain_last = drain && (drain_row_q == LastRow);
  assign row_sel    = drain ? drain_row_q : slot_q;

  always_comb begin
    take = '0;
    take[row_sel] = en && full[row_sel] && (drain || !final_plane[row_sel]);
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      running_q   <= 1'b0;
      slot_q      <= '0;
      drain_q     <= 1'b0;
      drain_row_q <= '0;
      sending_q   <= 1'b0;
    end else if (done_o) begin
      running_q   <= 1'b0;
      slot_q      <= '0;
      drain_q     <= 1'b0;
      drain_row_q <= '0;
      sending_q   <= 1'b0;
    end else begin
      running_q <= running_q || |(a_valid_i & a_ready_o);
      if (running_q || |(a_valid_i & a_ready_o)) begin
        slot_q <= (slot_q == LastRow) ? '0 : slot_q + 1'b1;
      end
      if (en && drain) begin
        drain_q     <= 1'b1;
        drain_row_q <= drain_row_q + 1'b1;
        sending_q   <= drain_last;
      end
    end
  end

  // ---- columns: the row taken, its finish, the accumulators, C ---------------------------------

  logic                            row_valid_q, row_flush_q, row_last_q, c_valid_q, c_last_q;
  logic [RowWidth-1:0]             row_q;
  logic [PlaneWidth-1:0]           row_plane_q;
  logic [Cols-1:0][PsumWidth-1:0]  row_psum_q;
  logic [Rows-1:0][Cols-1:0][AccWidth-1:0] acc_q;
  logic [Cols-1:0][AccWidth-1:0]   acc, c_d, c_q;

  assign en        = !(c_valid_q && !c_ready_i);
  assign c_valid_o = c_valid_q;
  assign c_last_o  = c_last_q;
  assign c_o       = c_q;
  assign done_o    = flush_i ? (c_valid_q && c_ready_i && c_last_q) : (row_valid_q && row_last_q);
  assign acc       = (clear_i && row_plane_q == '0) ? '0 : acc_q[row_q];

  for (genvar c = 0; c < Cols; c++) begin : gen_finish
    tpe_finish #(
        .AccWidth  (AccWidth),
        .PsumWidth (PsumWidth),
        .PlaneWidth(PlaneWidth)
    ) u_finish (
        .psum_i (row_psum_q[c]),
        .plane_i(row_plane_q),
        .acc_i  (acc[c]),
        .c_o    (c_d[c])
    );
  end

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      row_valid_q <= 1'b0;
      c_valid_q   <= 1'b0;
    end else if (en) begin
      row_valid_q <= |take;
      c_valid_q   <= row_valid_q && row_flush_q;
    end
  end

  always_ff @(posedge clk_i) begin
    if (en) begin
      row_psum_q  <= psum[row_sel];
      row_plane_q <= plane[row_sel];
      row_q       <= row_sel;
      row_flush_q <= drain && flush_i;
      row_last_q  <= drain_last;
      if (row_valid_q && row_flush_q) c_q <= c_d;
      if (row_valid_q && !row_flush_q) acc_q[row_q] <= c_d;
      c_last_q <= row_last_q;
    end
  end

endmodule

`default_nettype wire
