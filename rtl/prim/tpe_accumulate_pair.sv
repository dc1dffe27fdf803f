// tpe_accumulate_pair -- a pair added to a running pair: two 3:2 rows, and an incrementer above.
//
// Primitive : half_reduce          (arXiv:2503.06342)
// Where the running carry word is as long as the sum, the rows are too. Where it ends one bit above
// the words that come in (CarryWidth = InWidth + 1), and these sum to less than 2**InWidth, at most
// one carry leaves its top bit in a step: it goes into the sum's upper bits at once.
// Latency   : combinational. sum_o + carry_o is the sum of all, modulo 2**Width.
`default_nettype none

module tpe_accumulate_pair #(
    parameter  int unsigned InWidth    = 16,  // of the words that come in
    parameter  int unsigned Width      = 32,  // of the running sum
    parameter  int unsigned CarryWidth = 17,  // of the running carry: Width, or InWidth + 1
    localparam int unsigned NumOps     = 4    // words that are compressed
) (
    input  wire  logic [InWidth-1:0]      word_sum_i,
    input  wire  logic [InWidth-1:0]      word_carry_i,
    input  wire  logic [Width-1:0]        sum_i,
    input  wire  logic [CarryWidth-1:0]   carry_i,
    output       logic [Width-1:0]        sum_o,
    output       logic [CarryWidth-1:0]   carry_o
);

  if (InWidth > Width || (CarryWidth != Width && CarryWidth != InWidth + 1)) begin : gen_check
    $error("tpe_accumulate_pair: InWidth <= Width; CarryWidth is Width or InWidth + 1");
  end

  logic [NumOps-1:0][CarryWidth-1:0] op;                   // of the running sum its low bits
  logic [CarryWidth-1:0]             row_sum, row_carry;   // behind the first row
  logic [CarryWidth-1:0]             majority, out;        // carries of the first, of the second

  assign op = {carry_i, sum_i[CarryWidth-1:0], CarryWidth'(word_carry_i), CarryWidth'(word_sum_i)};

  // No carry leaves the top bit of the first row where the words end below it.
  assign majority  = (op[0] & op[1]) | (op[0] & op[2]) | (op[1] & op[2]);
  assign row_sum   = op[0] ^ op[1] ^ op[2];
  assign row_carry = majority << 1;

  assign out                   = (row_sum & row_carry) | (row_sum & op[3]) | (row_carry & op[3]);
  assign sum_o[CarryWidth-1:0] = row_sum ^ row_carry ^ op[3];
  assign carry_o               = out << 1;

  if (CarryWidth < Width) begin : gen_top
    assign sum_o[Width-1:CarryWidth] =
        sum_i[Width-1:CarryWidth] + (Width - CarryWidth)'(out[CarryWidth-1]);
  end

endmodule

`default_nettype wire
