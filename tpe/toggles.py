"""Sampled switching of the primitives in a cell: output bits that flip from step to step (D15).

A window is the steps of one cell over one output: K operands, or the non-zero digits of a pass,
cut to `window` steps. Positions are drawn by seed. What a primitive outputs in a step is its
settled value at the end of the cycle; glitches within a cycle, the array's registers and the
finish that cells share are not in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.digits import encoding, select
from tpe.errors import TpeError
from tpe.kernels import compress, signed
from tpe.notation import Dim, Step
from tpe.operands import Ints
from tpe.zero_points import Task, see

if TYPE_CHECKING:
    from tpe.engine import Engine

Words = list[tuple[int, int]]  # (value modulo 2**bits, bits)
Outputs = dict[str, Words]  # by primitive, all its copies in the cell


@dataclass(frozen=True)
class Toggles:
    """Flipped output bits of each primitive, over `steps` changes from one step to the next.

    `bits` counts the output bits that could have flipped: the activity is flips / bits.
    """

    steps: int
    flips: dict[str, int]
    bits: dict[str, int]

    def activity(self, op: str) -> float:
        """Share of a primitive's output bits that flip in a step."""
        return self.flips[op] / self.bits[op]


def sample(
    engine: Engine, a: Any, b: Any, seed: int = 0, window: int = 256, positions: int = 8
) -> Toggles:
    """Switching of the primitives in a cell while the engine computes A @ B.

    A (M, K) and B (K, N) as `Engine.run` takes them. `window`: steps at each position, 2 at least;
    `positions`: outputs (m, n) drawn by `seed`. Raises TpeError for an engine from a bare nest.

    >>> from tpe.engine import Engine
    >>> toggles = sample(Engine("opt1"), [[1, 2, 3]], [[5], [5], [5]])
    >>> toggles.steps, toggles.flips["encode"] > 0
    (16, True)
    """
    if engine.pe is None:
        raise TpeError("an engine from a bare nest has no built widths to count toggles in")
    if window < 2 or positions < 1:
        raise TpeError(f"window = {window}, positions = {positions}: legal: 2 and 1 at least")
    mode = engine.params["zero_points"]
    seen = see(Task("toggles", "gemm", a, b), engine.a_format, engine.b_format, mode)
    transposed = engine.params["encode"] == "weights"
    encoded, other = (seen.b.T, seen.a.T) if transposed else (seen.a, seen.b)
    rng = np.random.Generator(np.random.Philox(seed))
    steps = 0
    flips: dict[str, int] = {}
    bits: dict[str, int] = {}
    for _ in range(positions):
        m, n = int(rng.integers(encoded.shape[0])), int(rng.integers(other.shape[1]))
        before: Outputs | None = None
        for outputs in islice(cell_outputs(engine, encoded[m], other[:, n]), window):
            if before is not None:
                steps += 1
                _count(before, outputs, flips, bits)
            before = outputs
    return Toggles(steps, flips, bits)


def _count(before: Outputs, after: Outputs, flips: dict[str, int], bits: dict[str, int]) -> None:
    for op, words in after.items():
        pairs = zip(before[op], words, strict=True)
        flips[op] = flips.get(op, 0) + sum((x ^ y).bit_count() for (x, _), (y, _) in pairs)
        bits[op] = bits.get(op, 0) + sum(width for _, width in words)


def cell_outputs(engine: Engine, a: Ints, b: Ints) -> Iterator[Outputs]:
    """What every primitive in one cell outputs in each step of sum_k a[k] b[k]."""
    assert engine.pe is not None
    coded = encoding(engine.encoder).encode(a, engine.widths.a)
    feedback: list[int] = [0, 0]
    if not engine.pe.sparse:
        for digits, y in zip(coded.tolist(), b.tolist(), strict=True):
            yield _step(engine, digits, y, feedback)
        return
    depth = engine.widths.depth
    for start in range(0, len(a), depth):
        for plane in range(coded.shape[1]):
            feedback = [0, 0]
            for k in range(start, min(start + depth, len(a))):
                if coded[k, plane]:
                    yield _step(engine, [int(coded[k, plane])], int(b[k]), feedback)


def _step(engine: Engine, digits: list[int], b: int, feedback: list[int]) -> Outputs:
    """One step of the nest's dataflow in the cell, up to the sum over K, which `feedback` keeps."""
    assert engine.pe is not None
    built = engine.pe.built(engine.widths)
    outputs: Outputs = {}
    words = digits
    for step in engine.nest.steps:
        op = step.op.name
        if op not in built or (op in ("encode", "sparse") and engine.pe.sparse):
            continue  # in the front, or no hardware
        words = _apply(step, op, words, b, feedback, built[op])
        mask = (1 << built[op]) - 1
        shown = [int(select(np.asarray(word))) for word in words] if op == "encode" else words
        outputs[op] = [(word & mask, built[op]) for word in shown]
        if Dim.K in step.sums:
            break
    return outputs


def _apply(
    step: Step, op: str, words: list[int], b: int, feedback: list[int], bits: int
) -> list[int]:
    mask = (1 << bits) - 1
    if op == "map":
        return [digit * b for digit in words]
    if op == "shift":
        return [word << (2 * i) for i, word in enumerate(words)]
    if op == "half_reduce":
        kept = feedback if Dim.K in step.sums else []
        pair = _chain([word & mask for word in (*words, *kept)], bits)
        feedback[:] = pair if kept else feedback
        return pair
    if op == "add":
        return [signed(sum(words), bits)]
    if op == "accumulate":
        feedback[0] = (feedback[0] + words[0]) & mask
        return [feedback[0]]
    return words  # encode


def _chain(words: list[int], bits: int) -> list[int]:
    """The linear chain of 3:2 rows, in the order of `tpe_half_reduce`."""
    total, carry = words[0], words[1] if len(words) > 1 else 0
    for word in words[2:]:
        total, carry = compress(total, carry, word, bits)
    return [total, carry]
