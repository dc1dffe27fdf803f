// opt1_os_4x4_planes -- counts how often K of a tile has been streamed, once per bit weight (a plane).
//
// The last beat of the last plane ends the tile's operands. If there are several planes, a step
// without operands follows it, one enabled cycle later, which tells the cells to close that plane.
// Latency   : final_o is combinational; with one plane everything is wires.
`default_nettype none

module opt1_os_4x4_planes #(
    parameter int unsigned Planes     = 1,
    parameter int unsigned PlaneWidth = 1
) (
    input  wire  logic                    clk_i,
    input  wire  logic                    rst_ni,
    input  wire  logic                    en_i,         // 0 holds every register
    input  wire  logic                    last_beat_i,  // the last operands of K are accepted
    output       logic                    final_o,      // ... for the last time in this tile
    output       logic                    close_o,      // the step that closes the last plane
    output       logic [PlaneWidth-1:0]   plane_o       // of this beat or step; Planes: closing
);

  if (Planes > 1) begin : gen_planes
    if (Planes >= 2 ** PlaneWidth) begin : gen_check
      $error("opt1_os_4x4_planes: PlaneWidth must hold Planes");
    end

    logic                  close_q;
    logic [PlaneWidth-1:0] plane_d, plane_q;

    assign final_o = last_beat_i && (plane_q == PlaneWidth'(Planes - 1));
    assign close_o = close_q;
    assign plane_o = plane_q;

    always_comb begin
      plane_d = plane_q;
      if (close_q) plane_d = '0;
      else if (last_beat_i) plane_d = plane_q + 1'b1;
    end

    always_ff @(posedge clk_i or negedge rst_ni) begin
      if (!rst_ni) begin
        close_q <= 1'b0;
        plane_q <= '0;
      end else if (en_i) begin
        close_q <= final_o;
        plane_q <= plane_d;
      end
    end
  end else begin : gen_one
    logic unused_inputs;
    assign unused_inputs = ^{clk_i, rst_ni, en_i};
    assign final_o = last_beat_i;
    assign close_o = 1'b0;
    assign plane_o = '0;
  end

endmodule

`default_nettype wire
