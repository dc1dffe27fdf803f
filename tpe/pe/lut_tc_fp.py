"""Look-ups of weight bits in tables of floating-point activations (arXiv:2408.06003).

As `lut_tc`, with activations of fp16, bf16, e4m3fn or e5m2 and psums of fp32. What a table holds,
and every rounding on the way into it, is `tpe.numbers.lookup_floats`'s: the activations of a group
at one exponent, `align_bits` below the largest one's last, summed exactly; with `table_bits` then
rounded to so many bits, at a scale of the table's own. After that there is one rounding a plane:

    psum = round(psum + 2**plane L)    to fp32, nearest, ties to even; from +0, groups ascending,
                                       the planes of a group ascending

Of integers by half tables L is of 2 q - 1 and counts half; plane 0 has the sum of the group's
activations taken off, an entry of the same table, before it is rounded: no row has a term, and no
sum is larger than it has to be. NaN and infinities among a group's activations make NaN.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import Arithmetic
from tpe.numbers.float_parts import FINITE, LAYOUT_BITS, NAN, fused_sum, layout, unpacked
from tpe.numbers.float_words import bit_length
from tpe.numbers.floats import FP32
from tpe.numbers.lookup_floats import FloatTables, float_lookup_product, table_bits_of
from tpe.numbers.lookup_tables import GROUPS, TableKind
from tpe.numbers.operands import Ints
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.floating import choices, float_format
from tpe.pe.kernel import Facts, Kernel, Psum, step_type
from tpe.pe.lut_tc import (
    B_TYPES,
    FORMS,
    FULL,
    HALF,
    HALVED,
    INVERSION,
    TABLE,
    TERNARY_WORDS,
    Inversion,
    conflict,
    form_of,
    latency,
    lowest,
    plane_bits,
    plane_count,
    stored_b,
    stored_note,
)
from tpe.pe.mac import resolve
from tpe.pe.paces import BitPlanes
from tpe.pe.parameters import Parameter, lanes_parameter, stages_parameter
from tpe.pe.widths import Params, Widths

A_TYPES = ("fp16", "bf16", "e4m3fn", "e5m2")
ALIGN_BITS = range(30)
TABLE_BITS = (0, *range(4, 17))
_SUM = layout(FP32)
_FORM_BITS, _GROUP_BITS, _ALIGN_BITS = 2, 3, 5  # of settings, above the format of A


@kernel()
def group_at_one_exponent(
    codes: I64, cell: int, low: int, out: I64, form: int, below: int
) -> tuple[int, int]:
    """Put a group of a cell's activations into `out`, aligned; NaN or not, and what 1 counts.

    The latter as a power of two. below: bits that are kept below the largest one's last.
    """
    what, top, nothing = FINITE, -(1 << 20), True
    for lane in range(out.size):
        kind, negative, exponent, size = unpacked(codes[low + lane, cell], form)
        what = max(what, kind)
        if size:
            top, nothing = max(top, exponent), False
    for lane in range(out.size):
        kind, negative, exponent, size = unpacked(codes[low + lane, cell], form)
        size = (size << below) >> min(top - exponent, 63) if size else 0
        out[lane] = -size if negative else size
    return (FINITE if what == FINITE else NAN), (0 if nothing else top - below)


@kernel()
def plane_sum(group: I64, b: I64, cell: int, low: int, plane: int, form: int, b_bits: int) -> int:
    """The sum of a group's activations that a plane of a cell's weights is for, at its sign."""
    total = 0
    top = int(plane == b_bits - 1)
    for lane in range(group.size):
        weight = b[low + lane, cell]
        bit = (weight >> plane) & 1
        if form == TERNARY_WORDS:
            total += weight * group[lane]
        elif form == FULL:
            total += (-bit if top else bit) * group[lane]
        else:
            total += (2 * (bit ^ (top if form == HALVED else 0)) - 1) * group[lane]
    return total


@kernel()
def scaled_entry(total: int, shift: int, bits: int) -> int:
    """An entry of `bits` bits: divided by 2**shift, to nearest, ties to even, at most 2**(n-1) - 1.

    >>> scaled_entry(-10, 2, 4), scaled_entry(14, 2, 4), scaled_entry(31, 2, 4)
    (-2, 4, 7)
    """
    size = abs(total)
    whole, rest = size >> shift, size & ((1 << shift) - 1)
    if shift > 0 and (2 * rest > (1 << shift) or (2 * rest == (1 << shift) and whole & 1)):
        whole += 1
    whole = min(whole, (1 << (bits - 1)) - 1)
    return -whole if total < 0 else whole


@kernel()
def table_shift(group: I64, bits: int) -> int:
    """The scale of a table of `bits` bits, as a power of two."""
    most = 0
    for lane in range(group.size):
        most += abs(group[lane])
    return max(0, bit_length(most) - bits + 1)


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Groups of lanes, one look-up a plane each: all planes, or with `plane` > 0 the one below."""
    settings = facts.settings
    a_form = settings & ((1 << LAYOUT_BITS) - 1)
    settings >>= LAYOUT_BITS
    form, settings = settings % FORMS, settings // FORMS
    count, settings = settings % (1 << _GROUP_BITS), settings >> _GROUP_BITS
    below, table_bits = settings % (1 << _ALIGN_BITS), settings >> _ALIGN_BITS
    planes = 1 if form == TERNARY_WORDS else facts.b_bits
    first, end = (plane - 1, plane) if plane > 0 else (0, planes)
    halved = int(form == HALVED)
    for low in range(0, codes.shape[0], count):
        group = np.empty(min(count, codes.shape[0] - low), np.int64)
        for n in range(codes.shape[1]):
            what, unit = group_at_one_exponent(codes, n, low, group, a_form, below)
            shift = table_shift(group, table_bits) if table_bits else 0
            for p in range(first, end):
                value = plane_sum(group, b, n, low, p, form, facts.b_bits)
                less = group.sum() if halved and p == 0 else 0
                if table_bits:
                    value = scaled_entry(value, shift, table_bits)
                    less = scaled_entry(less, shift, table_bits)
                value -= less
                exponent = unit + shift + p - halved
                psum[0, n] = fused_sum(what, int(value < 0), exponent, abs(value), psum[0, n], _SUM)


