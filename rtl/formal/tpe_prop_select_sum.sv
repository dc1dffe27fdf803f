// tpe_prop_select_sum -- what is stored times what is selected sums to the group's products.
//
// SelectN values at places that rise are a group of SelectM operands of which all others are zero.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_select_sum #(
    parameter  int unsigned AWidth     = 8,  // of a stored operand
    parameter  int unsigned BWidth     = 8,
    parameter  int unsigned SelectN    = 2,
    parameter  int unsigned SelectM    = 4,
    localparam int unsigned PlaceWidth = $clog2(SelectM),
    localparam int unsigned Width      = AWidth + BWidth + PlaceWidth  // holds every sum
) (
    input  wire  logic [SelectN-1:0][AWidth-1:0]       value_i,
    input  wire  logic [SelectN-1:0][PlaceWidth-1:0]   place_i,
    input  wire  logic [SelectM-1:0][BWidth-1:0]       b_i,
    output       logic                                 fails_o
);

  logic                            legal;     // places rise
  logic [SelectM-1:0][AWidth-1:0]  a;         // the group
  logic [SelectN-1:0][BWidth-1:0]  selected;
  logic signed [Width-1:0]         whole, stored;

  for (genvar n = 0; n < SelectN; n++) begin : gen_select
    tpe_select #(
        .NumOps(SelectM),
        .Width (BWidth)
    ) u_select (
        .op_i   (b_i),
        .place_i(place_i[n]),
        .op_o   (selected[n])
    );
  end

  always_comb begin
    legal = 1'b1;
    for (int unsigned n = 1; n < SelectN; n++) legal = legal && place_i[n] > place_i[n-1];
    for (int unsigned m = 0; m < SelectM; m++) begin
      a[m] = '0;
      for (int unsigned n = 0; n < SelectN; n++) begin
        if (int'(place_i[n]) == int'(m)) a[m] = value_i[n];
      end
    end
    whole = '0;
    for (int unsigned m = 0; m < SelectM; m++) begin
      whole = whole + Width'($signed(a[m])) * Width'($signed(b_i[m]));
    end
    stored = '0;
    for (int unsigned n = 0; n < SelectN; n++) begin
      stored = stored + Width'($signed(value_i[n])) * Width'($signed(selected[n]));
    end
  end

  assign fails_o = legal && whole != stored;

endmodule

`default_nettype wire
