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

  // When the B of the next pass or tile is loaded.
  typedef enum int unsigned {
    OverlapNone = 0,  // behind it
    OverlapLoad = 1   // meanwhile
  } overlap_e;

endpackage

`default_nettype wire
