"""The engines whose RTL is mutated: small ones, of every PE, array and choice of their RTL."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import product
from typing import Any

from tpe import pe as pes
from tpe.array import combinations
from tpe.array.base import Array
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.parameters import parameters_of
from tpe.hdl import emit
from tpe.numbers.arithmetic import INTEGER
from tpe.numbers.floats import FloatFormat
from tpe.numbers.formats import number_format
from tpe.pe.base import PE
from tpe.pe.floating import float_format
from tpe.pe.parameters import Parameter

# Three digits of A, an odd number of planes; four rows, so that a stalled sink meets a drain.
_TYPES: dict[str, Any] = {"a_type": "int6", "b_type": "int4", "acc_bits": 16, "overflow": "wrap"}
# Of a multiplier of bytes all bits are at work.
_LOOKED_UP: dict[str, Any] = {**_TYPES, "a_type": "int8", "b_type": "int8"}
_NAMED = (4, 3)  # bits of A and of B where a PE names its formats
_SIZE = (4, 2, 2)
# Four lanes of a fused sum, the fewest there are, of products that reach both ends of fp32.
_FUSED: dict[str, Any] = {"arch": "ampere", "a_type": "tf32", "b_type": "tf32"}
_FUSED_SIZE = (4, 2, 4)  # a side along K is one step
_BUFFERED = {"psum_depth": 3}  # `depth` takes its smallest value: GEMMs take several passes
_LANES = 4  # at most: a cell of sixteen has the same mechanisms and takes minutes to elaborate
_LEAST = 3  # subjects of a small sample
_PER_SUBJECT = 20  # mutants of a subject of a sample: fewer are not worth its build
_ALL = 5  # mutants per subject from which on all are taken
_MANY = 4  # values of a parameter, of which one stands for all


def subjects() -> list[Config]:
    """An engine of every PE in every array that takes it, and of every choice of both.

    >>> len(subjects()) > 10
    True
    """
    found: list[Config] = []
    seen: set[tuple[str, str, Any]] = set()  # choices of a PE or an array that have been shown
    for pe, array, reason in combinations():
        if reason is not None or not pe.rtl or not _is_judged(pe) or array.fixed:
            continue  # an array that fixes a parameter has the RTL of one that leaves it
        found.append(small(pe, array, {}))
        types = _types(pe, {})
        for owner, own in ((pe.name, pe.parameters), (array.name, array.parameters(pe))):
            choices = [c for p in own for c in _choices(p, types) if (owner, *c) not in seen]
            found += _chosen(pe, array, choices)
            seen |= {(owner, *choice) for choice in choices}
    return [*found, *_zero_pointed(), *_staged(), *_other_formats(), *_fused(), *_looked_up()]


def subjects_of(pe: str) -> list[Config]:
    """The subjects of one PE; TpeError for an unknown one, one without RTL, and one not judged."""
    record = pes.get(pe)
    require_judged(record)
    found = [engine for engine in subjects() if engine.record is record]
    if not found:
        raise TpeError(f"pe {record.name} is model only: it has no RTL")
    return found


def require_judged(pe: PE) -> None:
    """TpeError for a PE that the benches of mutants have no operands for."""
    if not _is_judged(pe):
        raise TpeError(
            f"no mutants of pe {pe.name}: the sums of engines that are mutated are of integers, "
            f"or of floats times floats, and it computes in {pe.arithmetic.name}"
        )


def _is_judged(pe: PE) -> bool:
    return pe.arithmetic.integral or is_float(pe)


def is_float(pe: PE) -> bool:
    """Whether the sums of a PE are of products of floating point."""
    own = pe.arithmetic
    factors = [number_format(name) for name in (*own.a_types[:1], *own.b_types[:1])]
    return all(isinstance(number, FloatFormat) for number in (own.result, *factors))


def sample(count: int, seed: int) -> list[Config]:
    """The subjects for `count` mutants: all, or a few of plain integers and one of floating point.

    A front is among them.
    """
    every = subjects()
    if count >= _ALL * len(every):
        return every
    integer = [e for e in every if e.record.arithmetic == INTEGER]
    floating = [e for e in every if is_float(e.record)]
    for kind in (integer, floating):
        random.Random(seed).shuffle(kind)
    front = [e for e in integer if emit.record(e).front != "none"][:1]
    rest = [e for e in integer if e not in front]
    return [*front, *floating[:1], *rest][: max(_LEAST, count // _PER_SUBJECT)]


def label(engine: Config) -> str:
    """PE, array, size and the choices that set it apart.

    >>> label(subjects()[0])
    'mac_adder_tree_4x2'
    """
    plain = small(engine.record, engine.array, {}).params
    other = [f"{k}={v}" for k, v in engine.params.items() if v != plain.get(k) and k[1:] != "_type"]
    return " ".join([engine.name, *other])


def _own(parameter: Parameter, types: Mapping[str, Any]) -> Any:
    """A parameter's value in a subject of these types that makes no choice."""
    if parameter.name == "depth":
        return parameter.legal[0]
    if parameter.name == "lanes" and parameter.default is not None:
        return min(parameter.default, max(_LANES, parameter.legal[0]))
    return {**types, **_BUFFERED}.get(parameter.name, parameter.default)


