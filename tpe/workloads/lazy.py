"""Layers whose operands are made when they are asked for, and what an imported network is.

A network's operands as int64 do not fit in memory at once; a lazy layer knows its shape and keeps
a recipe. Its integers are those stored in the source, in their own type; zero points stay beside
them as exact terms:

    C[M, N] = (activations - a_zero) @ (weights - b_zero)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import Format, IntFormat
from tpe.numbers.matrices import is_int, owned
from tpe.workloads.base import Layer, check_label, checked_operand
from tpe.workloads.draw import MAX_ELEMENTS, Distribution, Drawn, check_seed

__all__ = [
    "LazyLayer",
    "Operand",
    "Zero",
    "check_seed",
    "check_size",
    "clean",
    "dtype_of",
    "uniform",
    "unique_names",
]

MAX_SIZE = 2**50
"""Most that M, N and K may be, each: what is counted in 64 bits on the way is far below them."""

Zero: TypeAlias = int | np.ndarray
"""A zero point: one for the side, or one per row of the activations or column of the weights."""


@dataclass(frozen=True, eq=False)
class Operand:
    """A matrix of `rows` x `cols` integers that `make` returns, the same at every call.

    make   no arguments; a module-level function bound by `functools.partial`, so that a layer can
           be sent to another process
    drawn  how its values are drawn, if each is drawn on its own; what `uniform` makes is known by
           itself
    kept   whether the matrix stays in memory once it was made
    """

    rows: int
    cols: int
    make: Callable[[], np.ndarray] = field(repr=False)
    drawn: Drawn | None = None
    kept: bool = False
    _made: list[np.ndarray] = field(default_factory=list, init=False, repr=False)

    def __post_init__(self) -> None:
        make = self.make
        if self.drawn is None and isinstance(make, partial) and make.func is uniform:
            number, _, seed, layer, side = make.args
            drawn = Drawn(number, Distribution("uniform"), seed, layer, side)
            object.__setattr__(self, "drawn", drawn)

    def __call__(self) -> np.ndarray:
        """The matrix, read-only, in the narrow type that `make` chose.

        Errors: `TpeError` if it has more than `MAX_ELEMENTS`, or memory does not hold it.
        """
        if self._made:
            return self._made[0]
        if self.rows * self.cols > MAX_ELEMENTS:
            raise TpeError(
                f"operands of {self.rows} x {self.cols} are more than {MAX_ELEMENTS}, the most "
                "that are generated; values = none gives cycles without them"
            )
        try:
            array = self.make()
        except MemoryError:
            raise TpeError(
                f"operands of {self.rows} x {self.cols} do not fit in this machine's memory; "
                "legal: a smaller shape"
            ) from None
        assert array.shape == (self.rows, self.cols), (array.shape, self.rows, self.cols)
        array.flags.writeable = False
        if self.kept:
            self._made.append(array)
        return array


class StoredTypeError(TpeError):
    """An engine's formats or zero points do not take what a layer stores."""


