"""OPT1, compressed accumulation: the PE keeps (sum, carry); `add` runs once per output."""

from __future__ import annotations

from collections.abc import Mapping

from tpe.base.jit import kernel
from tpe.nest.notation import ADD, M, Nest, mac
from tpe.nest.rewrites import encode_in, opt1, share
from tpe.numbers.words import I64, carry_save, digit
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import ENCODE_IN, ENCODER, TREE, code_bits, lanes_parameter
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
    kernel=Kernel(Psum("carry_save", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset(Way),
    hardware=Hardware(
        cell="opt1",
        finish="carry_save",
        built=built,
        code_bits=code_bits,
        trees=lambda w, params: ((w.lanes * w.digits + 2, w.acc),),
    ),
    parameters=(ENCODER, ENCODE_IN, TREE, lanes_parameter(1, range(1, 1025))),
)
