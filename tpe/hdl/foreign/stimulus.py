"""What a user's PE is given, cycle by cycle, and which results are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from tpe.base.errors import TpeError
from tpe.hdl.foreign.model import Model, OperandPort
from tpe.hdl.foreign.roles import Connection
from tpe.numbers.operands import Ints

EXHAUSTIVE_BITS = 16  # operands of so many bits together are run through all their values
DEFAULT_RANDOM = 65536  # vectors, where that is too much
EXTRA_RANDOM = 4096  # vectors besides, where it is not
LATEST = 16  # cycles after the operands, beyond their interval, that a result is looked for
LEAD = LATEST + 4  # cycles of reset, then of rest, before the first operands
LONGEST_SUM = 64
WEIGHT_RUN = 32  # random vectors that share a weight
QUIET = 1024  # cycles in which nothing moves, after which a PE with `ready` has stopped
SLOWEST = 64  # cycles that a vector may take there
PACES, STRETCH = 1 << 14, 256
MOST_CYCLES = 1 << 22
_MOST_CORNERS = 4096
_ROLES = ("rst", "clear", "first", "valid", "load")


@dataclass(frozen=True, eq=False)
class Stimulus:
    """What goes in over `cycles` cycles.

    Levels of every input role, one a cycle; vector i is applied in cycle `at[i]`. Of a PE with
    `ready` (`paced`) the levels are one a vector: each stays until it is taken, and `cycles` is
    the most that it may all take.
    """

    cycles: int
    levels: Mapping[str, Ints]  # role -> (cycles, lanes); controls have one lane and mean "active"
    at: Ints
    vectors: Mapping[str, Ints]  # operand role -> (vectors, lanes)
    expected: Ints  # modulo 2**64
    begins: Ints  # indices of the vectors that begin a sum
    coverage: str
    paced: bool = False


def stimulus(
    model: Model, pins: Mapping[str, Connection], vectors: int | None, interval: int, seed: int
) -> Stimulus:
    """Corners, all values of the first operands where they are few, and random vectors.

    With `vectors`: corners and so many random ones. Where `valid` is mapped, the random ones come
    with idle cycles between them, in which the operands are garbage. Where `load` is mapped, b is
    given ahead of every run of vectors that share it, and is garbage while they go in.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    values, loose, coverage = _draw(model.operands, vectors, rng)
    if "load" in pins:
        values = _by_weight(values, loose)
    begins = _begins(model, len(next(iter(values.values()))), rng)
    if "ready" in pins:
        return _paced(pins, values, begins, expected_of(model, values, begins), coverage)
    at, loads = _schedule(model, pins, values, loose, begins, interval, rng)
    slack = max(0, *(pin.delay for pin in pins.values()))
    cycles = int(at[-1]) + interval + LATEST + 1 + slack
    if cycles > MOST_CYCLES:
        raise TpeError(
            f"{len(at):,} vectors take {cycles:,} cycles; legal: up to {MOST_CYCLES:,}; "
            "set vectors to fewer random ones"
        )
    levels = _levels(model, pins, values, at, interval, cycles, rng)
    if "load" in pins:
        _load(levels, model, values, at, loads, rng)
        coverage += f", b loaded {len(loads):,} times"
    for role in _restarts(model, pins):
        _restart(levels[role], role, at[begins])
    for role, pin in pins.items():
        if role in levels and pin.delay:
            levels[role] = np.roll(levels[role], pin.delay, axis=0)  # idle at both ends
    expected = expected_of(model, values, begins)
    return Stimulus(cycles, levels, at, values, expected, begins, coverage)


def _restarts(model: Model, pins: Mapping[str, Connection]) -> list[str]:
    """The role that begins a sum, if there are sums."""
    return [x for x in ("first", "clear", "rst") if x in pins][:1] if model.sums else []


