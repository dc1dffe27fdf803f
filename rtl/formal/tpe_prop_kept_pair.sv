// tpe_prop_kept_pair -- the pair ahead of a finish is the number of the psum, and its row's term.
//
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_kept_pair #(
    parameter int unsigned Kind      = 1,   // of the psum, as tpe_spec_psum has it
    parameter int unsigned Width     = 22,
    parameter int unsigned PsumWidth = 44,
    parameter int unsigned Every     = 1,
    parameter int unsigned RowTerm   = 0
) (
    input  wire  logic [PsumWidth-1:0]   psum_i,
    input  wire  logic [Width-1:0]       term_i,
    output       logic                   fails_o
);

  logic [2*Width-1:0]    pair;
  logic [Width-1:0]      number, unused_value, resolved;

  tpe_kept_pair #(
      .PsumWidth(PsumWidth),
      .Every    (Every),
      .RowTerm  (RowTerm)
  ) u_pair (
      .psum_i,
      .term_i,
      .pair_o(pair)
  );

  tpe_spec_psum #(
      .Kind     (Kind),
      .Weights  (1),
      .Width    (Width),
      .PsumWidth(PsumWidth)
  ) u_number (
      .psum_i,
      .pair_o (number),
      .value_o(unused_value)
  );

  assign resolved = pair[0+:Width] + pair[Width+:Width];
  assign fails_o  = resolved != number + ((RowTerm != 0) ? term_i : '0);

endmodule

`default_nettype wire
