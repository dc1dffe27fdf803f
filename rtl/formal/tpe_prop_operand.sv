// tpe_prop_operand -- an operand enters the array as its number, less its zero point if any.
//
// ZeroSubtract: zero_i is subtracted. ZeroOffset: 2**(InWidth-1) is, if the operand is unsigned.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_operand #(
    parameter int unsigned InWidth  = 8,
    parameter int unsigned OutWidth = 9,
    parameter int unsigned Signed   = 0,
    parameter int unsigned Zero     = tpe_pkg::ZeroNone
) (
    input  wire  logic [InWidth-1:0]   x_i,
    input  wire  logic [InWidth-1:0]   zero_i,
    output       logic                 fails_o
);

  localparam int unsigned Width = InWidth + 2;  // holds every difference

  logic [OutWidth-1:0]      out;
  logic signed [Width-1:0]  x, zero;

  tpe_operand #(
      .Count   (1),
      .InWidth (InWidth),
      .OutWidth(OutWidth),
      .Signed  (Signed),
      .Zero    (Zero)
  ) u_operand (
      .x_i,
      .zero_i,
      .x_o(out)
  );

  always_comb begin
    x    = (Signed == 1) ? Width'($signed(x_i)) : Width'(x_i);
    zero = '0;
    if (Zero == tpe_pkg::ZeroSubtract) begin
      zero = (Signed == 1) ? Width'($signed(zero_i)) : Width'(zero_i);
    end
    if (Zero == tpe_pkg::ZeroOffset && Signed == 0) zero = Width'(2 ** (InWidth - 1));
  end

  assign fails_o = (Width'($signed(out)) != x - zero);

endmodule

`default_nettype wire
