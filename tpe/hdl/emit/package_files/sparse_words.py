"""The sentences of a package's README about an operand with structured sparsity."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.engine.sparsity import of_weights
from tpe.hdl.emit.package_files.facts import Interface

if TYPE_CHECKING:
    from tpe.engine.config import Config
    from tpe.numbers.sparsity import Selection


def layouts(engine: Config, known: Interface) -> dict[str, str]:
    """`a_layout` and `b_layout` of the README's template; nothing where no operand is sparse.

    >>> from tpe.model.engine import Engine
    >>> from tpe.hdl.emit.package_files.facts import facts
    >>> engine = Engine("mac", "systolic_os", (2, 2), sparsity="2:4", lanes=2)
    >>> print(layouts(engine, facts(engine))["a_layout"])
    element 4 r + i is A[r, k] of the tile, k = 4 floor(2 s / 2) + i: cells select from them. s is \
the beat.
    """
    selection = engine.selection
    if selection is None:
        return {}
    step = f"s = {known.rows} x tile of K + r" if known.chained else "s is the beat"
    later = ""
    if known.chained:
        later = f" The last row of cells\ncomes first, {known.rows} beats, each moves those before."
    dense = "b_layout" if selection.encoded else "a_layout"
    texts = {
        "a_layout": _dense(selection, "A", "r", step)
        if dense == "a_layout"
        else _stored(selection, "A", "r", step, known.chained),
        "b_layout": _dense(selection, "B", "c", step)
        if dense == "b_layout"
        else _stored(selection, "B", "c", step, known.chained),
    }
    return texts | {"b_layout": texts["b_layout"] + later}


def example_lines(engine: Config) -> list[str]:
    """What the worked example says of its operands."""
    if engine.selection is None:
        return []
    name = engine.selection.sparsity.name
    side = "AB"[of_weights(engine.params)]
    return [f"{side} then pruned {name} along k: the largest magnitudes, of equal ones the first"]


def _dense(selection: Selection, port: str, line: str, step: str) -> str:
    pattern, wide = selection.sparsity, selection.offered
    where = f"{port}[r, k]" if port == "A" else f"{port}[k, c]"
    return (
        f"element {wide} {line} + i is {where} of the tile, k = {pattern.m} "
        f"floor({selection.lanes} s / {pattern.n}) + i: cells select from them. {step}."
    )


def _stored(selection: Selection, port: str, line: str, step: str, chained: bool) -> str:
    pattern = selection.sparsity
    of = {"A": "row m of A" if chained else "row r of A", "B": "column c of B"}[port]
    number = f"{selection.lanes} s + i"
    return (
        f"element {selection.lanes} {line} + i is number {number} of what is stored of {of}: the "
        f"value,\nand in the {pattern.place_bits} bits above it the place of its k in its group of "
        f"{pattern.m}. Of each group {pattern.n} are\nstored, places rising. {step}."
    )
