"""An array drawn in text: cells, fronts, finishes, and how A, B and the psums move.

Five drawings, 80 columns wide at most: operands skewed from cell to cell, the same with B held in
the cells, operands broadcast, and broadcast with B read by index, of a front per row or per cell.
Larger arrays are drawn with their first and last rows and columns. What the signs mean:
`tpe.report.drawing_legend`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tpe.array.base import Overlap
from tpe.engine.config import Config
from tpe.pe.parameters import EncodeIn
from tpe.report.drawing_legend import ENCODER_SIGN, finish_ops, lanes_sign, legend, one_row

WIDTH = 10  # of a box
GAP = 5  # columns of text that stand for all the cells left out

Places = list[tuple[int | None, int]]  # (row or column, where its box begins); None: left out


@dataclass
class Canvas:
    """Characters by row and column; what is put later lies on top."""

    lines: list[list[str]] = field(default_factory=list)

    def put(self, y: int, x: int, text: str) -> None:
        """Text to the right of (y, x)."""
        while len(self.lines) <= y:
            self.lines.append([])
        line = self.lines[y]
        line += " " * (x + len(text) - len(line))
        line[x : x + len(text)] = text

    def down(self, y: int, x: int, text: str) -> None:
        """Text downwards from (y, x)."""
        for i, character in enumerate(text):
            self.put(y + i, x, character)

    def box(self, y: int, x: int, *inside: str) -> None:
        """A box of `WIDTH` columns around lines, its upper left corner at (y, x)."""
        self.put(y, x, "┌" + "─" * (WIDTH - 2) + "┐")
        for i, text in enumerate(inside):
            self.put(y + 1 + i, x, f"│{text:^{WIDTH - 2}}│")
        self.put(y + 1 + len(inside), x, "└" + "─" * (WIDTH - 2) + "┘")

    def text(self) -> str:
        """The drawing, without blanks at line ends."""
        return "\n".join("".join(line).rstrip() for line in self.lines)


def picture(engine: Config) -> str:
    """The engine's array, drawn in at most 80 columns, and a legend.

    >>> from tpe.model.engine import Engine
    >>> print(picture(Engine("mac", "matrix2d", "1x1")).partition("A[m, k]")[0].rstrip())
                   B[k, 0]
                   ▯
                   │
    A[0, k]    ━▯━━┿━━━━┑
                   │ ┌──▼─────┐
                   └─▶  cell  │
                     │ ↻ 32 b │
                     └────────┘
    rows in turn ═════════╗
                          ▼
                       C[m, 0]
    """
    canvas = Canvas()
    if engine.pe.own_front:
        columns = _draw_own_fronts(canvas, engine)
    elif engine.pe.sparse:
        columns = _draw_indexed(canvas, engine)
    elif engine.array.chained:
        columns = _draw_stationary(canvas, engine)
    elif engine.array.skewed:
        columns = _draw_skewed(canvas, engine)
    else:
        columns = _draw_broadcast(canvas, engine)
    _draw_finish(canvas, engine, columns)
    return "\n".join([canvas.text(), "", *legend(engine)])


def _places(count: int, most: int, start: int, pitch: int, gap: int = GAP) -> Places:
    """Where the first ones and the last one go, if at most `most` fit."""
    shown = [*range(count)] if count <= most else [*range(most - 1), None, count - 1]
    places: Places = []
    for index in shown:
        places.append((index, start))
        start += gap if index is None else pitch
    return places


def _drawn(places: Places) -> list[tuple[int, int]]:
    return [(index, start) for index, start in places if index is not None]


def _cell(engine: Config) -> tuple[str, str]:
    """What a cell's box says."""
    if engine.array.chained:
        shadow = "" if engine.choices.overlap is Overlap.NONE else "2x"
        return f"cell{_times(engine)}", f"B {shadow}{engine.widths.b} b"
    what = "tree" if one_row(engine) else "cell"
    return f"{what}{_times(engine)}", f"↻ {engine.pe.kernel.psum.bits(engine.widths)} b"


