// tpe_prop_ram -- a word that is written is what is read, a cycle after it is asked for.
//
// One address, any, is followed. A read of it shows what was written there last, and what is shown
// stays until the next read. Reads of what was never written, and those at the edge of a write to
// the same address, may show anything.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_ram #(
    parameter  int unsigned Words     = 4,
    parameter  int unsigned Width     = 2,
    localparam int unsigned AddrWidth = $clog2(Words)
) (
    input  wire  logic                  clk_i,
    input  wire  logic [AddrWidth-1:0]  follow_i,
    input  wire  logic                  write_i,
    input  wire  logic [AddrWidth-1:0]  write_addr_i,
    input  wire  logic [Width-1:0]      write_data_i,
    input  wire  logic                  read_i,
    input  wire  logic [AddrWidth-1:0]  read_addr_i,
    output       logic                  fails_o
);

  logic                  begun_q = 1'b0;
  logic [AddrWidth-1:0]  follow_q;
  logic [Width-1:0]      data, word_q, shown_q;
  logic                  known_q, due_q;  // word_q is at the address; shown_q is to be shown
  logic                  written;

  tpe_ram #(
      .Words(Words),
      .Width(Width)
  ) u_ram (
      .clk_i,
      .write_i,
      .write_addr_i,
      .write_data_i,
      .read_i,
      .read_addr_i,
      .read_data_o(data)
  );

  assign written = write_i && write_addr_i == follow_q;

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    if (!begun_q) begin
      follow_q <= follow_i;
      known_q  <= 1'b0;
      due_q    <= 1'b0;
    end else begin
      if (written) word_q <= write_data_i;
      known_q <= known_q || written;
      if (read_i) begin
        shown_q <= word_q;
        due_q   <= known_q && !written && read_addr_i == follow_q;
      end
    end
  end

  assign fails_o = begun_q && due_q && data != shown_q;

endmodule

`default_nettype wire
