"""The parameters and the size of an engine: what there is, what is legal, what is the default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import replace
from operator import index
from typing import Any, NoReturn

from tpe import array as arrays
from tpe.array.base import Array, describe_size
from tpe.base import registry
from tpe.base.errors import TpeError, unknown
from tpe.engine.choices import OF_INTEGERS, Gating
from tpe.engine.finish import PARAMETERS as CHAIN
from tpe.engine.groups import PARAMETERS as SCALES
from tpe.engine.sparsity import PARAMETERS as SPARSITY
from tpe.engine.sparsity import refuse_sparsity, refused
from tpe.numbers.arithmetic import Arithmetic
from tpe.numbers.formats import FORMATS, CodedFormat, IntFormat, number_format
from tpe.numbers.zero_points import MODES
from tpe.pe import get as get_pe
from tpe.pe import usable as usable_pes
from tpe.pe.base import PE
from tpe.pe.parameters import Parameter

TYPES = ("a_type", "b_type")
MAX_SEED = 2**63 - 1  # what the tables' integers hold

COMMON = (
    Parameter("a_type", "int8", tuple(FORMATS), "format of A's operands"),
    Parameter("b_type", "int8", tuple(FORMATS), "format of B's operands"),
    Parameter("zero_points", "none", MODES, "how zero points are taken out"),
    Parameter("acc_bits", None, range(16, 49), "accumulator width; default 24, 32 or 48 by type"),
    Parameter(
        "encode",
        "activations",
        ("activations", "weights"),
        "which tensor is encoded",
        trade="weights cost words of C by column; save steps where they have fewer non-zero digits",
    ),
    Parameter(
        "overflow", "raise", tuple(map(str, OF_INTEGERS)), "if the accumulator may not hold C"
    ),
    *CHAIN,
    *SCALES,
    Parameter(
        "gating",
        "none",
        tuple(map(str, Gating)),
        "of cells without a step: zeros for operands, or no clock",
        trade="isolate costs gates on operands of a cell, clock one on its clock; saves energy",
    ),
    *SPARSITY,
)


class Settings(dict[str, Any]):
    """The parameters of an engine with their values, which nothing can change.

    >>> Settings(stages=2)["stages"] = 3
    Traceback (most recent call last):
    tpe.TpeError: parameters of an engine cannot be changed; make another one: Engine(...)
    """

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TpeError("parameters of an engine cannot be changed; make another one: Engine(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Settings], tuple[dict[str, Any]]]:
        return Settings, (dict(self),)

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def resolve_parameters(
    pe: PE | None, values: Mapping[str, Any], array: Array | None = None
) -> dict[str, Any]:
    """Every parameter with its value; TpeError for an unknown name or an illegal value."""
    known = {p.name: p for p in parameters_of(pe, array)}
    for name in values:
        if name not in known:
            where = f" in {array.name}" if array else ""
            raise unknown(f"parameter of {pe.name if pe else 'a nest'}{where}", name, known)
    for name in TYPES:
        _refuse_format(pe, known[name], values.get(name))
    refuse_sparsity(pe, values)
    if array:
        _refuse_others(array, known, values)
    found = {
        name: p.default if values.get(name, p.default) is p.default else p.check(values[name])
        for name, p in known.items()
    }
    following = {name: p.follows for name, p in known.items() if p.follows and name not in values}
    found |= {name: value(found) for name, value in following.items()}
    left_out = {name for name, p in known.items() if p.optional and found[name] == p.default}
    return {name: value for name, value in found.items() if name not in left_out}


def parameters_of(pe: PE | None, array: Array | None = None) -> tuple[Parameter, ...]:
    """The parameters that an engine of this PE takes, in this array or in any that is legal."""
    formats = integer_formats()
    common = [replace(p, legal=formats) if p.name in TYPES else p for p in COMMON]
    if refused(pe):
        common = [replace(p, legal=(p.default,)) if p in SPARSITY else p for p in common]
    if pe is None:
        common = [p for p in common if p not in SCALES]
        return (*common, Parameter("encoder", "booth", ("booth", "ent"), "recoding"))
    chosen = [array] if array else [arrays.get(name) for name in arrays.usable()]
    of_arrays: dict[str, Parameter] = {}
    for one in (p for a in chosen if not a.refuses(pe) for p in a.parameters(pe)):
        of_arrays[one.name] = _of_either(of_arrays.get(one.name, one), one)
    narrowed = (_narrowed(p, pe.arithmetic) for p in common)
    own = (*narrowed, *pe.parameters)
    return (*(map(array.narrowed, own) if array else own), *of_arrays.values())


def choices_in(array: Array, pe: PE) -> tuple[Parameter, ...]:
    """What there is to choose of how an engine is built, with the values that are legal here.

    Those of the PE and of the array, and of those of every engine the ones with a `trade`: formats,
    accumulator and finish chain say what is computed. What the array decides is no choice.

    >>> from tpe.pe import get
    >>> [(p.name, p.legal) for p in choices_in(arrays.get("matrix2d"), get("stripes"))][-4]
    ('lanes', range(1, 65))
    """
    common = {parameter.name for parameter in COMMON}
    own = [p for p in parameters_of(pe, array) if p.trade or p.name not in common]
    here = (replace(p, legal=_legal_in(array, pe, p)) for p in own)
    return tuple(p for p in here if len(p.legal) > 1)


def _legal_in(array: Array, pe: PE, parameter: Parameter) -> range | tuple[Any, ...]:
    """The values of a parameter with which the array takes the PE.

    All others are at their default, but for one at most that goes with it.
    """
    if parameter.name == "lanes" and array.lanes_side is not None:
        return ()
    if pe.at is None or isinstance(parameter.legal, range):
        return parameter.legal
    default = {p.name: p.default for p in pe.parameters}
    others = [(p.name, w) for p in pe.parameters if isinstance(p.legal, tuple) for w in p.legal]

    def taken(value: Any) -> bool:
        alone = {**default, parameter.name: value}
        beside = ({**alone, name: w} for name, w in others if name != parameter.name)
        return any(array.takes(pe, params) for params in (alone, *beside))

    return tuple(value for value in parameter.legal if taken(value))


def _of_either(one: Parameter, other: Parameter) -> Parameter:
    """A parameter of two arrays, with what is legal in either."""
    if one.legal == other.legal or not other.words:
        return other
    return replace(one, legal=tuple(x for x in other.words if x in (*one.legal, *other.legal)))


def integer_formats() -> tuple[str, ...]:
    """The integers that an operand may be: of tpe, and of packages where they are as wide as those.

    >>> integer_formats() == tuple(FORMATS)
    True
    """
    widths = {number.bits for number in FORMATS.values()}
    others = [
        name for name, (package, _) in registry.homes("tpe.formats").items() if package != "tpe"
    ]
    found = []
    for name in others:
        with suppress(TpeError):  # one that cannot be loaded concerns nobody else
            number = number_format(name)
            plain = isinstance(number, IntFormat) and not isinstance(number, CodedFormat)
            if plain and number.bits in widths and name not in FORMATS:
                found.append(name)
    return (*FORMATS, *found)


def _refuse_format(pe: PE | None, parameter: Parameter, value: Any) -> None:
    """TpeError for a format that there is, but of another arithmetic than the PE's."""
    named = isinstance(value, str) and (value in FORMATS or value in registry.homes("tpe.formats"))
    if named and value not in parameter.legal:
        others = [pe.name for pe in map(get_pe, usable_pes()) if takes_format(pe, parameter, value)]
        where = f"; PEs that take it: {', '.join(others)}" if others else ""
        instead = (pe and pe.arithmetic.instead) or "a format that it does not compute in"
        raise TpeError(
            f"{parameter.name} = '{value}' is not legal for {f'pe {pe.name}' if pe else 'a nest'}: "
            f"{instead}; legal: {parameter.describe()}{where}"
        )


