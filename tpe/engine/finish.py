"""The finish chain: what becomes of a word of C between the array and the port.

In this order, each stage a parameter of the engine, all in `tpe_post` of its RTL:

c0        C0[m, n] is added, one value per output
bias      bias[n] is added, one value per column of C
overflow  `saturate` and `flag`: the sum, exact in `guard_bits` more bits, is brought to `acc_bits`
requant   round(x * multiplier / 2**shift) + zero point, saturated to `out_type`
relu      what is below the zero point (0 without requant) becomes the zero point

The product is exact and rounded once. `half_even` is the rounding of ONNX QLinearMatMul and
QuantizeLinear (ties to even); `half_up` that of TFLite's MultiplyByQuantizedMultiplier as built
with TFLITE_SINGLE_ROUNDING; `half_away` that of gemmlowp's RoundingDivideByPOT, applied once
(gemmlowp's own pipeline rounds twice, which this does not model).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np

from tpe.array.base import ALWAYS, Cycles, Handshake, Schedule, next_cycle
from tpe.base.errors import TpeError
from tpe.engine.choices import Overflow
from tpe.numbers.formats import FORMATS, Format, IntFormat
from tpe.numbers.operands import Ends, Ints, check_accumulator, product_range, signed_bits
from tpe.numbers.words import wrap
from tpe.pe.parameters import Parameter

ROUNDINGS = ("half_up", "half_even", "half_away")  # in the order of the RTL's Rounding
SHIFT_BITS = 6  # a shift of 0 to 63
GUARDED = (
    str(Overflow.FLAG),
    str(Overflow.SATURATE),
)  # overflows with guard bits: 1 and 2 of the RTL's Narrow
_INT64_SAFE = 1 << 62

PARAMETERS = (
    Parameter("guard_bits", 8, range(1, 9), "accumulator bits behind saturate and flag"),
    Parameter("c0", "off", ("off", "on"), "C = A @ B + C0"),
    Parameter("bias", "off", ("off", "on"), "adds one value per column of C"),
    Parameter("requant", "off", ("off", "tensor", "column"), "multiplier and shift, per what"),
    Parameter("requant_bits", 32, range(16, 33), "bits of requant's unsigned multiplier"),
    Parameter("rounding", "half_even", ROUNDINGS, "what requant does with fractions"),
    Parameter("relu", "off", ("off", "on"), "negative outputs become zero"),
    Parameter("out_type", "int8", tuple(FORMATS), "format of requant's output"),
)


# ---- what a run is given ----


@dataclass(frozen=True, eq=False)
class Requant:
    """Scale and zero point of an output: y = round(x * multiplier / 2**shift) + zero_point.

    multiplier: 0 .. 2**requant_bits - 1. shift: 0 .. 63. Both one integer, or one per column of C
    (N,) if the engine has requant = column. zero_point: in the range of `out_type`.

    >>> from tpe.model.engine import Engine
    >>> engine = Engine("mac", "os", "2x2", requant="tensor")
    >>> engine.run([[10, 20]], [[3], [4]], requant=Requant(1, 2)).C.tolist()
    [[28]]
    """

    multiplier: int | Ints
    shift: int | Ints
    zero_point: int = 0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if np.asarray(value).dtype.kind not in "iu":
                raise TpeError(f"{name} = {value!r} of Requant is not legal: integers")

    @classmethod
    def of_scale(cls, scale: float, zero_point: int = 0, bits: int = 32) -> Requant:
        """The nearest multiplier of `bits` bits, and its shift, for a positive scale.

        scale: a number, NumPy's among them. bits: the engine's `requant_bits`, 16 to 32.
        Raises TpeError for a scale that no shift of 0 to 63 reaches.

        >>> Requant.of_scale(0.0375, bits=16)
        Requant(multiplier=39322, shift=20, zero_point=0)
        """
        try:
            exact = Fraction(float(scale))
        except (TypeError, ValueError, OverflowError):
            exact = Fraction(0)  # refused below
        if exact <= 0:
            raise TpeError(f"scale = {scale!r} is not legal: a positive number")
        if isinstance(bits, bool) or not isinstance(bits, int) or not 16 <= bits <= 32:
            raise TpeError(f"bits = {bits!r} is not legal: an integer from 16 to 32")
        top = (1 << bits) - 1
        for shift in reversed(range(1 << SHIFT_BITS)):
            multiplier = round(exact * (1 << shift))
            if 0 < multiplier <= top:
                return cls(multiplier, shift, zero_point)
        raise TpeError(f"scale = {scale!r} is not legal: more than 2**-64, up to {top}")


@dataclass(frozen=True, eq=False)
class ChainInputs:
    """What `Engine.run` is given beside A and B: C0 (M, N), bias (N,), and the requantisation."""

    c0: Any = None
    bias: Any = None
    requant: Requant | None = None

    @property
    def fingerprint(self) -> str:
        """A short text that changes with it; empty for nothing."""
        parts = [] if self.requant is None else list(vars(self.requant).values())
        parts += [x for x in (self.c0, self.bias) if x is not None]
        sums = [zlib.crc32(np.ascontiguousarray(x).data) for x in parts]
        return f" {sums}" if sums else ""


NOTHING = ChainInputs()


@dataclass(frozen=True, eq=False)
class Added:
    """The same, checked and of full size: C0 (M, N), and everything else per column (N,)."""

    c0: Ints
    bias: Ints
    multiplier: Ints
    shift: Ints
    zero: int

    @property
    def added(self) -> Ints:
        """C0 + bias (M, N)."""
        return self.c0 + self.bias

    def padded(self, m: int, n: int) -> Added:
        """As the hardware sees it: M x N filled up with zeros to `m` x `n`."""
        more_m, more_n = m - self.c0.shape[0], n - self.c0.shape[1]
        bias, multiplier, shift = (
            np.pad(x, (0, more_n)) for x in (self.bias, self.multiplier, self.shift)
        )
        c0 = np.pad(self.c0, ((0, more_m), (0, more_n)))
        return Added(c0, bias, multiplier, shift, self.zero)


@dataclass(frozen=True, eq=False)
class Results:
    """C (M, N) as it leaves; as it would if no sum overflowed, the same array if none did."""

    c: Ints
    exact: Ints
    overflowed: bool


# ---- the chain of an engine ----


@dataclass(frozen=True)
class Chain:
    """The stages that an engine has."""

    c0: bool
    bias: bool
    requant: str
    relu: bool
    narrow: int  # 0: no guard bits; 1: flag, the word wraps; 2: saturate
    acc_bits: int  # of the accumulator without guard bits
    guard_bits: int
    requant_bits: int
    rounding: str
    out: IntFormat  # of a word as it leaves

    @property
    def valued(self) -> tuple[str, ...]:
        """The stages that change C by more than its width."""
        on = {"c0": self.c0, "bias": self.bias, "requant": self.requant != "off", "relu": self.relu}
        return tuple(name for name, there in on.items() if there)

    @property
    def input_stages(self) -> tuple[str, ...]:
        """The stages that take values of a run: all but relu."""
        return tuple(name for name in self.valued if name != "relu")

    @property
    def staged(self) -> bool:
        """Whether there is a chain, and so its register."""
        return bool(self.valued) or self.narrow > 0

    def values(self, chain_inputs: ChainInputs, m: int, n: int, layer: str) -> Added | None:
        """`chain_inputs`, checked against the stages and the shape of C; TpeError naming the field.

        None if no stage takes or changes a value.
        """
        where = f"layer '{layer}'"
        for name in ("c0", "bias", "requant"):
            present = getattr(chain_inputs, name) is not None
            wanted = name in self.valued
            if present and not wanted:
                raise TpeError(f"{where}: {name} is given, and the engine has {name} = off")
            if wanted and not present:
                setting = self.requant if name == "requant" else "on"
                raise TpeError(f"{where}: {name} is missing, and the engine has {name} = {setting}")
        if not self.valued:
            return None
        low, high = -(1 << (self.acc_bits - 1)), (1 << (self.acc_bits - 1)) - 1
        c0 = _integers(chain_inputs.c0 if self.c0 else 0, (m, n), (m, n), low, high, f"{where}: c0")
        bias = _integers(
            chain_inputs.bias if self.bias else 0, (n,), (n,), low, high, f"{where}: bias"
        )
        requant = chain_inputs.requant or Requant(0, 0)
        if not isinstance(requant, Requant):
            raise TpeError(f"{where}: requant = {requant!r} is not legal: a tpe.Requant")
        shape = (n,) if self.requant == "column" else ()
        multiplier, shift = (
            _integers(x, shape, (n,), 0, (1 << bits) - 1, f"{where}: requant {name}")
            for name, x, bits in (
                ("multiplier", requant.multiplier, self.requant_bits),
                ("shift", requant.shift, SHIFT_BITS),
            )
        )
        zero = 0
        if self.requant != "off":
            place = f"{where}: requant zero_point"
            limits = self.out.low, self.out.high
            zero = int(_integers(requant.zero_point, (), (1,), *limits, place)[0])
        return Added(c0, bias, multiplier, shift, zero)

    def check_room(
        self, layer: str, k: int, a: Format, b: Format, values: Added | None, products: Ends = None
    ) -> None:
        """TpeError if a sum of `k` products, C0 and bias may leave the accumulator as built.

        products: the least and the largest, where they are others than the exact ones.
        """
        limit = self.acc_bits + self.guard_bits
        added = np.zeros(1, np.int64) if values is None else values.added
        if not self.narrow and not added.any():
            check_accumulator(layer, k, a, b, limit, products)
            return
        least, most = products or product_range(a, b)
        low, high = k * least + min(0, int(added.min())), k * most + max(0, int(added.max()))
        needed = signed_bits(low, high)
        if needed > limit:
            built = f"acc_bits = {self.acc_bits}"
            built += f" and guard_bits = {self.guard_bits}" if self.narrow else ""
            raise TpeError(
                f"layer '{layer}': K = {k} products of {a.name} and {b.name}"
                f"{', with C0 and bias,' if added.any() else ''} need an accumulator of {needed} "
                f"bits, {built}; set more of them, or overflow = wrap"
            )

    def narrowed(self, total: Ints) -> Ints:
        """Sums as the accumulator of `acc_bits` gives them; the same array if all of them fit."""
        if self.narrow != GUARDED.index(Overflow.SATURATE) + 1:
            return wrap(total, self.acc_bits)
        built = wrap(total, self.acc_bits + self.guard_bits)
        half = 1 << (self.acc_bits - 1)
        if built.size == 0 or (-half <= built.min() and built.max() < half):
            return built
        return np.clip(built, -half, half - 1)

    def applied(
        self, held: Ints, exact: Ints, correction: Ints | None, values: Added | None
    ) -> Results:
        """The chain over all of C: over `held`, what the array has, and over the `exact` product.

        The correction of zero points is added as C0 is.
        """
        for addend in (correction, None if values is None else values.added):
            if addend is not None:
                same, exact = held is exact, exact + addend
                held = exact if same else held + addend
        narrow = self.narrowed(held)
        overflowed = (narrow if held is exact else self.narrowed(exact)) is not exact
        if values is None:
            return Results(narrow, exact, overflowed)
        c = self.finished(narrow, values)
        return Results(c, c if narrow is exact else self.finished(exact, values), overflowed)

    def timed(self, schedule: Callable[[Handshake], Schedule], handshake: Handshake) -> Schedule:
        """An array's timing under a handshake, with the chain's register behind it, if it has one.

        The register adds one cycle to a GEMM: the array's own last word starts its next tile.
        """
        if not self.staged:
            return schedule(handshake)
        if handshake == ALWAYS:
            timing, waited = schedule(handshake), 0
        else:
            staged = Staged(handshake.idle, handshake.busy)
            timing = schedule(staged)
            waited = staged.left[-1] - staged.taken[-1] - 1
        more = Cycles(fill_drain=Fraction(1), stall=Fraction(waited))
        return replace(timing, cycles=timing.cycles + more)

    def finished(self, total: Ints, values: Added) -> Ints:
        """Sums (M, N) of `acc_bits` as they leave."""
        if self.requant == "off":
            return np.maximum(total, 0) if self.relu else total
        rounded = scaled(total, values.multiplier, values.shift, self.rounding)
        if self.relu:
            rounded = np.maximum(rounded, 0)
        placed: Ints = np.clip(rounded + values.zero, self.out.low, self.out.high)
        return placed.astype(np.int64)


def chain_of(params: Mapping[str, Any]) -> Chain:
    """The chain of an engine with these parameters, `acc_bits` among them."""
    acc, overflow = int(params["acc_bits"]), params["overflow"]
    requant = str(params["requant"])
    plain = IntFormat(f"int{acc}", acc, signed=True)
    return Chain(
        c0=params["c0"] == "on",
        bias=params["bias"] == "on",
        requant=requant,
        relu=params["relu"] == "on",
        narrow=GUARDED.index(overflow) + 1 if overflow in GUARDED else 0,
        acc_bits=acc,
        guard_bits=guard_bits(params),
        requant_bits=int(params["requant_bits"]),
        rounding=str(params["rounding"]),
        out=plain if requant == "off" else FORMATS[params["out_type"]],
    )


def guard_bits(params: Mapping[str, Any]) -> int:
    """Bits that the engine's accumulators have beyond `acc_bits`: 48 + 8 fit the kernels' int64."""
    return int(params["guard_bits"]) if params["overflow"] in GUARDED else 0


def scaled(x: Ints, multiplier: Ints, shift: Ints, rounding: str) -> Ints:
    """round(x * multiplier / 2**shift), exact; arrays that broadcast.

    >>> [scaled(np.array([-5, -3, 3, 5]), np.array(1), np.array(1), r).tolist() for r in ROUNDINGS]
    [[-2, -1, 2, 3], [-2, -2, 2, 2], [-3, -2, 2, 3]]
    """
    largest = max((abs(int(v)) for v in (x.min(), x.max())), default=0) * int(multiplier.max())
    dtype: Any = np.int64 if largest < _INT64_SAFE and int(shift.max()) < 62 else object
    product, by = x.astype(dtype) * multiplier.astype(dtype), shift.astype(dtype)
    one = np.ones((), dtype) << by
    floor, rest, half = product >> by, product & (one - 1), one >> 1
    tie = (rest == half) & (half != 0)
    if rounding == "half_even":
        tie &= (floor & 1) == 1
    elif rounding == "half_away":
        tie &= product > 0
    rounded: Ints = floor + ((rest > half) | tie)
    return rounded


def _integers(
    x: Any, legal: tuple[int, ...], shape: tuple[int, ...], low: int, high: int, where: str
) -> Ints:
    """`x` as int64 of `shape`; TpeError unless integers of the shape `legal`, or one, in range."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise TpeError(f"{where} is not legal: an array of equal rows") from None
    if array.dtype.kind not in "iu":
        raise TpeError(f"{where} is {array.dtype}; legal: integers from {low} to {high}")
    if array.shape not in ((), legal):
        shapes = "one integer" + (f" or {' x '.join(map(str, legal))} of them" if legal else "")
        raise TpeError(f"{where} has shape {array.shape}; legal: {shapes}")
    worst = int(array.min()) if int(array.min()) < low else int(array.max())
    if not low <= worst <= high:
        raise TpeError(f"{where} = {worst} is not legal: {low} to {high}")
    return np.broadcast_to(array.astype(np.int64), shape)


# ---- cycles ----


@dataclass(frozen=True)
class Staged(Handshake):
    """The sink as the array sees it through the chain's register.

    An array asks `sink` in rising cycles, of a word that it offers, and the word is taken by a
    yes: it then leaves in the first later cycle in which the sink behind is willing, and until
    that cycle the array's next word is refused.
    """

    registered: ClassVar[bool] = True
    taken: list[int] = field(default_factory=list, compare=False)
    left: list[int] = field(default_factory=list, compare=False)

    def sink(self, cycle: int) -> bool:
        """Whether the register takes a word in this cycle."""
        if self.left and cycle < self.left[-1]:
            return False
        self.taken.append(cycle)
        self.left.append(next_cycle(super().sink, cycle + 1))
        return True
