"""MAC: the conventional PE and honest baseline.

A Booth (or EN-T) multiplier and a word accumulator in every cell; `stages` 1 to 3 registers the
product, and at 3 the compressed partial products too. Of several lanes the products are added, or,
with `dot = compressed`, resolved together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from tpe.base.jit import kernel
from tpe.nest.lean import merged
from tpe.nest.notation import Nest, mac
from tpe.nest.rewrites import encode_in
from tpe.numbers.operands import Ints
from tpe.numbers.three_greedy import KnownWord
from tpe.numbers.words import I64, Rows, carry_save, lowest_digit, recoded
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.lean import clock_holds, known_words, lean, leaves_to_row, words_bits
from tpe.pe.meetings import OPERAND, Operands, Rule, per_group
from tpe.pe.paces import Dense
from tpe.pe.parameters import (
    BIASED,
    ENCODE_IN,
    ENCODER,
    FINISH_STAGES,
    HOLD,
    NEGATE,
    TREE,
    EncodeIn,
    Parameter,
    code_bits,
    lanes_parameter,
    stages_parameter,
)
from tpe.pe.widths import Loops, Params, Widths

ROW = 512  # products at a time, of several lanes: long loops, whose rows stay in the first cache


@kernel()
def multiply(codes: I64, b: I64, rows: Rows, facts: Facts) -> None:
    """Compress the shifted partial products of every operand, resolve them into the first row.

    Words wrap as they are stored in a row, which makes all words of a loop as narrow as its rows.
    The sign of A, which EN-T's digits of a magnitude lack, goes to B.
    """
    product, carry, partial_product = rows[0], rows[1], rows[2]
    pairs, carries, shifted = rows[3], rows[4], rows[5]
    product[:] = 0
    carry[:] = 0
    for n in range(codes.size):
        pairs[n], carries[n] = recoded(codes[n], facts.a_bits, facts.encoder)
        shifted[n] = -b[n] if facts.encoder == 1 and codes[n] < 0 else b[n]
    for _ in range((facts.a_bits + 1) // 2):
        for n in range(codes.size):
            partial_product[n] = lowest_digit(pairs[n], carries[n]) * shifted[n]
            pairs[n] >>= 2
            carries[n] >>= 2
            shifted[n] <<= 2
        for n in range(codes.size):
            product[n], carry[n] = carry_save(product[n], carry[n], partial_product[n])
    for n in range(codes.size):
        product[n] += carry[n]


@kernel()
def accumulate(codes: I64, b: I64, word: I64, rows: Rows, facts: Facts) -> None:
    """Add the products of every lane to the running word; as many lanes at a time as rows hold."""
    mask, cells = (1 << facts.psum_bits) - 1, word.size
    most = rows.shape[1] // cells
    for first in range(0, codes.shape[0], most):
        lanes = min(most, codes.shape[0] - first)
        a = codes[first : first + lanes].reshape(lanes * cells)
        multiply(a, b[first : first + lanes].reshape(lanes * cells), rows, facts)
        for lane in range(lanes):
            product = rows[0, lane * cells : (lane + 1) * cells]
            for n in range(cells):
                word[n] = (word[n] + product[n]) & mask


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Compress the shifted partial products, resolve them, add to the running word.

    A product has a_bits + b_bits bits, the width of the tree, and takes the narrowest words that
    hold it: the narrower they are, the more of them a vector has.
    """
    bits, size = facts.a_bits + facts.b_bits, max(ROW, psum.shape[1])
    if bits <= 16:
        accumulate(codes, b, psum[0], np.empty((6, size), np.int16), facts)
    elif bits <= 32:
        accumulate(codes, b, psum[0], np.empty((6, size), np.int32), facts)
    else:
        accumulate(codes, b, psum[0], np.empty((6, size), np.int64), facts)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result."""
    acc[:] = psum[0]


def nest(loops: Loops, params: Params) -> Nest:
    """The MAC nest, its encoders where `encode_in` says."""
    rewritten = lean(mac(*loops), params)
    if params["dot"] == "compressed":
        rewritten = merged(rewritten)
    return encode_in(rewritten, params["encode_in"])


def built(w: Widths) -> Mapping[str, int]:
    """Output width of each primitive as `tpe_pe_mac` builds it."""
    return _built(w, _product_bits(w))


def _product_bits(w: Widths) -> int:
    return w.a + w.b


def _dot_bits(w: Widths) -> int:
    """Bits of the sum of the products of all lanes, the accumulator at most."""
    return min(w.acc, _product_bits(w) + (w.lanes - 1).bit_length())


def _built(w: Widths, product: int) -> Mapping[str, int]:
    return {
        "encode": 3,
        "map": w.b + 2,
        "shift": product,
        "half_reduce": product,
        "add": product,
        "accumulate": w.acc,
        "row_term": w.acc,
    }


def _shapes(
    w: Widths, params: Params, lanes: int, bits: int
) -> Mapping[tuple[int, int], tuple[KnownWord, ...]]:
    """What is known of the words of the compressor of so many lanes."""
    return {(lanes * w.digits, bits): known_words(w, params, lanes, bits)}


def dense_work(x: Operands, lanes: int) -> Ints:
    """A cycle for every group, whatever its operands."""
    return np.ones((x.a.shape[0], -(-x.a.shape[1] // lanes)), np.int64)


def at(record: PE, params: Params) -> PE:
    """The record for these parameters; see `_lean`."""
    if params["multiplier"] == "behavioural":
        return _behavioural(record)
    row, biased = leaves_to_row(params), params["biased"] == "on"
    return _lean(record, row, biased, params["dot"] == "compressed", clock_holds(params))


@cache
def _behavioural(record: PE) -> PE:
    """The record whose product is an expression: no digit is to be seen, and it has no nest."""
    latency = HARDWARE.latency
    own = Hardware(cell="mac_behavioural", finish="word", latency=latency)
    return replace(record, nest=None, hardware=own)


@cache
def _lean(record: PE, row: bool, biased: bool, compressed: bool, stopped: bool) -> PE:
    """The record where a row has a term, words are biased, and lanes are compressed together; and
    where nothing but the clock of its row holds a cell."""
    if not (row or stopped or compressed) or record.hardware is None:
        return record

    def bits(w: Widths) -> int:
        lanes = w.lanes if compressed else 1
        return words_bits(w, lanes) if biased else _dot_bits(replace(w, lanes=lanes))

    def trees(w: Widths, params: Params) -> tuple[tuple[int, int], ...]:
        return (((w.lanes if compressed else 1) * w.digits, bits(w)),)

    own = replace(
        record.hardware,
        row="digits" if row else "none",
        built=lambda w: {**_built(w, bits(w)), **({"add": w.acc} if row else {})},
        trees=trees,
        shapes=lambda w, params: _shapes(w, params, w.lanes if compressed else 1, bits(w)),
    )
    return replace(record, hardware=own)


def conflict(params: Params) -> str | None:
    """What is wrong with choices of a multiplier, or with stages of a finish that is wires."""
    return _of_expressions(params) or _of_wires(params)


def _of_wires(params: Params) -> str | None:
    """What is wrong where a finish is to have a register inside, and adds nothing."""
    if params["finish_stages"] == FINISH_STAGES.default or leaves_to_row(params):
        return None
    return (
        f"finish_stages = {params['finish_stages']!r} is not legal where no row has a term, and a "
        "finish is wires; legal: 1, or negate = row, or biased = on"
    )


def _of_expressions(params: Params) -> str | None:
    """What is wrong where an expression is to multiply digits, or to leave some of them out."""
    if params["multiplier"] == "digits":
        return None
    if params["encode_in"] != EncodeIn.CELL:
        return (
            f"multiplier = 'behavioural' is not legal with encode_in = {params['encode_in']!r}: a "
            "code is digits there; legal: digits"
        )
    if leaves_to_row(params) or clock_holds(params):
        return (
            "multiplier = 'behavioural' leaves nothing to its row, and holds by enables; "
            "legal: digits"
        )
    return None


HARDWARE = Hardware(
    cell="mac",
    finish="word",
    built=built,
    code_bits=code_bits,
    latency=lambda params: int(params["stages"]) - 1,
    trees=lambda w, params: ((w.digits, _product_bits(w)),),
    shapes=lambda w, params: _shapes(w, params, 1, _product_bits(w)),
)

RECORD = PE(
    name="mac",
    title="multiply-accumulate",
    source="arXiv:2503.06342, the MAC nest",
    nest=nest,
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset(Way),
    hardware=HARDWARE,
    parameters=(
        ENCODER,
        ENCODE_IN,
        TREE,
        NEGATE,
        BIASED,
        HOLD,
        Parameter(
            "multiplier",
            "digits",
            ("digits", "behavioural"),
            "products of Booth's or EN-T's digits, or written a * b and left to synthesis: then "
            "encoder, tree, negate and dot say nothing",
            trade="behavioural costs sight of the digits; saves area where synthesis does better",
        ),
        stages_parameter("stages", 3, "2 registers the products, 3 their pairs, too", "Stages"),
        Parameter(
            "dot",
            "added",
            ("added", "compressed"),
            "the products of a step's lanes: each resolved and added, or all words in one "
            "compressor, resolved once",
            "Dot",
            trade="compressed costs one tree over all lanes; saves their adders but one",
        ),
        FINISH_STAGES,
        lanes_parameter(1, range(1, 1025)),
    ),
    at=at,
    conflict=conflict,
    rules=(
        Rule("mac", "mac", OPERAND, "never: all take one cycle", per_group(dense_work), place=0),
    ),
)
