// Carry of $lcu by rippling, for techmap: the smallest adder, and the slowest.
(* techmap_celltype = "$lcu" *)
module _80_tpe_lcu_ripple (P, G, CI, CO);
  parameter WIDTH = 2;
  (* force_downto *) input [WIDTH-1:0] P, G;
  input CI;
  (* force_downto *) output [WIDTH-1:0] CO;

  wire [WIDTH:0] carry;
  assign carry[0] = CI;
  genvar i;
  generate
    for (i = 0; i < WIDTH; i = i + 1) begin : gen_bit
      assign carry[i+1] = G[i] | (P[i] & carry[i]);
    end
  endgenerate
  assign CO = carry[WIDTH:1];
endmodule
