"""Look-ups of weight bits in tables of activations, a bit plane a cycle (arXiv:2408.06003).

A front builds the sums of a group of activations once for a row; a cell takes a plane of weights a
cycle, looks up its sum, and adds it at the plane's weight. What tables hold is `table`; see
`tpe.numbers.lookup_tables`. Integers are reinterpreted as bipolar numbers for half tables, whose
cells then sum 2 C and the sum of A; the latter is a term of the row, the first is halved behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from functools import cache, partial
from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import Arithmetic, of_values
from tpe.numbers.bipolar import TYPES as BIPOLAR
from tpe.numbers.formats import FORMATS, Format
from tpe.numbers.lookup_tables import (
    GROUPS,
    TERNARY,
    TableKind,
    entries,
    entry_bits,
    planes,
    stored,
    tables,
)
from tpe.numbers.lookup_tables import plane_bits as plane_bits_of
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.mac import resolve as resolve_word
from tpe.pe.paces import BitPlanes
from tpe.pe.parameters import Parameter, lanes_parameter, stages_parameter
from tpe.pe.widths import Params, Widths

_NARROW = [number.name for number in FORMATS.values() if number.bits <= 8]
A_TYPES = ("int8", *(name for name in _NARROW if name != "int8"))
B_TYPES = (*A_TYPES, *BIPOLAR, TERNARY.name)

# What a kernel makes of weights, the low bits of its settings; above them are the lanes.
HALVED = 0  # integers by half tables: twice the sum, and the sum of A, which is taken off
HALF = 1  # bipolar numbers by half tables
FULL = 2
TERNARY_WORDS = 3
FORMS = 4


@kernel()
def _halves(codes: I64, b: I64, plane: int, halved: bool, entry: I64, facts: Facts) -> None:
    """Put into `entry` what one plane of a group finds in half a table, at its sign.

    Bits of lanes are inverted where the last lane's is set, so that the last activation counts
    negative. Those of two's complement differ from the planes' in the top bit of every lane.
    """
    last = codes.shape[0] - 1
    top = int(halved and plane == facts.b_bits - 1)
    for n in range(entry.size):
        entry[n] = -codes[last, n]
    for lane in range(last):
        for n in range(entry.size):
            bit = ((b[lane, n] ^ b[last, n]) >> plane) & 1
            entry[n] += (2 * bit - 1) * codes[lane, n]
    for n in range(entry.size):
        negative = ((b[last, n] >> plane) & 1) ^ top
        entry[n] = -entry[n] if negative else entry[n]


@kernel()
def _sums(codes: I64, b: I64, plane: int, entry: I64, facts: Facts) -> None:
    """The same of a full table: the activations whose bit is set, negative of the top plane."""
    sign = -1 if plane == facts.b_bits - 1 else 1
    entry[:] = 0
    for lane in range(codes.shape[0]):
        for n in range(entry.size):
            entry[n] += sign * ((b[lane, n] >> plane) & 1) * codes[lane, n]


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Groups of lanes, one look-up a plane each: all planes, or with `plane` > 0 the one below it.

    The psum of integers by half tables has the sum of A taken off, with plane 0, so that it is even
    when a group is over: cells and their row together.
    """
    word, mask = psum[0], (1 << facts.psum_bits) - 1
    form, group = facts.settings % FORMS, facts.settings // FORMS
    count = 1 if form == TERNARY_WORDS else facts.b_bits
    first, end = (plane - 1, plane) if plane > 0 else (0, count)
    entry = np.empty(word.size, np.int64)
    for low in range(0, codes.shape[0], group):
        high = min(low + group, codes.shape[0])
        of_group, weights = codes[low:high], b[low:high]
        for p in range(first, end):
            if form == TERNARY_WORDS:  # the digits of the number that is looked up are the weights
                entry[:] = 0
                for lane in range(high - low):
                    for n in range(word.size):
                        entry[n] += weights[lane, n] * of_group[lane, n]
            elif form == FULL:
                _sums(of_group, weights, p, entry, facts)
            else:
                _halves(of_group, weights, p, form == HALVED, entry, facts)
            for n in range(word.size):
                word[n] = (word[n] + (entry[n] << p)) & mask
        if form == HALVED and first == 0:
            for lane in range(high - low):
                for n in range(word.size):
                    word[n] = (word[n] - of_group[lane, n]) & mask


