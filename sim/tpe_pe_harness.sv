// tpe_pe_harness -- drives one cell and its finish, step by step, from a memory.
//
// A word of a.hex is {en, valid, first, plane, code, b}, code and b of all lanes. In every enabled
// cycle the finish of the psum is recorded in c.hex, before the cycle's own step: word i shows the
// steps before step i - CellLatency. A cell whose steps last several cycles keeps its word until it
// is ready, and is frozen in the cycles in between that `freeze_i` masks. A step that has not ended
// after cycle_limit_i cycles of the run ends it: deadlock.txt tells which.
`default_nettype none

module tpe_pe_harness #(
    parameter int unsigned AWidth      = 8,
    parameter int unsigned BWidth      = 8,
    parameter int unsigned AccWidth    = 32,
    parameter int unsigned Lanes       = 1,
    parameter int unsigned CodeWidth   = 8,
    parameter int unsigned PsumWidth   = 32,
    parameter int unsigned PlaneWidth  = 1,
    parameter int unsigned CellLatency = 0,
    parameter int unsigned Hold        = tpe_pkg::HoldMux,
    parameter int unsigned MemWords    = 4096
) (
    input  wire  logic          clk_i,
    input  wire  logic          go_i,
    input  wire  logic [31:0]   a_len_i,    // words of a.hex
    input  wire  logic [31:0]   freeze_i,
    input  wire  logic [31:0]   cycle_limit_i,  // 0: none
    output       logic          done_o,
    output       logic [31:0]   cycles_o
);

  localparam int unsigned StepBits = 3 + PlaneWidth + Lanes * (CodeWidth + BWidth);

  logic [StepBits-1:0] a_mem[MemWords];
  logic [AccWidth-1:0] c_mem[MemWords];

  logic                       running_q, done_q, written_q;
  logic [31:0]                step_q, words_q, cycle_q;
  logic                       word_en, en, valid, first;
  logic                       begun_q;   // the step has had a cycle
  logic                       ready;     // the step ends with this cycle
  logic [PlaneWidth-1:0]      plane;
  logic [Lanes*CodeWidth-1:0] code;
  logic [Lanes*BWidth-1:0]    b;
  logic [PsumWidth-1:0]       psum;
  logic [AccWidth-1:0]        c, term;

  logic [CellLatency:0][PlaneWidth-1:0] plane_q;  // the plane that the psum shows

  assign {word_en, valid, first, plane, code, b} = running_q ? a_mem[step_q] : '0;
  assign en    = word_en && !(begun_q && freeze_i[cycle_q[4:0]]);
  assign ready = 1'b1;  // replaced by the ready_o of a cell that has one

  always_ff @(posedge clk_i or negedge go_i) begin
    if (!go_i) begin
      running_q <= 1'b0;
      done_q    <= 1'b0;
      written_q <= 1'b0;
      begun_q   <= 1'b0;
      step_q    <= '0;
      words_q   <= '0;
      cycle_q   <= '0;
    end else if (!running_q && !done_q) begin
      $readmemh("a.hex", a_mem);
      running_q <= 1'b1;
    end else if (running_q) begin
      cycle_q <= cycle_q + 1;
      begun_q <= word_en && valid && !(en && ready);
      if (!word_en || !valid || (en && ready)) step_q <= step_q + 1;
      if (word_en && !begun_q) begin
        c_mem[words_q] <= c;
        words_q        <= words_q + 1;
        plane_q[0]     <= plane;
        for (int unsigned i = 1; i <= CellLatency; i++) plane_q[i] <= plane_q[i-1];
      end
      if (step_q + 1 == a_len_i && (!word_en || !valid || (en && ready))) begin
        running_q <= 1'b0;
        done_q    <= 1'b1;
        cycles_o  <= a_len_i;
      end
      if (cycle_limit_i != 0 && cycle_q >= cycle_limit_i) begin
        running_q <= 1'b0;
        done_q    <= 1'b1;
        tell_deadlock;
      end
    end else if (!written_q) begin
      $writememh("c.hex", c_mem, 0, words_q - 1);
      written_q <= 1'b1;
    end
  end

  assign done_o = written_q;

  // The array around a cell whose registers have no enable: see tpe_grid.
  logic                       clk;
  logic [Lanes*CodeWidth-1:0] step_code;

  assign step_code = (valid || Hold == tpe_pkg::HoldMux) ? code : '0;
  if (Hold == tpe_pkg::HoldZero) begin : gen_gate
    tpe_clock_gate u_clock_gate (
        .clk_i,
        .en_i (en),
        .clk_o(clk)
    );
  end else begin : gen_no_gate
    assign clk = clk_i;
  end

  task automatic tell_deadlock;
    int file;
    file = $fopen("deadlock.txt", "w");
    $fdisplay(file, "no end after %0d cycles: step %0d of %0d, en %0d, valid %0d, ready %0d",
              cycle_q, step_q, a_len_i, en, valid, ready);
    $fclose(file);
  endtask

  tpe_cell #(
      .AWidth    (AWidth),
      .BWidth    (BWidth),
      .AccWidth  (AccWidth),
      .Lanes     (Lanes),
      .CodeWidth (CodeWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_cell (
      .clk_i  (clk),
      .rst_ni (running_q || done_q),
      .en_i   (en),
      .valid_i(valid),
      .first_i(first),
      .code_i (step_code),
      .b_i    (b),
      .plane_i(plane),
      .psum_i (psum),
      .psum_o (psum)
  );

  tpe_row #(
      .AWidth     (AWidth),
      .BWidth     (BWidth),
      .AccWidth   (AccWidth),
      .Lanes      (Lanes),
      .CodeWidth  (CodeWidth),
      .CellLatency(CellLatency)
  ) u_row (
      .clk_i,
      .rst_ni (running_q || done_q),
      .en_i   (en),
      .valid_i(valid),
      .first_i(first),
      .code_i (code),
      .term_i (term),
      .term_o (term)
  );

  tpe_finish #(
      .AccWidth  (AccWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_finish (
      .clk_i,
      .en_i   (1'b1),
      .psum_i (psum),
      .plane_i(plane_q[CellLatency]),
      .acc_i  (term),
      .c_o    (c)
  );

endmodule

`default_nettype wire
