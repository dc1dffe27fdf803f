"""The worked example of a package: a small GEMM, its beats in order, its words and its cycles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tpe.engine.finish import ChainInputs, Requant
from tpe.hdl.emit import finish
from tpe.hdl.emit.package_files.facts import Interface, facts
from tpe.hdl.emit.package_files.order import Order, order
from tpe.hdl.simulate.hex import pack
from tpe.hdl.simulate.images import Case, expected, images
from tpe.model.selected import as_sparse
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import ZeroPoints

if TYPE_CHECKING:
    from tpe.engine.config import Config
    from tpe.numbers.formats import Format

ROWS_OF_A_CHAIN = 3  # rows of A that pass through a chain
GIVEN_BIAS, GIVEN_C0, MULTIPLIER, SHIFT, OUT_ZERO, OPERAND_ZERO = 4, 1, 3, 1, 1, 1


@dataclass(frozen=True)
class Example:
    """A case, and all that the ports see of it, as hexadecimal words."""

    case: Case
    known: Interface
    order: Order
    a: tuple[str, ...]  # words of the memory of A, which `order` points into
    b: tuple[str, ...]
    d: tuple[str, ...]  # what each word of C takes with it; empty if that is nothing
    c: tuple[str, ...]  # words of C in the order they leave
    cycles: int


def example(engine: Config) -> Example:
    """The worked example of an engine. Raises TpeError for an engine without RTL.

    >>> from tpe.model.engine import Engine
    >>> made = example(Engine("mac", "systolic_os", (2, 2)))
    >>> made.a[0], made.b[0], made.c[0], made.cycles
    ('00fd', 'fefd', '0000000600000007', 10)
    """
    case = example_case(engine)
    known, image, run = facts(engine), images(case), case.run()
    words = expected(case, case.words(run), image.m_tiles, image.n_tiles)
    a, b, d, c = (
        tuple(text.decode().split())
        for text in (image.a, image.b, image.d, pack(words, finish.word_format(engine)[0]))
    )
    return Example(case, known, order(image.settings, known), a, b, d, c, run.cycles)


def example_case(engine: Config) -> Case:
    """One tile (of a chain: three rows of A), K one operand more than a beat holds, 3 at least.

    K is 1 if an accumulator with guard bits holds no more.

    A[m, k] = low_a + (3 m + 5 k) mod s_a and B[k, n] = low_b + (2 k + n) mod s_b; `low` is -3 or
    the format's own lowest, `s` is 7 or the number of values from `low` on, which are 2 apart in a
    format without zero. A side that is to be sparse is pruned.
    """
    engine = engine.wrapping()
    known = facts(engine)
    rows = ROWS_OF_A_CHAIN if known.chained else engine.grid.m
    m, n = engine.sides.pair(rows, engine.grid.n)
    k = max(3, k_of_beat(engine, known) + 1)
    if engine.chain.narrow and not finish.has_room(engine, k):
        k = 1
    (low_a, span_a, step_a), (low_b, span_b, step_b) = map(span, (engine.a_format, engine.b_format))
    row, depth, col = np.arange(m)[:, None], np.arange(k), np.arange(n)
    a = low_a + step_a * ((3 * row + 5 * depth) % span_a)
    b = low_b + step_b * ((2 * depth[:, None] + col) % span_b)
    a, b = as_sparse(engine, a, b)
    zero = OPERAND_ZERO if engine.choices.zero_points is not ZeroPoints.NONE else 0
    return Case(engine, a, b, a_zero=zero, b_zero=zero, chain_inputs=_given(engine, m, n))


def k_of_beat(engine: Config, known: Interface) -> int:
    """Operands of K, those that sparsity leaves out among them, that a beat of A is of."""
    pattern = engine.selection.sparsity if engine.selection else None
    return -(-known.per_beat // pattern.n) * pattern.m if pattern else known.per_beat


def span(number: Format) -> tuple[int, int, int]:
    """The lowest operand of the example in a format, how many follow, and how far apart.

    >>> from tpe.numbers.formats import number_format
    >>> [span(number_format(name)) for name in ("int8", "int2", "uint4", "bipolar1")]
    [(-3, 7, 1), (-2, 4, 1), (0, 7, 1), (-1, 2, 2)]
    """
    low, step = int(max(-3, number.low)), number.step
    return low, int(min(7, (number.high - low) // step + 1)), step


def _given(engine: Config, m: int, n: int) -> ChainInputs:
    stages = engine.chain
    c0: Ints | None = np.full((m, n), GIVEN_C0) if stages.c0 else None
    bias: Ints | None = np.full(n, GIVEN_BIAS) if stages.bias else None
    if stages.requant == "off":
        return ChainInputs(c0, bias)
    if stages.requant == "tensor":
        return ChainInputs(c0, bias, Requant(MULTIPLIER, SHIFT, OUT_ZERO))
    return ChainInputs(c0, bias, Requant(np.full(n, MULTIPLIER), np.full(n, SHIFT), OUT_ZERO))
