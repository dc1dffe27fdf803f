// opt4c_2d_4x4_shift_plane -- a word shifted left by the bit weight of the plane it belongs to.
//
// Primitive : shift, for a bit weight that is a time step      (arXiv:2503.06342, OPT3)
// Latency   : combinational. Bits above Width are dropped: modulo 2**Width.
`default_nettype none

module opt4c_2d_4x4_shift_plane #(
    parameter int unsigned Width      = 32,
    parameter int unsigned PlaneWidth = 2
) (
    input  wire  logic [PlaneWidth-1:0]   plane_i,  // radix-4 digit position
    input  wire  logic [Width-1:0]        word_i,
    output       logic [Width-1:0]        word_o
);

  assign word_o = word_i << {plane_i, 1'b0};

endmodule

`default_nettype wire
