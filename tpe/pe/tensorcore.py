"""Tensor cores as PEs: a cell adds a fused dot product of one architecture to its psum every step.

The rule, and which formats an architecture has, is `tpe.numbers.tensor_cores`'s. A step takes as
many lanes of K as that rule fuses, so they are no choice here: C would be another. `acc_bits` = 32
sums in fp32, 16 in fp16. Operands are numbers of their formats; a real tensor core takes fp32 for
tf32 and cuts it. All of it has RTL but `split_k`: no cell knows where K ends.

MX and NVFP4, in blocks along K, are operands of `blackwell`: a code carries the scale of its block
(`tpe.numbers.block_operands`), and the rule is `tpe.numbers.block_scaled`'s. They have no RTL.

NaN of any operand, infinity times zero and opposite infinities are NaN, one code; what is beyond
the largest number is infinite; subnormals are kept; a zero result is +0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from tpe.base.errors import TpeError
from tpe.base.jit import kernel
from tpe.numbers.arithmetic import PLAIN, Arithmetic
from tpe.numbers.block_scaled import (
    SCALED_RULES,
    ScaledDot,
    packed_product,
    packed_step,
    scaled_dot,
)
from tpe.numbers.blocks import BLOCK_FORMATS
from tpe.numbers.formats import Format
from tpe.numbers.fused_gemm import words_product
from tpe.numbers.fused_words import RULES, fused_step, late_sum, rule_number
from tpe.numbers.operands import Ints
from tpe.numbers.tensor_cores import (
    ARCHITECTURES,
    DEFAULT_ARCH,
    RESULTS,
    FusedDot,
    formats_of_any,
    fused_dot,
)
from tpe.numbers.words import I64, wrap
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import Parameter, stages_parameter
from tpe.pe.widths import Params

_COUNT_BITS = 16  # of the steps since a partial sum was promoted
_TYPES = formats_of_any()


@kernel()
def promote(psum: I64, period: int) -> None:
    """Every `period` steps add the partial sum, word 0, to word 1 in fp32; word 2 counts them."""
    for n in range(psum.shape[1]):
        psum[2, n] += 1
        if psum[2, n] == period:
            psum[1, n] = late_sum(psum[1, n], psum[0, n])
            psum[0, n] = psum[2, n] = 0


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """A step that has c among its terms."""
    row = RULES[facts.settings]
    for n in range(codes.shape[1]):
        psum[0, n] = fused_step(codes, b, n, psum[0, n], row)
    if facts.period:
        promote(psum, facts.period)


@kernel(step_type)
def step_late(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """A step of products alone, to which c is added in fp32, rounded to nearest even."""
    row = RULES[facts.settings]
    for n in range(codes.shape[1]):
        psum[0, n] = late_sum(psum[0, n], fused_step(codes, b, n, 0, row))
    if facts.period:
        promote(psum, facts.period)


@kernel(step_type)
def step_scaled(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """A step of operands in blocks, with c among its terms."""
    row = SCALED_RULES[facts.settings]
    for n in range(codes.shape[1]):
        psum[0, n] = packed_step(codes, b, n, psum[0, n], row)


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result, with what was promoted before it."""
    for n in range(acc.size):
        acc[n] = late_sum(psum[1, n], psum[0, n]) if facts.period else psum[0, n]


