// tpe_prop_b_supply -- every cell and lane reads the B that was loaded, a cycle after it asks.
//
// One place of one bank, any, is followed. Whoever reads it is shown the word of his column that
// was written there last, and goes on being shown it until his row reads again. A lane asks for
// indices of its own groups. Reads of what was never written, and those at the edge that writes
// the same place, may show anything.
// fails_o   : the property does not hold.
`default_nettype none

module tpe_prop_b_supply #(
    parameter  int unsigned Rows       = 2,
    parameter  int unsigned Cols       = 2,
    parameter  int unsigned BWidth     = 2,
    parameter  int unsigned Lanes      = 1,
    parameter  int unsigned Group      = 2,
    parameter  int unsigned Depth      = 4,
    parameter  int unsigned Banks      = 1,
    parameter  int unsigned BSupply    = tpe_pkg::BSupplyCopies,
    localparam int unsigned IndexWidth = $clog2(Depth)
) (
    input  wire  logic                                                  clk_i,
    input  wire  logic                                                  follow_bank_i,
    input  wire  logic [IndexWidth-1:0]                                 follow_i,
    input  wire  logic                                                  write_i,
    input  wire  logic                                                  write_bank_i,
    input  wire  logic [IndexWidth-1:0]                                 write_index_i,
    input  wire  logic [Cols*BWidth-1:0]                                b_i,
    input  wire  logic [Rows-1:0]                                       read_i,
    input  wire  logic                                                  read_bank_i,
    input  wire  logic [Rows-1:0][Cols-1:0][Lanes-1:0][IndexWidth-1:0]  index_i,
    output       logic                                                  fails_o
);

  logic                                                  begun_q = 1'b0;
  logic                                                  follow_bank_q;
  logic [IndexWidth-1:0]                                 follow_q;
  logic [Rows-1:0][Cols-1:0][Lanes-1:0][IndexWidth-1:0]  index;
  logic [Rows-1:0][Cols-1:0][Lanes-1:0][BWidth-1:0]      b, shown_q;
  logic [Rows-1:0][Cols-1:0][Lanes-1:0]                  due_q, wrong;  // shown_q is to be shown
  logic [Cols*BWidth-1:0]                                word_q;
  logic                                                  known_q, written, reads;

  tpe_b_supply #(
      .Rows   (Rows),
      .Cols   (Cols),
      .BWidth (BWidth),
      .Lanes  (Lanes),
      .Group  (Group),
      .Depth  (Depth),
      .Banks  (Banks),
      .BSupply(BSupply)
  ) u_supply (
      .clk_i,
      .write_i,
      .write_bank_i,
      .write_index_i,
      .b_i,
      .read_i,
      .read_bank_i,
      .index_i(index),
      .b_o    (b)
  );

  // With one bank all are the same.
  assign written = write_i && write_index_i == follow_q
                && (Banks == 1 || write_bank_i == follow_bank_q);
  assign reads   = Banks == 1 || read_bank_i == follow_bank_q;

  for (genvar r = 0; r < Rows; r++) begin : gen_row
    for (genvar c = 0; c < Cols; c++) begin : gen_col
      for (genvar l = 0; l < Lanes; l++) begin : gen_lane
        localparam int unsigned Round = Group * Lanes;  // operands of a group of every lane
        assign index[r][c][l] = IndexWidth'((index_i[r][c][l] / Round) * Round + l * Group
                                            + index_i[r][c][l] % Group);
        assign wrong[r][c][l] = due_q[r][c][l] && b[r][c][l] != shown_q[r][c][l];
        always_ff @(posedge clk_i) begin
          if (!begun_q) due_q[r][c][l] <= 1'b0;
          else if (read_i[r]) begin
            due_q[r][c][l]   <= reads && known_q && !written && index[r][c][l] == follow_q;
            shown_q[r][c][l] <= word_q[c*BWidth+:BWidth];
          end
        end
      end
    end
  end

  always_ff @(posedge clk_i) begin
    begun_q <= 1'b1;
    if (!begun_q) begin
      follow_q      <= follow_i;
      follow_bank_q <= follow_bank_i;
      known_q       <= 1'b0;
    end else begin
      if (written) word_q <= b_i;
      known_q <= known_q || written;
    end
  end

  assign fails_o = begun_q && |wrong;

endmodule

`default_nettype wire
