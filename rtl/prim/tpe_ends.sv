// tpe_ends -- the lowest flag that is set, as a flag alone; with two ends the highest, too.
//
// Primitive : sparse               (arXiv:2503.06342, OPT3)
// Latency   : combinational. With no flag set every end is zero; a flag alone is both ends.
`default_nettype none

module tpe_ends #(
    parameter int unsigned Width = 16,  // flags, 2 or more
    parameter int unsigned Ends  = 1    // 1: the lowest; 2: {highest, lowest}
) (
    input  wire  logic [Width-1:0]        flag_i,
    output       logic [Ends*Width-1:0]   end_o
);

  if (Width < 2 || Ends < 1 || Ends > 2) begin : gen_check
    $error("tpe_ends: Width must be 2 or more, Ends 1 or 2");
  end

  logic [Ends-1:0][Width-1:0] seen, others;  // the flags from that end on; all but the first

  for (genvar e = 0; e < Ends; e++) begin : gen_end
    for (genvar i = 0; i < Width; i++) begin : gen_turn
      assign seen[e][i] = flag_i[(e == 0) ? i : Width-1-i];
    end

    logic [$clog2(Width)-1:0] unused_index;

    tpe_sparse #(
        .Group(Width)
    ) u_sparse (
        .nonzero_i(seen[e]),
        .index_o  (unused_index),
        .rest_o   (others[e])
    );

    for (genvar i = 0; i < Width; i++) begin : gen_back
      localparam int unsigned At = (e == 0) ? i : Width - 1 - i;
      assign end_o[e*Width+i] = seen[e][At] && !others[e][At];
    end
  end

endmodule

`default_nettype wire