def tables_of(params: Params) -> FloatTables:
    """The tables of an engine with these parameters."""
    a = float_format(params.get("a_type", A_TYPES[0]))
    return FloatTables(
        a,
        str(params["table"]),
        int(params["lanes"]),
        int(params["align_bits"]),
        int(params["table_bits"]),
    )


def code_bits(rule: FloatTables, widths: Widths, params: Params) -> int:
    """A lane's share of the bits of a table."""
    return -(-rule.code_bits // widths.lanes)


def front_bits(rule: FloatTables, widths: Widths, a: Ints) -> Ints:
    """The bits of the table of a group, (..., lanes) -> (..., bits), the lowest first."""
    return table_bits_of(a, rule)


def arithmetic(rule: FloatTables, form: int) -> Arithmetic:
    """What it computes, by tables such as these."""
    own = {name: legal for name, legal in choices(("fp32",)).items() if name[:5] != "scale"}
    more: dict[str, Any] = {"b_padding": lowest} if form == HALF else {}
    return Arithmetic(
        "looked-up sums of floats",
        a_types=A_TYPES,
        b_types=B_TYPES,
        product=partial(float_lookup_product, rule=rule),
        result=FP32,
        pads_with_zeros=False,  # zero times NaN is NaN
        choices={**own, "encode": ("activations",)},
        instead="tables are of fp16, bf16, e4m3fn and e5m2, weights of 1 to 8 bits",
        **more,
    )


def at(record: PE, params: Params) -> PE:
    """The PE for its table, its weights, its lanes and the format of its activations."""
    return _at(tables_of(params), form_of(params), str(params["inversion"]))


@cache
def _at(rule: FloatTables, form: int, inversion: str) -> PE:
    table_bits = rule.table_bits if rule.quantised else 0
    settings = ((table_bits << _ALIGN_BITS | rule.align_bits) << _GROUP_BITS | rule.group) * FORMS
    settings = (settings + form) << LAYOUT_BITS | layout(rule.a)
    kind = rule.kind
    return PE(
        name="lut_tc_fp",
        title="look-ups in tables of floats",
        source="arXiv:2408.06003",
        nest=None,  # as of `lut_tc`; and a sum that rounds cannot be deferred past
        kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve, fused=True, settings=settings),
        pace=BitPlanes(lanes=range(GROUPS[0], GROUPS[-1] + 1), count=partial(plane_count, kind)),
        ways=frozenset({Way.KEEP}),
        hardware=Hardware(
            cell="lut_tc_fp",
            front="lut_tc_fp",
            finish="word",
            code_bits=partial(code_bits, rule),
            plane_bits=partial(plane_bits, kind),
            latency=latency,
            numbers=partial(_numbers, form),
            front_bits=partial(front_bits, rule),
            stored_b=partial(stored_b, kind, inversion),
            stored_note=stored_note(form, inversion),
        ),
        arithmetic=arithmetic(rule, form),
        parameters=PARAMETERS,
        at=at,
        conflict=conflict,
    )


def _numbers(form: int, params: Params) -> dict[str, int]:
    return {"Halved": int(form == HALVED)}


PARAMETERS = (
    replace(TABLE, legal=TABLE.legal[:3]),
    INVERSION,
    lanes_parameter(4, range(GROUPS[0], GROUPS[-1] + 1)),
    Parameter(
        "align_bits",
        8,
        ALIGN_BITS,
        "bits kept below the last one of a group's largest activation; what lies below is cut",
        "AlignBits",
        trade="more cost wider tables and look-ups; save error where a group's sizes differ",
    ),
    Parameter(
        "table_bits",
        0,
        TABLE_BITS,
        "bits of an entry, rounded at a scale of the table's own; 0: all that a sum has",
        "TableBits",
        trade="few cost error, and rounding in the front; save table, wires and look-ups",
    ),
    stages_parameter("stages", 2, "2 registers what is looked up", "Stages"),
)
RECORD = _at(
    FloatTables(float_format(A_TYPES[0]), str(TableKind.HALF), 4, 8),
    HALVED,
    str(Inversion.OFFLINE),
)
