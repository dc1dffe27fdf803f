// opt1_os_4x4_fifo -- Depth words in order, the oldest one visible.
//
// Latency   : a word is visible in the cycle after it was accepted.
`default_nettype none

module opt1_os_4x4_fifo #(
    parameter  int unsigned Depth      = 2,
    parameter  int unsigned Width      = 8,
    localparam int unsigned PtrWidth   = (Depth > 1) ? $clog2(Depth) : 1,
    localparam int unsigned CountWidth = $clog2(Depth + 1)
) (
    input  wire  logic               clk_i,
    input  wire  logic               rst_ni,
    input  wire  logic               valid_i,
    output       logic               ready_o,
    input  wire  logic [Width-1:0]   data_i,
    output       logic               valid_o,
    input  wire  logic               ready_i,
    output       logic [Width-1:0]   data_o
);

  if (Depth < 1) begin : gen_check
    $error("opt1_os_4x4_fifo: Depth must be 1 or more");
  end

  localparam logic [PtrWidth-1:0] Last = PtrWidth'(Depth - 1);

  logic [Width-1:0]      mem_q[Depth];
  logic [PtrWidth-1:0]   write_q, read_q;
  logic [CountWidth-1:0] count_q;
  logic                  push, pop;

  assign ready_o = (count_q != CountWidth'(Depth));
  assign valid_o = (count_q != '0);
  assign data_o  = mem_q[read_q];
  assign push    = valid_i && ready_o;
  assign pop     = valid_o && ready_i;

  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) begin
      write_q <= '0;
      read_q  <= '0;
      count_q <= '0;
    end else begin
      if (push) write_q <= (write_q == Last) ? '0 : write_q + 1'b1;
      if (pop) read_q <= (read_q == Last) ? '0 : read_q + 1'b1;
      count_q <= count_q + CountWidth'(push) - CountWidth'(pop);
    end
  end

  always_ff @(posedge clk_i) begin
    if (push) mem_q[write_q] <= data_i;
  end

endmodule

`default_nettype wire
