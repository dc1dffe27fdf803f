"""Wallace's and Dadda's trees as SystemVerilog, in place of the chain `tpe_half_reduce`.

The trees themselves are `tpe.numbers.compressors`, which holds their definitions and sources.
Adders of a stage that differ in their column alone are written as one assignment on slices of rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tpe.base.errors import unknown
from tpe.hdl.emit import sources
from tpe.hdl.emit.templates import template
from tpe.numbers.compressors import (
    KINDS,
    TITLES,
    Columns,
    Move,
    Stage,
    Tree,
    check_pair,
    evaluate_tree,
    mask_of,
    reduce_columns,
    row_count,
    word_tree,
)

__all__ = ["KINDS", "Tree", "evaluate_tree", "reduce_columns", "tree_modules", "word_tree"]


def tree_modules(kind: str, pairs: Iterable[tuple[int, int]]) -> dict[str, str]:
    """SystemVerilog by module name: `tpe_half_reduce` and a leaf per (ops, width) of `pairs`.

    `tpe_half_reduce` has the parameters and ports of `rtl/prim` and chooses its leaf by them;
    any pair that is not among `pairs` is an elaboration error. One or two words are wires and
    have no leaf. The chain needs none: it is the module of `rtl/prim`, for any parameters. Raises
    TpeError if the kind is unknown, or a number is below 1.

    >>> list(tree_modules("dadda", [(6, 32), (4, 16), (2, 16)]))
    ['tpe_half_reduce', 'tpe_tree_dadda_4x16', 'tpe_tree_dadda_6x32']
    """
    if kind not in KINDS:
        raise unknown("tree", kind, KINDS)
    wanted = sorted(set(pairs))
    for pair in wanted:
        check_pair(*pair)
    primitive = sources.text("tpe_half_reduce")
    if kind == "chain":
        return {"tpe_half_reduce": primitive}
    names = {pair: f"tpe_tree_{kind}_{pair[0]}x{pair[1]}" for pair in wanted if pair[0] > 2}
    wrapper = template(
        "tree_half_reduce.sv.j2",
        title=TITLES[kind],
        leaves=names,
        ports=sources.ports(primitive),
    )
    leaves = {name: _leaf(name, word_tree(kind, *pair)) for pair, name in names.items()}
    return {"tpe_half_reduce": wrapper, **leaves}


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
                    "logic [{1}:{0}] s{2}_r{3};".format(*_span(behind, row), number, row)
                    for row in range(row_count(behind))
                    if mask_of(behind, row)
                ],
                "assigns": [_assign(number, *run) for run in _runs_of(stage)],
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
    )


def _runs_of(stage: Stage) -> list[tuple[Move, int, int]]:
    """Every move with each run of neighbouring columns that it covers, adder by adder."""
    runs = [(move, *run) for move in stage.moves for run in _runs(move.mask)]
    return sorted(runs, key=lambda x: (x[0].op == "wire", x[0].takes, x[1], x[0].op == "carry"))


def _assign(stage: int, move: Move, low: int, high: int) -> str:
    up = move.op == "carry"
    left = f"assign s{stage}_r{move.to}{_range(low + up, high + up)} = "
    parts = [f"{_row(stage - 1, row)}{_range(low, high)}" for row in move.takes]
    if move.op == "sum":
        return _wrapped(left, parts, "^")
    if up and len(parts) == 3:
        a, b, c = parts
        return _wrapped(left, [f"({a} & {b})", f"({a} & {c})", f"({b} & {c})"], "|")
    return _wrapped(left, parts, "&")  # a half adder's carry, or a wire


def _row(stage: int, row: int) -> str:
    return f"s{stage}_r{row}" if stage else f"op_i[{row}]"


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


def _span(columns: Columns, row: int) -> tuple[int, int]:
    (run,) = _runs(mask_of(columns, row))  # the rows of a tree over words have no gap
    return run


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
    width, name = len(tree.columns), _row(len(tree.stages), row)
    mask = mask_of(tree.rows, row)
    if not mask:
        return "'0"
    low, high = _span(tree.rows, row)
    parts = [f"{width - 1 - high}'d0"] * (high < width - 1) + [name] + [f"{low}'d0"] * (low > 0)
    return name if len(parts) == 1 else "{" + ", ".join(parts) + "}"
