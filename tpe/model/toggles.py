"""Sampled switching of the primitives in a cell: output bits that flip from step to step (D15).

A window is consecutive steps of one cell, `window` of them at most. Where psums stay, it is the
steps over one output: K in beats of all lanes; once per bit weight, if bit weights are in time (the
step that closes the last is left out); or what the front of a row emits, a group without a non-zero
digit and lanes that wait included. Where psums are passed it is rows of one block of M through the
weights of a cell, and the running sum that enters is that of all of K before them. Positions are
drawn by seed. What a primitive outputs in a step is its settled value at the end of the cycle;
glitches within a cycle, cycles between steps, registers, the array around the cells and the finish
that cells share are not in it. An encoder is in it if it stands in the cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.engine.task import Task, see
from tpe.model.cell_steps import Key, Psum, Steps, kept_steps
from tpe.nest.notation import BW, K, N, Step
from tpe.numbers.compressors import evaluate_tree, word_tree
from tpe.numbers.digits import encoding, select
from tpe.numbers.operands import Ints
from tpe.numbers.words import compress
from tpe.pe.base import PE
from tpe.pe.paces import Planes
from tpe.pe.parameters import Negate

if TYPE_CHECKING:
    from tpe.engine.config import Config

Words = dict[Key, list[Any]]  # of every step: a word, a (sum, carry) pair


@dataclass(frozen=True)
class Toggles:
    """Flipped output bits of each primitive, over `steps` changes from one step to the next.

    `bits` counts the output bits that could have flipped: the activity is flips / bits.
    """

    steps: int
    flips: dict[str, int]
    bits: dict[str, int]

    def activity(self, op: str) -> float:
        """Share of a primitive's output bits that flip in a step."""
        return self.flips[op] / self.bits[op]


@dataclass(frozen=True, eq=False)
class Outputs:
    """A primitive's outputs in a cell, all copies: words (steps, copies) of `widths` bits."""

    words: Ints
    widths: tuple[int, ...]

    def flips(self) -> Ints:
        """Bits that flip from each step to the next."""
        changed = self.words[1:] ^ self.words[:-1]
        count: Ints = np.bitwise_count(changed.astype(np.uint64)).sum(axis=1, dtype=np.int64)
        return count


def sample(
    engine: Config, a: Any, b: Any, seed: int = 0, window: int = 256, positions: int = 8
) -> Toggles:
    """Switching of the primitives in a cell while the engine computes A @ B.

    A (M, K) and B (K, N) as `Engine.run` takes them. `window`: steps at each position, 2 at least;
    `positions`: outputs (m, n), or of an array that passes psums cells and blocks of M, drawn by
    `seed`. Raises TpeError for a PE that is not written as a nest.

    >>> from tpe.model.engine import Engine
    >>> toggles = sample(Engine("opt1"), [[1, 2, 3]], [[5], [5], [5]])
    >>> toggles.steps, toggles.flips["encode"] > 0
    (16, True)
    """
    if engine.selection:
        raise TpeError(
            f"toggles of {engine.name} with sparsity = {engine.selection.sparsity.name} are not "
            "modelled: its cells select their operands; legal: sparsity = none"
        )
    mode = engine.params["zero_points"]
    seen = see(Task("toggles", "gemm", a, b), engine.a_format, engine.b_format, mode)
    encoded, other = engine.sides.operands(seen.a, seen.b)
    return switching(engine, encoded, other, seed, window, positions)


def switching(
    engine: Config, encoded: Ints, other: Ints, seed: int = 0, window: int = 256, positions: int = 8
) -> Toggles:
    """The same of operands as the array sees them, M x K the encoded one and K x N the other.

    `steps` is 0 if no window has a second step, as with K = 1 where psums stay.
    """
    _record(engine)
    if window < 2 or positions < 1:
        raise TpeError(f"window = {window}, positions = {positions}: legal: 2 and 1 at least")
    rng = np.random.Generator(np.random.Philox(seed))
    steps = 0
    flips: dict[str, int] = {}
    bits: dict[str, int] = {}
    for _ in range(positions):
        m, n = int(rng.integers(encoded.shape[0])), int(rng.integers(other.shape[1]))
        if engine.array.chained:
            k = int(rng.integers(encoded.shape[1]))
            entering = passed_steps(engine, _rows(engine, encoded, m, window), other[:, n], k)
        else:
            entering = kept_steps(engine, encoded[m], other[:, n], window)
        counted = max(0, min(len(entering), window) - 1)
        steps += counted
        for op, outputs in cell_outputs(engine, entering.cut(window)).items():
            flips[op] = flips.get(op, 0) + int(outputs.flips().sum())
            bits[op] = bits.get(op, 0) + sum(outputs.widths) * counted
    return Toggles(steps, flips, bits)


