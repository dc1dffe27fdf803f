"""An array drawn in text: cells, fronts, finishes, and how A, B and the psums move.

Three drawings, 80 columns wide at most: operands skewed from cell to cell, operands broadcast, and
broadcast with a front per row that reads B by index. Larger arrays are drawn with their first
and last rows and columns.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field

import numpy as np

from tpe.engine import Engine
from tpe.notation import SYNC, K
from tpe.pe.base import Way

WIDTH = 10  # of a box
GAP = 5  # columns of text that stand for all the cells left out
LEGEND_WIDTH = 80

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


def picture(engine: Engine) -> str:
    """The engine's array, drawn in at most 80 columns, and a legend.

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
    if engine.pe is None or engine.array is None:
        return "A nest of your own has no array to draw."
    canvas = Canvas()
    if engine.pe.sparse:
        columns = _draw_indexed(canvas, engine)
    elif engine.array.skewed:
        columns = _draw_skewed(canvas, engine)
    else:
        columns = _draw_broadcast(canvas, engine)
    _draw_finish(canvas, engine, columns)
    return "\n".join([canvas.text(), "", *_legend(engine)])


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


def _cell(engine: Engine) -> tuple[str, str]:
    """What a cell's box says."""
    assert engine.pe is not None and engine.array is not None
    lanes = f" x{engine.widths.lanes}" if engine.widths.lanes > 1 else ""
    if engine.array.way is Way.PASS:
        return f"cell{lanes}", f"B {engine.widths.b} b"
    return f"cell{lanes}", f"↻ {engine.pe.psum.bits(engine.widths)} b"


# ---- operands broadcast ----


def _draw_broadcast(canvas: Canvas, engine: Engine) -> Places:
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


def _broadcast_row(canvas: Canvas, engine: Engine, columns: Places, m: int, y: int) -> None:
    last_row, end = m == engine.grid.m - 1, columns[-1][1]
    canvas.put(y, 0, f"A[{m}, k]")
    canvas.put(y, 11, "━▯" + "━" * (end + 3 - 13))
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


