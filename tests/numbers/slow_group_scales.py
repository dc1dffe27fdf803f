"""Sums with scales in groups of K, by their definition, in Python's integers and fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

FORMATS = {"fp32": (24, -149, 127), "fp16": (11, -24, 15), "bf16": (8, -133, 127)}
"""Significant bits, exponent of the smallest number, exponent of the largest."""


def nearest(x: Fraction, name: str) -> Fraction | float:
    """The number of a format that is nearest to x, ties to even; infinity beyond the largest."""
    bits, least, most = FORMATS[name]
    if x == 0:
        return Fraction(0)
    exponent = abs(x.numerator).bit_length() - x.denominator.bit_length()
    while abs(x) >= Fraction(2) ** (exponent + 1):
        exponent += 1
    while abs(x) < Fraction(2) ** exponent:
        exponent -= 1
    step = Fraction(2) ** max(exponent - bits + 1, least)
    rounded = round(x / step) * step  # Python's is to even
    if abs(rounded) >= Fraction(2) ** (most + 1):
        return float("inf") if x > 0 else float("-inf")
    return rounded


def grouped(
    a: np.ndarray,
    q: np.ndarray,
    size: int,
    scales: np.ndarray,
    zeros: np.ndarray | None,
    scale_type: str,
) -> np.ndarray:
    """C (M, N) of A (M, K) and integers (K, N), finite; scales and zeros (groups, N)."""
    c = np.empty((len(a), q.shape[1]), np.float32)
    for m, row in enumerate(a.tolist()):
        for n, column in enumerate(q.T.tolist()):
            total = Fraction(0)
            for group, start in enumerate(range(0, len(column), size)):
                zero = 0 if zeros is None else int(zeros[group, n])
                products = zip(row[start : start + size], column[start : start + size], strict=True)
                whole = sum(x * y for x, y in products)
                whole -= zero * sum(row[start : start + size])
                scale = nearest(Fraction(float(scales[group, n])), scale_type)
                total = nearest(total + nearest(whole * scale, "fp32"), "fp32")
            c[m, n] = float(total)
    return c