@kernel(resolve_type)
def halve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """Of twice a sum, the sum."""
    for n in range(acc.size):
        acc[n] = psum[0, n] >> 1


class Inversion(StrEnum):
    """Where the bits of half a table are inverted."""

    OFFLINE = "offline"
    CELL = "cell"


STORED = {
    HALVED: "q = b + half the range;\nof a column's elements of the beat each but the last as q "
    "xor the last one's q",
    HALF: "of a column's\nelements of the beat each but the last as its bits xor the last one's",
    FULL: "in two's complement",
    TERNARY_WORDS: "of a column's\nelements of the beat, together, the number sum of b 3^i: its "
    "size from the lowest bit on, its sign in the highest",
}


def code_bits(kind: str, widths: Widths, params: Params) -> int:
    """A lane's share of the bits of a table."""
    bits = entries(kind, widths.lanes) * entry_bits(kind, widths.a, widths.lanes)
    return -(-bits // widths.lanes)


def front_bits(kind: str, widths: Widths, a: Ints) -> Ints:
    """The bits of the table of a group, (..., lanes) -> (..., bits), entry 0 lowest."""
    width = entry_bits(kind, widths.a, widths.lanes)
    bits = tables(a, kind)[..., None] >> np.arange(width) & 1
    return bits.reshape(*a.shape[:-1], -1)


def stored_b(kind: str, inversion: str, number: Format, b: Ints) -> Ints:
    """Weights of groups, (..., lanes), as they are stored."""
    if kind == TableKind.HALF and inversion == Inversion.CELL:
        return plane_bits_of(b, number)
    return stored(b, number, kind)


def stored_note(form: int, inversion: str) -> str:
    """How, for who stores them."""
    if form not in (HALVED, HALF) or inversion == Inversion.OFFLINE:
        return STORED[form]
    return "as q = b + half the range" if form == HALVED else STORED[FULL]


def plane_count(kind: str, widths: Widths) -> int:
    """Planes of a group that are looked up."""
    return planes(kind, widths.b)


def plane_bits(kind: str, widths: Widths, params: Params) -> int:
    """Bits of the number of a plane."""
    return max(1, (plane_count(kind, widths) - 1).bit_length())


def _acc(more: int, widths: Widths) -> int:
    return widths.acc + more


def latency(params: Params) -> int:
    """Registers of a cell before its psum's."""
    return int(params["stages"]) - 1


def conflict(params: Params) -> str | None:
    """Which formats of B go with a table, and zero points with bipolar weights."""
    table, b_type = params["table"], params.get("b_type", B_TYPES[0])
    if (table == TableKind.TERNARY) != (b_type == TERNARY.name):
        fitting = TERNARY.name if table == TableKind.TERNARY else "another format"
        return f"table = '{table}' is not legal with b_type = '{b_type}'; legal: {fitting}"
    if table != TableKind.HALF and params["inversion"] != Inversion.OFFLINE:
        return (
            f"inversion = '{params['inversion']}' is not legal with table = '{table}'; legal: half"
        )
    if b_type not in BIPOLAR:
        return None
    if table in (TableKind.FULL, TableKind.NONE):
        return (
            f"table = '{table}' is not legal with b_type = '{b_type}': its bits are 0 and 1; "
            "legal: half"
        )
    mode = params.get("zero_points", "none")
    if mode != "none":
        return (
            f"zero_points = '{mode}' is not legal with b_type = '{b_type}', whose numbers have no "
            "zero; legal: none"
        )
    return None


def table_for(params: Mapping[str, Any]) -> str:
    """The table of weights where none is given: the one that ternary weights have, else half."""
    return str(TableKind.TERNARY if params["b_type"] == TERNARY.name else TableKind.HALF)


def at(record: PE, params: Params) -> PE:
    """The PE for its table, its weights and its lanes."""
    own = str(params["inversion"])
    return _at(str(params["table"]), form_of(params), int(params["lanes"]), own)


def form_of(params: Params) -> int:
    """What a kernel makes of weights, by the table and by the weights' format."""
    forms = {TableKind.FULL: FULL, TableKind.NONE: FULL, TableKind.TERNARY: TERNARY_WORDS}
    bipolar = params.get("b_type", B_TYPES[0]) in BIPOLAR
    return forms.get(TableKind(params["table"]), HALF if bipolar else HALVED)


@cache
def _at(kind: str, form: int, lanes: int, inversion: str) -> PE:
    halved = form == HALVED
    psum = Psum("word", partial(_acc, int(halved)))
    settings = form + FORMS * lanes
    return PE(
        name="lut_tc",
        title="look-ups by weight planes",
        source="arXiv:2408.06003",
        # Steps of the notation multiply; a look-up stands for a group's products at once, in a
        # table that is a step of its own: neither is written there.
        nest=None,
        kernel=Kernel(psum, step, halve if halved else resolve_word, settings=settings),
        pace=BitPlanes(lanes=range(GROUPS[0], GROUPS[-1] + 1), count=partial(plane_count, kind)),
        ways=frozenset({Way.KEEP}),
        hardware=Hardware(
            cell="lut_tc",
            front="lut_tc",
            row="lut_tc" if halved else "none",
            finish="halved" if halved else "word",
            code_bits=partial(code_bits, kind),
            plane_bits=partial(plane_bits, kind),
            latency=latency,
            front_bits=partial(front_bits, kind),
            stored_b=partial(stored_b, kind, inversion),
            stored_note=stored_note(form, inversion),
        ),
        arithmetic=BIPOLAR_WEIGHTS if form == HALF else INTEGERS,
        parameters=PARAMETERS,
        at=at,
        conflict=conflict,
    )


def lowest(number: Format) -> int:
    """The code of bipolar weights of zeros alone, which is what B's port has for padding."""
    return 1 << number.bits


INTEGERS = Arithmetic(
    "looked-up sums",
    a_types=A_TYPES,
    b_types=B_TYPES,
    product=of_values,
    choices={"encode": ("activations",), "zero_points": ("none", "offset")},
    instead="tables are of integers of 2 to 8 bits (of floats: lut_tc_fp), weights of 1 to 8",
)
# A column of B that pads a tile meets activations: bits of zeros are a number.
BIPOLAR_WEIGHTS = replace(INTEGERS, pads_with_zeros=False, b_padding=lowest)

TABLE = Parameter(
    "table",
    str(TableKind.HALF),
    tuple(map(str, TableKind)),
    "what a table holds: sums of plus or minus each activation, of which half are enough; of "
    "each or nothing; for ternary weights of plus, minus or nothing; none: no sums, cells "
    "add up bit-serially",
    "Table",
    trade="full costs entries, none adders a cell; full saves terms of rows, none the table",
    follows=table_for,
)
INVERSION = Parameter(
    "inversion",
    str(Inversion.OFFLINE),
    tuple(map(str, Inversion)),
    "where bits of half a table are inverted, if the last one's is 1: in the weights as they are "
    "stored, or in every cell",
    "Inversion",
    trade="cell costs gates before every look-up; saves storing weights in another order",
)
PARAMETERS = (
    TABLE,
    INVERSION,
    lanes_parameter(4, range(GROUPS[0], GROUPS[-1] + 1)),
    stages_parameter("stages", 2, "2 registers what is looked up", "Stages"),
)
RECORD = _at(str(TableKind.HALF), HALVED, 4, str(Inversion.OFFLINE))
