// tpe_pkg -- the integers by which parameters of the RTL choose, each named once.
//
// A parameter Xxx takes one of the names of xxx_e, which begin with Xxx; one that says yes or no is
// 1 or 0. What follows Xxx is the model's word for it: tpe/hdl/emit/rtl_names.py reads this file.
`default_nettype none

package tpe_pkg;

  // How an operand of A is recoded into radix-4 digits.
  typedef enum int unsigned {
    EncoderBooth = 0,
    EncoderEnt   = 1   // arXiv:2404.11887
  } encoder_e;

  // What becomes of zero points, and of unsigned operands, before a signed array.
  typedef enum int unsigned {
    ZeroNone     = 0,  // there are none: an unsigned operand is zero-extended
    ZeroSubtract = 1,  // subtracted from every operand, in one bit more
    ZeroOffset   = 2   // an unsigned operand less half its range; the rest is added to C
  } zero_e;

  // What becomes of a sum, exact in guard bits, that does not fit the accumulator.
  typedef enum int unsigned {
    NarrowNone     = 0,  // there are no guard bits: it has wrapped
    NarrowFlag     = 1,  // it wraps, and is told
    NarrowSaturate = 2   // it takes the nearest end of the range, and is told
  } narrow_e;

  // Where a requantised sum goes that lies between two integers.
  typedef enum int unsigned {
    RoundingHalfUp   = 0,  // to the nearest; ties towards plus infinity
    RoundingHalfEven = 1,  // ... ties to the even one
    RoundingHalfAway = 2   // ... ties away from zero
  } rounding_e;

  // When the B of the next pass or tile is loaded.
  typedef enum int unsigned {
    OverlapNone = 0,  // behind it
    OverlapLoad = 1   // meanwhile
  } overlap_e;

  // What an L-Mul product gets beside the sum of its operands' fields.
  typedef enum int unsigned {
    LmulOffsetPaper = 0,  // 2**-4 for bf16: arXiv:2410.00907
    LmulOffsetNone  = 1   // nothing: Mitchell's product
  } lmul_offset_e;

endpackage

`default_nettype wire
