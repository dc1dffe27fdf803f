"""Engines and operands that the contract runs: read off the records, nothing named here."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from tpe.array.base import Array
from tpe.engine.parameters import resolve_parameters
from tpe.model.engine import Engine
from tpe.numbers.operands import Ints, as_operands
from tpe.pe.base import PE
from tpe.pe.parameters import Parameter

# a_type, b_type, acc_bits: equal and apart, even and odd, narrow and wide, and one that wraps
TYPES = [
    ("int2", "int2", 16),
    ("int4", "int4", 24),
    ("int3", "int16", 24),
    ("int7", "int5", 17),
    ("int8", "int8", 16),
    ("int16", "int4", 33),
    ("int16", "int16", 48),
]

# a_type, b_type, zero_points, a_zero, b_zero: either side unsigned, each way of zero points
UNSIGNED: list[tuple[str, str, str, int, int]] = [
    ("uint8", "int8", "none", 0, 0),
    ("uint8", "int8", "subtract", 128, 0),
    ("uint8", "uint8", "subtract", 3, 250),
    ("uint8", "int8", "offset", 128, -5),
    ("uint8", "uint8", "offset", 200, 0),
    ("int8", "int8", "subtract", -128, 127),
    ("int8", "uint5", "offset", 7, 31),
    ("uint2", "uint7", "none", 0, 0),
    ("uint16", "uint16", "none", 0, 0),
    ("uint16", "uint16", "subtract", 65535, 1),
    ("uint16", "int3", "offset", 9, 2),
]

SHORT_DEPTH = 16  # so that K = 17 and 33 take several passes, where it is legal
SHORT_LANES = 2  # of a PE whose simulator takes long to build with all of them
SHORT_PSUMS = 3  # rows of the psum buffer, so that M takes several blocks


def engine(pe: PE, array: Array, size: tuple[int, int], **parameters: Any) -> Engine:
    """An engine with short buffers, where it has any, so that K and M take several passes.

    A cube gets a depth from 1 to 3 by its rows and columns; where the side along K has to be what
    a step of the PE takes, it is.
    """
    depth = pe.parameter("depth")
    if depth and "depth" not in parameters:
        parameters["depth"] = max(SHORT_DEPTH, depth.legal[0])
    own = {p.name for p in array.parameters(pe)}
    if "psum_depth" in own and "psum_depth" not in parameters:
        parameters["psum_depth"] = SHORT_PSUMS
    if pe.stepped and "lanes" not in parameters:
        parameters["lanes"] = SHORT_LANES
    deep = (1 + sum(size) % 3,) if len(array.sides) == 3 else ()
    return Engine(pe, array, fitted(pe, array, (*size, *deep), parameters), **parameters)


def fitted(
    pe: PE, array: Array, size: tuple[int, ...], parameters: dict[str, Any]
) -> tuple[int, ...]:
    """A size, its side along K as long as a step of the PE has to be, if there is but one."""
    made = pe.at(pe, whole(pe, array, parameters)) if pe.at else pe
    lanes = made.pace.lanes
    if array.lanes_side is None or len(lanes) != 1:
        return size
    along_k = array.sides.index(array.lanes_side)
    return tuple(lanes[0] if i == along_k else side for i, side in enumerate(size))


def whole(pe: PE, array: Array, parameters: dict[str, Any]) -> dict[str, Any]:
    """These parameters of an engine with the defaults of all others."""
    return resolve_parameters(pe, {**parameters, **array.fixed}, array)


def fits(pe: PE, array: Array, *parameters: dict[str, Any]) -> bool:
    """Whether these parameters of an engine go together."""
    together = {name: value for part in parameters for name, value in part.items()}
    return pe.conflict(whole(pe, array, together)) is None


def variants(pe: PE, array: Array) -> list[dict[str, Any]]:
    """Every value of every choice, one changed at a time; and the other side encoded.

    Of numbers that are widths or depths a few values stand for all: `FEW`. Lanes that are the
    array's affair are left out.
    """
    found: list[dict[str, Any]] = [{}, {"encode": "weights"}]
    set_there = set_by(array)
    for parameter in map(array.narrowed, (*pe.parameters, *array.parameters(pe))):
        found += [{parameter.name: value} for value in other_values(parameter)]
    if pe.parameter("encode_in"):
        found.append({"encode_in": "stored", "encoder": "ent"})
    if pe.parameter("biased") and not pe.sparse:  # the leanest cell, in one stage and in several
        lean = {"negate": "row", "biased": "on"}
        if pe.parameter("top"):
            lean["top"] = "increment"
        if pe.parameter("dot"):
            lean["dot"] = "compressed"
            found.append({"dot": "compressed", "lanes": 4, "stages": 3})
        streams = any("stream" in p.legal for p in array.parameters(pe) if p.name == "overlap")
        behind = {"overlap": "stream"} if streams else {}
        stages = {"stages": 2} if pe.parameter("stages") else {}
        found += [lean, {**lean, **stages, "lanes": 2, "hold": "zero"}]
        cut = {"finish_stages": 2} if pe.parameter("finish_stages") else {}
        found.append({**lean, "encode_in": "edge", "hold": "zero", **behind, **cut})
    if pe.parameter("carry_every"):  # the leanest digits, in every order
        lean = {"negate": "row", "biased": "on", "hold": "zero"}
        found += [{**lean, "carry_every": 2}, {**lean, "carry_every": 4, "shadow": "off"}]
        found.append({**lean, "carry_every": 2, "planes": "msb_first", "encode": "weights"})
        if pe.parameter("front_stages"):  # behind stages of all parts that have them
            found.append({**lean, "carry_every": 2, "front_stages": 3, "finish_stages": 2})
    if all(map(pe.parameter, ("planes", "group", "lanes", "window"))):  # short and long groups
        near = {"planes": "inner", "window": 1}
        found += [{**near, "lanes": 2}, {**near, "group": 8, "encoder": "booth"}]
        found.append({**near, "window": 2, "lanes": 2, "group": 16, "negate": "free_bits"})
        found.append({"planes": "inner", "encode": "weights", "tree": "dadda"})
        cut = {"front_stages": 3, "cell_stages": 3, "finish_stages": 3}
        found += [{**near, **cut}] if pe.parameter("front_stages") else []
        if pe.parameter("carry_every"):  # ... with the leanest digits
            lean = {"negate": "row", "biased": "on", "hold": "zero"}
            found.append({**near, **lean, "lanes": 2, "overlap": "stream"})
            found.append({**near, **lean, **cut, "carry_every": 4})
    own = {p.name: p.legal for p in array.parameters(pe)}
    if {"stall", "overlap"} <= own.keys():  # where tiles overlap a busy sink holds other things
        legal = [o for o in ("stream", "load") if o in own["overlap"]]
        last = next(o for o in legal if takes(array, pe, {"overlap": o}))
        found.append({"stall": "registered", "overlap": last})
    found = [{n: v for n, v in choice.items() if n not in set_there} for choice in found]
    return [x for i, x in enumerate(found) if x not in found[:i] and takes(array, pe, x)]


def other_values(parameter: Parameter) -> list[Any]:
    """Values of a parameter beside its default; of a width or a depth a few that stand for all."""
    values = FEW.get(parameter.name, parameter.legal)
    return [v for v in values if v != parameter.default and v in parameter.legal]


def set_by(array: Array) -> set[str]:
    """Parameters of a PE that the array sets: lanes, where they are a side of it."""
    return {"lanes"} if array.grid((1,) * len(array.sides)).lanes is not None else set()


def takes(array: Array, pe: PE, choice: dict[str, Any]) -> bool:
    """Whether an array that takes a PE takes it with these parameters as well."""
    legal = ((value, pe.arithmetic.legal(name)) for name, value in choice.items())
    if not all(values is None or value in values for value, values in legal):
        return False
    defaults = {parameter.name: parameter.default for parameter in pe.parameters}
    return array.takes(pe, {**defaults, **choice})


FEW: dict[str, tuple[Any, ...]] = {
    "depth": (8, 32, 4096),
    "drift": (1, 3),
    "lanes": (1, 2, 5),
    "psum_depth": (1, 2),
    "promote_every": (32, 128),
    "split_k": (2, 3),
}


def types_of(a_type: str, b_type: str, acc_bits: int) -> dict[str, Any]:
    """Engine parameters of one entry of TYPES; overflow wraps, as the RTL's does."""
    return {"a_type": a_type, "b_type": b_type, "acc_bits": acc_bits, "overflow": "wrap"}


