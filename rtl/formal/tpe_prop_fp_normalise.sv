// tpe_prop_fp_normalise -- what is shifted left loses no bit, and goes as far as it may.
//
// Its highest one is on top, or it has been shifted by all the room there is.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_fp_normalise #(
    parameter int unsigned Width     = 28,
    parameter int unsigned RoomWidth = 10
) (
    input  wire  logic [Width-1:0]       sig_i,
    input  wire  logic [RoomWidth-1:0]   room_i,
    output       logic                   fails_o
);

  logic [Width-1:0]     normal;
  logic [RoomWidth-1:0] shift;

  tpe_fp_normalise #(
      .Width    (Width),
      .RoomWidth(RoomWidth)
  ) u_normalise (
      .sig_i,
      .room_i,
      .sig_o  (normal),
      .shift_o(shift)
  );

  assign fails_o = (normal >> shift) != sig_i || shift > room_i
                 || (sig_i != '0 && !normal[Width-1] && shift != room_i);

endmodule

`default_nettype wire
