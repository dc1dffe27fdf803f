// tpe_prop_finish -- a finish makes of a psum the number that it stands for.
//
// Kind and Weights as in tpe_spec_psum; Width is that of its number. Plane 1: the number is signed,
// weighs 4**plane_i and is added to acc_i. 2: the number and acc_i, the term of its row. 3: the
// number is signed, and is added to acc_i as it is.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_finish #(
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Kind       = 0,
    parameter int unsigned Weights    = 1,
    parameter int unsigned Width      = 32,
    parameter int unsigned Plane      = 0
) (
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic                    fails_o
);

  logic [Weights-1:0][Width-1:0] unused_pair;
  logic [Width-1:0]    value;
  logic [AccWidth-1:0] c, expected;

  tpe_finish #(
      .AccWidth  (AccWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_finish (
      .psum_i,
      .plane_i,
      .acc_i,
      .c_o(c)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (Weights),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_value (
      .psum_i,
      .pair_o (unused_pair),
      .value_o(value)
  );

  if (Plane == 1) begin : gen_plane
    always_comb begin
      expected = AccWidth'($signed(value));
      for (int unsigned i = 0; i < 2 ** PlaneWidth; i++) begin
        if (i < 32'(plane_i)) expected = expected << 2;
      end
      expected = expected + acc_i;
    end
  end else if (Plane == 3) begin : gen_pass
    assign expected = AccWidth'($signed(value)) + acc_i;
  end else begin : gen_word
    assign expected = AccWidth'(value) + ((Plane == 2) ? acc_i : '0);
  end

  assign fails_o = (c != expected);

endmodule

`default_nettype wire