def _draw_skewed(canvas: Canvas, engine: Engine) -> Places:
    assert engine.array is not None
    passed = engine.array.way is Way.PASS
    columns = _places(engine.cols, 4, 20, WIDTH + 4)
    for n, x in _drawn(columns):
        label = "0" if passed else f"B[k, {n}]"
        canvas.put(0, x + 5 - len(label) // 2, label)
        canvas.down(1, x + 5, "│││")
        skew = ["│", "▯", "▯▯"][n] if n < 3 else f"{n}▯"
        if n < 3:
            canvas.down(1, x + 5, skew)
        else:
            canvas.put(1, x + 6 - len(skew), skew)
    for m, y in _places(engine.rows, 3, 4, 5, gap=2):
        if m is None:
            for _, x in _drawn(columns):
                canvas.down(y, x + 5, "⋮▯")
        else:
            _skewed_row(canvas, engine, columns, m, y)
    return columns


def _skewed_row(canvas: Canvas, engine: Engine, columns: Places, m: int, y: int) -> None:
    canvas.put(y + 1, 0, f"A[{m}, k]")
    skew = "▯" * m if m < 3 else f"{m}▯"
    canvas.put(y + 1, 11, f"─{skew}".ljust(9, "─"))
    for n, x in columns:
        if n is None:
            canvas.put(y + 1, x - 1, " ⋯ ─▯─")
            continue
        canvas.box(y, x, *_cell(engine))
        canvas.put(y, x + 5, "▼")
        canvas.put(y + 1, x, "▶")
        if n < engine.cols - 1:
            canvas.put(y + 1, x + WIDTH - 1, "├─▯──")
        if m < engine.rows - 1:
            canvas.down(y + 3, x + 5, "┬▯")


# ---- a front per row, B by index ----

_FRONT, _PORT = 11, 28  # where their boxes begin


def _draw_indexed(canvas: Canvas, engine: Engine) -> Places:
    columns = _places(engine.cols, 3, _PORT + WIDTH + 3, WIDTH + 1)
    words = f"B buffer: {engine.widths.depth:,} x {engine.cols} words of {engine.widths.b} bits"
    inside = max(len(words) + 2, columns[-1][1] + WIDTH - _PORT - 2)
    canvas.put(0, _PORT, "┌" + "─" * inside + "┐")
    canvas.put(1, 0, "B[k, n] " + "─" * (_PORT - 8) + f"▶ {words}".ljust(inside + 1) + "│")
    canvas.put(2, _PORT, "└" + "─" * inside + "┘")
    canvas.put(2, _PORT + 5, "┬")
    for m, y in _places(engine.rows, 2, 3, 7, gap=1):
        if m is None:
            for x in (_FRONT, _PORT, *(x for _, x in _drawn(columns))):
                canvas.put(y, x + 5, "⋮")
        else:
            _indexed_row(canvas, engine, columns, m, y)
    return columns


def _indexed_row(canvas: Canvas, engine: Engine, columns: Places, m: int, y: int) -> None:
    assert engine.pe is not None
    end = columns[-1][1]
    front = [step.op.name for step in engine.nest.steps if step.in_front]
    canvas.put(y + 2, 0, f"A[{m}, k]".ljust(10) + "─")
    canvas.put(y + 3, 0, f"{engine.pe.group} at once")
    canvas.box(y, _FRONT, "front", *front)
    canvas.put(y + 2, _FRONT, "▶")
    canvas.put(y, _FRONT + WIDTH + 1, "digit")
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


# ---- results leave ----


def _draw_finish(canvas: Canvas, engine: Engine, columns: Places) -> None:
    assert engine.pe is not None and engine.array is not None
    y, drawn = len(canvas.lines), _drawn(columns)
    if engine.array.way is Way.PASS:
        for _, x in drawn:
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
            canvas.put(y + 1, x + 5, "│" if engine.array.way is Way.PASS else "╨")
        canvas.put(below, x + 5, "▼")
        canvas.put(below + 1, x + 5 - len(label) // 2, label)


def finish_ops(engine: Engine) -> list[str]:
    """The primitives that were deferred past the sum over K, in order."""
    nest = engine.nest
    return [
        step.op.name
        for i, step in enumerate(nest.steps)
        if K not in nest.remaining(i) and step.op != SYNC
    ]


def _legend(engine: Engine) -> list[str]:
    pe, array = engine.pe, engine.array
    assert pe is not None and array is not None
    a_bits, b_bits = array.bandwidth(
        engine.job(*(np.zeros(s, np.int64) for s in ((engine.grid.m, 1), (1, engine.grid.n))))
    )
    encoded, other = "activations", "weights"
    if engine.params["encode"] == "weights":
        encoded, other = "weights, transposed", "activations, transposed"
    if pe.sparse:
        a_how = f"{pe.group} of k at a time; the front sends non-zero digits along its row"
        b_how = "resident; every row reads at its own index"
    elif array.skewed:
        a_how = "row m enters m cycles late and moves right, one register per cell"
        b_how = "column n enters n cycles late and moves down, one register per cell"
    else:
        a_how, b_how = "to every cell of a row at once", "to every cell of a column at once"
    if array.way is Way.PASS:
        b_how = "loaded before, then held in the cells"
    text = {
        "A[m, k]": f"{encoded}, {a_bits:,} bits a cycle: {a_how}",
        "B[k, n]": f"{other}, {b_bits:,} bits a cycle: {b_how}",
        **_psum_legend(engine),
        "▯": "a register",
    }
    if pe.sparse:
        del text["▯"]
    lines: list[str] = []
    for name, meaning in text.items():
        lines += textwrap.wrap(
            meaning,
            LEGEND_WIDTH,
            initial_indent=f"{name:<9}",
            subsequent_indent=" " * 9,
            break_on_hyphens=False,
        )
    return lines


def _psum_legend(engine: Engine) -> dict[str, str]:
    pe, array = engine.pe, engine.array
    assert pe is not None and array is not None
    bits = pe.psum.word_bits(engine.widths)
    count = len(pe.psum.words(engine.widths))
    words = "a word" if count == 1 else f"{count} words"
    psum = f"psum, {pe.psum.kind.replace('_', '-')}: {words} of {bits} bits"
    ops = finish_ops(engine)
    finish = f"through one finish per column ({', '.join(ops)})" if ops else "as they are"
    if array.way is Way.PASS:
        return {
            "▼": f"{psum}, moves down, one register per cell",
            "C[m, n]": f"leaves the last row {finish}",
        }
    if pe.sparse:
        leaves = "a row leaves once per bit weight, in its slot, "
        kept = ", which keeps an accumulator for every row"
        return {"↻": f"{psum}, stays in its cell", "C[m, n]": leaves + finish + kept}
    return {
        "↻": f"{psum}, stays in its cell",
        "C[m, n]": f"rows leave in turn, one a cycle, {finish}",
    }