def takes_format(pe: PE, parameter: Parameter, value: str) -> bool:
    """Whether a PE takes a format for A or for B, whichever the parameter says."""
    legal = pe.arithmetic.legal(parameter.name)
    return value in (integer_formats() if legal is None else legal)


def _refuse_others(array: Array, known: Mapping[str, Parameter], values: Mapping[str, Any]) -> None:
    """TpeError for a value of a parameter that has another one, and no choice, in this array."""
    for name in array.fixed.keys() & values.keys():
        try:
            known[name].check(values[name])
        except TpeError:
            raise TpeError(
                f"{name} = {values[name]!r} is not legal in {array.name}; "
                f"legal: {known[name].describe()}"
            ) from None


def _narrowed(parameter: Parameter, arithmetic: Arithmetic) -> Parameter:
    """A common parameter where a PE's arithmetic takes some values of it only.

    B's format is A's if it is not given, where both are of one list.
    """
    legal = arithmetic.legal(parameter.name)
    if legal is None:
        return parameter
    alike = parameter.name == TYPES[1] and arithmetic.a_types == arithmetic.b_types
    other = _a_type if alike and len(legal) > 1 else parameter.follows
    follows = arithmetic.follows.get(parameter.name, other)
    return replace(parameter, default=legal[0], legal=legal, follows=follows)


