// tpe_b_supply -- the B that is resident in a sparse array: a word a cell and lane, by index.
//
// BSupplyCopies: a memory for every row, column and lane. Those of a column are written alike; a
// lane's holds the groups of K that are its own, those whose index modulo Lanes is the lane. But
// for cells with fronts of their own, the memories of a row and lane have one address: a macro may
// be all of them. BSupplyPorted: a memory for every column, with Rows * Lanes read ports.
// Banks = 2: what is written and what is read are apart.
// Latency   : index in one cycle, B in the next; it stays until the row reads again.
`default_nettype none

module tpe_b_supply #(
    parameter  int unsigned Rows       = 4,
    parameter  int unsigned Cols       = 4,
    parameter  int unsigned BWidth     = 8,
    parameter  int unsigned Lanes      = 1,
    parameter  int unsigned Group      = 4,     // operands of K in a group
    parameter  int unsigned Depth      = 1024,  // of K, in a bank
    parameter  int unsigned Banks      = 1,
    parameter  int unsigned BSupply    = tpe_pkg::BSupplyCopies,
    localparam int unsigned IndexWidth = $clog2(Depth)
) (
    input  wire  logic                                                   clk_i,
    // one k of every column
    input  wire  logic                                                   write_i,
    input  wire  logic                                                   write_bank_i,
    input  wire  logic [IndexWidth-1:0]                                  write_index_i,
    input  wire  logic [Cols*BWidth-1:0]                                 b_i,
    // a row reads for all of its cells
    input  wire  logic [Rows-1:0]                                        read_i,
    input  wire  logic                                                   read_bank_i,
    input  wire  logic [Rows-1:0][Cols-1:0][Lanes-1:0][IndexWidth-1:0]   index_i,
    output       logic [Rows-1:0][Cols-1:0][Lanes-1:0][BWidth-1:0]       b_o
);

  localparam int unsigned GroupBits = $clog2(Group);
  localparam int unsigned LaneBits  = $clog2(Lanes);

  if (Banks < 1 || Banks > 2 || Depth % (Group * Lanes) != 0 || Group != 2 ** GroupBits
      || Lanes != 2 ** LaneBits) begin : gen_check
    $error("tpe_b_supply: Banks 1 or 2, Depth a multiple of Group * Lanes, both a power of 2");
  end
  if (BSupply == tpe_pkg::BSupplyBroadcast || BSupply > tpe_pkg::BSupplyPorted) begin : gen_supply
    $error("tpe_b_supply: BSupply is BSupplyCopies or BSupplyPorted");
  end

  if (BSupply == tpe_pkg::BSupplyCopies) begin : gen_copies
    localparam int unsigned OwnWidth  = IndexWidth - LaneBits;  // an index among a lane's own
    localparam int unsigned AddrWidth = OwnWidth + Banks - 1;
    localparam int unsigned OwnDepth  = (Banks > 1) ? 2 ** AddrWidth : Depth / Lanes;

    logic [OwnWidth-1:0]   write_own;
    logic [AddrWidth-1:0]  write_addr;
    logic [Lanes-1:0]      write_lane;

    assign write_own  = {write_index_i[IndexWidth-1:GroupBits+LaneBits],
                         write_index_i[GroupBits-1:0]};
    assign write_addr = AddrWidth'({write_bank_i, write_own});

    for (genvar l = 0; l < Lanes; l++) begin : gen_lane
      if (Lanes > 1) begin : gen_own
        assign write_lane[l] = write_i && write_index_i[GroupBits+:LaneBits] == LaneBits'(l);
      end else begin : gen_all
        assign write_lane[l] = write_i;
      end

      for (genvar r = 0; r < Rows; r++) begin : gen_row
        for (genvar c = 0; c < Cols; c++) begin : gen_col
          logic [OwnWidth-1:0] own;

          assign own = {index_i[r][c][l][IndexWidth-1:GroupBits+LaneBits],
                        index_i[r][c][l][GroupBits-1:0]};

          tpe_ram #(
              .Words(OwnDepth),
              .Width(BWidth)
          ) u_ram (
              .clk_i,
              .write_i     (write_lane[l]),
              .write_addr_i(write_addr),
              .write_data_i(b_i[c*BWidth+:BWidth]),
              .read_i      (read_i[r]),
              .read_addr_i (AddrWidth'({read_bank_i, own})),
              .read_data_o (b_o[r][c][l])
          );
        end
      end
    end

    logic unused_lane;  // a lane's index is of its own groups
    assign unused_lane = ^index_i;
  end else begin : gen_ported
    localparam int unsigned AddrWidth = IndexWidth + Banks - 1;
    localparam int unsigned BankDepth = (Banks > 1) ? 2 ** AddrWidth : Depth;
    localparam int unsigned Reads     = Rows * Lanes;

    for (genvar c = 0; c < Cols; c++) begin : gen_col
      logic [Reads-1:0]            read;
      logic [Reads*AddrWidth-1:0]  addr;
      logic [Reads*BWidth-1:0]     data;

      for (genvar r = 0; r < Rows; r++) begin : gen_row
        for (genvar l = 0; l < Lanes; l++) begin : gen_lane
          localparam int unsigned Port = r * Lanes + l;
          assign read[Port] = read_i[r];
          assign addr[Port*AddrWidth+:AddrWidth] = AddrWidth'({read_bank_i, index_i[r][c][l]});
          assign b_o[r][c][l] = data[Port*BWidth+:BWidth];
        end
      end

      tpe_ram_ported #(
          .Words(BankDepth),
          .Width(BWidth),
          .Reads(Reads)
      ) u_ram (
          .clk_i,
          .write_i,
          .write_addr_i(AddrWidth'({write_bank_i, write_index_i})),
          .write_data_i(b_i[c*BWidth+:BWidth]),
          .read_i      (read),
          .read_addr_i (addr),
          .read_data_o (data)
      );
    end
  end

endmodule

`default_nettype wire
