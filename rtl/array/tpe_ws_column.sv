// tpe_ws_column -- top and bottom of a column of tpe_systolic_ws: where psums re-enter and leave.
//
// A psum that leaves the lowest cell is registered. If more of K follows it goes, un-finished, into
// the column's psum buffer, whence it enters the highest cell again in a later pass; if not, it is
// finished and waits for the columns to its right, which are later by a cycle each.
// Latency   : a cycle from psum_i to the buffer's write port, and from its address to psum_o;
//             1 + Deskew from psum_i to word_o, one more for a register inside the finish.
`default_nettype none

module tpe_ws_column #(
    parameter  int unsigned PsumDepth     = 1024,  // psums that the buffer holds
    parameter  int unsigned AccWidth      = 32,
    parameter  int unsigned PsumWidth     = 32,
    parameter  int unsigned PlaneWidth    = 1,
    parameter  int unsigned FinishLatency = 0,  // registers inside a finish, 0 or 1
    parameter  int unsigned Deskew        = 0,     // columns to the right
    localparam int unsigned AddrWidth     = (PsumDepth > 1) ? $clog2(PsumDepth) : 1
) (
    input  wire  logic                   clk_i,
    input  wire  logic                   en_i,
    input  wire  logic                   read_i,        // a row is in the highest cell next
    input  wire  logic [AddrWidth-1:0]   read_addr_i,
    output       logic [PsumWidth-1:0]   psum_o,        // of the last read, to the highest cell
    input  wire  logic                   take_i,        // psum_i is valid
    input  wire  logic [PsumWidth-1:0]   psum_i,        // of the lowest cell
    input  wire  logic                   write_i,       // a cycle after take_i
    input  wire  logic [AddrWidth-1:0]   write_addr_i,
    input  wire  logic [AccWidth-1:0]    term_i,        // of the row, with write_i
    output       logic [AccWidth-1:0]    word_o
);

  logic [PsumWidth-1:0] psum_q;
  logic [AccWidth-1:0]  word;

  always_ff @(posedge clk_i) begin
    if (en_i && take_i) psum_q <= psum_i;
  end

  tpe_ram #(
      .Words(PsumDepth > 1 ? PsumDepth : 2),
      .Width(PsumWidth)
  ) u_psums (
      .clk_i,
      .write_i     (en_i && write_i),
      .write_addr_i,
      .write_data_i(psum_q),
      .read_i      (en_i && read_i),
      .read_addr_i,
      .read_data_o (psum_o)
  );

  tpe_finish #(
      .AccWidth  (AccWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_finish (
      .clk_i,
      .en_i   ((FinishLatency != 0) && en_i),
      .psum_i (psum_q),
      .plane_i('0),
      .acc_i  (term_i),
      .c_o    (word)
  );

  tpe_delay #(
      .Width (AccWidth),
      .Cycles(Deskew)
  ) u_deskew (
      .clk_i,
      .en_i,
      .d_i (word),
      .d_o (word_o)
  );

endmodule

`default_nettype wire