def taken(pe: PE, **wanted: Any) -> dict[str, Any]:
    """Engine parameters as wanted, but where the PE's arithmetic takes others: its default."""
    legal = {name: pe.arithmetic.legal(name) or (value,) for name, value in wanted.items()}
    return {n: value if value in legal[n] else legal[n][0] for n, value in wanted.items()}


def types_for(pe: PE) -> list[dict[str, Any]]:
    """The same of all entries, with what a PE's arithmetic takes instead where it takes less.

    Of one that names its formats every pair, with every accumulator.
    """
    named = [pe.arithmetic.legal(name) for name in ("a_type", "b_type", "acc_bits")]
    if all(named):
        every = product(*(values or () for values in named))
        return [taken(pe, **types_of(*kind)) for kind in every]
    found = []
    for number, kind in enumerate(TYPES):
        given = types_of(*kind)
        if "acc_bits" in pe.arithmetic.follows:
            del given["acc_bits"]
        for name in given:
            legal = pe.arithmetic.legal(name)
            if legal is not None and given[name] not in legal:
                given[name] = legal[number % len(legal)]
        if given not in found:
            found.append(given)
    return found


def operands(engine: Engine, m: int, n: int, k: int, seed: int) -> tuple[Ints, Ints]:
    """A (M, K) and B (K, N) over the full range of the engine's formats."""
    rng = np.random.default_rng(seed)
    return engine.a_format.drawn(rng, (m, k)), engine.b_format.drawn(rng, (k, n))


def right(engine: Engine, a: Ints, b: Ints) -> Ints:
    """Words of C (M, N) as they have to be, of operands A (M, K) and B (K, N)."""
    if engine.arithmetic.exact:
        return wrapped(a.astype(object) @ b.astype(object), engine.widths.acc)
    seen = as_operands(a, b, engine.a_format, engine.b_format, "right")
    operands, formats = engine.sides.operands(*seen), engine.encoded_formats()
    product = engine.sides.output(engine.arithmetic.product(*operands, *formats))
    return wrapped(product, engine.widths.acc) if engine.arithmetic.integral else product


def wrapped(c: Ints, bits: int) -> Ints:
    """Two's complement of `bits` bits, by Python's integers: the oracle of the oracle."""
    size = 1 << bits
    wrap = np.vectorize(lambda x: (int(x) + size // 2) % size - size // 2, otypes=[np.int64])
    words: Ints = wrap(c)
    return words