def _a_type(params: Mapping[str, Any]) -> Any:
    return params[TYPES[0]]


def default_size(array: Array) -> tuple[int, ...]:
    """The size of an engine that none is given for: 256 PEs, or as near as a cube comes."""
    return (16, 16) if len(array.sides) == 2 else (8, 8, 4)


def checked_seed(seed: Any) -> int:
    """A seed as the tables hold it; TpeError unless an integer from 0 to `MAX_SEED`.

    >>> checked_seed(-1)
    Traceback (most recent call last):
    tpe.TpeError: seed = -1 is not legal: an integer from 0 to 9223372036854775807
    """
    if not hasattr(seed, "__index__") or isinstance(seed, bool) or not 0 <= index(seed) <= MAX_SEED:
        raise TpeError(f"seed = {seed!r} is not legal: an integer from 0 to {MAX_SEED}")
    return index(seed)


def size_text(size: tuple[int, ...]) -> str:
    """A size as it is written on the command line.

    >>> size_text((8, 8, 4))
    '8x8x4'
    """
    return "x".join(map(str, size))


def parse_size(size: str | int | Sequence[int], array: Array) -> tuple[int, ...]:
    """(rows, cols), of a cube (rows, cols, depth), of "ROWSxCOLS", a tuple or one number.

    One number is every side: 16 is 16x16, of a cube 16x16x16.

    >>> parse_size("8x4", arrays.get("os")), parse_size(16, arrays.get("os"))
    ((8, 4), (16, 16))
    >>> parse_size("4", arrays.get("cube3d"))
    (4, 4, 4)
    """
    numbers = _sides(size)
    if isinstance(numbers, int):
        numbers = [numbers] * len(array.sides)
    if len(numbers) != len(array.sides) or any(x not in array.legal_size for x in numbers):
        raise TpeError(f"size = {size!r} is not legal for {array.name}: {describe_size(array)}")
    return tuple(numbers)


def _sides(size: object) -> int | list[int]:
    """The one number, or the numbers, that a size is of; 0 or no number for what is none."""
    if isinstance(size, str):
        parts = size.strip().lower().split("x")
        numbers = [int(part) if part.isascii() and part.isdigit() else 0 for part in parts]
        return numbers[0] if len(numbers) == 1 else numbers
    if isinstance(size, bool | bytes | bytearray | Set | Mapping):  # the last two have no order
        return 0
    with suppress(TypeError):
        return index(size)  # type: ignore[arg-type]
    try:
        sides = list(size)  # type: ignore[call-overload]
        return [0 if isinstance(side, bool) else index(side) for side in sides]
    except TypeError:
        return []
