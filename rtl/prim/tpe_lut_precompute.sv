// tpe_lut_precompute -- the sums of a group of activations that bits of weights look up.
//
// TableHalf: entry i is the sum over all lanes but the last of +a where bit k of i is 1, -a where
// it is 0, less the a of the last lane. TableFull: of a where bit k is 1, of all lanes.
// TableTernary: entry i - 1 is the sum of digit times a of the digits -1, 0 and 1 of i, the lowest
// first. TableNone: the activations, which cells add up.
// Lane by lane: what there is so far, and the same with the lane's a, an adder a new entry.
// Reference : arXiv:2408.06003; ternary: arXiv:2604.25183
// Latency   : combinational. Exact.
`default_nettype none

module tpe_lut_precompute #(
    parameter int unsigned AWidth     = 8,
    parameter int unsigned Lanes      = 4,                     // activations of a group
    parameter int unsigned Table      = tpe_pkg::TableHalf,
    parameter int unsigned Entries    = 2 ** (Lanes - 1),
    parameter int unsigned EntryWidth = AWidth + $clog2(Lanes) + 1
) (
    input  wire  logic [Lanes-1:0][AWidth-1:0]         a_i,
    output       logic [Entries-1:0][EntryWidth-1:0]   table_o
);

  if (Table != tpe_pkg::TableNone && EntryWidth < AWidth + $clog2(Lanes)) begin : gen_check
    $error("tpe_lut_precompute: an entry holds a sum of all lanes");
  end

  logic [Lanes-1:0][EntryWidth-1:0] a;  // extended
  for (genvar l = 0; l < Lanes; l++) begin : gen_lane
    assign a[l] = EntryWidth'($signed(a_i[l]));
  end

  localparam bit Ternary = (Table == tpe_pkg::TableTernary);
  localparam bit Half    = (Table == tpe_pkg::TableHalf);
  localparam int unsigned Free = Half ? Lanes - 1 : Lanes;  // lanes with a bit in the index
  localparam int unsigned Sums = Ternary ? Entries + 1 : 2 * Entries;

  logic [Sums-1:0][EntryWidth-1:0] sum;

  if (Table == tpe_pkg::TableNone) begin : gen_none
    if (Entries != Lanes || EntryWidth != AWidth) begin : gen_check_entries
      $error("tpe_lut_precompute: Entries = Lanes, EntryWidth = AWidth");
    end

    logic unused_a;
    assign sum      = '0;
    assign unused_a = ^{sum, a};
    assign table_o  = a_i;
  end else if (Ternary) begin : gen_ternary
    if (Entries != (3 ** Lanes - 1) / 2) begin : gen_check_entries
      $error("tpe_lut_precompute: Entries = (3**Lanes - 1) / 2");
    end

    // [i]: the sum of i. Lane l brings those from (3**l + 1) / 2 on: 3**l, plus or less what is
    // there.
    always_comb begin
      sum = '0;
      for (int unsigned l = 0; l < Lanes; l++) begin
        for (int unsigned i = (3 ** l + 1) / 2; i < 3 ** l; i++) sum[i] = a[l] - sum[3**l-i];
        sum[3**l] = a[l];
        for (int unsigned i = 1; i <= (3 ** l - 1) / 2; i++) sum[3**l+i] = a[l] + sum[i];
      end
    end

    assign table_o = sum[Sums-1:1];
  end else begin : gen_binary
    if (Entries != 2 ** Free) begin : gen_check_entries
      $error("tpe_lut_precompute: Entries = 2**Lanes, half of that TableHalf");
    end

    // The 2**l sums of the first l lanes stand from 2**l on.
    always_comb begin
      sum    = '0;
      sum[1] = Half ? -a[Lanes-1] : '0;
      for (int unsigned l = 0; l < Free; l++) begin
        for (int unsigned i = 0; i < 2 ** l; i++) begin
          sum[2**(l+1)+i]      = Half ? sum[2**l+i] - a[l] : sum[2**l+i];
          sum[2**(l+1)+2**l+i] = sum[2**l+i] + a[l];
        end
      end
    end

    assign table_o = sum[Sums-1:Entries];
  end

endmodule

`default_nettype wire
