// opt1_os_4x4_axis -- opt1_systolic_os_4x4 behind AXI4-Stream ports.
//
// Elements lie in tdata in whole bytes, the first one lowest; bits above an element are ignored on
// the way in, and are its sign in C. All bytes of a beat count: there is no tkeep or tstrb.
// Every stream goes through a FIFO: no path runs from valid to ready, or from one port to another.
// Names are those of the protocol. README.md says what each stream holds.
`default_nettype none

module opt1_os_4x4_axis (
    input  wire  logic          aclk,
    input  wire  logic          aresetn,         // falls at any time, rises with the clock
    // A: tlast ends the K of a tile
    input  wire  logic          s_axis_a_tvalid,
    output       logic          s_axis_a_tready,
    input  wire  logic [31:0]  s_axis_a_tdata,
    input  wire  logic          s_axis_a_tlast,
    // B: tlast ends nothing: it is ignored, A's counts
    input  wire  logic          s_axis_b_tvalid,
    output       logic          s_axis_b_tready,
    input  wire  logic [31:0]  s_axis_b_tdata,
    input  wire  logic          s_axis_b_tlast,
    // C: a word a beat, tlast ends a tile
    output       logic          m_axis_c_tvalid,
    input  wire  logic          m_axis_c_tready,
    output       logic [127:0]  m_axis_c_tdata,
    output       logic          m_axis_c_tlast
);

  localparam int unsigned Streams = 1;   // of A
  localparam int unsigned ACount = 4;
  localparam int unsigned ABits  = 8;
  localparam int unsigned ASlot  = 8;  // bits of an element in tdata
  localparam int unsigned BCount = 4;
  localparam int unsigned BBits  = 8;
  localparam int unsigned BSlot  = 8;  // bits of an element in tdata
  localparam int unsigned CCount = 4;
  localparam int unsigned CBits  = 32;
  localparam int unsigned CSlot  = 32;  // bits of an element in tdata

  logic [Streams-1:0]      a_valid, a_ready, a_last;
  logic [ACount*ABits-1:0] a_packed, a;
  logic                    b_valid, b_ready, b_last;
  logic [BCount*BBits-1:0] b_packed, b;
  logic                    c_valid, c_ready, c_last;
  logic [CCount*CBits-1:0] c, c_packed;
  logic                    a_open;  // the engine may be offered A
  logic                    c_open;  // ... and its word of C may leave

  for (genvar i = 0; i < ACount; i++) begin : gen_a
    assign a_packed[i*ABits+:ABits] = s_axis_a_tdata[i*ASlot+:ABits];
  end

  for (genvar i = 0; i < BCount; i++) begin : gen_b
    assign b_packed[i*BBits+:BBits] = s_axis_b_tdata[i*BSlot+:BBits];
  end

  // ---- A: a beat is taken when there is room for all of it --------------------------------------

  localparam int unsigned StreamBits = ACount * ABits / Streams;

  logic [Streams-1:0] room, waiting;

  assign s_axis_a_tready = &room;
  assign a_valid         = waiting & {Streams{a_open}};

  for (genvar s = 0; s < Streams; s++) begin : gen_stream
    opt1_os_4x4_fifo #(
        .Depth(2),
        .Width(StreamBits + 1)
    ) u_a (
        .clk_i  (aclk),
        .rst_ni (aresetn),
        .valid_i(s_axis_a_tvalid && s_axis_a_tready),
        .ready_o(room[s]),
        .data_i ({s_axis_a_tlast, a_packed[s*StreamBits+:StreamBits]}),
        .valid_o(waiting[s]),
        .ready_i(a_ready[s] && a_open),
        .data_o ({a_last[s], a[s*StreamBits+:StreamBits]})
    );
  end

  opt1_os_4x4_fifo #(
      .Depth(2),
      .Width(BCount * BBits + 1)
  ) u_b (
      .clk_i  (aclk),
      .rst_ni (aresetn),
      .valid_i(s_axis_b_tvalid),
      .ready_o(s_axis_b_tready),
      .data_i ({s_axis_b_tlast, b_packed}),
      .valid_o(b_valid),
      .ready_i(b_ready),
      .data_o ({b_last, b})
  );

  assign a_open = 1'b1;
  assign c_open = 1'b1;

  // ---- C ----------------------------------------------------------------------------------------

  logic room_c;

  assign c_ready = room_c && c_open;

  opt1_os_4x4_fifo #(
      .Depth(2),
      .Width(CCount * CBits + 1)
  ) u_c (
      .clk_i  (aclk),
      .rst_ni (aresetn),
      .valid_i(c_valid && c_open),
      .ready_o(room_c),
      .data_i ({c_last, c}),
      .valid_o(m_axis_c_tvalid),
      .ready_i(m_axis_c_tready),
      .data_o ({m_axis_c_tlast, c_packed})
  );

  for (genvar i = 0; i < CCount; i++) begin : gen_c
    assign m_axis_c_tdata[i*CSlot+:CSlot] = c_packed[i*CBits+:CBits];
  end

  // ---- the engine -------------------------------------------------------------------------------

  opt1_os_4x4 u_engine (
      .clk_i(aclk),
      .rst_ni(aresetn),
      .a_valid_i(a_valid),
      .a_ready_o(a_ready),
      .a_last_i(a_last),
      .a_i(a),
      .b_valid_i(b_valid),
      .b_ready_o(b_ready),
      .b_i(b),
      .c_valid_o(c_valid),
      .c_ready_i(c_ready),
      .c_last_o(c_last),
      .c_o(c)
  );

  logic unused_inputs;
  assign unused_inputs = ^{b_last};

endmodule

`default_nettype wire
