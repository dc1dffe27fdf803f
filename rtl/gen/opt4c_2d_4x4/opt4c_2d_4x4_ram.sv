// opt4c_2d_4x4_ram -- a memory: a write port, a read port whose data come a cycle later.
//
// Every memory that an array is priced with is one of these, so that a macro takes its place here.
// Such a macro shows the word of a read behind the edge of clk_i that read_i comes to, and goes on
// showing it until the next read, whatever is written meanwhile. What an edge writes can be read
// from the next edge on; of a word that is read at the edge that writes it no use is made, so that
// it may be the old one, the new one or neither. Nor is any word used that was never written:
// there is no reset.
// Latency   : address in one cycle, data in the next; a read and a write a cycle.
`default_nettype none

module opt4c_2d_4x4_ram #(
    parameter  int unsigned Words     = 1024,
    parameter  int unsigned Width     = 8,
    localparam int unsigned AddrWidth = $clog2(Words)
) (
    input  wire  logic                   clk_i,
    input  wire  logic                   write_i,
    input  wire  logic [AddrWidth-1:0]   write_addr_i,
    input  wire  logic [Width-1:0]       write_data_i,
    input  wire  logic                   read_i,        // 0: read_data_o stays
    input  wire  logic [AddrWidth-1:0]   read_addr_i,
    output       logic [Width-1:0]       read_data_o    // of the last read
);

  logic [Width-1:0] mem_q[Words];
  logic [Width-1:0] data_q;

  if (Words < 2) begin : gen_check
    $error("opt4c_2d_4x4_ram: Words of 2 or more");
  end

  always_ff @(posedge clk_i) begin
    if (write_i) mem_q[write_addr_i] <= write_data_i;
    if (read_i) data_q <= mem_q[read_addr_i];
  end

  assign read_data_o = data_q;

endmodule

`default_nettype wire
