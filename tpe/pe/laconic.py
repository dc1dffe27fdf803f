"""Laconic: both operands as signed powers of two; one pair of them per lane a cycle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from tpe.base.jit import compiled, kernel
from tpe.numbers import groups
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64, digit
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.mac import resolve
from tpe.pe.meetings import Rule, per_group
from tpe.pe.paces import LockStep
from tpe.pe.parameters import ENCODER, cell_latency, lanes_parameter, stages_parameter
from tpe.pe.widths import Widths

Terms: TypeAlias = npt.NDArray[np.uint8]


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Every pair of non-zero digits: the sign and the exponent of their product."""
    mask = (1 << facts.psum_bits) - 1
    word = psum[0]
    terms, other = np.empty(((facts.a_bits + 1) // 2, word.size), np.int64), np.empty_like(word)
    for lane in range(codes.shape[0]):
        for i in range(terms.shape[0]):
            for n in range(word.size):
                terms[i, n] = digit(codes[lane, n], i, facts.a_bits, facts.encoder)
        for j in range((facts.b_bits + 1) // 2):
            for n in range(word.size):
                other[n] = digit(b[lane, n], j, facts.b_bits, facts.encoder)
            for i in range(terms.shape[0]):
                for n in range(word.size):
                    power = 2 * (i + j) + (abs(terms[i, n]) >> 1) + (abs(other[n]) >> 1)
                    sign = 1 if (terms[i, n] < 0) == (other[n] < 0) else -1
                    value = 0 if terms[i, n] == 0 or other[n] == 0 else sign << power
                    word[n] = (word[n] + value) & mask


def work(a: Ints, b: Ints, a_bits: int, b_bits: int, lanes: int, encoder: str = "booth") -> Ints:
    """The most pairs of terms in a lane: non-zero digits of A times those of B.

    a, b (M, K): the two operands of each lane.

    >>> work(np.array([[127, 3]]), np.array([[5, 0]]), 8, 8, 2).tolist()
    [[4]]
    """
    terms = groups.digit_counts(a, a_bits, encoder) * groups.digit_counts(b, b_bits, encoder)
    most: Ints = groups.grouped(terms, lanes).max(axis=-1)
    return most


@kernel()
def tally(a_terms: Terms, b_terms: Terms, lanes: int) -> Ints:
    """(slowest PE's pairs, pairs of all PEs, PEs without any) of every group: (3, groups).

    a_terms (rows, K), b_terms (K, cols): non-zero digits of the operands, 9 at most. Columns are
    the innermost loop and a byte each, so that many of them are one machine instruction.
    """
    rows, k = a_terms.shape
    out = np.zeros((3, -(-k // lanes)), np.int64)
    most = np.zeros(b_terms.shape[1], np.uint8)
    for g in range(out.shape[1]):
        for r in range(rows):
            most[:] = 0
            for i in range(g * lanes, min((g + 1) * lanes, k)):
                terms = a_terms[r, i]
                if terms == 0:
                    continue
                for c in range(most.size):
                    pairs = np.uint8(terms * b_terms[i, c])
                    most[c] = max(most[c], pairs)
            for c in range(most.size):
                out[0, g] = max(out[0, g], most[c])
                out[1, g] += most[c]
                out[2, g] += most[c] == 0
    return out


def pair_steps(a: Ints, b: Ints, w: Widths, params: Mapping[str, Any]) -> Ints:
    """Of every group of a tile, A (rows, K) and B (K, cols): see `tally`."""
    encoder = str(params["encoder"])
    a_terms = groups.digit_counts(a, w.a, encoder).astype(np.uint8)
    b_terms = np.ascontiguousarray(groups.digit_counts(b, w.b, encoder), np.uint8)
    return np.asarray(compiled(tally)(np.ascontiguousarray(a_terms), b_terms, w.lanes))


def _longest(w: Widths) -> int:
    """Every digit of A with every digit of B."""
    return w.digits * ((w.b + 1) // 2)


RECORD = PE(
    name="laconic",
    title="pairs of terms",
    source="Laconic, ISCA 2019, arXiv:1805.04513; partly from memory",
    nest=None,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=LockStep(range(1, 65), pair_steps, depends="pairs", longest=_longest),
    ways=frozenset({Way.KEEP}),
    hardware=Hardware(cell="laconic", finish="word", latency=cell_latency),
    parameters=(
        ENCODER,
        lanes_parameter(16, range(1, 65)),
        stages_parameter(
            "cell_stages",
            4,
            "2 registers the counts of exponents, 3 the pairs, 4 the sum of the counts, too",
            "CellStages",
        ),
    ),
    rules=(
        Rule(
            "laconic",
            "laconic",
            "a pair of operands of a group",
            "at every group",
            per_group(lambda x, n: work(x.a, x.b, x.a_bits, x.b_bits, n)),
            place=6,
        ),
    ),
)
