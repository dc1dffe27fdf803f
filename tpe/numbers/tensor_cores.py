"""What is known of the tensor cores of six architectures, one table; and which of it was measured.

All of them compute one rule, a fused dot product and sum (arXiv:2511.10909, arXiv:2512.07004). The
terms of a step are c and `lanes` exact products. A product's significand is kept as it comes, in
[1, 4), beside the sum of both exponents; a subnormal has the lowest exponent and a significand
below 1. All terms get the largest exponent of those that are not zero, or `floor` if that is
larger: each is cut towards zero to `fraction_bits` bits behind the point there, and the sum of them
is exact. D is that sum: in fp32 cut towards zero to `kept_bits` fraction bits, in fp16 rounded to
nearest even. A zero result is +0; what is beyond the largest number is infinite; NaN has one
code, all ones but the sign. Steps are chained, k ascending, by D.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tpe.base.errors import TpeError, unknown
from tpe.numbers.floats import FP16, FP32, FloatFormat
from tpe.numbers.formats import number_format

DEFAULT_ARCH = "hopper"
ORACLE_ONLY = "oracle only"

_F16, _BF16, _TF32 = ("fp16",), ("bf16",), ("tf32",)
_FP8 = ("e4m3fn", "e5m2")
_F8F6F4 = (*_FP8, "e3m2", "e2m3", "e2m1")  # a byte each
_TF32_BYTES = 4
_MX = ("mx_e4m3fn", "mx_e5m2", "mx_e3m2", "mx_e2m3", "mx_e2m1")
_NVFP4 = ("nvfp4",)


@dataclass(frozen=True)
class Architecture:
    """A generation of tensor cores.

    step_bytes -- of A in a fused step;  fraction_bits -- of an aligned term
    floors     -- what the largest exponent is at least, where D is fp32 and where it is fp16
    families   -- formats of A and B that go with each other
    scaled     -- the same of block formats, whose rule is `tpe.numbers.block_scaled`'s
    short      -- fraction bits of aligned terms of 8-bit formats, where they are fewer; D in fp32
                  keeps as many
    eight_in_fp16 -- whether D of 8-bit formats may be fp16
    """

    name: str
    gpus: str
    step_bytes: int
    fraction_bits: int
    floors: tuple[int, int]
    families: tuple[tuple[str, ...], ...]
    short: int | None = None
    eight_in_fp16: bool = False
    scaled: tuple[tuple[str, ...], ...] = ()


ARCHITECTURES: dict[str, Architecture] = {
    arch.name: arch
    for arch in (
        Architecture("volta", "V100", 8, 23, (-131, -19), (_F16,)),
        Architecture("turing", "RTX 20, T4", 16, 24, (-132, -20), (_F16,)),
        Architecture("ampere", "A100, A2", 16, 24, (-132, -20), (_F16, _BF16, _TF32)),
        Architecture(
            "ada", "RTX 40, L40S", 16, 24, (-132, -20), (_F16, _BF16, _TF32, _FP8), 13, True
        ),
        Architecture("hopper", "H100, H200", 32, 25, (-133, -21), (_F16, _BF16, _TF32, _FP8), 13),
        Architecture(
            "blackwell",
            "B200",
            32,
            25,
            (-133, -21),
            (_F16, _BF16, _TF32, _F8F6F4),
            scaled=(_MX, _NVFP4),
        ),
    )
}

# GPUs of which rows of operands and results were published, measured by Khattak and Mikaitis: by
# architecture, format of A and of B alike, D, and what became of c.
_MEASURED: dict[tuple[str, str, str, str], str] = {
    ("volta", "fp16", "fp32", "fused"): "V100",
    ("volta", "fp16", "fp16", "fused"): "V100",
    ("ampere", "fp16", "fp32", "fused"): "A100, A2",
    ("ampere", "fp16", "fp16", "fused"): "A100, A2",
    ("ampere", "bf16", "fp32", "fused"): "A100, A2",
    ("ampere", "tf32", "fp32", "fused"): "A100, A2",
    ("ada", "fp16", "fp32", "fused"): "Ada, L40S",
    ("ada", "fp16", "fp16", "fused"): "Ada, L40S",
    ("ada", "bf16", "fp32", "fused"): "Ada, L40S",
    ("ada", "tf32", "fp32", "fused"): "Ada, L40S",
    ("ada", "e4m3fn", "fp32", "fused"): "Ada, L40S",
    ("ada", "e4m3fn", "fp16", "fused"): "Ada",
    ("ada", "e5m2", "fp32", "fused"): "Ada, L40S",
    ("ada", "e5m2", "fp16", "fused"): "Ada",
    ("hopper", "fp16", "fp32", "fused"): "H100, H200",
    ("hopper", "fp16", "fp16", "fused"): "H100, H200",
    ("hopper", "bf16", "fp32", "fused"): "H100, H200",
    ("hopper", "tf32", "fp32", "fused"): "H100, H200",
    ("hopper", "e4m3fn", "fp32", "none"): "H100, H200",
    ("hopper", "e5m2", "fp32", "none"): "H100, H200",
    ("blackwell", "fp16", "fp32", "fused"): "B200",
    ("blackwell", "fp16", "fp16", "fused"): "B200",
    ("blackwell", "bf16", "fp32", "fused"): "B200",
    ("blackwell", "tf32", "fp32", "fused"): "B200",
    ("blackwell", "e4m3fn", "fp32", "late"): "B200, mma.sync",
    ("blackwell", "e5m2", "fp32", "late"): "B200, mma.sync",
}


class ResultFormat(FloatFormat):
    """A format of D: its NaN is all ones but the sign."""

    @property
    def nan_code(self) -> int:
        """The canonical NaN.

        >>> hex(RESULTS["fp16"].nan_code)
        '0x7fff'
        """
        return (1 << (self.bits - 1)) - 1


RESULTS: dict[str, ResultFormat] = {
    number.name: ResultFormat(number.name, number.exponent_bits, number.fraction_bits, number.bias)
    for number in (FP32, FP16)
}


@dataclass(frozen=True)
class FusedDot:
    """One fused step of an architecture for these formats: see this module.

    lanes -- products of a step;  fraction_bits -- of an aligned term;  floor -- what the largest
    exponent is at least;  kept_bits -- fraction bits of D

    >>> rule = fused_dot("hopper", "e4m3fn", "e5m2")
    >>> rule.lanes, rule.fraction_bits, rule.floor, rule.kept_bits
    (32, 13, -133, 13)
    """

    arch: str
    a: FloatFormat
    b: FloatFormat
    d: ResultFormat
    lanes: int
    fraction_bits: int
    floor: int
    kept_bits: int

    @property
    def nearest(self) -> bool:
        """Whether D is rounded to nearest even; else it is cut."""
        return self.d.name == FP16.name

    def evidence(self, c_add: str = "fused") -> str:
        """Which GPUs the rule was compared with, bit by bit; "oracle only" where none was.

        c_add: what becomes of c: `fused`, `late`, `none`.

        >>> fused_dot("ampere", "bf16", "bf16").evidence()
        'measured: A100, A2'
        >>> fused_dot("turing", "fp16", "fp16").evidence()
        'oracle only'
        """
        gpus = _MEASURED.get((self.arch, self.a.name, self.d.name, c_add))
        return f"measured: {gpus}" if gpus and self.a == self.b else ORACLE_ONLY


def fused_dot(arch: str, a_type: str, b_type: str, d_type: str = "fp32") -> FusedDot:
    """The rule of an architecture for formats of A, B and D; TpeError with the legal ones.

    >>> fused_dot("turing", "bf16", "bf16")
    Traceback (most recent call last):
    tpe.TpeError: bf16 x bf16 into fp32 is not legal for arch = turing: fp16 into fp32 or fp16; \