@dataclass(frozen=True)
class Promotion:
    """After how many steps of `lanes` a partial sum is added to one in fp32; 0: never.

    every -- operands of K; 0: not by a fixed number;  parts -- into which K is split

    >>> Promotion(128, 1, 32)(4096), Promotion(0, 3, 32)(1024), Promotion(0, 1, 32)(1024)
    (4, 11, 0)
    """

    every: int
    parts: int
    lanes: int

    def __call__(self, k: int) -> int:
        """Steps, of a GEMM of this K."""
        if self.every:
            return self.every // self.lanes
        return -(-k // (self.parts * self.lanes)) if self.parts > 1 else 0

    @property
    def promotes(self) -> bool:
        """Whether there is a second sum."""
        return self.every > 0 or self.parts > 1


@dataclass(frozen=True)
class Gemm:
    """Words of C of a whole GEMM, by `tpe.numbers.fused_gemm`; `d_type` is the format of sums."""

    arch: str
    d_type: str
    promotion: Promotion
    late: bool

    def __call__(self, a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
        """C (M, N) of codes (M, K) and (K, N)."""
        rule = fused_dot(self.arch, a_format.name, b_format.name, self.d_type)
        period = self.promotion(a.shape[1])
        return wrap(words_product(a, b, rule, late=self.late, period=period), rule.d.bits)


@dataclass(frozen=True)
class ScaledGemm:
    """Words of C of a whole GEMM of operands in blocks, by `tpe.numbers.block_scaled`."""

    arch: str

    def __call__(self, a: Ints, b: Ints, a_format: Format, b_format: Format) -> Ints:
        """C (M, N) of codes (M, K) and (K, N)."""
        rule = scaled_dot(self.arch, a_format.name, b_format.name)
        return wrap(packed_product(a, b, rule), RESULTS["fp32"].bits)


def _formats(params: Params) -> tuple[str, str, str]:
    """Formats of the encoded operand, of the other one and of sums."""
    types = params.get("a_type", _TYPES[0]), params.get("b_type", _TYPES[0])
    left, right = reversed(types) if params.get("encode") == "weights" else types
    return left, right, "fp16" if params.get("acc_bits") == 16 else "fp32"


def _in_blocks(params: Params) -> bool:
    return any(name in BLOCK_FORMATS for name in _formats(params))


def _rule(params: Params) -> FusedDot:
    """The rule that parameters say, of the encoded operand and of the other one."""
    return fused_dot(params["arch"], *_formats(params))


def _scaled_rule(params: Params) -> ScaledDot:
    """The same of operands in blocks."""
    return scaled_dot(params["arch"], *_formats(params))


def rtl_numbers(params: Params) -> dict[str, int]:
    """What the cell is told of its rule."""
    rule = _rule(params)
    return {
        "AlignBits": rule.fraction_bits,
        "KeptBits": rule.kept_bits,
        "FloorBelow": 1 - rule.d.bias - rule.floor,
        "Period": params["promote_every"] // rule.lanes,
    }


def conflict(params: Params) -> str | None:
    """Formats that the architecture has not; a second sum that is not whole steps, or no second."""
    try:
        if _in_blocks(params):
            return _scaled_conflict(params)
        rule = _rule(params)
    except TpeError as error:
        return str(error)
    every, parts, c_add = params["promote_every"], params["split_k"], params["c_add"]
    lanes = f"{rule.lanes}, the fused K of arch = {rule.arch} for {rule.a.name}"
    if every % rule.lanes:
        return f"promote_every = {every} is not legal: 0, or a multiple of {lanes}"
    if every and parts > 1:
        return f"split_k = {parts} is not legal with promote_every = {every}: one of them"
    if c_add == "none" and every != rule.lanes:
        return f"c_add = 'none' leaves sums to promotion: legal with promote_every = {lanes}"
    if rule.nearest and (every or parts > 1 or c_add != "fused"):
        return "acc_bits = 16 is legal with c_add = fused, promote_every = 0 and split_k = 1"
    return None


def _scaled_conflict(params: Params) -> str | None:
    """The same of operands in blocks, whose sums are in one part; TpeError for their formats."""
    _scaled_rule(params)
    if (params["promote_every"], params["split_k"], params["c_add"]) == (0, 1, "fused"):
        return None
    types = " x ".join(_formats(params)[:2])
    return f"{types} is legal with c_add = fused, promote_every = 0 and split_k = 1"


def _at_scaled(record: PE, params: Params) -> PE:
    """The PE of an architecture for operands in blocks."""
    rule = _scaled_rule(params)
    types = " x ".join(_formats(params)[:2])
    return replace(
        record,
        kernel=Kernel(record.kernel.psum, step_scaled, resolve, True, rule.number),
        hardware=None,
        model_only=f"{types}, whose scales no cell has a port for,",
        pace=Dense(lanes=range(rule.kind.lanes, rule.kind.lanes + 1)),
        arithmetic=replace(
            record.arithmetic,
            product=ScaledGemm(params["arch"]),
            result=RESULTS["fp32"],
            evidence=rule.kind.evidence,
        ),
    )


def at(record: PE, params: Params) -> PE:
    """The PE of an architecture, for formats of A, B and the sums."""
    if conflict(params):
        return record
    if _in_blocks(params):
        return _at_scaled(record, params)
    rule, late = _rule(params), params["c_add"] == "late"
    promotion = Promotion(params["promote_every"], params["split_k"], rule.lanes)
    psum = Psum("fp", lambda w: w.acc, more=(32, _COUNT_BITS) if promotion.promotes else ())
    steps = step_late if late else step
    kernel_at = Kernel(psum, steps, resolve, True, rule_number(rule), promotion)
    hardware = None
    if promotion.parts == 1:  # the cell does not know where K, and so a part of it, ends
        hardware = replace(_HARDWARE, finish="tensorcore" if promotion.promotes else "word")
    return replace(
        record,
        kernel=kernel_at,
        hardware=hardware,
        model_only="" if hardware else f"split_k = {promotion.parts}",
        pace=Dense(lanes=range(rule.lanes, rule.lanes + 1)),
        arithmetic=replace(
            record.arithmetic,
            product=Gemm(rule.arch, rule.d.name, promotion, late),
            result=rule.d,
            evidence=rule.evidence(params["c_add"]),
        ),
    )


_HARDWARE = Hardware(
    cell="tensorcore",
    finish="word",
    latency=lambda params: int(params.get("stages", 1)) - 1,
    numbers=rtl_numbers,
)
_DEFAULT = fused_dot(DEFAULT_ARCH, _TYPES[0], _TYPES[0])

RECORD = PE(
    name="tensorcore",
    title="fused dot product, tensor core",
    source="arXiv:2206.02874; arXiv:2511.10909; arXiv:2512.07004",
    nest=None,  # an alignment to the largest term is no primitive of the notation
    kernel=Kernel(
        Psum("fp", lambda w: w.acc), step, resolve, fused=True, settings=rule_number(_DEFAULT)
    ),
    pace=Dense(lanes=range(_DEFAULT.lanes, _DEFAULT.lanes + 1)),
    ways=frozenset({Way.KEEP, Way.PASS, Way.REDUCE}),
    hardware=_HARDWARE,
    arithmetic=Arithmetic(
        "tensor core",
        a_types=_TYPES,
        b_types=_TYPES,
        product=Gemm(DEFAULT_ARCH, "fp32", Promotion(0, 1, _DEFAULT.lanes), late=False),
        result=_DEFAULT.d,
        pads_with_zeros=False,  # zero times infinity is NaN
        choices={**PLAIN, "acc_bits": (32, 16), "overflow": ("inf",)},
        evidence=_DEFAULT.evidence(),
    ),
    parameters=(
        Parameter(
            "arch",
            DEFAULT_ARCH,
            tuple(ARCHITECTURES),
            "architecture: formats, fused K, aligned bits; of turing no result was measured, its "
            "rule is oracle only",
            trade="later ones cost wider sums, and lanes of A and B; save steps, and lost bits",
        ),
        Parameter(
            "c_add",
            "fused",
            ("fused", "late", "none"),
            "the running sum in a step: a term of it; added behind it in fp32; or left out",
            "CAdd",
            trade="late costs an addition in fp32 every step; saves bits of small products",
        ),
        Parameter(
            "promote_every",
            0,
            range(65537),
            "operands of K after which the sum so far is added to one in fp32, and begins anew; "
            "0: never",
            trade="costs an addition in fp32 each time; saves bits that a large sum cuts off",
        ),
        Parameter(
            "split_k",
            1,
            range(1, 1025),
            "parts of K, whole steps each, whose sums are added in fp32, one after another",
            trade="more cost an addition in fp32 each; save bits that a large sum cuts off",
        ),
        stages_parameter(
            "stages",
            3,
            "2 registers the exact products, 3 their alignment among each other, too",
            "Stages",
        ),
    ),
    conflict=conflict,
    at=at,
)
