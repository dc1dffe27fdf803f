"""How GGUF's types lie in bytes: blocks of numbers with scales, by ggml's own names.

Every decoder takes blocks, (blocks, bytes) uint8, and returns codes (blocks, numbers), scales and
offsets (blocks, groups) in float64; of types without scales in a block, one scale of 1. Layouts are
those of ggml-common.h and ggml-quants.c (https://github.com/ggml-org/ggml); that of I2_S is of
https://github.com/microsoft/BitNet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from tpe.numbers.floats import E2M1, E4M3FN, E8M0
from tpe.numbers.formats import Array

Parts: TypeAlias = tuple[Array, Array, Array | None]
"""Codes, scales, offsets; None: no offsets."""


@dataclass(frozen=True)
class GgufType:
    """A type of numbers.

    block, bytes  numbers of a block, and its bytes;  tail  bytes behind the last block
    number        the format of the codes: a name of `tpe.numbers.quantisers.NUMBERS`
    group         numbers that share a scale; 0: all of a tensor do
    decode        None: the type is listed, and not decoded
    """

    name: str
    block: int
    bytes: int
    number: str = ""
    group: int = 0
    decode: Callable[[Array], Parts] | None = None
    tail: int = 0


def _half(raw: Array, start: int) -> Array:
    """The fp16 at a byte of every block, (blocks, 1)."""
    return np.ascontiguousarray(raw[:, start : start + 2]).view("<f2").astype(np.float64)


def _fields(raw: Array, lane: int, shifts: Sequence[int], mask: int) -> Array:
    """Fields of bytes: of every `lane` bytes all those at the first shift, then at the next."""
    lanes = raw.reshape(len(raw), -1, 1, lane) >> np.array(shifts, np.uint8).reshape(1, 1, -1, 1)
    fields: Array = lanes & np.uint8(mask)
    return fields.reshape(len(raw), -1)


_NIBBLES, _PAIRS, _BITS = (0, 4), (0, 2, 4, 6), tuple(range(8))


def _signed(codes: Array, zero: int) -> Array:
    return codes.astype(np.int8) - np.int8(zero)


def _q4_0(raw: Array) -> Parts:
    return _signed(_fields(raw[:, 2:], 16, _NIBBLES, 15), 8), _half(raw, 0), None


def _q4_1(raw: Array) -> Parts:
    return _fields(raw[:, 4:], 16, _NIBBLES, 15), _half(raw, 0), _half(raw, 2)


def _five(raw: Array) -> Array:
    """Codes of 5 bits: four bytes of top bits, then nibbles."""
    top = np.unpackbits(raw[:, :4], axis=1, bitorder="little")
    codes: Array = _fields(raw[:, 4:], 16, _NIBBLES, 15) | top << np.uint8(4)
    return codes


def _q5_0(raw: Array) -> Parts:
    return _signed(_five(raw[:, 2:]), 16), _half(raw, 0), None


def _q5_1(raw: Array) -> Parts:
    return _five(raw[:, 4:]), _half(raw, 0), _half(raw, 2)


def _q8_0(raw: Array) -> Parts:
    return raw[:, 2:].view(np.int8), _half(raw, 0), None


def _i8(raw: Array) -> Parts:
    return raw.view(np.int8), np.ones((1, 1)), None


def _q2_k(raw: Array) -> Parts:
    shared = raw[:, :16]
    scales, least = _half(raw, 80) * (shared & 15), _half(raw, 82) * (shared >> 4)
    return _fields(raw[:, 16:80], 32, _PAIRS, 3), scales, -least


def _q3_k(raw: Array) -> Parts:
    low, top = _fields(raw[:, 96:104], 8, _NIBBLES, 15), _fields(raw[:, 104:108], 4, _PAIRS, 3)
    scales = _half(raw, 108) * _signed(low | top << np.uint8(4), 32)
    kept = _fields(raw[:, :32], 32, _BITS, 1)  # 1: not less 4
    codes = _signed(_fields(raw[:, 32:96], 32, _PAIRS, 3) | kept << np.uint8(2), 4)
    return codes, scales, None


def _scales_and_least(raw: Array) -> tuple[Array, Array]:
    """Eight scales and eight minima of 6 bits each in 12 bytes of Q4_K and Q5_K."""
    first, second, rest = (raw[:, i : i + 4] for i in (0, 4, 8))
    scales = np.hstack([first & 63, rest & 15 | first >> 6 << 4])
    least = np.hstack([second & 63, rest >> 4 | second >> 6 << 4])
    return scales, least


def _q4_k(raw: Array) -> Parts:
    scales, least = _scales_and_least(raw[:, 4:16])
    codes = _fields(raw[:, 16:], 32, _NIBBLES, 15)
    return codes, _half(raw, 0) * scales, -(_half(raw, 2) * least)


def _q5_k(raw: Array) -> Parts:
    scales, least = _scales_and_least(raw[:, 4:16])
    top = _fields(raw[:, 16:48], 32, _BITS, 1)
    codes = _fields(raw[:, 48:], 32, _NIBBLES, 15) | top << np.uint8(4)
    return codes, _half(raw, 0) * scales, -(_half(raw, 2) * least)


def _q6_k(raw: Array) -> Parts:
    top = _fields(raw[:, 128:192], 32, _PAIRS, 3)
    codes = _signed(_fields(raw[:, :128], 64, _NIBBLES, 15) | top << np.uint8(4), 32)
    scales = np.ascontiguousarray(raw[:, 192:208]).view(np.int8)
    return codes, _half(raw, 208) * scales, None


def _tq1_0(raw: Array) -> Parts:
    parts = [_trits(raw[:, a:b], lane, count) for a, b, lane, count in
             ((0, 32, 32, 5), (32, 48, 16, 5), (48, 52, 4, 4))]  # fmt: skip
    return _signed(np.hstack(parts), 1), _half(raw, 52), None


def _trits(raw: Array, lane: int, count: int) -> Array:
    """Digits of base 3: a byte is a fraction of 256, each times 3 brings up the next."""
    powers = np.array([3**i for i in range(count)], np.uint8).reshape(1, 1, -1, 1)
    turned = raw.reshape(len(raw), -1, 1, lane) * powers  # the fraction alone: modulo 256
    digits: Array = (turned.astype(np.uint16) * 3 >> 8).astype(np.uint8).reshape(len(raw), -1)
    return digits


def _tq2_0(raw: Array) -> Parts:
    return _signed(_fields(raw[:, :64], 32, _PAIRS, 3), 1), _half(raw, 64), None


_TWICE_E2M1 = (2 * E2M1.values(np.arange(16))).astype(np.int8)


def _mxfp4(raw: Array) -> Parts:
    codes = _TWICE_E2M1[_fields(raw[:, 1:], 16, _NIBBLES, 15)]
    return codes, E8M0.values(raw[:, :1]).astype(np.float64) / 2, None


def _nvfp4(raw: Array) -> Parts:
    codes = _TWICE_E2M1[_fields(raw[:, 4:], 8, _NIBBLES, 15)]
    return codes, E4M3FN.values(raw[:, :4] & 0x7F).astype(np.float64) / 2, None


_IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.int8)


def _iq4_nl(raw: Array) -> Parts:
    return _IQ4[_fields(raw[:, 2:], 16, _NIBBLES, 15)], _half(raw, 0), None


def _iq4_xs(raw: Array) -> Parts:
    low = np.stack([raw[:, 4:8] & 15, raw[:, 4:8] >> 4], axis=-1).reshape(len(raw), 8)
    words = np.ascontiguousarray(raw[:, 2:4]).view("<u2")
    top = (words >> np.arange(0, 16, 2, dtype=np.uint16) & 3).astype(np.uint8)
    scales = _half(raw, 0) * _signed(low | top << np.uint8(4), 32)
    return _IQ4[_fields(raw[:, 8:], 16, _NIBBLES, 15)], scales, None


def _i2_s(raw: Array) -> Parts:
    """The scale, of the whole tensor, stands behind the last block: `tensor_parts` takes it."""
    return _signed(_fields(raw, 32, (6, 4, 2, 0), 3), 1), np.ones((1, 1)), None


BY_NUMBER = {
    0: GgufType("F32", 1, 4),
    1: GgufType("F16", 1, 2),
    2: GgufType("Q4_0", 32, 18, "int4", 32, _q4_0),
    3: GgufType("Q4_1", 32, 20, "uint4", 32, _q4_1),
    6: GgufType("Q5_0", 32, 22, "int5", 32, _q5_0),
    7: GgufType("Q5_1", 32, 24, "uint5", 32, _q5_1),
    8: GgufType("Q8_0", 32, 34, "int8", 32, _q8_0),
    9: GgufType("Q8_1", 32, 40),
    10: GgufType("Q2_K", 256, 84, "uint2", 16, _q2_k),
    11: GgufType("Q3_K", 256, 110, "int3", 16, _q3_k),
    12: GgufType("Q4_K", 256, 144, "uint4", 32, _q4_k),
    13: GgufType("Q5_K", 256, 176, "uint5", 32, _q5_k),
    14: GgufType("Q6_K", 256, 210, "int6", 16, _q6_k),
    15: GgufType("Q8_K", 256, 292),
    16: GgufType("IQ2_XXS", 256, 66),
    17: GgufType("IQ2_XS", 256, 74),
    18: GgufType("IQ3_XXS", 256, 98),
    19: GgufType("IQ1_S", 256, 50),
    20: GgufType("IQ4_NL", 32, 18, "int8", 32, _iq4_nl),
    21: GgufType("IQ3_S", 256, 110),
    22: GgufType("IQ2_S", 256, 82),
    23: GgufType("IQ4_XS", 256, 136, "int8", 32, _iq4_xs),
    24: GgufType("I8", 1, 1, "int8", 0, _i8),
    25: GgufType("I16", 1, 2),
    26: GgufType("I32", 1, 4),
    27: GgufType("I64", 1, 8),
    28: GgufType("F64", 1, 8),
    29: GgufType("IQ1_M", 256, 56),
    30: GgufType("BF16", 1, 2),
    34: GgufType("TQ1_0", 256, 54, "ternary", 256, _tq1_0),
    35: GgufType("TQ2_0", 256, 66, "ternary", 256, _tq2_0),
    36: GgufType("I2_S", 128, 32, "ternary", 0, _i2_s, tail=32),
    39: GgufType("MXFP4", 32, 17, "int5", 32, _mxfp4),
    40: GgufType("NVFP4", 64, 36, "int5", 16, _nvfp4),
    41: GgufType("Q1_0", 128, 18),
}
"""By the number that a file has for it."""
TYPES = {kind.name: kind for kind in BY_NUMBER.values()}
DECODED = tuple(kind.name for kind in BY_NUMBER.values() if kind.decode)


def tensor_parts(kind: GgufType, raw: Array, shape: tuple[int, int]) -> Parts:
    """Codes (N, K) of a matrix, its scales and offsets (N, groups), or (1, 1) of the whole.

    raw: all its bytes.

    >>> raw = np.frombuffer(np.float16(0.5).tobytes() + bytes([0x98] * 16), np.uint8)
    >>> codes, scales, _ = tensor_parts(TYPES["Q4_0"], raw, (1, 32))
    >>> codes[0, ::16].tolist(), scales.tolist()
    ([0, 1], [[0.5]])
    """
    assert kind.decode is not None
    blocks = raw[: raw.size - kind.tail].reshape(-1, kind.bytes)
    codes, scales, offsets = kind.decode(blocks)
    if kind.tail:
        scales = raw[-kind.tail :][:4].view("<f4").astype(np.float64).reshape(1, 1)
    if not kind.group:
        return codes.reshape(shape), scales, None
    over = (shape[0], -1)
    return codes.reshape(shape), scales.reshape(over), _reshaped(offsets, over)


def _reshaped(offsets: Array | None, shape: tuple[int, int]) -> Array | None:
    return None if offsets is None else offsets.reshape(shape)