def small(pe: PE, array: Array, choice: dict[str, Any]) -> Config:
    """The engine of a choice that is mutated: narrow types, short buffers; TpeError as `Config`."""
    types = _types(pe, choice)
    own = {p.name: _own(p, types) for p in parameters_of(pe, array)}
    own = {p.name: own[p.name] for p in parameters_of(pe, array) if own[p.name] != p.default}
    size = _FUSED_SIZE if pe.kernel.fused else _SIZE
    return Config(pe, array, size[: len(array.sides)], **{**own, **choice})


def _types(pe: PE, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of narrow operands and sums, of a choice."""
    if pe.kernel.fused:
        return _FUSED
    if is_float(pe):
        return _float_types(pe, choice)
    if not pe.arithmetic.exact:
        return _LOOKED_UP
    return {**_TYPES, **_named_types(pe)}


def _named_types(pe: PE) -> dict[str, Any]:
    """Of a PE that names the formats of its operands the narrowest ones of as many bits."""
    sides = (("a_type", pe.arithmetic.a_types), ("b_type", pe.arithmetic.b_types))
    found: dict[str, Any] = {}
    for (name, legal), bits in zip(sides, _NAMED, strict=True):
        formats = sorted(map(number_format, legal), key=lambda number: number.bits)
        wide = [number.name for number in formats if number.bits >= bits]
        found |= {name: wide[0]} if wide else {}
    return found


def _float_types(pe: PE, choice: Mapping[str, Any]) -> dict[str, Any]:
    """The narrowest C, and the narrowest operands whose products reach its ends, of a choice.

    Else what lies there could not be told from what does not work.
    """
    parameter, result = pe.parameter("c_type"), pe.arithmetic.result
    assert isinstance(result, FloatFormat)
    own: dict[str, Any] = {}
    if parameter:
        narrowest = min(parameter.legal, key=lambda name: float_format(name).bits)
        result = float_format(choice.get("c_type", narrowest))
        own = {"c_type": result.name}
    usual = {p.name: p.default for p in pe.parameters} | {**choice, **own}
    pairs = product(*(map(float_format, x) for x in (pe.arithmetic.a_types, pe.arithmetic.b_types)))
    for a, b in sorted(pairs, key=lambda pair: pair[0].bits + pair[1].bits):
        types = {"a_type": a.name, "b_type": b.name}
        legal = pe.conflict is None or pe.conflict({**usual, **types}) is None
        if legal and _reach(a, b, result):
            return {**own, **types}
    return own


def _reach(a: FloatFormat, b: FloatFormat, result: FloatFormat) -> bool:
    """Whether products are larger, and smaller, than all that a format has."""
    high, low = result.high, _least(result)
    return a.high * b.high > high and _least(a) * _least(b) < low


def _least(number: FloatFormat) -> float:
    """The smallest number above zero."""
    return float(number.smallest_normal / 2**number.fraction_bits)


def _chosen(pe: PE, array: Array, choices: Iterable[tuple[str, Any]]) -> Iterator[Config]:
    """An engine of each of these choices that is legal in this array."""
    for name, value in choices:
        # What the array sets itself, two choices that exclude, or one that has no RTL.
        with suppress(TpeError):
            engine = small(pe, array, {name: value})
            emit.record(engine)
            yield engine


def _choices(parameter: Parameter, types: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every other value of a parameter, or of many the next one, with the parameter's name."""
    own = _own(parameter, types)
    if len(parameter.legal) <= _MANY:
        yield from ((parameter.name, value) for value in parameter.legal if value != own)
    elif own == parameter.default:
        yield parameter.name, parameter.legal[parameter.legal.index(own) + 1]


def _staged() -> Iterator[Config]:
    """What any engine may have behind its array and around its cells, and choices that go together:
    the finish chain, gating, a term that passes down, stages, a registered stall."""
    added = {"c0": "on", "bias": "on"}
    scaled = {"requant": "column", "requant_bits": 16, "out_type": "int12", "guard_bits": 2}
    chains: tuple[tuple[str, dict[str, Any]], ...] = (
        ("matrix2d", {**added, **scaled, "overflow": "saturate", "rounding": "half_even"}),
        ("systolic_os", {**scaled, "overflow": "flag", "requant": "tensor", "rounding": "half_up"}),
        (
            "systolic_ws",
            {**added, **scaled, "overflow": "wrap", "rounding": "half_away", "relu": "on"},
        ),
        ("matrix2d", {"gating": "clock"}),
        ("systolic_os", {"gating": "isolate"}),
        ("systolic_ws", {"negate": "row", "biased": "on", "hold": "zero"}),
    )
    for array, choice in chains:
        buffered = _BUFFERED if array == "systolic_ws" else {}
        own = {**_TYPES, **buffered, **choice}
        if own["overflow"] == "wrap":
            own.pop("guard_bits", None)
        yield Config("mac", array, (4, 2), **own)
    yield Config("opt4c", "matrix2d", (4, 2), **{**_TYPES, "depth": 8, "gating": "clock"})
    term = {"negate": "row", "finish_stages": 2}  # a finish that adds something
    yield Config("mac", "matrix2d", (4, 2), **{**_TYPES, **term})
    yield Config("opt1", "systolic_ws", (4, 2), **{**_TYPES, **_BUFFERED, "finish_stages": 2})
    held = {"stall": "registered", "overlap": "stream"}  # a place for a word, behind every array
    yield Config("mac", "matrix2d", (4, 2), **{**_TYPES, **held})
    yield Config("mac", "systolic_ws", (4, 2), **{**_TYPES, **_BUFFERED, **held})
    yield Config("opt4c", "matrix2d", (4, 2), **{**_TYPES, "depth": 8, "stall": "registered"})
    few = {"negate": "row", "biased": "on", "hold": "zero", "carry_every": 2}
    cut = {"front_stages": 3, "finish_stages": 2, "depth": 8}
    yield Config("opt4c", "matrix2d", (4, 2), **{**_TYPES, **few, **cut})
    sparse: dict[str, Any] = {"sparsity": "2:4"}  # selects before cells, of either side
    yield Config("mac", "matrix2d", (4, 2), **{**_TYPES, **sparse})
    sparse |= {"sparse_operand": "activations", "lanes": 4}
    yield Config("opt1", "systolic_ws", (2, 2), **{**_TYPES, **_BUFFERED, **sparse})
    near = {"planes": "inner", "window": 1, "lanes": 2}  # choices that go together alone
    behind = {"front_stages": 3, "cell_stages": 3, "finish_stages": 3}
    lean = {"negate": "row", "biased": "on", "hold": "zero"}
    for choice in (near, {**near, **behind}, {**near, **behind, **lean, "carry_every": 2}):
        yield Config("opt4c", "matrix2d", (4, 2), **{**_TYPES, **choice})


def _zero_pointed() -> Iterator[Config]:
    """The operands' converters: unsigned operands, zero points subtracted or set off."""
    for mode in ("none", "subtract", "offset"):
        types = {**_TYPES, "a_type": "uint5", "b_type": "uint4", "zero_points": mode}
        yield Config("mac", "matrix2d", (4, 2), **types)


def _other_formats() -> Iterator[Config]:
    """L-Mul of formats that have to be widened, with the one NaN on top and with infinities."""
    for name, subnormals in (("e4m3fn", "flush"), ("e5m2", "keep")):
        types = {"a_type": name, "b_type": name, "subnormals": subnormals}
        yield Config("lmul", "matrix2d", (4, 2), **types)


def _fused() -> Iterator[Config]:
    """Fused sums that are rounded to nearest, with c late or left out, and that are promoted."""
    half = {"arch": "volta", "acc_bits": 16}
    late = {**_FUSED, "c_add": "late", "stages": 3}
    left_out = {**_FUSED, "c_add": "none", "promote_every": 4}
    for choice in (half, {**half, "stages": 3}, late, left_out, {**_FUSED, "promote_every": 8}):
        yield Config("tensorcore", "matrix2d", (4, 2), **choice)


def _looked_up() -> Iterator[Config]:
    """Tables whose weights are of other formats: without a term of the row, and ternary ones."""
    for b_type, lanes in (("bipolar2", 3), ("ternary", 3)):
        types = {**_TYPES, "a_type": "int4", "b_type": b_type, "lanes": lanes}
        yield Config("lut_tc", "matrix2d", (4, 2), **types)
