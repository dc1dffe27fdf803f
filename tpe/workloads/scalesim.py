"""SCALE-Sim topology files: its convolution and its GEMM layout, operands assumed.

    Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
    Layer, M, N, K,

Source: scalesim/topology_utils.py of github.com/scalesim-project/SCALE-Sim, whose rules hold here:
there is no padding (the input size includes it), output pixels are ceil((input - filter) / stride)
+ 1, so that a last window that reaches over the edge counts, and a convolution whose name contains
"DP" runs channel by channel. The tool reads columns by position, whatever the header calls them;
here the header counts where it names every column once, and the position where it does not.
"""  # noqa: E501 -- a header as the tool prints it

from __future__ import annotations

import csv
import io
import itertools
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from tpe.base.errors import TpeError
from tpe.base.files import read_text
from tpe.numbers.formats import Format, number_format
from tpe.workloads.gemm import ACTIVATIONS, WEIGHTS
from tpe.workloads.im2col import Window, im2col
from tpe.workloads.imported import ImportedWorkload
from tpe.workloads.lazy import (
    MAX_LAYERS,
    LazyLayer,
    Operand,
    check_seed,
    check_size,
    clean,
    few,
    uniform,
    unique_names,
)

TITLE = "SCALE-Sim topology"
MAX_SIZE = 2**31 - 1
"""Largest number in it."""
MAX_COLUMNS = 1000
"""Most cells of a row."""

_CONV = ("ifmap height", "ifmap width", "filter height", "filter width", "channels", "num filter")
_STRIDES = ("stride height", "stride width")
_GEMM = ("M", "N", "K")
_EXTRA = ("batch", "sparsity")
# Header spellings, lower case, letters and digits only.
_SPELLINGS = {
    "ifmap height": "ifmapheight ifmaph inputheight ifmapheigth ih h",
    "ifmap width": "ifmapwidth ifmapw inputwidth iw w",
    "filter height": "filterheight filterh kernelheight fh r",
    "filter width": "filterwidth filterw kernelwidth fw s",
    "channels": "channels channel numchannels numchannel inputchannels c",
    "num filter": "numfilter numfilters filters numberoffilters outputchannels",
    "stride height": "strides stride strideheight strideh",
    "stride width": "stridewidth stridew",
    "M": "m",
    "N": "n",
    "K": "k",
    "batch": "batch batchsize",
    "sparsity": "sparsity sparsityratio",
}
_NAMES = {spelling: name for name, text in _SPELLINGS.items() for spelling in text.split()}
_LEGAL = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, "
    "Strides; or Layer, M, N, K"
)


@dataclass(frozen=True)
class _Row:
    """One layer's cells by field; `where` opens an error: "'net.csv': line 3"."""

    where: str
    name: str
    cells: dict[str, str] = field(repr=False)

    def number(self, name: str) -> int:
        text = self.cells[name]
        legal = f"legal: an integer, 1 to {MAX_SIZE}"
        if re.fullmatch(r"[A-Za-z_]\w*", text):
            raise TpeError(
                f"{self.where}: {name} is '{clean(text)}', a name: the file is a template, its "
                f"names to be replaced; {legal}"
            )
        if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.0*)?", text):
            raise TpeError(f"{self.where}: {name} is '{clean(text)}'; {legal}")
        value = int(text.partition(".")[0])
        if not 1 <= value <= MAX_SIZE:
            raise TpeError(f"{self.where}: {name} is {value}; {legal}")
        return value


def load_scalesim(
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    a_type: str | Format = "int8",
    b_type: str | Format = "int8",
) -> ImportedWorkload:
    """The layers of a SCALE-Sim topology file; operands uniform by `seed` in the formats given.

    Read tolerantly: a byte order mark, any line end, tabs or semicolons instead of commas, blank
    rows, comment rows (#), trailing commas or none, columns in another order or further ones (by
    the header), a header that names a column twice or not at all (by position, noted), no header
    (by the number of columns), several tables one after the other. A name may hold a comma. A
    Strides column stands for both axes; a Batch column is `repeat`; a Sparsity column other than
    N:N is noted, the layer taken as dense; a number behind Strides is the stride of the width, what
    else lies behind the columns is noted; a row of a name alone is a title, noted; a row that
    lacks a size is not counted: noted, and in `unsupported`.

    Errors: `TpeError` naming the file, the line, the field, its value and what is legal.
    """
    check_seed(seed)
    formats = number_format(a_type, "a_type"), number_format(b_type, "b_type")
    file = os.path.expanduser(os.fspath(path))
    table = _Table(f"'{clean(file)}'")
    rows = table.rows(read_text(file, TITLE))
    names = unique_names([row.name for row in rows])
    layers = [
        _layer(row, name, index, formats, seed)
        for index, (row, name) in enumerate(zip(rows, names, strict=True))
    ]
    return ImportedWorkload(
        clean(file),
        TITLE,
        clean(os.path.basename(file)),
        tuple(layers),
        unsupported=dict(sorted(table.unsupported.items())),
        notes=few(table.notes),
    )


