"""The speed of rounding to a narrow format, against ml_dtypes, one thread each."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import ml_dtypes
import numpy as np

import tpe
from benchmarks.timing import Figure, best

COUNT = 1 << 22


def figures() -> Iterator[Figure]:
    """float32 to codes of e4m3fn: normal, mostly subnormal and mostly overflowing numbers."""
    normal = np.random.default_rng(0).normal(size=COUNT).astype(np.float32)
    kinds = {
        "normal": normal,
        "subnormal-heavy": normal * np.float32(2.0**-9),
        "overflowing": normal * np.float32(1e4),
    }
    for name, x in kinds.items():
        ours = partial(tpe.to_codes, x, "e4m3fn", overflow="nan")
        theirs = partial(x.astype, ml_dtypes.float8_e4m3fn)
        codes = theirs().view(np.uint8)
        assert (ours() == np.where(codes == 0xFF, 0x7F, codes)).all()  # its NaN keeps a sign
        ratio = best(theirs, 5) / best(ours, 5)
        yield Figure(
            f"float32 to e4m3fn, {name}: rate against ml_dtypes", f"{ratio:.1f}", ">= 5", ratio >= 5
        )
