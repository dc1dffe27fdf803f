"""What the contract covers, read off the records: every legal PE x array, its variants and types.

Nothing here names a PE or an array: a new file in `tpe/pe` or `tpe/array` is covered by being
there.
"""

from __future__ import annotations

from typing import Any

import numpy as np

import tpe
from tpe.array import combinations
from tpe.array.base import Array
from tpe.pe.base import PE

LEGAL = [(pe, array) for pe, array, reason in combinations() if reason is None]
REFUSED = [(pe, array, reason) for pe, array, reason in combinations() if reason is not None]
WITH_RTL = [(pe, array) for pe, array in LEGAL if pe.rtl]

# Both axes from 1 to 5 and 17 (rows: 34, in `scale`); every other size is in `FULL_SIZES`.
LANDING_SIZES = [(1, 1), (1, 3), (3, 1), (2, 2), (2, 5), (4, 3), (5, 4), (1, 17)]
FULL_SIZES = [(r, 1 + r % 2) for r in range(6, 17)] + [(1, c) for c in range(6, 17)]
FULL_SIZES += [(9, 9), (17, 1)]

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


def combo_id(combo: tuple[PE, Array]) -> str:
    """A test id."""
    return f"{combo[0].name}-{combo[1].name}"


def engine(pe: PE, array: Array, size: tuple[int, int], **parameters: Any) -> tpe.Engine:
    """An engine with short buffers, where it has any, so that K and M take several passes.

    A cube gets a depth from 1 to 3 by its rows and columns.
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
    return tpe.Engine(pe, array, (*size, *deep), **parameters)


def variants(pe: PE, array: Array) -> list[dict[str, Any]]:
    """Every value of every choice, one changed at a time; and the other side encoded.

    Of numbers that are widths or depths a few values stand for all: `FEW`.
    """
    found: list[dict[str, Any]] = [{}, {"encode": "weights"}]
    for parameter in (*pe.parameters, *array.parameters(pe)):
        values = FEW.get(parameter.name, parameter.legal)
        if parameter.name == "lanes" and array.grid((1,) * len(array.sides)).lanes is not None:
            continue  # the array's affair
        found += [
            {parameter.name: v} for v in values if v != parameter.default and v in parameter.legal
        ]
    if pe.parameter("encode_in"):
        found.append({"encode_in": "stored", "encoder": "ent"})
    return [choice for choice in found if takes(array, pe, choice)]


def takes(array: Array, pe: PE, choice: dict[str, Any]) -> bool:
    """Whether an array that takes a PE takes it with these parameters as well."""
    if pe.at is None:
        return True
    defaults = {parameter.name: parameter.default for parameter in pe.parameters}
    return array.refuses(pe.at({**defaults, **choice})) is None


FEW: dict[str, tuple[Any, ...]] = {
    "depth": (8, 32, 4096),
    "drift": (1, 3),
    "lanes": (1, 2, 5),
    "psum_depth": (1, 2),
}


def share(items: list[Any], combo: tuple[PE, Array], parts: int) -> list[Any]:
    """One of `parts` shares of a list, another one for the next combination.

    All combinations together cover the list several times over; the full tier gives it to each.
    """
    turn = [combo_id(other) for other in LEGAL].index(combo_id(combo))
    return items[turn % parts :: parts]


def types_of(a_type: str, b_type: str, acc_bits: int) -> dict[str, Any]:
    """Engine parameters of one entry of TYPES; overflow wraps, as the RTL's does."""
    return {"a_type": a_type, "b_type": b_type, "acc_bits": acc_bits, "overflow": "wrap"}


def operands(
    engine: tpe.Engine, m: int, n: int, k: int, seed: int
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """A (M, K) and B (K, N) over the full range of the engine's formats."""
    rng = np.random.default_rng(seed)
    a, b = engine.a_format, engine.b_format
    return rng.integers(a.low, a.high + 1, (m, k)), rng.integers(b.low, b.high + 1, (k, n))


def wrapped(c: np.ndarray[Any, Any], bits: int) -> np.ndarray[Any, Any]:
    """Two's complement of `bits` bits, by Python's integers: the oracle of the oracle."""
    size = 1 << bits
    return np.vectorize(lambda x: (int(x) + size // 2) % size - size // 2, otypes=[np.int64])(c)
