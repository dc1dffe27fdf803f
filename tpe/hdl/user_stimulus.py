"""What a user's PE is given, cycle by cycle, and which results are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from tpe.errors import TpeError
from tpe.hdl.user_model import Model, Operand
from tpe.hdl.user_ports import Pin
from tpe.operands import Ints

EXHAUSTIVE_BITS = 16  # operands of so many bits together are run through all their values
DEFAULT_RANDOM = 65536  # vectors, where that is too much
EXTRA_RANDOM = 4096  # vectors besides, where it is not
LATEST = 16  # cycles after the operands, beyond their interval, that a result is looked for
LEAD = LATEST + 4  # cycles of reset, then of rest, before the first operands
LONGEST_SUM = 64
MOST_CYCLES = 1 << 22
_MOST_CORNERS = 4096


@dataclass(frozen=True, eq=False)
class Stimulus:
    """Levels of every input role over `cycles` cycles; vector i is applied in cycle `at[i]`."""

    cycles: int
    levels: Mapping[str, Ints]  # role -> (cycles, lanes); controls have one lane and mean "active"
    at: Ints
    vectors: Mapping[str, Ints]  # operand role -> (vectors, lanes)
    expected: Ints  # modulo 2**64
    begins: Ints  # indices of the vectors that begin a sum
    coverage: str


def stimulus(
    model: Model, pins: Mapping[str, Pin], vectors: int | None, interval: int, seed: int
) -> Stimulus:
    """Corners, all values of the first operands where they are few, and random vectors.

    With `vectors`: corners and so many random ones. Where `valid` is mapped, the random ones come
    with idle cycles between them, in which the operands are garbage.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    values, loose, coverage = _draw(model.operands, vectors, rng)
    count = len(next(iter(values.values())))
    gaps = np.zeros(count, np.int64)
    if "valid" in pins:
        gaps[loose:] = rng.choice([0, 0, 0, 1, 2, 5], count - loose)
    begins = _begins(model, count, rng)
    restart = [role for role in ("first", "clear", "rst") if role in pins][:1] if model.sums else []
    drain = LATEST + interval if restart and restart != ["first"] else 0
    gaps[begins] += drain + (4 if drain else 0)
    at = LEAD + np.arange(count) * interval + np.cumsum(gaps)
    cycles = int(at[-1]) + interval + LATEST + 1
    if cycles > MOST_CYCLES:
        raise TpeError(
            f"{count:,} vectors take {cycles:,} cycles; legal: up to {MOST_CYCLES:,}; "
            "set vectors to fewer random ones"
        )
    levels = _levels(model, pins, values, at, interval, cycles, rng)
    for role in restart:
        _restart(levels[role], role, at[begins])
    expected = _expected(model, values, begins)
    return Stimulus(cycles, levels, at, values, expected, begins, coverage)


def _draw(
    operands: tuple[Operand, ...], vectors: int | None, rng: np.random.Generator
) -> tuple[dict[str, Ints], int, str]:
    """Vectors of every operand, the index of the first random one, and what they cover."""
    parts = [_corners(operands, rng)]
    covered: list[Operand] = []
    for x in operands:
        if vectors is None and sum(y.number.bits for y in (*covered, x)) <= EXHAUSTIVE_BITS:
            covered.append(x)
    if covered:
        parts.append(_all_values(operands, covered, rng))
    random = (EXTRA_RANDOM if covered else DEFAULT_RANDOM) if vectors is None else vectors
    loose = sum(len(part[operands[0].role]) for part in parts)
    parts.append({x.role: _random(x, random, rng) for x in operands})
    words = [f"{len(parts[0][operands[0].role]):,} corners"]
    if covered:
        names = ", ".join(x.role for x in covered)
        count = 1 << sum(x.number.bits for x in covered)
        lanes = " in every lane" if any(x.lanes > 1 for x in covered) else ""
        words.append(f"all {count:,} values of ({names}){lanes}")
    words.append(f"{random:,} random")
    values = {x.role: np.concatenate([part[x.role] for part in parts]) for x in operands}
    return values, loose, ", ".join(words)


def _random(x: Operand, count: int, rng: np.random.Generator) -> Ints:
    return rng.integers(x.number.low, x.number.high + 1, (count, x.lanes))


def corner_values(x: Operand) -> list[int]:
    """The extremes of a type and the values around zero."""
    low, high = x.number.low, x.number.high
    return sorted({v for v in (low, low + 1, -2, -1, 0, 1, 2, high) if low <= v <= high})


def _corners(operands: tuple[Operand, ...], rng: np.random.Generator) -> dict[str, Ints]:
    """Every combination of extreme operands, held constant over the lanes; at most 4096."""
    values = [corner_values(x) for x in operands]
    if np.prod([len(v) for v in values], dtype=float) <= _MOST_CORNERS:
        rows = np.array(list(product(*values)), np.int64)
    else:
        rows = np.stack([rng.choice(v, _MOST_CORNERS) for v in values], axis=1)
    return {x.role: np.repeat(rows[:, i : i + 1], x.lanes, axis=1) for i, x in enumerate(operands)}


def _all_values(
    operands: tuple[Operand, ...], covered: list[Operand], rng: np.random.Generator
) -> dict[str, Ints]:
    """Every combination of the covered operands, shuffled apart in every lane; the rest random."""
    count = 1 << sum(x.number.bits for x in covered)
    lanes = max(x.lanes for x in covered)
    codes = np.stack([rng.permutation(count) for _ in range(lanes)], axis=1)
    values = {}
    for x in operands:
        if x not in covered:
            values[x.role] = _random(x, count, rng)
            continue
        values[x.role] = (codes[:, : x.lanes] & ((1 << x.number.bits) - 1)) + x.number.low
        codes = codes >> x.number.bits
    return values


def _begins(model: Model, count: int, rng: np.random.Generator) -> Ints:
    """Indices of the vectors that begin a sum: sums never leave the result's bits."""
    if not model.sums:
        return np.zeros(0, np.int64)
    longest = min(model.terms_in_range(), LONGEST_SUM)
    starts = np.cumsum(rng.integers(1, longest + 1, count))
    return np.concatenate([[0], starts[starts < count]]).astype(np.int64)


def _levels(
    model: Model,
    pins: Mapping[str, Pin],
    values: Mapping[str, Ints],
    at: Ints,
    interval: int,
    cycles: int,
    rng: np.random.Generator,
) -> dict[str, Ints]:
    levels = {role: np.zeros((cycles, 1), np.int64) for role in ("rst", "clear", "first", "valid")}
    for x in model.operands:
        # Without `valid` an idle cycle must add nothing to a sum.
        shape = (cycles, x.lanes)
        wave = _random(x, cycles, rng) if "valid" in pins else np.zeros(shape, np.int64)
        for hold in range(interval):
            wave[at + hold] = values[x.role]
        levels[x.role] = wave
    levels["valid"][at] = 1
    levels["rst"][: LEAD - 3] = 1
    return levels


def _restart(level: Ints, role: str, begins: Ints) -> None:
    """Begin each sum: with its first operands, or in cycles of rest before them."""
    if role == "first":
        level[begins] = 1
    else:
        level[begins - 3] = 1
        level[begins - 2] = level[begins - 2] if role == "clear" else 1


def _expected(model: Model, values: Mapping[str, Ints], begins: Ints) -> Ints:
    terms = model.terms(values)
    if not model.sums:
        return terms
    total = np.cumsum(terms)
    before = total[begins] - terms[begins]
    lengths = np.diff(np.append(begins, len(terms)))
    sums: Ints = total - np.repeat(before, lengths)
    return sums
