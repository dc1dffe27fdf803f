// tpe_ws_terms -- what cells of tpe_systolic_ws leave to their rows: a column of terms beside them.
//
// The term of a row of A belongs to all of its psums. It is gathered as they are: from row to row
// of the array, in step with the psum of column 0, and from pass to pass by a buffer of its own.
// The finish of column c takes it c cycles later than that of column 0.
// Latency   : as tpe_ws_column, with the finish of column 0.
// Overflow  : modulo 2**AccWidth.
`default_nettype none

module tpe_ws_terms #(
    parameter  int unsigned Rows        = 4,
    parameter  int unsigned Cols        = 4,
    parameter  int unsigned AWidth      = 8,
    parameter  int unsigned BWidth      = 8,
    parameter  int unsigned AccWidth    = 32,
    parameter  int unsigned Lanes       = 1,
    parameter  int unsigned CodeWidth   = 8,
    parameter  int unsigned CellLatency = 0,
    parameter  int unsigned PsumDepth   = 1024,
    parameter  int unsigned RowTerm     = 0,     // 1: there are terms
    localparam int unsigned AddrWidth   = (PsumDepth > 1) ? $clog2(PsumDepth) : 1
) (
    input  wire  logic                                   clk_i,
    input  wire  logic                                   rst_ni,
    input  wire  logic                                   en_i,
    // the steps of column 0
    input  wire  logic [Rows-1:0]                        valid_i,
    input  wire  logic                                   first_i,       // the highest starts anew
    input  wire  logic [Rows-1:0][Lanes*CodeWidth-1:0]   code_i,
    // its psums: where they re-enter and leave
    input  wire  logic                                   read_i,        // a cycle before it enters
    input  wire  logic [AddrWidth-1:0]                   read_addr_i,
    input  wire  logic                                   write_i,
    input  wire  logic [AddrWidth-1:0]                   write_addr_i,
    output       logic [Cols-1:0][AccWidth-1:0]          term_o         // for a column's finish
);

  if (RowTerm == 0) begin : gen_none
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, rst_ni, en_i, valid_i, first_i, code_i, read_i, read_addr_i,
                             write_i, write_addr_i};
    assign term_o = '0;
  end else begin : gen_terms
    logic [(Rows+1)*AccWidth-1:0] term;    // of the pass before, then what each row leaves
    logic [Cols*AccWidth-1:0]     term_q;

    for (genvar r = 0; r < Rows; r++) begin : gen_row
      tpe_row #(
          .AWidth     (AWidth),
          .BWidth     (BWidth),
          .AccWidth   (AccWidth),
          .Lanes      (Lanes),
          .CodeWidth  (CodeWidth),
          .CellLatency(CellLatency)
      ) u_row (
          .clk_i,
          .rst_ni,
          .en_i,
          .valid_i(valid_i[r]),
          .first_i(r == 0 && first_i),
          .code_i (code_i[r]),
          .term_i (term[r*AccWidth+:AccWidth]),
          .term_o (term[(r+1)*AccWidth+:AccWidth])
      );
    end

    tpe_ram #(
        .Words(PsumDepth > 1 ? PsumDepth : 2),
        .Width(AccWidth)
    ) u_terms (
        .clk_i,
        .write_i     (en_i && write_i),
        .write_addr_i,
        .write_data_i(term_q[0+:AccWidth]),
        .read_i      (en_i && read_i),
        .read_addr_i,
        .read_data_o (term[0+:AccWidth])
    );

    always_ff @(posedge clk_i) begin
      if (en_i) begin
        term_q[0+:AccWidth] <= term[Rows*AccWidth+:AccWidth];
        for (int unsigned c = 1; c < Cols; c++) begin
          term_q[c*AccWidth+:AccWidth] <= term_q[(c-1)*AccWidth+:AccWidth];
        end
      end
    end

    assign term_o = term_q;
  end

endmodule

`default_nettype wire
