"""Bit-level building blocks of floating-point kernels: words in, words out, no float type used.

A word of a format is {sign, exponent, mantissa fraction bits}, in 0 .. 2**bits - 1.
"""

from __future__ import annotations

from tpe.base.jit import kernel

_NAN, _INFINITY, _SIGN = 0x7FC0_0000, 0x7F80_0000, 0x8000_0000
_ROOM = 32  # bits below the last fraction bit: a sum's, before it is rounded


@kernel()
def bit_length(x: int) -> int:
    """Bits of a positive integer.

    >>> bit_length(1), bit_length(12)
    (1, 4)
    """
    length = 0
    while x:
        length += 1
        x >>= 1
    return length


@kernel()
def fp32_sum(x: int, y: int) -> int:
    """x + y of fp32 words, rounded once to nearest even; subnormals kept, one NaN.

    >>> hex(fp32_sum(0x3F800000, 0xBF800000)), hex(fp32_sum(0x7F7FFFFF, 0x7F7FFFFF))
    ('0x0', '0x7f800000')
    """
    size_x, size_y = x & (_SIGN - 1), y & (_SIGN - 1)
    if size_x > _INFINITY or size_y > _INFINITY:
        return _NAN
    if size_x == _INFINITY or size_y == _INFINITY:
        if size_x == size_y and x != y:
            return _NAN
        return x if size_x == _INFINITY else y
    exponent, other = max(x >> 23 & 0xFF, 1), max(y >> 23 & 0xFF, 1)
    a = (size_x - ((exponent - 1) << 23)) << _ROOM
    b = (size_y - ((other - 1) << 23)) << _ROOM
    if exponent < other:
        a, b, exponent, other = b, a, other, exponent
        x, y = y, x
    distance = min(exponent - other, 60)
    b = (b >> distance) | (1 if b & ((1 << distance) - 1) else 0)
    total = (-a if x & _SIGN else a) + (-b if y & _SIGN else b)
    if total == 0:
        return x & y & _SIGN
    sign = _SIGN if total < 0 else 0
    total = abs(total)
    drop = bit_length(total) - 24
    exponent += drop - _ROOM
    if exponent < 1:  # a subnormal sum keeps fewer bits
        drop += 1 - exponent
        exponent = 1
    whole, rest, half = total >> drop, total & ((1 << drop) - 1), 1 << (drop - 1)
    if rest > half or (rest == half and whole & 1):
        whole += 1
    # A carry out of the fraction moves on into the exponent.
    word = whole + ((exponent - 1) << 23)
    return sign | min(word, _INFINITY)
