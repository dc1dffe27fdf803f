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

  // Where the 1 of a negative multiple is added; its other bits are the positive one's complement.
  typedef enum int unsigned {
    NegateAdder    = 0,  // by an adder of its own: every word is a digit times B
    NegateFreeBits = 1,  // at bits that are free in the compressor behind
    NegateRow      = 2   // once a row, with the finish: tpe_row_digits
  } negate_e;

  // What becomes of the products of a step's lanes.
  typedef enum int unsigned {
    DotAdded      = 0,  // each is resolved, and added to the psum
    DotCompressed = 1   // their words meet in one compressor, and are resolved once
  } dot_e;

  // What stands above the partial products of a step, in the running pair of a carry-save PE.
  typedef enum int unsigned {
    TopCompress  = 0,  // a carry word like the one below
    TopIncrement = 1   // none: what comes from below is added to the sum
  } top_e;

  // What a cell does in a cycle without a step.
  typedef enum int unsigned {
    HoldMux   = 0,  // its registers keep what they have
    HoldZero  = 1,  // it adds zero: its codes are; one clock gate a row stops it while en_i is low
    HoldGated = 2   // the same, behind a clock gate of its own instead of the row's
  } hold_e;

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
    StallRegistered = 1   // by registers, from the next one on: tpe_skid_buffer
  } stall_e;

  // Where the B of a sparse array's cells comes from, which they want by index.
  typedef enum int unsigned {
    BSupplyCopies    = 0,  // a memory for every row, all written alike
    BSupplyBroadcast = 1,  // none: B of the groups in work goes to all cells
    BSupplyPorted    = 2   // one memory with a read port for every row: simulated alone
  } b_supply_e;

  // Whose operands are selected, where those of the other side have structured sparsity.
  typedef enum int unsigned {
    SelectFromA = 0,
    SelectFromB = 1
  } select_from_e;

  // What a table holds of a group of activations, for bits of weights to look up.
  typedef enum int unsigned {
    TableHalf    = 0,  // sums of plus or minus each, those whose last is minus
    TableFull    = 1,  // sums of each or nothing
    TableTernary = 2,  // sums of plus, minus or nothing, one of each and its negative
    TableNone    = 3   // no sums: each by itself, added in the cells
  } table_e;

  // Where the bits of half a table are inverted, if the last one's is 1.
  typedef enum int unsigned {
    InversionOffline = 0,  // beforehand: weights are stored so
    InversionCell    = 1   // in every cell
  } inversion_e;

  // What gives the product of two magnitudes of a byte each.
  typedef enum int unsigned {
    MultiplierMitchell = 0,  // sums of logarithms: tpe_mult_mitchell
    MultiplierKulkarni = 1,  // blocks of 2 x 2 bits, 3 x 3 = 7: tpe_mult_kulkarni
    MultiplierExact    = 2   // an exact one, left to synthesis
  } multiplier_e;

  // What an L-Mul product gets beside the sum of its operands' fields.
  typedef enum int unsigned {
    LmulOffsetPaper = 0,  // 2**-4 for bf16: arXiv:2410.00907
    LmulOffsetNone  = 1   // nothing: Mitchell's product
  } lmul_offset_e;

  // What a subnormal code is as a factor of an L-Mul product, and as one.
  typedef enum int unsigned {
    SubnormalsFlush = 0,  // zero
    SubnormalsKeep  = 1   // a code that is added like any other
  } subnormals_e;

  // What becomes of an L-Mul product beyond the largest code.
  typedef enum int unsigned {
    ProductOverflowInf      = 0,  // infinity; NaN in a format that has none
    ProductOverflowSaturate = 1,  // the largest code
    ProductOverflowWrap     = 2   // the sum's low bits
  } product_overflow_e;

  // Which codes of a floating-point format are no numbers.
  typedef enum int unsigned {
    SpecialIeee = 0,  // those of the highest exponent: infinity with a fraction of 0, NaN
    SpecialTop  = 1,  // the highest code alone, NaN: e4m3fn
    SpecialNone = 2   // none
  } special_e;

  // What becomes of bits that are shifted out of a significand.
  typedef enum int unsigned {
    AlignTruncate = 0,  // nothing
    AlignSticky   = 1   // the lowest bit that stays says whether any of them was set
  } align_e;

  // What becomes of the psum in a fused step.
  typedef enum int unsigned {
    CAddFused = 0,  // it is one of the terms
    CAddLate  = 1,  // the sum of the step is added to it in fp32
    CAddNone  = 2   // it is none: every step is promoted
  } c_add_e;

  // The format of C, where it is of floating point.
  typedef enum int unsigned {
    CTypeFp32 = 0,
    CTypeFp16 = 1,
    CTypeBf16 = 2
  } c_type_e;

  // How far a sum is moved up that is not rounded.
  typedef enum int unsigned {
    NormaliserApprox = 0,  // by two tests of its top bits: arXiv:2408.11997
    NormaliserExact  = 1,  // by a count of its leading zeros
    NormaliserNone   = 2   // not
  } normaliser_e;

  // How the significand of a sum is signed that is not rounded.
  typedef enum int unsigned {
    PsumFormSignMagnitude  = 0,
    PsumFormTwosComplement = 1
  } psum_form_e;

endpackage

`default_nettype wire
