"""Carry-save trees by columns: the linear chain, Wallace's and Dadda's, generated and evaluated.

A tree takes bits that stand in columns (column c weighs 2**c) and rows, and leaves two rows with
the same sum. Stage by stage, full adders turn three bits of a column, half adders two, into a sum
bit in the same column and a carry bit in the next one. Four kinds, by which bits meet:

- `chain`: the running pair meets one further row a stage; `rtl/prim/tpe_half_reduce.sv`.
- `wallace`: rows in threes, every three at once. C. S. Wallace, "A Suggestion for a Fast
  Multiplier", IEEE Transactions on Electronic Computers EC-13, 1964, in the form that textbooks
  give it (K. K. Parhi, "VLSI Digital Signal Processing Systems", appendix E).
- `dadda`: as few adders a stage as its number of stages allows. L. Dadda, "Some Schemes for
  Parallel Multipliers", Alta Frequenza 34, 1965.
- `three_greedy`: those that are there first, by what is known of the words: `three_greedy.py`.

The split between the two rows is the tree's own; their sum is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.numbers.column_trees import Adder, Columns, Stage, Tree, Wire, behind, row_count
from tpe.numbers.three_greedy import KnownWord, known_columns, three_greedy

TITLES = {
    "chain": "linear chain",
    "wallace": "Wallace tree",
    "dadda": "Dadda tree",
    "three_greedy": "three-greedy tree",
}
KINDS = tuple(TITLES)


def reduce_columns(
    kind: str,
    heights: Sequence[int],
    *,
    keep_carry: bool = False,
    first_rows: Sequence[int] | None = None,
) -> Tree:
    """The tree of a kind over columns of `heights` bits, least significant first.

    The carry out of the top column is dropped (the sum holds modulo 2**len(heights)), or kept in
    further columns. A column's bits stand in the rows 0 to height - 1, or from its entry of
    `first_rows` upwards: the parallelogram of a multiplier, which Wallace's groups of rows see.
    Raises TpeError if the kind is unknown, there is no bit, a number is negative, or `first_rows`
    is given for a Dadda tree, which counts a column's bits wherever they stand.

    >>> reduce_columns("dadda", [4] * 8).row_counts
    (4, 3, 2)
    >>> reduce_columns("wallace", [9] * 8).row_counts
    (9, 6, 4, 3, 2)
    """
    if kind not in KINDS:
        raise unknown("tree", kind, KINDS)
    columns = _placed(kind, heights, first_rows)
    if kind == "three_greedy":
        return three_greedy(columns, keep_carry)
    step = _STAGES[kind]
    tree_columns, stages = columns, []
    while row_count(columns) > 2:
        stage = step(columns, keep_carry)
        stages.append(stage)
        columns = behind(stage)
    return Tree(kind, tree_columns, tuple(stages), columns)


@lru_cache(maxsize=256)
def word_tree(kind: str, ops: int, width: int, entries: tuple[KnownWord, ...] = ()) -> Tree:
    """The tree over `ops` words of `width` bits, modulo 2**width; built once.

    `entries`: what is known of the words, one each or none at all; a three-greedy tree asks. Raises
    TpeError unless both numbers are at least 1.

    >>> tree = word_tree("dadda", ops=6, width=32)
    >>> tree.row_counts, tree.full_adders, tree.half_adders
    ((6, 4, 3, 2), 124, 3)
    """
    check_pair(ops, width)
    if kind == "three_greedy":
        known = entries or (KnownWord(),) * ops
        return three_greedy(known_columns(width, known), arrivals=[x.arrival for x in known])
    return reduce_columns(kind, [ops] * width)


def evaluate_tree(tree: Tree, words: Sequence[Any], width: int) -> tuple[Any, Any]:
    """The pair (sum, carry) that a tree makes of `words`, one per row, of `width` columns.

    Words are Python ints of any width, or integer arrays of one shape and width up to 64; a
    negative one counts modulo 2**width. The pair is of the same sort (arrays are uint64), without
    signs, and sum + carry equals the sum of the words modulo 2**width, or exactly that of the
    words modulo 2**width if the tree keeps its carries. Raises TpeError if the number of words or
    `width` is not the tree's, or a word has a bit where the tree takes none.

    >>> evaluate_tree(word_tree("wallace", 4, 8), [3, 5, 7, -1], 8)
    (240, 30)
    """
    if width != len(tree.columns):
        raise TpeError(f"width = {width}: this tree takes words of {len(tree.columns)} bits")
    if len(words) != tree.row_counts[0]:
        raise TpeError(f"{len(words)} words: this tree takes {tree.row_counts[0]}")
    rows = _as_rows(words, width, len(tree.rows))
    for row, absent in tree.absent.items():
        if np.any(rows[row] & absent):
            raise TpeError(f"word {row} has a bit in a column where this tree takes none")
    for stage in tree.stages:
        rows = _apply(stage, rows)
    return rows[0], rows[1] if len(rows) > 1 else rows[0] & 0


# ---- stages ----


def check_pair(ops: int, width: int) -> None:
    """Raise TpeError unless a tree of `ops` words of `width` bits can be."""
    if ops < 1 or width < 1:
        raise TpeError(f"ops = {ops}, width = {width}: both are 1 or more")


def _placed(kind: str, heights: Sequence[int], first_rows: Sequence[int] | None) -> Columns:
    if first_rows is not None and kind == "dadda":
        raise TpeError("first_rows: a dadda tree counts bits by column and takes none")
    first = [0] * len(heights) if first_rows is None else list(first_rows)
    if not any(heights) or len(first) != len(heights) or min(*heights, *first) < 0:
        raise TpeError(
            f"heights = {list(heights)}, first_rows = {first}: one bit or more, as many first "
            "rows as heights, none negative"
        )
    return tuple(tuple(range(f, f + h)) for f, h in zip(first, heights, strict=True))


def _group_stage(columns: Columns, keep_carry: bool, groups: int) -> Stage:
    """The first 3 x `groups` rows, in threes: each three becomes a row of sums and one of carries.

    In a column, three bits of a group meet in a full adder, two in a half adder; a single one
    goes on among the sums. Rows outside the groups go on as they are.
    """
    adders, wires = [], []
    for column, rows in enumerate(columns):
        drop = column == len(columns) - 1 and not keep_carry
        for g in range(groups):
            takes = tuple(row for row in rows if row // 3 == g)
            if len(takes) > 1:
                adders.append(Adder(column, takes, 2 * g, None if drop else 2 * g + 1))
            elif takes:
                wires.append(Wire(column, takes[0], 2 * g))
        wires += [Wire(column, row, row - groups) for row in rows if row >= 3 * groups]
    return Stage(columns, tuple(adders), tuple(wires))


def _chain_stage(columns: Columns, keep_carry: bool) -> Stage:
    return _group_stage(columns, keep_carry, 1)


def _wallace_stage(columns: Columns, keep_carry: bool) -> Stage:
    """All the groups of three that the rows make: R rows become R - R // 3."""
    return _group_stage(columns, keep_carry, row_count(columns) // 3)


def _dadda_stage(columns: Columns, keep_carry: bool) -> Stage:
    """No column higher than the next number of 2, 3, 4, 6, 9, 13, ... (d -> 3 d // 2) below.

    Column by column upwards, counting the carries that arrive: each full adder takes two off the
    height, and a half adder the one that may be left over. Adders take a column's first bits;
    behind the stage stand, from row 0, the bits let through, then sums, then carries.
    """
    target = 2
    while 3 * target // 2 < max(len(rows) for rows in columns):
        target = 3 * target // 2
    adders, wires, arriving = [], [], 0
    for column, rows in enumerate(columns):
        excess = max(0, len(rows) + arriving - target)
        sizes = [3] * (excess // 2) + [2] * (excess % 2)
        through = len(rows) - sum(sizes)
        assert through >= 0, "a column has the bits that its adders take"
        drop = column == len(columns) - 1 and not keep_carry
        above = _carry_rows(columns, column + 1, len(sizes), target)
        for i, size in enumerate(sizes):
            takes = rows[sum(sizes[:i]) :][:size]
            adders.append(Adder(column, takes, through + i, None if drop else above + i))
        wires += [Wire(column, row, i) for i, row in enumerate(rows[len(rows) - through :])]
        arriving = len(sizes)
    return Stage(columns, tuple(adders), tuple(wires))


def _carry_rows(columns: Columns, column: int, arriving: int, target: int) -> int:
    """The first row for carries into a column: behind its bits let through and its sums."""
    height = len(columns[column]) if column < len(columns) else 0
    return height - max(0, height + arriving - target)


_STAGES: dict[str, Callable[[Columns, bool], Stage]] = {
    "chain": _chain_stage,
    "wallace": _wallace_stage,
    "dadda": _dadda_stage,
}


# ---- evaluation ----


def _as_rows(words: Sequence[Any], width: int, columns: int) -> list[Any]:
    mask = (1 << width) - 1
    if all(isinstance(word, int) for word in words):
        return [word & mask for word in words]
    arrays = [np.asarray(word) for word in words]
    if columns > 64 or any(not np.issubdtype(x.dtype, np.integer) for x in arrays):
        kinds = sorted({str(x.dtype) for x in arrays})
        raise TpeError(f"arrays of {', '.join(kinds)} for {columns} columns: integers, up to 64")
    return [x.astype(np.uint64) & np.uint64(mask) for x in arrays]


def _apply(stage: Stage, rows: list[Any]) -> list[Any]:
    zero = rows[0] & 0
    after = [zero] * (1 + max(move.to for move in stage.moves))
    for move in stage.moves:
        bits = [rows[row] for row in move.takes]
        after[move.to] = after[move.to] | _OPS[move.op](bits, move.mask)
    return after


def _sum(bits: list[Any], mask: int) -> Any:
    return (bits[0] ^ bits[1] ^ (bits[2] if len(bits) == 3 else 0)) & mask


def _carry(bits: list[Any], mask: int) -> Any:
    a, b, *rest = bits
    return ((a & b | (a | b) & rest[0] if rest else a & b) & mask) << 1


_OPS: dict[str, Callable[[list[Any], int], Any]] = {
    "sum": _sum,
    "carry": _carry,
    "wire": lambda bits, mask: bits[0] & mask,
}
