// tpe_lut_add -- the sum of the activations whose bit is 1, or minus it: a bit-serial step.
//
// What tpe_lut_mux looks up in a full table, added up where there is none.
// Reference : UNPU, JSSC 54(1), 2019: bit-serial weights; the tables that it has are TableFull
// Latency   : combinational. Exact: ValueWidth holds minus the lowest sum, too.
`default_nettype none

module tpe_lut_add #(
    parameter int unsigned Lanes      = 4,
    parameter int unsigned AWidth     = 8,
    parameter int unsigned ValueWidth = 11
) (
    input  wire  logic [Lanes-1:0][AWidth-1:0]   a_i,
    input  wire  logic [Lanes-1:0]               bits_i,
    input  wire  logic                           negative_i,
    output       logic [ValueWidth-1:0]          value_o
);

  if (ValueWidth < AWidth + $clog2(Lanes)) begin : gen_check
    $error("tpe_lut_add: ValueWidth holds the sum of all lanes");
  end

  logic [ValueWidth-1:0] sum;

  always_comb begin
    sum = '0;
    for (int unsigned l = 0; l < Lanes; l++) begin
      sum += bits_i[l] ? ValueWidth'($signed(a_i[l])) : '0;
    end
  end

  assign value_o = negative_i ? -sum : sum;

endmodule

`default_nettype wire
