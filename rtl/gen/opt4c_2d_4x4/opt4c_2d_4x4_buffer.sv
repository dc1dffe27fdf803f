// opt4c_2d_4x4_buffer -- Depth words, one write port, Reads asynchronous read ports.
//
// Holds the B of a tile for a sparse array. A memory in silicon: synthesis may replace it.
`default_nettype none

module opt4c_2d_4x4_buffer #(
    parameter  int unsigned Depth     = 4096,
    parameter  int unsigned Width     = 32,
    parameter  int unsigned Reads     = 4,
    localparam int unsigned AddrWidth = $clog2(Depth)
) (
    input  wire  logic                              clk_i,
    input  wire  logic                              write_i,
    input  wire  logic [AddrWidth-1:0]              write_addr_i,
    input  wire  logic [Width-1:0]                  write_data_i,
    input  wire  logic [Reads-1:0][AddrWidth-1:0]   read_addr_i,
    output       logic [Reads-1:0][Width-1:0]       read_data_o
);

  logic [Width-1:0] mem_q[Depth];

  always_ff @(posedge clk_i) begin
    if (write_i) mem_q[write_addr_i] <= write_data_i;
  end

  for (genvar r = 0; r < Reads; r++) begin : gen_read
    assign read_data_o[r] = mem_q[read_addr_i[r]];
  end

endmodule

`default_nettype wire