def _layer(
    row: _Row, name: str, index: int, formats: tuple[Format, Format], seed: int
) -> LazyLayer:
    repeat = row.number("batch") if row.cells.get("batch") else 1
    if "M" in row.cells:
        m, n, k = (row.number(dim) for dim in _GEMM)
        check_size(m, n, k, row.where)
        op, rows = "gemm", partial(uniform, formats[0], (m, k), seed, index, ACTIVATIONS)
    else:
        window, channels, n, groups = _conv(row)
        repeat *= groups
        m, k = window.out[0] * window.out[1], channels * window.kernel[0] * window.kernel[1]
        check_size(m, n, k, row.where)
        op = "depthwise conv" if groups > 1 else "conv"
        rows = partial(_conv_rows, window, channels, formats[0], seed, index)
    return LazyLayer(
        name,
        op,
        Operand(m, k, rows),
        Operand(k, n, partial(uniform, formats[1], (k, n), seed, index, WEIGHTS)),
        repeat,
        f"assumed: uniform seed {seed}",
        formats[0].name,
        formats[1].name,
    )


def _conv(row: _Row) -> tuple[Window, int, int, int]:
    """(window, channels of one group, filters, groups) of a convolution row."""
    height, width, filter_h, filter_w, channels, filters = (row.number(name) for name in _CONV)
    stride_h = row.number("stride height")
    stride_w = row.number("stride width") if row.cells.get("stride width") else stride_h
    size, kernel, stride = (height, width), (filter_h, filter_w), (stride_h, stride_w)
    over = []
    for axis, side in enumerate(("height", "width")):
        if kernel[axis] > size[axis]:
            raise TpeError(
                f"{row.where}: filter {side} is {kernel[axis]}; "
                f"legal: 1 to {size[axis]}, the ifmap {side}"
            )
        # What the last window reaches over the edge; at most one stride.
        over.append((0, -(size[axis] - kernel[axis]) % stride[axis]))
    window = Window(size, kernel, stride, (1, 1), tuple(over), row.where)
    groups = channels if "DP" in row.name else 1
    return window, channels // groups, filters, groups


def _conv_rows(window: Window, channels: int, fmt: Format, seed: int, layer: int) -> np.ndarray:
    return im2col(uniform(fmt, (1, channels, *window.size), seed, layer, ACTIVATIONS), window)