# `activations` and `weights` are properties here: nothing is kept once they were read.
@dataclass(frozen=True, eq=False, init=False, repr=False)
class LazyLayer(Layer):
    """A `Layer` whose operands are made on access and not kept.

    activations, weights  an `Operand`, or an array to keep
    a_type, b_type        the formats in which the source stores the two sides ("uint8"); None if
                          the values fit whatever format was asked for
    a_zero                zero point of the activations, one integer or (M,)
    b_zero                zero point of the weights, one integer or (N,)
    bits_per_weight       of storage in the source, scales included; None if it is not known

    `activations` and `weights` return int64 as every layer does; `operands()` returns both in
    their narrow types, which is the faster way. The zero points are NOT subtracted in either:
    `without_zero_points` turns C = activations @ weights into what they mean.

    Errors: as `Layer`, and a zero point of another shape.

    >>> two = Operand(1, 2, lambda: np.array([[200, 130]], np.uint8))
    >>> layer = LazyLayer("fc", "gemm", two, np.array([[3], [-1]]), a_type="uint8", a_zero=128)
    >>> layer.m, layer.n, layer.k, layer.activations.tolist(), layer.operands()[0].dtype.name
    (1, 1, 2, [[200, 130]], 'uint8')
    >>> layer.without_zero_points(layer.activations @ layer.weights).tolist()
    [[214]]
    """

    a_type: str | None = None
    b_type: str | None = None
    a_zero: Zero = 0
    b_zero: Zero = 0
    bits_per_weight: float | None = None
    _a: Operand | np.ndarray = field(init=False)
    _b: Operand | np.ndarray = field(init=False)

    def __init__(
        self,
        name: str,
        op: str,
        activations: Operand | np.ndarray,
        weights: Operand | np.ndarray,
        repeat: int = 1,
        operand_source: str = "given",
        a_type: str | None = None,
        b_type: str | None = None,
        a_zero: Zero = 0,
        b_zero: Zero = 0,
        bits_per_weight: float | None = None,
    ) -> None:
        check_label(name, "layer name")
        where = f"layer '{name}'"
        check_label(op, f"{where}: op")
        check_label(operand_source, f"{where}: operand_source")
        if not is_int(repeat) or repeat < 1:
            raise TpeError(f"{where}: repeat is {repeat!r}; legal: an integer >= 1")
        a = _operand(activations, f"{where}: activations", "M x K")
        b = _operand(weights, f"{where}: weights", "K x N")
        if _shape(a)[1] != _shape(b)[0]:
            raise TpeError(
                f"{where}: activations are {_shape(a)[0]} x {_shape(a)[1]} and weights "
                f"{_shape(b)[0]} x {_shape(b)[1]}; legal: M x K and K x N with the same K"
            )
        values = {
            "name": name,
            "op": op,
            "repeat": int(repeat),
            "operand_source": operand_source,
            "a_type": a_type,
            "b_type": b_type,
            "a_zero": _zero(a_zero, _shape(a)[0], f"{where}: a_zero"),
            "b_zero": _zero(b_zero, _shape(b)[1], f"{where}: b_zero"),
            "bits_per_weight": bits_per_weight,
            "_a": a,
            "_b": b,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)

    def __repr__(self) -> str:
        return f"LazyLayer({self.name!r}, {self.op!r}, {self.m}x{self.n}x{self.k} x{self.repeat})"

    @property  # type: ignore[misc]
    def activations(self) -> np.ndarray:
        """(M, K) int64, read-only, as stored: the zero point is not subtracted."""
        return owned(_made(self._a))

    @property  # type: ignore[misc]
    def weights(self) -> np.ndarray:
        """(K, N) int64, read-only, as stored: the zero point is not subtracted."""
        return owned(_made(self._b))

    @property
    def sides(self) -> tuple[Operand | np.ndarray, Operand | np.ndarray]:
        """Activations and weights as they were given: nothing is made."""
        return self._a, self._b

    @property
    def too_large(self) -> bool:
        """Whether A, B and C have more than `MAX_ELEMENTS` together."""
        return self.m * self.k + self.k * self.n + self.m * self.n > MAX_ELEMENTS

    def operands(self) -> tuple[np.ndarray, np.ndarray]:
        """(activations, weights), read-only, in their narrow types; do not use `@` on them."""
        return _made(self._a), _made(self._b)

    @property
    def m(self) -> int:
        """Rows of the activations and of the result."""
        return _shape(self._a)[0]

    @property
    def k(self) -> int:
        """Length of each sum."""
        return _shape(self._a)[1]

    @property
    def n(self) -> int:
        """Columns of the weights and of the result."""
        return _shape(self._b)[1]

    def without_zero_points(self, c: np.ndarray) -> np.ndarray:
        """(A - a_zero) @ (B - b_zero), (M, N) int64, from `c` = A @ B of the stored integers.

        The exact terms: c - a_zero * colsum(B) - rowsum(A) * b_zero + K * a_zero * b_zero.
        """
        a_zero, b_zero = _column(self.a_zero), _row(self.b_zero)
        result = np.asarray(c, np.int64)
        if not a_zero.any() and not b_zero.any():
            return result
        a, b = self.operands()
        columns = b.sum(axis=0, dtype=np.int64)[None, :]
        rows = a.sum(axis=1, dtype=np.int64)[:, None]
        corrected: np.ndarray = (
            result - a_zero * columns - rows * b_zero + self.k * (a_zero * b_zero)
        )
        return corrected


def dtype_of(fmt: IntFormat) -> np.dtype[Any]:
    """The narrowest numpy type that holds `fmt`.

    >>> from tpe.numbers.formats import FORMATS
    >>> dtype_of(FORMATS["uint4"]).name, dtype_of(FORMATS["int9"]).name
    ('uint8', 'int16')
    """
    return np.dtype(("i" if fmt.signed else "u") + ("1" if fmt.bits <= 8 else "2"))


