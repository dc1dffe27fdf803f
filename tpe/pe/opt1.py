"""OPT1, compressed accumulation: the PE keeps (sum, carry); `add` runs once per output.

Where no partial product is negative, those of a step sum to few bits, and the running pair needs a
carry word no longer than they reach: above, `top = increment` adds what comes from below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from tpe.base.jit import kernel
from tpe.nest.lean import apart, incremented_top
from tpe.nest.notation import ADD, M, Nest, mac
from tpe.nest.rewrites import encode_in, opt1, share
from tpe.numbers.three_greedy import KnownWord
from tpe.numbers.words import I64, carry_save, digit
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.lean import PAIR, clock_holds, known_words, lean, leaves_to_row, words_bits
from tpe.pe.paces import Dense
from tpe.pe.parameters import (
    BIASED,
    ENCODE_IN,
    ENCODER,
    FINISH_STAGES,
    HOLD,
    NEGATE,
    TREE,
    Parameter,
    code_bits,
    lanes_parameter,
    stages_parameter,
)
from tpe.pe.widths import Loops, Params, Widths


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Compress the running pair with every shifted partial product.

    A bit of a 3:2 row depends on none above it, so that the pair is cut to its width once, after
    all lanes: it comes out as if every row had been.
    """
    mask, digits = (1 << facts.psum_bits) - 1, (facts.a_bits + 1) // 2
    total, carry = psum[0], psum[1]
    for lane in range(codes.shape[0]):
        for i in range(digits):
            for n in range(total.size):
                code = digit(codes[lane, n], i, facts.a_bits, facts.encoder)
                partial_product = (code * b[lane, n]) << (2 * i)
                total[n], carry[n] = carry_save(total[n], carry[n], partial_product)
    for n in range(total.size):
        total[n] &= mask
        carry[n] &= mask


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """One carry-propagate addition, modulo 2**acc_bits."""
    mask = (1 << facts.acc_bits) - 1
    for n in range(acc.size):
        acc[n] = (psum[0, n] + psum[1, n]) & mask


def nest(loops: Loops, params: Params) -> Nest:
    """OPT1, with one adder per column that the rows use in turn while a tile drains."""
    compressed = lean(opt1(mac(*loops)), params)
    if params["top"] == "increment":
        compressed = incremented_top(compressed)
    elif int(params["stages"]) > 1:
        compressed = apart(compressed)
    return encode_in(share(compressed, ADD, along=M), params["encode_in"])


def built(w: Widths) -> Mapping[str, int]:
    """Output width of each primitive as `tpe_pe_opt1` builds it."""
    return {
        "encode": 3,
        "map": w.b + 2,
        "shift": w.acc,
        "half_reduce": w.acc,
        "add": w.acc,
        "row_term": w.acc,
    }


def carry_bits(w: Widths) -> int:
    """Bits of the carry word where nothing but an incrementer stands above the words of a step."""
    words = words_bits(w, w.lanes)
    return words + 1 if words < w.acc else w.acc


def trees(w: Widths, params: Params) -> tuple[tuple[int, int], ...]:
    """The compressor of a step, with the running pair or ahead of it; that of a row's term."""
    term = ((3, w.acc),) if leaves_to_row(params) else ()
    if params["top"] == "compress" and int(params["stages"]) == 1:
        return ((w.lanes * w.digits + 2, w.acc), *term)
    words = words_bits(w, w.lanes) if params["biased"] == "on" else w.acc
    return ((w.lanes * w.digits, words), *term)


def shapes(w: Widths, params: Params) -> Mapping[tuple[int, int], tuple[KnownWord, ...]]:
    """What is known of the partial products of a step, and of the running pair among them."""
    (pair, *_) = trees(w, params)
    words = known_words(w, params, w.lanes, pair[1])
    kept = (KnownWord(arrival=PAIR),) * (pair[0] - len(words))
    return {pair: (*words, *kept)}


def conflict(params: Params) -> str | None:
    """What is wrong where an incrementer is to do above words that may be negative."""
    if params["top"] == "compress" or params["biased"] == "on":
        return None
    return "top = 'increment' is not legal with biased = 'off': words are negative; legal: compress"


def at(record: PE, params: Params) -> PE:
    """The record for these parameters; see `_lean`."""
    row, biased, apart = leaves_to_row(params), params["biased"] == "on", int(params["stages"]) > 1
    return _lean(record, row, biased, apart, str(params["top"]), clock_holds(params))


@cache
def _lean(record: PE, row: bool, biased: bool, apart: bool, top: str, stopped: bool) -> PE:
    """The record where a row has a term, words are biased, the pair is added apart, the top's;
    and where nothing but the clock of its row holds a cell."""
    if not (row or apart or stopped) or record.hardware is None:
        return record

    def built_here(w: Widths) -> Mapping[str, int]:
        words = words_bits(w, w.lanes) if biased else w.acc
        pair = carry_bits(w) if top == "increment" else w.acc
        sizes: dict[str, int] = {}
        if apart or top == "increment":
            sizes = {f"half_reduce {w.lanes * w.digits}:2": words, "half_reduce 4:2": pair}
        return {**built(w), "shift": words, **sizes}

    carry = carry_bits if top == "increment" else None
    return replace(
        record,
        kernel=replace(record.kernel, psum=replace(record.kernel.psum, carry_bits=carry)),
        hardware=replace(record.hardware, row="digits" if row else "none", built=built_here),
    )


HARDWARE = Hardware(
    cell="opt1",
    finish="carry_save",
    built=built,
    code_bits=code_bits,
    latency=lambda params: int(params["stages"]) - 1,
    trees=trees,
    shapes=shapes,
)

RECORD = PE(
    name="opt1",
    title="carry-save accumulate",
    source="arXiv:2503.06342, OPT1",
    nest=nest,
    kernel=Kernel(Psum("carry_save", lambda w: w.acc), step, resolve),
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
            "top",
            "compress",
            ("compress", "increment"),
            "above the partial products of a step: a carry word as below, or an incrementer",
            "Top",
            trade="increment costs rows apart from the words' own; saves the carry word above them",
        ),
        stages_parameter("stages", 2, "2 registers the pair of a step", "Stages"),
        FINISH_STAGES,
        lanes_parameter(1, range(1, 1025)),
    ),
    at=at,
    conflict=conflict,
)