def _times(engine: Config) -> str:
    """How many operands of K meet in a cell, if several."""
    return f" {lanes_sign(engine)}" if engine.widths.lanes > 1 else ""


def _wire(engine: Config, usual: str) -> str:
    """How the wire of a row of A begins: at its encoder or front, if it has one there."""
    there = engine.choices.encode_in is EncodeIn.EDGE or engine.pe.grouped
    return ENCODER_SIGN if there else usual


# ---- operands broadcast ----


def _draw_broadcast(canvas: Canvas, engine: Config) -> Places:
    columns = _places(engine.grid.n, 4, 17, WIDTH + 3)
    for n, x in _drawn(columns):
        canvas.put(0, x - 2, f"B[k, {n}]")
        canvas.down(1, x - 2, "▯│")
    rows = _places(engine.grid.m, 3, 3, 5, gap=1)
    for m, y in rows:
        if m is None:
            for _, x in _drawn(columns):
                canvas.put(y, x - 2, "⋮")
                canvas.put(y, x + 5, "⋮")
        else:
            _broadcast_row(canvas, engine, columns, m, y)
    return columns


def _broadcast_row(canvas: Canvas, engine: Config, columns: Places, m: int, y: int) -> None:
    last_row, end = m == engine.grid.m - 1, columns[-1][1]
    canvas.put(y, 0, "A[m, k]" if one_row(engine) else f"A[{m}, k]")
    canvas.put(y, 11, _wire(engine, "━") + "▯" + "━" * (end + 3 - 13))
    for n, x in columns:
        if n is None:
            canvas.put(y, x - 1, " ⋯ ")
            canvas.put(y + 2, x, "⋯")
            continue
        canvas.put(y, x - 2, "┿")
        canvas.put(y, x + 3, "┑" if n == engine.cols - 1 else "┯")
        canvas.box(y + 1, x, *_cell(engine))
        canvas.put(y + 1, x + 3, "▼")
        canvas.down(y + 1, x - 2, "│└" if last_row else "│├││")
        canvas.put(y + 2, x - 1, "─▶")


# ---- operands skewed, from cell to cell ----


