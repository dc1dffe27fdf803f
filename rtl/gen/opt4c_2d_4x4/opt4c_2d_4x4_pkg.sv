// opt4c_2d_4x4_pkg -- the integers by which parameters of the RTL choose, each named once.
//
// A parameter Xxx takes one of the names of xxx_e, which begin with Xxx; one that says yes or no is
// 1 or 0. What follows Xxx is the model's word for it: tpe/hdl/emit/rtl_names.py reads this file.
`default_nettype none

package opt4c_2d_4x4_pkg;

  // How an operand of A is recoded into radix-4 digits.
  typedef enum int unsigned {
    EncoderBooth = 0,
    EncoderEnt   = 1   // arXiv:2404.11887
  } encoder_e;

  // Where the 1 of a negative multiple is added; its other bits are the positive one's complement.
  typedef enum int unsigned {
    NegateAdder    = 0,  // by an adder of its own: every word is a digit times B
    NegateFreeBits = 1,  // at bits that are free in the compressor behind
    NegateRow      = 2   // once a row, with the finish: opt4c_2d_4x4_row_digits
  } negate_e;

  // What a cell does in a cycle without a step.
  typedef enum int unsigned {
    HoldMux   = 0,  // its registers keep what they have
    HoldZero  = 1,  // it adds zero: its codes are; one clock gate a row stops it while en_i is low
    HoldGated = 2   // the same, behind a clock gate of its own instead of the row's
  } hold_e;

  // What of the next pass or tile is done while one works or drains.
  typedef enum int unsigned {
    OverlapNone   = 0,
    OverlapLoad   = 1,  // its B is loaded
    OverlapDrain  = 2,  // ... and it streams once the last psum has left its cell
    OverlapStream = 3   // ... and it streams without a gap
  } overlap_e;

  // How a word that the sink refuses holds the array.
  typedef enum int unsigned {
    StallDirect     = 0,  // in the cycle of the refusal
    StallRegistered = 1   // by registers, from the next one on: opt4c_2d_4x4_skid_buffer
  } stall_e;

  // Where the B of a sparse array's cells comes from, which they want by index.
  typedef enum int unsigned {
    BSupplyCopies    = 0,  // a memory for every row, all written alike
    BSupplyBroadcast = 1,  // none: B of the groups in work goes to all cells
    BSupplyPorted    = 2   // one memory with a read port for every row: simulated alone
  } b_supply_e;

endpackage

`default_nettype wire