def _record(engine: Config) -> PE:
    if engine.pe.nest is None:
        raise TpeError(f"pe {engine.pe.name} is not written as a nest: no toggles to count")
    for name, plain in (("negate", Negate.ADDER), ("biased", "off"), ("dot", "added")):
        if engine.params.get(name, plain) != plain:
            raise TpeError(
                f"toggles are counted of the textbook's cells: {name} = '{plain}', not "
                f"{engine.params[name]!r}"
            )
    return engine.pe


def _rows(engine: Config, a: Ints, m: int, window: int) -> Ints:
    """Rows of A, from m if enough follow it, that stream one after another through a tile of B."""
    start, end = 0, len(a)
    if a.shape[1] > engine.k_tile:  # psums return, a block at a time
        depth = int(engine.params["psum_depth"])
        start = m - m % depth
        end = min(start + depth, len(a))
    start = max(start, min(m, end - window))
    return a[start : min(start + window, end)]


# ---- what enters a cell ----


def passed_steps(engine: Config, a: Ints, b: Ints, k: int) -> Steps:
    """Steps of the cell that holds b[k]: the rows of a (M, K) in order, with the psums that enter.

    A psum has passed the cells above it, and with an earlier tile of K all cells of the column.
    """
    lanes, pad = engine.widths.lanes, -len(b) % engine.widths.lanes
    coded = encoding(engine.encoder).encode(a, engine.widths.a).astype(np.int64)
    digits = np.pad(coded, ((0, 0), (0, pad), (0, 0))).reshape(len(a), -1, lanes, coded.shape[2])
    weights = np.pad(b.astype(np.int64), (0, pad)).reshape(-1, lanes)
    psum: Words = {}
    for earlier in range(k // lanes):
        psum = _outputs(engine, _through(digits[:, earlier], weights[earlier], psum))[1]
    return _through(digits[:, k // lanes], weights[k // lanes], psum)


def _through(digits: Ints, weights: Ints, psum: Psum) -> Steps:
    """Rows of digits (M, lanes, bit weights) through the cell of these weights (lanes,)."""
    rows = len(digits)
    ones, zeros = np.ones(rows, np.int64), np.zeros(rows, np.int64)
    return Steps(digits, np.tile(weights, (rows, 1)), zeros, ones, zeros, psum)


# ---- what the cell makes of it ----


def cell_outputs(engine: Config, steps: Steps) -> dict[str, Outputs]:
    """What every primitive in one cell outputs in each of its steps."""
    return _outputs(engine, steps)[0]


def _outputs(engine: Config, steps: Steps) -> tuple[dict[str, Outputs], Words]:
    """Outputs of the primitives up to the sum over K, and that sum of every step: the psum."""
    pe = _record(engine)
    built = pe.built(engine.widths)
    found: dict[str, Outputs] = {}
    words: Words = {}
    for step in engine.nest.steps:
        op = step.op.name
        if op not in built:
            continue  # no hardware
        if step.in_front:
            if N in step.over and not step.stored:
                front = steps.front.get(op) or list(_columns(select(steps.digits)))
                found[op] = Outputs(np.stack(front, axis=1), (built[op],) * len(front))
            continue
        words = _apply(engine, step, words, steps, built)
        found[op] = _shown(words, [_width(pe, step, key, built[op]) for key in words])
        if K in step.sums:
            break
    if isinstance(pe.pace, Planes):
        _fold(engine, steps, words[0, 0], built, found)
    return found, words


def _columns(x: Ints) -> Ints:
    """(steps, ...) as (words, steps)."""
    return x.reshape(len(x), -1).T


def _width(pe: PE, step: Step, key: Key, bits: int) -> int:
    """Width of a word: the pair of a bit weight is narrower by what it will be shifted."""
    return bits - 2 * key[1] * (pe.kernel.psum.kind == "bit_weights" and K in step.sums)


def _shown(words: Words, widths: list[int]) -> Outputs:
    """Words as their bits."""
    flat = [(x, bits) for pair, bits in zip(words.values(), widths, strict=True) for x in pair]
    masked = [x & ((1 << bits) - 1) for x, bits in flat]
    return Outputs(np.stack(masked, axis=1), tuple(bits for _, bits in flat))


def _apply(
    engine: Config, step: Step, words: Words, steps: Steps, built: Mapping[str, int]
) -> Words:
    """One primitive of the nest on the words that reach it."""
    pe, op = _record(engine), step.op.name
    if op == "map":
        return _mapped(steps, serial=isinstance(pe.pace, Planes))
    if op == "shift":
        return {key: [x << 2 * key[1] for x in group] for key, group in words.items()}
    if op == "add":
        bits = built["half_reduce"]
        return {key: [_signed(sum(pair), bits)] for key, pair in words.items()}
    assert step.sums, f"{op} has no rule here"
    grouped: Words = {}
    for (lane, weight), group in words.items():
        key = (0 if K in step.sums else lane, 0 if BW in step.sums else weight)
        grouped[key] = grouped.get(key, []) + group
    tree = engine.params.get("tree", "chain")
    rule = Sum(op, tree, built[op])
    summed = {}
    for key, group in grouped.items():
        one = replace(rule, bits=_width(pe, step, key, built[op]))
        kept = steps.psum is None
        if K not in step.sums:
            summed[key] = one(group)
        elif kept:
            summed[key] = _running(one, group, steps)
        else:
            assert steps.psum is not None
            zeros = [np.zeros(len(steps), np.int64)] * one.words
            summed[key] = one([*group, *steps.psum.get(key, zeros)])
    return summed


def _mapped(steps: Steps, serial: bool) -> Words:
    """digit * B for every lane and bit weight, or for the bit weight of the step."""
    digits = steps.digits
    if serial:
        digits = np.take_along_axis(digits, steps.plane[:, None, None], axis=2)
    products = digits * steps.b[:, :, None]
    _, lanes, weights = products.shape
    return {(i, j): [products[:, i, j]] for i in range(lanes) for j in range(weights)}


def _signed(word: Any, bits: int) -> Any:
    half = 1 << (bits - 1)
    return ((word + half) & (2 * half - 1)) - half


@dataclass(frozen=True)
class Sum:
    """A sum of words, Python's integers or arrays of int64, modulo 2**bits: a pair or a word."""

    op: str
    tree: str
    bits: int

    @property
    def words(self) -> int:
        """How many it leaves."""
        return 2 if self.op == "half_reduce" else 1

    def __call__(self, given: list[Any]) -> list[Any]:
        mask = (1 << self.bits) - 1
        words = [x & mask for x in given]
        if self.op == "accumulate":
            return [sum(words) & mask]
        if self.tree == "chain" or len(words) < 3:
            return _chain(words, self.bits)
        pair = evaluate_tree(word_tree(self.tree, len(words), self.bits), words, self.bits)
        return [x if isinstance(x, int) else x.astype(np.int64) for x in pair]


def _chain(words: list[Any], bits: int) -> list[Any]:
    """The linear chain of 3:2 rows, in the order of `tpe_half_reduce`."""
    total, carry = words[0], words[1] if len(words) > 1 else words[0] & 0
    for word in words[2:]:
        total, carry = compress(total, carry, word, bits)
    return [total, carry]


def _running(rule: Sum, words: list[Ints], steps: Steps) -> list[Ints]:
    """A sum over K whose result the cell keeps: words of every step, one step after another."""
    rows = np.stack(words, axis=1).tolist()
    anew = steps.first.astype(bool) | (np.diff(steps.plane, prepend=0) != 0)
    none = [0] * rule.words
    kept, shown = none, []
    for row, starts, taken in zip(rows, anew.tolist(), steps.taken.tolist(), strict=True):
        shown.append(rule([*row, *(none if starts else kept)]))
        if taken:
            kept = shown[-1]
    return list(np.array(shown, np.int64).T)


def _fold(
    engine: Config,
    steps: Steps,
    pair: list[Ints],
    built: Mapping[str, int],
    found: dict[str, Outputs],
) -> None:
    """What weighs the plane's pair and folds it into the total's, in the cell (OPT2 in time).

    Both work on the registers, the pair and the plane of the step before; the step that brings
    another plane keeps what they make. Registers are zero before the first step.
    """
    bits = built["half_reduce"]
    rule = Sum("half_reduce", engine.params.get("tree", "chain"), bits)
    held = [_before(x) << 2 * _before(steps.plane) for x in pair]
    weighed = [x & ((1 << bits) - 1) for x in held]
    other = (steps.plane != _before(steps.plane)).tolist()
    total, folded = [0, 0], []
    for x, y, ends in zip(weighed[0].tolist(), weighed[1].tolist(), other, strict=True):
        folded.append(rule([*total, x, y]))
        if ends:
            total = folded[-1]
    more = {"shift": np.stack(weighed, axis=1), "half_reduce": np.array(folded, np.int64)}
    for op, words in more.items():
        own = found.get(op, Outputs(words[:, :0], ()))
        joined = np.concatenate([own.words, words], axis=1)
        found[op] = Outputs(joined, (*own.widths, bits, bits))


def _before(x: Ints) -> Ints:
    """What was there a step ago; zero before the first."""
    return np.concatenate([np.zeros(1, x.dtype), x[:-1]])
