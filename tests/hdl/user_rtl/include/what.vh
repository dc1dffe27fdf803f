`define WHAT +