def _draw_skewed(canvas: Canvas, engine: Config) -> Places:
    columns = _places(engine.cols, 4, 20, WIDTH + 4)
    for n, x in _drawn(columns):
        label = f"B[k, {n}]"
        canvas.put(0, x + 5 - len(label) // 2, label)
        canvas.down(1, x + 5, "│││")
        skew = ["│", "▯", "▯▯"][n] if n < 3 else f"{n}▯"
        if n < 3:
            canvas.down(1, x + 5, skew)
        else:
            canvas.put(1, x + 6 - len(skew), skew)
    _skewed_rows(canvas, engine, columns, 4)
    return columns


def _skewed_rows(canvas: Canvas, engine: Config, columns: Places, top: int) -> None:
    for r, y in _places(engine.rows, 3, top, 5, gap=2):
        if r is None:
            for _, x in _drawn(columns):
                canvas.down(y, x + 5, "⋮▯")
        else:
            _skewed_row(canvas, engine, columns, r, y)


def _skewed_row(canvas: Canvas, engine: Config, columns: Places, r: int, y: int) -> None:
    passed = engine.array.chained
    times = "L" if engine.widths.lanes > 1 else ""  # the legend says what L is
    canvas.put(y + 1, 0, f"A[m, {r}{times}]" if passed else f"A[{r}, k]")
    skew = "▯" * r if r < 3 else f"{r}▯"
    canvas.put(y + 1, 11, f"{_wire(engine, '─')}{skew}".ljust(9, "─"))
    for n, x in columns:
        if n is None:
            canvas.put(y + 1, x - 1, " ⋯ ─▯─")
            continue
        canvas.box(y, x, *_cell(engine))
        canvas.put(y, x + 5, "▼")
        canvas.put(y + 1, x, "▶")
        if n < engine.cols - 1:
            canvas.put(y + 1, x + WIDTH - 1, "├─▯──")
        if r < engine.rows - 1 or passed:
            canvas.down(y + 3, x + 5, "┬▯")


# ---- B held in the cells ----


def _draw_stationary(canvas: Canvas, engine: Config) -> Places:
    columns = _places(engine.cols, 4, 20, WIDTH + 4)
    for _, x in _drawn(columns):
        canvas.put(0, x + 3, "psum")
        canvas.put(1, x + 5, "│")
    _skewed_rows(canvas, engine, columns, 2)
    y, left = len(canvas.lines), columns[0][1]
    words = f"psum buffer: {engine.params['psum_depth']:,} rows"
    inside = max(len(words) + 2, columns[-1][1] + WIDTH - left - 2)
    canvas.put(y, left, "┌" + "─" * inside + "┐")
    canvas.put(y + 1, left, f"│ {words}".ljust(inside + 1) + "│")
    canvas.put(y + 2, left, "└" + "─" * inside + "┘")
    for _, x in _drawn(columns):
        canvas.put(y, x + 5, "┴")
        canvas.put(y + 2, x + 5, "┬")
    return columns


# ---- a front per row, or per cell, B by index ----

_FRONT, _PORT = 11, 28  # where their boxes begin


def _draw_indexed(canvas: Canvas, engine: Config) -> Places:
    columns = _places(engine.cols, 3, _PORT + WIDTH + 3, WIDTH + 1)
    _buffer(canvas, engine, columns, _PORT)
    canvas.put(2, _PORT + 5, "┬")
    for m, y in _places(engine.rows, 2, 3, 7, gap=1):
        if m is None:
            for x in (_FRONT, _PORT, *(x for _, x in _drawn(columns))):
                canvas.put(y, x + 5, "⋮")
        else:
            _indexed_row(canvas, engine, columns, m, y)
    return columns


def _indexed_row(canvas: Canvas, engine: Config, columns: Places, m: int, y: int) -> None:
    end = columns[-1][1]
    canvas.put(y + 2, 0, f"A[{m}, k]".ljust(10) + "─")
    canvas.put(y + 3, 0, _at_once(engine))
    canvas.box(y, _FRONT, f"front{_times(engine)}", *_front(engine))
    canvas.put(y + 2, _FRONT, "▶")
    canvas.put(y, _FRONT + WIDTH + 1, f"digit{_times(engine)}")
    canvas.put(y + 1, _FRONT + WIDTH - 1, "┝" + "━" * (end + 3 - _FRONT - WIDTH))
    canvas.put(y + 2, _FRONT + WIDTH + 1, "index")
    canvas.box(y + 2, _PORT, f"port {m}" if m < 1000 else f"port{m}")
    canvas.put(y + 3, _FRONT + WIDTH - 1, "├" + "─" * (_PORT - _FRONT - WIDTH) + "▶")
    canvas.down(y, _PORT + 5, "│┿┴")
    if m < engine.rows - 1:
        canvas.down(y + 4, _PORT + 5, "┬││")
    canvas.put(y + 3, _PORT + WIDTH - 1, "├─┐")
    canvas.down(y + 4, _PORT + WIDTH + 1, "││└")
    canvas.put(y + 6, _PORT + WIDTH + 2, "─" * (end + 5 - _PORT - WIDTH - 2))
    for n, x in columns:
        if n is None:
            canvas.put(y + 1, x, " ⋯ ")
            canvas.put(y + 6, x, " ⋯ ")
            continue
        last = n == engine.cols - 1
        canvas.box(y + 2, x, *_cell(engine))
        canvas.put(y + 1, x + 3, "┑" if last else "┯")
        canvas.put(y + 2, x + 3, "▼")
        canvas.put(y + 5, x + 5, "▲")
        canvas.put(y + 6, x + 5, "┘" if last else "┴")


def _buffer(canvas: Canvas, engine: Config, columns: Places, left: int) -> None:
    """The buffer of B, from column `left` of the drawing to the last cell or further."""
    banks = "2 x " if engine.choices.overlap is Overlap.LOAD else ""
    words = (
        f"B buffer: {banks}{engine.widths.depth:,} x {engine.cols} words of {engine.widths.b} bits"
    )
    inside = max(len(words) + 2, columns[-1][1] + WIDTH - left - 2)
    canvas.put(0, left, "┌" + "─" * inside + "┐")
    canvas.put(1, 0, "B[k, n] " + "─" * (left - 8) + f"▶ {words}".ljust(inside + 1) + "│")
    canvas.put(2, left, "└" + "─" * inside + "┘")


def _front(engine: Config) -> list[str]:
    """What a front does."""
    if not engine.has_nest:
        return [engine.pe.front]
    return [step.op.name for step in engine.nest.steps if step.in_front]


def _at_once(engine: Config) -> str:
    return f"{engine.pe.group * engine.widths.lanes} at once"


def _draw_own_fronts(canvas: Canvas, engine: Config) -> Places:
    columns = _places(engine.cols, 3, 19, WIDTH + 5)
    _buffer(canvas, engine, columns, 13)
    for _, x in _drawn(columns):
        canvas.put(2, x - 2, "┬")
    height = len(_front(engine)) + 7
    for m, y in _places(engine.rows, 2, 3, height, gap=1):
        if m is None:
            for _, x in _drawn(columns):
                canvas.put(y, x - 2, "⋮")
                canvas.put(y, x + 5, "⋮")
        else:
            _own_front_row(canvas, engine, columns, m, y)
    return columns


def _own_front_row(canvas: Canvas, engine: Config, columns: Places, m: int, y: int) -> None:
    last_row, front = m == engine.rows - 1, ["front", *_front(engine)]
    at = y + 3 + len(front)  # the line that says cell
    canvas.put(y, 0, f"A[{m}, k]")
    canvas.put(y + 1, 0, _at_once(engine))
    canvas.put(y, 11, "━" * (columns[-1][1] + 3 - 11))
    for n, x in columns:
        if n is None:
            canvas.put(y, x - 1, " ⋯ ")
            canvas.put(at, x, "⋯")
            continue
        canvas.put(y, x - 2, "┿")
        canvas.put(y, x + 3, "┑" if n == engine.cols - 1 else "┯")
        canvas.box(y + 1, x, *front, "", *_cell(engine))
        canvas.put(y + 1, x + 3, "▼")
        canvas.put(at - 1, x, "├" + "─" * (WIDTH - 2) + "┤")
        canvas.down(y + 1, x - 2, "│" * (at - y - 1) + ("└" if last_row else "├││"))
        canvas.put(at, x - 1, "─▶")


# ---- results leave ----


def _draw_finish(canvas: Canvas, engine: Config, columns: Places) -> None:
    y, drawn = len(canvas.lines), _drawn(columns)
    straight = engine.array.chained or one_row(engine)
    if straight:
        for _, x in drawn:
            canvas.put(y - 1, x + 5, "┬")
            canvas.put(y, x + 5, "│")
    else:
        canvas.put(y, 0, "rows in turn ═")
        canvas.put(y, 14, "═" * (drawn[-1][1] + 5 - 14))
        for n, x in columns:
            character = "╗" if n == engine.cols - 1 else "╦"
            canvas.put(y, x + 5 * (n is not None), " ⋯ " if n is None else character)
    boxed = bool(finish_ops(engine))
    held = [f"↻ {engine.widths.acc} b"] if engine.pe.sparse else []
    below = y + 1 + (3 + len(held)) * boxed
    for n, x in drawn:
        label = f"C[m, {n}]"
        if boxed:
            canvas.box(y + 1, x, "finish", *held)
            canvas.put(y + 1, x + 5, "┴" if straight else "╨")
        canvas.put(below, x + 5, "▼")
        canvas.put(below + 1, x + 5 - len(label) // 2, label)
