// tpe_dut_indexed -- an engine with a stream of A per row, under the harness's ports.
`default_nettype none

module tpe_dut_indexed #(
    parameter  int unsigned Rows     = 4,
    parameter  int unsigned Cols     = 4,
    parameter  int unsigned ARowBits = 8,
    parameter  int unsigned BColBits = 8,
    parameter  int unsigned AccWidth = 32,
    parameter  int unsigned AZeroBits = 8,
    parameter  int unsigned BZeroBits = 8,
    localparam int unsigned Streams  = Rows
) (
    input  wire  logic                       clk_i,
    input  wire  logic                       rst_ni,
    input  wire  logic                       load_i,
    input  wire  logic                       clear_i,
    input  wire  logic                       flush_i,
    output       logic                       pass_done_o,
    input  wire  logic [Streams-1:0]         a_valid_i,
    output       logic [Streams-1:0]         a_ready_o,
    input  wire  logic [Streams-1:0]         a_last_i,
    input  wire  logic [Rows*ARowBits-1:0]   a_i,
    input  wire  logic                       b_valid_i,
    output       logic                       b_ready_o,
    input  wire  logic                       b_last_i,
    input  wire  logic [Cols*BColBits-1:0]   b_i,
    output       logic                       c_valid_o,
    input  wire  logic                       c_ready_i,
    output       logic                       c_last_o,
    output       logic [Cols*AccWidth-1:0]   c_o,
    input  wire  logic [AZeroBits-1:0]       a_zero_i,
    input  wire  logic [BZeroBits-1:0]       b_zero_i,
    input  wire  logic [Cols*AccWidth-1:0]   c_add_i
);

  tpe_engine #(
      .Rows(Rows),
      .Cols(Cols)
  ) u_engine (
      .clk_i,
      .rst_ni,
      .load_i,
      .clear_i,
      .flush_i,
      .done_o(pass_done_o),
      .a_valid_i,
      .a_ready_o,
      .a_last_i,
      .a_i,
      .b_valid_i,
      .b_ready_o,
      .b_last_i,
      .b_i,
      .c_valid_o,
      .c_ready_i,
      .c_last_o,
      .c_o  // and the ports of the zero points, where the engine has them
  );

  logic unused_zero;
  assign unused_zero = ^{a_zero_i, b_zero_i, c_add_i};


endmodule

`default_nettype wire
