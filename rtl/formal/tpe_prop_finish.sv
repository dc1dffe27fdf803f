// tpe_prop_finish -- a finish makes of a psum the number that it stands for.
//
// Kind and Weights as in tpe_spec_psum; Width is that of its number. Plane 1: the number is signed,
// weighs 4**plane_i and is added to acc_i. 2: the number and acc_i, the term of its row. 3: the
// number is signed, and is added to acc_i as it is.
// Latency 1: the word is that of the last enabled cycle, whatever has come since; what Plane 1 and
// 3 add is of the word's own cycle.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_finish #(
    parameter int unsigned AccWidth   = 32,
    parameter int unsigned PsumWidth  = 32,
    parameter int unsigned PlaneWidth = 1,
    parameter int unsigned Kind       = 0,
    parameter int unsigned Weights    = 1,
    parameter int unsigned Width      = 32,
    parameter int unsigned Plane      = 0,
    parameter int unsigned Latency    = 0   // registers inside
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    en_i,
    input  wire  logic [PsumWidth-1:0]    psum_i,
    input  wire  logic [PlaneWidth-1:0]   plane_i,
    input  wire  logic [AccWidth-1:0]     acc_i,
    output       logic                    fails_o
);

  logic [Weights-1:0][Width-1:0] unused_pair;
  logic [Width-1:0]    value;
  logic [AccWidth-1:0] c, expected;
  logic [AccWidth-1:0] number, kept;  // of the psum, weighed, with its term; what c is made of
  logic                told;          // there is one

  tpe_finish #(
      .AccWidth  (AccWidth),
      .PsumWidth (PsumWidth),
      .PlaneWidth(PlaneWidth)
  ) u_finish (
      .clk_i,
      .en_i,
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
      number = AccWidth'($signed(value));
      for (int unsigned i = 0; i < 2 ** PlaneWidth; i++) begin
        if (i < 32'(plane_i)) number = number << 2;
      end
    end
  end else if (Plane == 3) begin : gen_pass
    assign number = AccWidth'($signed(value));
  end else begin : gen_word
    assign number = AccWidth'(value) + ((Plane == 2) ? acc_i : '0);
  end

  if (Latency == 0) begin : gen_at_once
    assign kept = number;
    assign told = 1'b1;
    logic unused_clk;
    assign unused_clk = ^{clk_i, en_i};
  end else begin : gen_later
    logic [AccWidth-1:0] number_q;
    logic                told_q = 1'b0;  // an enabled cycle has been

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        number_q <= number;
        told_q   <= 1'b1;
      end
    end

    assign kept = number_q;
    assign told = told_q;
  end

  assign expected = kept + ((Plane == 1 || Plane == 3) ? acc_i : '0);
  assign fails_o  = told && (c != expected);

endmodule

`default_nettype wire
