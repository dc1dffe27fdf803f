"""What an engine outputs by its bit-level kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tpe.base.jit import argument, compiled
from tpe.numbers.operands import Ints
from tpe.pe.parameters import ENCODERS

if TYPE_CHECKING:
    from tpe.engine.config import Config


def bit_level(engine: Config, encoded: Ints, other: Ints) -> Ints:
    """C by the PE's kernel: every partial product, every compressor row, every wrap."""
    from tpe.model import kernels

    pe, w = engine.pe, engine.widths
    return np.asarray(
        compiled(kernels.gemm)(
            argument(pe.kernel.step),
            argument(pe.kernel.resolve),
            np.ascontiguousarray(encoded, np.int64).copy(),
            np.ascontiguousarray(other, np.int64).copy(),
            pe.kernel.products,
            len(pe.kernel.psum.words(w)),
            w.digits if pe.digit_serial else 0,
            int(pe.falling),
            w.depth if pe.sparse else max(1, encoded.shape[1]),
            w.lanes if pe.kernel.fused else kernels.LANES,
            *pe.kernel.facts(w, ENCODERS[engine.encoder], encoded.shape[1]),
        )
    )
