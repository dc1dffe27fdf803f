// tpe_shift_pair_plane -- a (sum, carry) pair shifted left by the bit weight of its plane.
//
// Primitive : shift, for a bit weight that is a time step      (arXiv:2503.06342, OPT2)
// Latency   : combinational. Bits above Width are dropped: the pair stays exact modulo 2**Width.
`default_nettype none

module tpe_shift_pair_plane #(
    parameter int unsigned Width      = 32,
    parameter int unsigned PlaneWidth = 3
) (
    input  wire  logic [PlaneWidth-1:0]   plane_i,  // radix-4 digit position
    input  wire  logic [Width-1:0]        sum_i,
    input  wire  logic [Width-1:0]        carry_i,
    output       logic [Width-1:0]        sum_o,
    output       logic [Width-1:0]        carry_o
);

  assign sum_o   = sum_i << {plane_i, 1'b0};
  assign carry_o = carry_i << {plane_i, 1'b0};

endmodule

`default_nettype wire