legal with arch = ampere, ada, hopper, blackwell
    """
    known = _architecture(arch)
    if (a_type, b_type, d_type) not in set(_legal(known)):
        raise illegal(arch, a_type, b_type, d_type)
    return _rule(known, a_type, b_type, d_type)


def scaled_alike(arch: str, a_type: str, b_type: str) -> bool:
    """Whether an architecture multiplies these two block formats.

    >>> scaled_alike("blackwell", "mx_e2m1", "mx_e5m2"), scaled_alike("hopper", "nvfp4", "nvfp4")
    (True, False)
    """
    return any({a_type, b_type} <= set(family) for family in _architecture(arch).scaled)


def illegal(arch: str, a_type: str, b_type: str, d_type: str) -> TpeError:
    """The error for formats that an architecture does not multiply, with those that it does.

    And with the architectures that do multiply them, if there are any.
    """
    wanted = a_type, b_type, d_type
    others = [name for name, other in ARCHITECTURES.items() if wanted in _every(other)]
    where = f"; legal with arch = {', '.join(others)}" if others else ""
    return TpeError(
        f"{a_type} x {b_type} into {d_type} is not legal for arch = {arch}: {legal_text(arch)}"
        f"{where}"
    )


def legal_text(arch: str) -> str:
    """What an architecture multiplies, and into what, for a person.

    >>> legal_text("hopper")
    'fp16 into fp32 or fp16; bf16 into fp32; tf32 into fp32; any two of e4m3fn, e5m2 into fp32'
    """
    known = _architecture(arch)
    parts = []
    for family in (*known.families, *known.scaled):
        pairs = family[0] if len(family) == 1 else f"any two of {', '.join(family)}"
        parts.append(f"{pairs} into {' or '.join(_results(known, family))}")
    return "; ".join(parts)


def formats_of_any() -> tuple[str, ...]:
    """The formats that some architecture takes, fp16 first.

    >>> formats_of_any()[:4]
    ('fp16', 'bf16', 'tf32', 'e4m3fn')
    """
    every = ARCHITECTURES.values()
    families = (family for arch in every for family in (*arch.families, *arch.scaled))
    return tuple(dict.fromkeys(name for family in families for name in family))


@cache
def all_rules() -> tuple[FusedDot, ...]:
    """Every rule there is, in one order."""
    return tuple(_rule(arch, *types) for arch in ARCHITECTURES.values() for types in _legal(arch))


def _architecture(name: str) -> Architecture:
    if name not in ARCHITECTURES:
        raise unknown("arch", name, ARCHITECTURES)
    return ARCHITECTURES[name]


def _results(arch: Architecture, family: tuple[str, ...]) -> tuple[str, ...]:
    half = family == _F16 or (family == _FP8 and arch.eight_in_fp16)
    return (FP32.name, FP16.name) if half else (FP32.name,)


def _legal(arch: Architecture) -> Iterator[tuple[str, str, str]]:
    """(A, B, D) of an architecture."""
    for family in arch.families:
        yield from ((a, b, d) for a in family for b in family for d in _results(arch, family))


def _every(arch: Architecture) -> Iterator[tuple[str, str, str]]:
    """The same with block formats."""
    yield from _legal(arch)
    yield from ((a, b, FP32.name) for family in arch.scaled for a in family for b in family)


def _rule(arch: Architecture, a_type: str, b_type: str, d_type: str) -> FusedDot:
    a, b = number_format(a_type), number_format(b_type)
    assert isinstance(a, FloatFormat) and isinstance(b, FloatFormat)
    stored = _TF32_BYTES if a_type in _TF32 else -(-a.bits // 8)
    short = arch.short if a_type in _FP8 else None
    d = RESULTS[d_type]
    return FusedDot(
        arch.name,
        a,
        b,
        d,
        lanes=arch.step_bytes // stored,
        fraction_bits=short or arch.fraction_bits,
        floor=arch.floors[d_type == FP16.name],
        kept_bits=min(d.fraction_bits, short or d.fraction_bits),
    )
