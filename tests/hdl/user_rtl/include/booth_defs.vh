`define BOOTH_P1A 3'b001
`define BOOTH_P1B 3'b010
`define BOOTH_P2 3'b011
`define BOOTH_N2 3'b100
`define BOOTH_N1A 3'b101
`define BOOTH_N1B 3'b110