class _Table:
    """Reads the rows of one file; `notes` tells what was taken how, `unsupported` what was not."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.notes: list[str] = []
        self.unsupported: Counter[str] = Counter()

    def rows(self, text: str) -> list[_Row]:
        """The rows that describe layers, their cells named by the header or by their position."""
        columns: list[str] | None = None
        rows = []
        for line, cells in _cells(text, self.where):
            at = f"{self.where}: line {line}"
            if columns is None or _is_header(cells):
                header = self._header(cells, at)
                columns = header or _positions(cells, at)
                if header is not None:
                    continue
            cells = _joined(cells, len(columns))
            if not any(cells[1:]):
                self.notes.append(f"line {line}: '{clean(cells[0])}' has no sizes; skipped")
                continue
            named = {c: v for c, v in zip(columns, cells, strict=False) if c}
            self._take_surplus(named, columns, cells[len(columns) :], line)
            needed = _GEMM if "M" in columns else (*_CONV, _STRIDES[0])
            lacks = next((name for name in needed if not named.get(name)), "")
            if lacks:
                self.unsupported[f"row without {lacks}"] += 1
                self.notes.append(f"line {line}: {lacks} is missing; the row is not counted")
                continue
            self._note_sparsity(named.get("sparsity", ""), line)
            rows.append(_Row(at, clean(cells[0]), named))
            if len(rows) > MAX_LAYERS:
                raise TpeError(f"{self.where} has over {MAX_LAYERS} layers; legal: up to that")
        if not rows:
            why = f" ({self.notes[0]})" if self.notes else ""
            raise TpeError(f"{self.where} holds no layers{why}; legal: {_LEGAL}")
        return rows

    def _take_surplus(
        self, named: dict[str, str], columns: list[str], surplus: list[str], line: int
    ) -> None:
        """Cells behind the last column: SCALE-Sim takes one behind Strides as that of the width."""
        surplus = list(itertools.takewhile(lambda cell: not cell.startswith("#"), surplus))
        strides = columns[-1] == _STRIDES[0] and _STRIDES[1] not in columns
        if strides and surplus and _is_number(surplus[0]):
            named[_STRIDES[1]], *surplus = surplus
            self.notes.append(f"line {line}: a second stride is read as {_STRIDES[1]}")
        if surplus:
            self.notes.append(f"line {line}: {len(surplus)} cells behind the columns are not read")

    def _note_sparsity(self, ratio: str, line: int) -> None:
        if len(set(ratio.split(":"))) > 1:
            self.notes.append(f"line {line}: sparsity {clean(ratio)} not modelled, taken as dense")

    def _header(self, cells: list[str], at: str) -> list[str] | None:
        """The field of each column ("": it means nothing here); None if this is no header."""
        names = _fields(cells)
        known = {name for name in names if name}
        if not known - set(_EXTRA):
            if any(_is_number(cell) for cell in cells[1:]):
                return None
            raise TpeError(f"{at}: the header is '{clean(', '.join(cells))}'; legal: {_LEGAL}")
        gemm = set(_GEMM) <= known or not known & set(_CONV)
        needed = _GEMM if gemm else (*_CONV, _STRIDES[0])
        twice = sorted(name for name in known if names.count(name) > 1)
        missing = [name for name in needed if name not in known]
        if twice or missing:
            names = self._by_position(names, cells, needed, at)
        if not names and twice:
            raise TpeError(f"{at}: two columns are {twice[0]}; legal: {_LEGAL}")
        if not names:
            raise TpeError(f"{at}: the header has no column {missing[0]}; legal: {_LEGAL}")
        return [name if name in (*needed, *_STRIDES, *_EXTRA) else "" for name in names]

    def _by_position(
        self, names: list[str], cells: list[str], needed: tuple[str, ...], at: str
    ) -> list[str]:
        """The fields in SCALE-Sim's own order; [] if the header says that it is another one."""
        end = len(needed) + 1
        given, rest = names[1:end], names[end:]
        others = [name for name in (*given, *rest) if names.count(name) == 1]
        if len(given) < len(needed) or not all(cells[1:end]) or set(rest) & set(needed):
            return []
        if any(name in needed and needed.index(name) != given.index(name) for name in others):
            return []
        for name, word, taken in zip(given, cells[1:end], needed, strict=True):
            if name != taken:
                line = at.rpartition(" ")[2]
                self.notes.append(
                    f"line {line}: column '{clean(word)}' is read by its position, as {taken}"
                )
        return ["", *needed, *rest]


def _cells(text: str, where: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells up to the last filled one) of every row that is neither blank nor a comment."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    first = next((x for x in text.split("\n") if x.strip() and not x.lstrip().startswith("#")), "")
    delimiter = next((mark for mark in ",\t;" if mark in first), ",")
    reader = csv.reader(io.StringIO(text), skipinitialspace=True, delimiter=delimiter)
    try:
        for raw in reader:
            if len(raw) > MAX_COLUMNS:
                raise TpeError(
                    f"{where}: line {reader.line_num} has {len(raw)} cells; "
                    f"legal: at most {MAX_COLUMNS}"
                )
            cells = [cell.strip() for cell in raw]
            while cells and not cells[-1]:  # what trailing commas make
                cells.pop()
            if cells and not cells[0].startswith("#"):
                yield reader.line_num, cells
    except csv.Error as error:
        raise TpeError(
            f"{where}: line {reader.line_num} is no CSV ({clean(error)}); legal: {_LEGAL}"
        ) from None


def _fields(cells: list[str]) -> list[str]:
    """What each cell means if this is a header; the first one is the layer's name."""
    keys = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in cells]
    return ["", *(_NAMES.get(key, "") for key in keys[1:])]


def _is_header(cells: list[str]) -> bool:
    """Whether a row in the middle opens another table: it names columns and holds no number."""
    known = set(_fields(cells))
    return (known >= set(_GEMM) or len(known & set(_CONV)) > 2) and not any(map(_is_number, cells))


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[0-9.]+", cell))


def _joined(cells: list[str], columns: int) -> list[str]:
    """The cells with a name that holds commas put together again."""
    spare = max(0, len(cells) - max(columns, 2))
    words = next((i for i in range(spare) if not cells[i + 1] or _is_number(cells[i + 1])), spare)
    return [", ".join(cells[: words + 1]), *cells[words + 1 :]]


def _positions(cells: list[str], at: str) -> list[str]:
    """The fields of a file without a header, by how many cells its first row has."""
    if len(cells) == 4:
        return ["", *_GEMM]
    if len(cells) >= 8:
        return ["", *_CONV, _STRIDES[0]]
    raise TpeError(f"{at} has {len(cells)} columns and no header is before it; legal: {_LEGAL}")
