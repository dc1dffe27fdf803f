"""Tables as HTML, for notebooks: small, valid, and whatever they hold is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

ROWS = 60  # of a table; a longer one is shortened in the middle


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A caption above a table; of more than `ROWS` rows the first and the last.

    >>> table("a < b", ["x"], [[1], [None]])
    '<table><caption>a &lt; b</caption><thead><tr><th>x</th></tr></thead>\
<tbody><tr><td>1</td></tr><tr><td></td></tr></tbody></table>'
    """
    body = list(rows)
    left = len(body) - ROWS
    if left > 0:
        note = [f"{left:,} rows are left out", *[""] * (len(heads) - 1)]
        body = [*body[: ROWS // 2], note, *body[-(ROWS // 2) :]]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in body)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table>"
    )


def _cells(row: Sequence[object]) -> str:
    return "".join(f"<td>{escape(_text(cell))}</td>" for cell in row)


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, int) and not isinstance(cell, bool):
        return f"{cell:,}"
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)