def uniform(fmt: Format, shape: tuple[int, ...], seed: int, layer: int, side: int) -> np.ndarray:
    """Seeded numbers of `shape`, integers in their narrowest type, every one equally likely.

    Keyed as `tpe.workloads.gemm.draw`, by (seed, layer, side) through Philox, with 4 or 8 values
    taken from each 64-bit word, lowest first: a network has 10**8 weights.

    >>> from tpe.numbers.formats import FORMATS
    >>> uniform(FORMATS["int4"], (1, 6), 0, layer=0, side=1)
    array([[ 7, -3, -6, -1, -4, -1]], dtype=int8)
    """
    check_seed(seed)
    count = int(np.prod(shape, dtype=np.int64))
    key = np.array([seed, 2 * layer + side], dtype=np.uint64)
    if not isinstance(fmt, IntFormat):
        return fmt.spread(np.random.Philox(key=key).random_raw(shape), None)
    dtype = dtype_of(fmt)
    words = -(-count * dtype.itemsize // 8)
    raw = np.random.Philox(key=key).random_raw(words).astype("<u8", copy=False)
    values = raw.view(dtype.newbyteorder("<")).astype(dtype, copy=False)[:count]
    if fmt.bits < 8 * dtype.itemsize:
        # An arithmetic shift of signed words keeps the top bits, sign included.
        values = values >> dtype.type(8 * dtype.itemsize - fmt.bits)
    return values.reshape(shape)


def check_size(m: int, n: int, k: int, where: str) -> None:
    """`TpeError` if a GEMM has a size of 0, or one beyond `MAX_SIZE`."""
    for dim, size in zip("MNK", (m, n, k), strict=True):
        if not 1 <= size <= MAX_SIZE:
            raise TpeError(f"{where}: {dim} is {size}; legal: 1 to {MAX_SIZE}")


def unique_names(names: list[str]) -> list[str]:
    """Printable names, each once: a repeated one gets `#2`, `#3`, ...

    >>> unique_names(["conv", "fc", "conv", ""])
    ['conv', 'fc', 'conv#2', 'layer4']
    """
    taken: set[str] = set()
    count: dict[str, int] = {}
    result = []
    for index, name in enumerate(names, start=1):
        stem = clean(name) or f"layer{index}"
        candidate = stem
        while candidate in taken:
            count[stem] = count.get(stem, 1) + 1
            candidate = f"{stem}#{count[stem]}"
        taken.add(candidate)
        result.append(candidate)
    return result


MAX_LAYERS = 100_000
"""Most layers of a workload that is read from a file."""
MAX_NOTES = 20
"""Most remarks on a file that are given one by one."""


def few(notes: list[str]) -> tuple[str, ...]:
    """Remarks, each once and the first `MAX_NOTES` of them; how many more there are.

    >>> few(["a", "b", "a"]), few([str(i) for i in range(22)])[-2:]
    (('a', 'b'), ('19', 'and 2 more'))
    """
    every = list(dict.fromkeys(notes))
    rest = len(every) - MAX_NOTES
    return (*every[:MAX_NOTES], *([f"and {rest} more"] if rest > 0 else []))


def clean(text: object) -> str:
    """`text` on one line, without control characters, at most 200 characters."""
    line = " ".join(str(text).split())
    if line.isprintable():
        return line[:200]
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)[:200]


def _operand(value: Operand | np.ndarray, where: str, dims: str) -> Operand | np.ndarray:
    return value if isinstance(value, Operand) else checked_operand(value, where, dims)


def _made(operand: Operand | np.ndarray) -> np.ndarray:
    return operand() if isinstance(operand, Operand) else operand


def _shape(operand: Operand | np.ndarray) -> tuple[int, int]:
    if isinstance(operand, Operand):
        return operand.rows, operand.cols
    return int(operand.shape[0]), int(operand.shape[1])


def _zero(value: Zero, size: int, where: str) -> Zero:
    array = np.asarray(value)
    if array.dtype.kind not in "iu" or array.shape not in ((), (size,)):
        raise TpeError(
            f"{where} is {array.dtype} of shape {array.shape}; legal: one integer or {size}"
        )
    if array.ndim == 0 or (array == array[0]).all():
        return int(array.flat[0])
    return owned(array)


def _column(zero: Zero) -> np.ndarray:
    return np.asarray(zero, np.int64).reshape(-1, 1)


def _row(zero: Zero) -> np.ndarray:
    return np.asarray(zero, np.int64).reshape(1, -1)
