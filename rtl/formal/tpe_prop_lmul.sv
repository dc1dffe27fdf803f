// tpe_prop_lmul -- an L-Mul product is the one of its definition, in signed integers.
//
// r = x + y - Bias 2**FracWidth, and 2**(FracWidth - l) besides if LmulOffset says so; x and y are
// the codes without their signs, l is FracWidth up to 3, 3 for 4, 4 above. A code below Least is
// zero, as a factor and as a product; one above Highest is what ProductOverflow says.
// Reference : arXiv:2410.00907, the integer form
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_lmul #(
    parameter  int unsigned ExpWidth        = 4,
    parameter  int unsigned FracWidth       = 3,
    parameter  int unsigned Special         = tpe_pkg::SpecialTop,
    parameter  int unsigned LmulOffset      = tpe_pkg::LmulOffsetPaper,
    parameter  int unsigned Subnormals      = tpe_pkg::SubnormalsFlush,
    parameter  int unsigned ProductOverflow = tpe_pkg::ProductOverflowInf,
    localparam int unsigned Width           = ExpWidth + FracWidth + 1
) (
    input  wire  logic [Width-1:0]   a_i,
    input  wire  logic [Width-1:0]   b_i,
    output       logic               fails_o
);

  localparam bit Ieee = Special == tpe_pkg::SpecialIeee;
  localparam int Bias = 2 ** (ExpWidth - 1) - 1;
  localparam int L    = (FracWidth > 4) ? 4 : (FracWidth == 4) ? 3 : FracWidth;
  localparam int More = (LmulOffset == tpe_pkg::LmulOffsetPaper) ? 2 ** (FracWidth - L) : 0;

  // Codes without a sign, in the order of their values.
  localparam int Normal   = 2 ** FracWidth;  // the smallest one
  localparam int Least    = (Subnormals == tpe_pkg::SubnormalsKeep) ? 1 : Normal;
  localparam int Infinity = (2 ** ExpWidth - 1) * Normal;  // of a format that has it
  localparam int Highest  = Ieee ? Infinity - 1 : 2 ** (Width - 1) - 2;
  localparam int Nan      = Ieee ? Infinity + Normal / 2 : Highest + 1;

  logic [Width-1:0] product;

  tpe_lmul #(
      .ExpWidth       (ExpWidth),
      .FracWidth      (FracWidth),
      .Bias           (Bias),
      .Added          (More),
      .Special        (Special),
      .Subnormals     (Subnormals),
      .ProductOverflow(ProductOverflow)
  ) u_lmul (
      .a_i,
      .b_i,
      .product_o(product)
  );

  logic signed [31:0] x, y, r, size;  // size: the product without its sign
  logic               negative, x_inf, y_inf, no_number;

  always_comb begin
    x         = 32'(a_i[Width-2:0]);
    y         = 32'(b_i[Width-2:0]);
    r         = x + y - Bias * Normal + More;
    negative  = a_i[Width-1] != b_i[Width-1];
    x_inf     = Ieee && x == Infinity;
    y_inf     = Ieee && y == Infinity;
    no_number = (x > Highest && !x_inf) || (y > Highest && !y_inf)
             || (x_inf && y < Least) || (y_inf && x < Least);
    size      = r;
    if (r > Highest) begin
      if (ProductOverflow == tpe_pkg::ProductOverflowSaturate) size = Highest;
      else if (ProductOverflow == tpe_pkg::ProductOverflowInf) size = Ieee ? Infinity : Nan;
    end
    if (x < Least || y < Least || r < Least) size = 0;
    if (x_inf || y_inf) size = Infinity;
    if (no_number || (size == Nan && r > Highest
                      && ProductOverflow == tpe_pkg::ProductOverflowInf)) begin
      size     = Nan;
      negative = 1'b0;
    end
  end

  assign fails_o = product != {negative, size[Width-2:0]};

endmodule

`default_nettype wire
