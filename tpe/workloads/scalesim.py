"""SCALE-Sim topology files: its convolution and its GEMM layout, operands assumed.

    Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
    Layer, M, N, K,

Source: scalesim/topology_utils.py of github.com/scalesim-project/SCALE-Sim, whose rules hold here:
there is no padding (the input size includes it), output pixels are ceil((input - filter) / stride)
+ 1, so that a last window that reaches over the edge counts, and a convolution whose name contains
"DP" runs channel by channel.
"""  # noqa: E501 -- a header as the tool prints it

from __future__ import annotations

import csv
import io
import os
import re
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from tpe.errors import TpeError
from tpe.formats import IntFormat, int_format
from tpe.workloads.gemm import ACTIVATIONS, WEIGHTS
from tpe.workloads.im2col import Window, im2col
from tpe.workloads.lazy import (
    ImportedWorkload,
    LazyLayer,
    Operand,
    check_seed,
    check_size,
    clean,
    uniform,
    unique_names,
)

TITLE = "SCALE-Sim topology"
MAX_BYTES = 2**24
"""Largest file."""
MAX_SIZE = 2**31 - 1
"""Largest number in it."""

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
        text = self.cells.get(name, "")
        legal = f"legal: an integer, 1 to {MAX_SIZE}"
        if not text:
            raise TpeError(f"{self.where}: {name} is missing; {legal}")
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
    a_type: str | IntFormat = "int8",
    b_type: str | IntFormat = "int8",
) -> ImportedWorkload:
    """The layers of a SCALE-Sim topology file; operands uniform by `seed` in the formats given.

    Read tolerantly: a byte order mark, either line end, blank rows, comment rows (#), trailing
    commas or none, columns in another order or further ones (by the header), no header at all (by
    the number of columns). A Strides column stands for both axes; a Batch column is `repeat`; a
    Sparsity column other than N:N is noted, the layer taken as dense.

    Errors: `TpeError` naming the file, the line, the field, its value and what is legal.
    """
    check_seed(seed)
    formats = int_format(a_type, "a_type"), int_format(b_type, "b_type")
    file = os.path.expanduser(os.fspath(path))
    rows = _rows(file)
    names = unique_names([row.name for row in rows])
    notes = [
        f"line {row.where.rpartition(' ')[2]}: sparsity {clean(ratio)} not modelled, taken as dense"
        for row in rows
        if (ratio := row.cells.get("sparsity", "")) and len(set(ratio.split(":"))) > 1
    ]
    layers = [
        _layer(row, name, index, formats, seed)
        for index, (row, name) in enumerate(zip(rows, names, strict=True))
    ]
    return ImportedWorkload(
        clean(file), TITLE, clean(os.path.basename(file)), tuple(layers), notes=tuple(notes)
    )


def _layer(
    row: _Row, name: str, index: int, formats: tuple[IntFormat, IntFormat], seed: int
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


def _conv_rows(window: Window, channels: int, fmt: IntFormat, seed: int, layer: int) -> np.ndarray:
    return im2col(uniform(fmt, (1, channels, *window.size), seed, layer, ACTIVATIONS), window)


def _rows(file: str) -> list[_Row]:
    """The rows that describe layers, their cells named by the header or by their position."""
    where = f"'{clean(file)}'"
    columns: list[str] | None = None
    rows = []
    reader = csv.reader(io.StringIO(_text(file, where)), skipinitialspace=True)
    try:
        for raw in reader:
            cells = [cell.strip() for cell in raw]
            at = f"{where}: line {reader.line_num}"
            if not any(cells) or cells[0].startswith("#"):
                continue
            if columns is None:
                columns = _header(cells, at)
                if columns is not None:
                    continue
                columns = _positions(cells, at)
            named = {c: v for c, v in zip(columns, cells, strict=False) if c}
            rows.append(_Row(at, clean(cells[0]), named))
    except csv.Error as error:
        raise TpeError(
            f"{where}: line {reader.line_num} is no CSV ({clean(error)}); legal: {_LEGAL}"
        ) from None
    if not rows:
        raise TpeError(f"{where} holds no layers; legal: {_LEGAL}")
    return rows


def _header(cells: list[str], at: str) -> list[str] | None:
    """The field of each column ("" for one that means nothing here); None if this is no header."""
    keys = [re.sub(r"[^a-z0-9]", "", cell.lower()) for cell in cells]
    names = ["", *(_NAMES.get(key, "") for key in keys[1:])]
    known = {name for name in names if name}
    if not known - set(_EXTRA):
        looks_like_data = any(re.fullmatch(r"[+-]?[0-9.]+", cell) for cell in cells[1:])
        if looks_like_data:
            return None
        raise TpeError(f"{at}: the header is '{clean(', '.join(cells))}'; legal: {_LEGAL}")
    twice = sorted(name for name in known if names.count(name) > 1)
    if twice:
        raise TpeError(f"{at}: two columns are {twice[0]}; legal: {_LEGAL}")
    gemm = set(_GEMM) <= known or not known & set(_CONV)
    needed = _GEMM if gemm else (*_CONV, _STRIDES[0])
    missing = [name for name in needed if name not in known]
    if missing:
        raise TpeError(f"{at}: the header has no column {missing[0]}; legal: {_LEGAL}")
    return [name if name in (*needed, *_STRIDES, *_EXTRA) else "" for name in names]


def _positions(cells: list[str], at: str) -> list[str]:
    """The fields of a file without a header, by how many cells its first row has."""
    filled = len(cells) if cells[-1] else len(cells) - 1
    if filled == 4:
        return ["", *_GEMM]
    if filled >= 8:
        return ["", *_CONV, _STRIDES[0]]
    raise TpeError(f"{at} has {filled} columns and no header is before it; legal: {_LEGAL}")


def _text(file: str, where: str) -> str:
    if not os.path.isfile(file):
        fault = "is not a regular file" if os.path.exists(file) else "does not exist"
        raise TpeError(f"{where} {fault}; legal: a SCALE-Sim topology")
    try:
        with open(file, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise TpeError(f"{where} is larger than {MAX_BYTES} bytes; legal: up to that")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise TpeError(f"{where} cannot be read ({clean(error.strerror or error)})") from None
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise TpeError(f"{where}: line {line} is not UTF-8 text; legal: {_LEGAL}") from None
    if "\0" in text:
        line = text.partition("\0")[0].count("\n") + 1
        raise TpeError(f"{where}: line {line} holds a NUL character; legal: {_LEGAL}")
    return text
