"""Compressor trees as SystemVerilog, in place of the chain `tpe_half_reduce`.

The trees themselves are `tpe.numbers.compressors`, which holds their definitions and sources.
Adders of a stage that differ in their column alone are written as one assignment on slices of rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from tpe.base.errors import unknown
from tpe.hdl.emit import sources
from tpe.hdl.emit.templates import template
from tpe.numbers.column_trees import Columns, Move, Stage, Tree, mask_of, row_count
from tpe.numbers.compressors import (
    KINDS,
    TITLES,
    check_pair,
    evaluate_tree,
    reduce_columns,
    word_tree,
)
from tpe.numbers.three_greedy import KnownWord

__all__ = ["KINDS", "Tree", "evaluate_tree", "reduce_columns", "tree_modules", "word_tree"]


Pair = tuple[int, int]  # words and their width
Shapes = Mapping[Pair, tuple[KnownWord, ...]]


def tree_modules(kind: str, pairs: Iterable[Pair], shapes: Shapes | None = None) -> dict[str, str]:
    """SystemVerilog by module name: `tpe_half_reduce` and a leaf per (ops, width) of `pairs`.

    `tpe_half_reduce` has the parameters and ports of `rtl/prim` and chooses its leaf by them;
    any pair that is not among `pairs` is an elaboration error. One or two words are wires and
    have no leaf. The chain needs none: it is the module of `rtl/prim`, for any parameters.

    `shapes`: what is known of the words of instances that are `Shaped`. A three-greedy tree asks,
    and has a leaf for these that no other instance gets. Raises TpeError if the kind is unknown, or
    a number is below 1.

    >>> list(tree_modules("dadda", [(6, 32), (4, 16), (2, 16)]))
    ['tpe_half_reduce', 'tpe_tree_dadda_4x16', 'tpe_tree_dadda_6x32']
    """
    if kind not in KINDS:
        raise unknown("tree", kind, KINDS)
    wanted = Counter(pairs)
    for pair in wanted:
        check_pair(*pair)
    primitive = sources.text("tpe_half_reduce")
    if kind == "chain":
        return {"tpe_half_reduce": primitive}
    leaves = list(_leaves(kind, wanted, (shapes or {}) if kind == "three_greedy" else {}))
    wrapper = template(
        "tree_half_reduce.sv.j2",
        title=TITLES[kind],
        first=leaves[0].pair if leaves else (2, 1),
        shaped=int(bool(leaves) and bool(leaves[0].entries)),
        leaves=leaves,
        ports=sources.ports(primitive),
    )
    trees = {x.module: _leaf(x.module, word_tree(kind, *x.pair, x.entries)) for x in leaves}
    return {"tpe_half_reduce": wrapper, **trees}


@dataclass(frozen=True)
class _Choice:
    """A leaf, and the parameters of the instances that get it."""

    pair: Pair
    entries: tuple[KnownWord, ...]  # of one for Shaped words alone
    module: str
    condition: str

    @property
    def label(self) -> str:
        return f"{self.pair[0]}x{self.pair[1]}" + ("_shaped" if self.entries else "")


def _leaves(kind: str, wanted: Counter[Pair], shapes: Shapes) -> Iterator[_Choice]:
    for pair in sorted(pair for pair in wanted if pair[0] > 2):
        sizes = f"NumOps == {pair[0]} && Width == {pair[1]}"
        module = f"tpe_tree_{kind}_{pair[0]}x{pair[1]}"
        if pair in shapes:
            yield _Choice(pair, shapes[pair], f"{module}_shaped", f"{sizes} && Shaped == 1")
        if pair not in shapes or wanted[pair] > 1:
            plain = f"{sizes} && Shaped == 0" if pair in shapes else sizes
            yield _Choice(pair, (), module, plain)


def _leaf(module: str, tree: Tree) -> str:
    width, last = len(tree.columns), len(tree.stages)
    stages = []
    for number, stage in enumerate(tree.stages, 1):
        halves = sum(len(x.takes) == 2 for x in stage.adders)
        behind = tree.stages[number].columns if number < last else tree.rows
        stages.append(
            {
                "rows": row_count(behind),
                "full": len(stage.adders) - halves,
                "half": halves,
                "declarations": [
                    f"logic [{high}:{low}] {_row(behind, number, row, low)};"
                    for row in range(row_count(behind))
                    for low, high in _runs(mask_of(behind, row))
                ],
                "assigns": [
                    _assign(stage.columns, behind, number, *run) for run in _runs_of(stage)
                ],
            }
        )
    return template(
        "tree_leaf.sv.j2",
        module=module,
        tree=tree,
        title=TITLES[tree.kind],
        width=width,
        stages=stages,
        outputs=[_output(tree, row) for row in (0, 1)],
        zeros=_joined(
            f"op_i[{row}]{_range(low, high)}"
            for row, mask in tree.absent.items()
            for low, high in _runs(mask)
        ),
    )


def _runs_of(stage: Stage) -> list[tuple[Move, int, int]]:
    """Every move with each run of neighbouring columns that it covers, adder by adder."""
    runs = [(move, *run) for move in stage.moves for run in _runs(move.mask)]
    return sorted(runs, key=lambda x: (x[0].op == "wire", x[0].takes, x[1], x[0].op == "carry"))


def _assign(before: Columns, behind: Columns, stage: int, move: Move, low: int, high: int) -> str:
    up = move.op == "carry"
    made = _row(behind, stage, move.to, low + up)
    left = f"assign {made}{_range(low + up, high + up)} = "
    parts = [f"{_row(before, stage - 1, row, low)}{_range(low, high)}" for row in move.takes]
    if move.op == "sum":
        return _wrapped(left, parts, "^")
    if up and len(parts) == 3:
        a, b, c = parts
        return _wrapped(left, [f"({a} & {b})", f"({a} & {c})", f"({b} & {c})"], "|")
    return _wrapped(left, parts, "&")  # a half adder's carry, or a wire


def _row(columns: Columns, stage: int, row: int, column: int) -> str:
    """A row behind a stage; of one with gaps, the part that holds a column, by its lowest one."""
    if not stage:
        return f"op_i[{row}]"
    runs = list(_runs(mask_of(columns, row)))
    part = next(low for low, high in runs if low <= column <= high)
    return f"s{stage}_r{row}" + (f"_c{part}" if len(runs) > 1 else "")


def _range(low: int, high: int) -> str:
    return f"[{high}:{low}]" if high > low else f"[{low}]"


def _runs(mask: int) -> Iterator[tuple[int, int]]:
    """Lowest and highest column of each run of ones."""
    low = 0
    while mask >> low:
        low += ((mask >> low) & -(mask >> low)).bit_length() - 1
        length = (~(mask >> low) & ((mask >> low) + 1)).bit_length() - 1
        yield low, low + length - 1
        low += length


def _wrapped(left: str, terms: list[str], operator: str) -> str:
    """`left` and the terms, broken before an operator where a line would pass 100 columns."""
    lines = [left + terms[0]]
    for term in terms[1:]:
        if len(lines[-1]) + len(term) > 94:  # two of indent, the operator, a semicolon
            lines.append(" " * (len(left) - 2) + f"{operator} {term}")
        else:
            lines[-1] += f" {operator} {term}"
    return "\n  ".join(lines) + ";"


def _output(tree: Tree, row: int) -> str:
    """A row behind the last stage as a whole word: zeros in columns where it holds no bit."""
    width, last = len(tree.columns), len(tree.stages)
    parts, above = [], width  # from the top down
    for low, high in reversed(list(_runs(mask_of(tree.rows, row)))):
        parts += [f"{above - 1 - high}'d0"] * (high < above - 1)
        parts.append(_row(tree.rows, last, row, low))
        above = low
    if not parts:
        return "'0"
    parts += [f"{above}'d0"] * (above > 0)
    return parts[0] if len(parts) == 1 else _joined(parts)


def _joined(parts: Iterable[str]) -> str:
    """A concatenation, broken where a line would pass 100 columns; empty if there is no part."""
    lines = [""]
    for part in parts:
        if len(lines[-1]) + len(part) > 84:
            lines.append("")
        lines[-1] += f"{part}, "
    joined = "\n      ".join(line.rstrip() for line in lines).removesuffix(",")
    return f"{{{joined}}}" if joined else ""
