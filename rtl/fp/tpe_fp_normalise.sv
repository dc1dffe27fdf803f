// tpe_fp_normalise -- a significand shifted left until its highest one is on top.
//
// But by room_i at most: an exponent goes no lower than that of subnormals.
// Latency   : combinational.
`default_nettype none

module tpe_fp_normalise #(
    parameter int unsigned Width     = 28,
    parameter int unsigned RoomWidth = 10
) (
    input  wire  logic [Width-1:0]       sig_i,
    input  wire  logic [RoomWidth-1:0]   room_i,
    output       logic [Width-1:0]       sig_o,
    output       logic [RoomWidth-1:0]   shift_o
);

  localparam int unsigned CountWidth = (Width > 1) ? $clog2(Width) : 1;

  if (RoomWidth < CountWidth) begin : gen_check
    $error("tpe_fp_normalise: RoomWidth must hold Width - 1");
  end

  logic [CountWidth-1:0] zeros, shift;

  tpe_fp_zeros #(
      .Width(Width)
  ) u_zeros (
      .x_i    (sig_i),
      .zeros_o(zeros)
  );

  assign shift   = (RoomWidth'(zeros) < room_i) ? zeros : CountWidth'(room_i);
  assign sig_o   = sig_i << shift;
  assign shift_o = RoomWidth'(shift);

endmodule

`default_nettype wire
