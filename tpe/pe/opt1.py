"""OPT1, compressed accumulation: the PE keeps (sum, carry); `add` runs once per output."""

from __future__ import annotations

from collections.abc import Mapping

from tpe.base.jit import kernel, resolve_type, step_type
from tpe.nest.notation import ADD, M, Nest, mac
from tpe.nest.rewrites import encode_in, opt1, share
from tpe.numbers.words import compress, digit
from tpe.pe.base import (
    ENCODE_IN,
    ENCODER,
    PE,
    TREE,
    Loops,
    Pace,
    Params,
    Psum,
    Way,
    Widths,
    code_bits,
    lanes_parameter,
)


@kernel(step_type)
def step(
    a: int, b: int, plane: int, total: int, carry: int, bits: int, a_bits: int, encoder: int
) -> tuple[int, int]:
    """Compress the running pair with every shifted partial product."""
    mask = (1 << bits) - 1
    for i in range((a_bits + 1) // 2):
        partial_product = (digit(a, i, a_bits, encoder) * b) << (2 * i)
        total, carry = compress(total, carry, partial_product & mask, bits)
    return total, carry


@kernel(resolve_type)
def resolve(total: int, carry: int, plane: int, acc: int, bits: int, acc_bits: int) -> int:
    """One carry-propagate addition, modulo 2**acc_bits."""
    return (total + carry) & ((1 << acc_bits) - 1)


def nest(loops: Loops, params: Params) -> Nest:
    """OPT1, with one adder per column that the rows use in turn while a tile drains."""
    return encode_in(share(opt1(mac(*loops)), ADD, along=M), params["encode_in"])


def built(w: Widths) -> Mapping[str, int]:
    """Output width of each primitive as `tpe_pe_opt1` builds it."""
    return {
        "encode": 3,
        "map": w.b + 2,
        "shift": w.acc,
        "half_reduce": w.acc,
        "add": w.acc,
    }


RECORD = PE(
    name="opt1",
    title="carry-save accumulate",
    source="arXiv:2503.06342, OPT1",
    nest=nest,
    pace=Pace.DENSE,
    ways=frozenset(Way),
    psum=Psum("carry_save", lambda w: w.acc),
    finish="carry_save",
    step=step,
    resolve=resolve,
    built=built,
    parameters=(ENCODER, ENCODE_IN, TREE, lanes_parameter(1, range(1, 1025))),
    lanes=range(1, 1025),
    code_bits=code_bits,
    trees=lambda w, params: ((w.lanes * w.digits + 2, w.acc),),
)
