"""What PEs of floating point share: the format of C, those of the operands, what pads K."""

from __future__ import annotations

from tpe.numbers.arithmetic import PLAIN
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import number_format
from tpe.pe.parameters import Parameter
from tpe.pe.widths import Params

C_TYPES = ("fp32", "fp16", "bf16")  # all that a C may be, as RTL numbers them


def float_format(name: str) -> FloatFormat:
    """The floating-point format of this name.

    >>> float_format("fp16").bits
    16
    """
    number = number_format(name)
    assert isinstance(number, FloatFormat), f"{name} is no floating-point format"
    return number


def c_type_parameter(legal: tuple[str, ...], doc: str, trade: str) -> Parameter:
    """The format of C, and so the width of the accumulator: `acc_bits` follows."""
    return Parameter("c_type", legal[0], legal, doc, "CType", trade, C_TYPES)


def choices(legal: tuple[str, ...]) -> dict[str, tuple[object, ...]]:
    """Common parameters of a PE whose C is in one of these formats."""
    widths = dict.fromkeys(float_format(name).bits for name in legal)
    return {**PLAIN, "acc_bits": tuple(widths), "overflow": ("inf",)}


def acc_bits_of_c(params: Params) -> int:
    """Bits of C: `acc_bits`, where none is given."""
    return float_format(params["c_type"]).bits


def acc_bits_conflict(params: Params) -> str | None:
    """What is wrong where `acc_bits` is given, and is not that of `c_type`."""
    bits = acc_bits_of_c(params)
    if params.get("acc_bits", bits) in (bits, None):
        return None
    name = params["c_type"]
    return f"acc_bits = {params['acc_bits']} is not legal with c_type = {name!r}: legal: {bits}"


def encoded_types(params: Params, default: str) -> tuple[FloatFormat, FloatFormat]:
    """Formats of the operands as a cell gets them, the encoded one first.

    Where parameters say nothing of operands, as those of a PE alone do, `default`.
    """
    a, b = (float_format(params.get(name, default)) for name in ("a_type", "b_type"))
    return (b, a) if params.get("encode") == "weights" else (a, b)


def minus_zero(number: object) -> int:
    """The code of -0: times +0 it is what changes no psum, whatever its sign."""
    assert isinstance(number, FloatFormat)
    return 1 << (number.bits - 1)
