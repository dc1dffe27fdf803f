// tpe_ram_ported -- tpe_ram with Reads read ports: one memory where an array has a copy a reader.
//
// It is there to be simulated, at any size: no macro has so many ports, and it has no price.
// Latency   : address in one cycle, data in the next; a read a port and a write a cycle.
`default_nettype none

module tpe_ram_ported #(
    parameter  int unsigned Words     = 1024,
    parameter  int unsigned Width     = 8,
    parameter  int unsigned Reads     = 4,
    localparam int unsigned AddrWidth = $clog2(Words)
) (
    input  wire  logic                              clk_i,
    input  wire  logic                              write_i,
    input  wire  logic [AddrWidth-1:0]              write_addr_i,
    input  wire  logic [Width-1:0]                  write_data_i,
    input  wire  logic [Reads-1:0]                  read_i,        // 0: the port's data stay
    input  wire  logic [Reads-1:0][AddrWidth-1:0]   read_addr_i,
    output       logic [Reads-1:0][Width-1:0]       read_data_o    // of each port's last read
);

  logic [Width-1:0]             mem_q[Words];
  logic [Reads-1:0][Width-1:0]  data_q;

  always_ff @(posedge clk_i) begin
    if (write_i) mem_q[write_addr_i] <= write_data_i;
  end

  for (genvar r = 0; r < Reads; r++) begin : gen_read
    always_ff @(posedge clk_i) begin
      if (read_i[r]) data_q[r] <= mem_q[read_addr_i[r]];
    end
  end

  assign read_data_o = data_q;

endmodule

`default_nettype wire