def _schedule(
    model: Model,
    pins: Mapping[str, Connection],
    values: Mapping[str, Ints],
    loose: int,
    begins: Ints,
    interval: int,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """The cycle of every vector, and the indices of those that b is loaded ahead of."""
    count = len(next(iter(values.values())))
    gaps = np.zeros(count, np.int64)
    if "valid" in pins:
        gaps[loose:] = rng.choice([0, 0, 0, 1, 2, 5], count - loose)
    delays = [pin.delay for pin in pins.values()]
    early, late = -min(0, *delays), max(0, *delays)
    drain = LATEST + interval + 4 + early + late
    if _restarts(model, pins) not in ([], ["first"]):
        gaps[begins] += drain
    loads = np.zeros(0, np.int64)
    if "load" in pins:
        weights = values["b"]
        loads = np.flatnonzero((weights != np.roll(weights, 1, axis=0)).any(axis=1))
        loads = np.union1d(loads, [0]).astype(np.int64)
        gaps[loads] += drain
    return LEAD + early + np.arange(count) * interval + np.cumsum(gaps), loads


def _by_weight(values: Mapping[str, Ints], loose: int) -> dict[str, Ints]:
    """The vectors sorted by b, which is loaded once for all that share it; random ones in runs."""
    weights = values["b"].copy()
    runs = np.arange(len(weights) - loose) // WEIGHT_RUN * WEIGHT_RUN
    weights[loose:] = weights[loose + runs]
    order = np.lexsort(weights[:loose].T[::-1])
    order = np.concatenate([order, np.arange(loose, len(weights))])
    return {role: (weights if role == "b" else x)[order] for role, x in values.items()}


def _load(
    levels: dict[str, Ints],
    model: Model,
    values: Mapping[str, Ints],
    at: Ints,
    loads: Ints,
    rng: np.random.Generator,
) -> None:
    """Show b in the cycle before its run, with `load`; at all other times it is garbage."""
    operand = next(x for x in model.operands if x.role == "b")
    wave = _random(operand, len(levels["load"]), rng)
    wave[at[loads] - 1] = values["b"][loads]
    levels["b"] = wave
    levels["load"][at[loads] - 1] = 1


def _paced(
    pins: Mapping[str, Connection],
    values: Mapping[str, Ints],
    begins: Ints,
    expected: Ints,
    coverage: str,
) -> Stimulus:
    """One word a vector, which the bench holds until it is taken."""
    count = len(expected)
    levels = dict(values)
    if "first" in pins:
        levels["first"] = np.zeros((count, 1), np.int64)
        levels["first"][begins] = 1
    cycles = min(MOST_CYCLES, LEAD + QUIET + count * SLOWEST)
    coverage += ", with an idle source" + (" and a busy sink" if "out_ready" in pins else "")
    return Stimulus(cycles, levels, np.arange(count), values, expected, begins, coverage, True)


def pace(seed: int, sink: bool) -> Ints:
    """(PACES, 2) flags, used over and over: whether the source offers, whether the sink takes.

    Stretches at full rate, with either side or both hesitating a little or most of the time.
    """
    rng = np.random.Generator(np.random.Philox(seed))
    rates = np.array([(1, 1), (0.5, 0.5), (0.15, 1), (1, 0.15), (0.5, 1), (1, 0.5)])
    stretches = rates[rng.permuted(np.arange(PACES // STRETCH) % len(rates))]
    flags = rng.random((PACES, 2)) < np.repeat(stretches, STRETCH, axis=0)
    if not sink:
        flags[:, 1] = True
    return flags.astype(np.int64)


def _draw(
    operands: tuple[OperandPort, ...], vectors: int | None, rng: np.random.Generator
) -> tuple[dict[str, Ints], int, str]:
    """Vectors of every operand, the index of the first random one, and what they cover."""
    parts = [_corners(operands, rng)]
    covered: list[OperandPort] = []
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


def _random(x: OperandPort, count: int, rng: np.random.Generator) -> Ints:
    return rng.integers(x.number.low, x.number.high + 1, (count, x.lanes))


def corner_values(x: OperandPort) -> list[int]:
    """The extremes of a type and the values around zero."""
    low, high = x.number.low, x.number.high
    return sorted({v for v in (low, low + 1, -2, -1, 0, 1, 2, high) if low <= v <= high})


def _corners(operands: tuple[OperandPort, ...], rng: np.random.Generator) -> dict[str, Ints]:
    """Every combination of extreme operands, held constant over the lanes; at most 4096."""
    values = [corner_values(x) for x in operands]
    if np.prod([len(v) for v in values], dtype=float) <= _MOST_CORNERS:
        rows = np.array(list(product(*values)), np.int64)
    else:
        rows = np.stack([rng.choice(v, _MOST_CORNERS) for v in values], axis=1)
    return {x.role: np.repeat(rows[:, i : i + 1], x.lanes, axis=1) for i, x in enumerate(operands)}


def _all_values(
    operands: tuple[OperandPort, ...], covered: list[OperandPort], rng: np.random.Generator
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
    pins: Mapping[str, Connection],
    values: Mapping[str, Ints],
    at: Ints,
    interval: int,
    cycles: int,
    rng: np.random.Generator,
) -> dict[str, Ints]:
    levels = {role: np.zeros((cycles, 1), np.int64) for role in _ROLES}
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


def expected_of(model: Model, values: Mapping[str, Ints], begins: Ints) -> Ints:
    """The results of all vectors in order, modulo 2**64; `begins` are those that begin a sum."""
    terms = model.terms(values)
    if not model.sums:
        return terms
    total = np.cumsum(terms)
    before = total[begins] - terms[begins]
    lengths = np.diff(np.append(begins, len(terms)))
    sums: Ints = total - np.repeat(before, lengths)
    return sums
