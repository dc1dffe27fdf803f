"""Layers from and to an npz file: `npz:FILE` with the keys NAME.A and NAME.B."""

from __future__ import annotations

import io
import os
import zipfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from tpe.base.errors import TpeError
from tpe.base.files import read_bytes
from tpe.numbers.matrices import as_matrix, shape_text
from tpe.workloads.base import Layer, Workload
from tpe.workloads.lazy import LazyLayer, Operand, clean

PATTERN = "npz:FILE"
TITLE = "Layers of an npz file"
MAX_BYTES = 1 << 29
"""Most bytes of an archive, and of what it unpacks to: 512 MiB."""

_SIDES = {"A": ("activations", "M x K"), "B": ("weights", "K x N")}
_LEGAL_KEYS = "NAME.A (activations, M x K) and NAME.B (weights, K x N)"


def load_npz(path: str | os.PathLike[str]) -> Workload:
    """The layers of an npz file, in the order in which their names first appear in it.

    For every layer NAME the file holds NAME.A, the activations (M, K), and NAME.B, the weights
    (K, N), both integers: `np.savez(FILE, **{"fc1.A": a, "fc1.B": b})` writes one. Nothing is
    unpickled, and every member's checksum is checked.

    Errors: `TpeError` naming the file and the key: missing, not an npz, damaged, a member larger
    than declared, Python objects, a missing partner, no integers, NaN, not 2-D, a size of 0.

    >>> load_npz("absent.npz")
    Traceback (most recent call last):
    tpe.TpeError: absent.npz: cannot be read as npz: No such file or directory
    """
    file = os.path.expanduser(os.fspath(path))
    if not file:
        raise TpeError(f"no file is named; legal: {PATTERN}, such as npz:layers.npz")
    where = f"'{clean(file)}'"
    raw = _read_members(file, where, _LEGAL_KEYS)
    layers: list[Layer] = []
    for name in _layer_names(raw, where):
        a, b = (_read_side(raw, name, side, where) for side in _SIDES)
        if a.shape[1] != b.shape[0]:
            raise TpeError(
                f"{where}: key '{name}.A' is {shape_text(a)} and key '{name}.B' {shape_text(b)}; "
                "legal: M x K and K x N with the same K"
            )
        source = clean(f"npz {Path(file).name}")
        layers.append(LazyLayer(name, "gemm", _side(a), _side(b), operand_source=source))
    return Workload(f"npz:{clean(file)}", TITLE, clean(file), tuple(layers))


def read_arrays(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of an npz file by name, as `load_npz` reads them, of any shape and type.

    Errors: `TpeError` naming the file and the key.
    """
    file = os.path.expanduser(os.fspath(path))
    where = f"'{clean(file)}'"
    raw = _read_members(file, where, "arrays, as numpy.savez writes them")
    return {key: _array(raw.pop(key), f"{where}: key '{clean(key)}'", "arrays") for key in [*raw]}


def save_npz(path: str | os.PathLike[str], workload: Workload) -> None:
    """Write the layers of `workload` as `load_npz` reads them, compressed and atomically.

    The file appears under its name complete or not at all. Each array is stored in the narrowest
    integer type that holds it. Only names and operands are kept: the layers read back with op
    "gemm" and the file as their source. Errors: `TpeError` if a layer's `repeat` is not 1, which
    the format cannot hold, if it holds floats, or if the file cannot be written.
    """
    arrays = {}
    for layer in workload.layers:
        if layer.repeat != 1:
            raise TpeError(f"layer '{layer.name}': repeat is {layer.repeat}; legal in an npz: 1")
        if "f" in (layer.activations.dtype.kind, layer.weights.dtype.kind):
            raise TpeError(f"layer '{layer.name}' holds floats; legal in an npz: integers")
        arrays[f"{layer.name}.A"] = _narrowest(layer.activations)
        arrays[f"{layer.name}.B"] = _narrowest(layer.weights)
    file = os.path.expanduser(os.fspath(path))
    # Beside the target, since a rename is atomic within one file system only.
    temporary = f"{file}.{os.urandom(4).hex()}.tmp"
    try:
        try:
            with open(temporary, "xb") as stream:
                np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, file)
        except BaseException:
            with suppress(OSError, ValueError):
                os.unlink(temporary)
            raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TpeError(
            f"cannot write '{clean(file)}' ({clean(reason)}); legal: a file in a directory that "
            "exists and is writable"
        ) from None


def _read_members(file: str, where: str, legal: str) -> dict[str, bytes]:
    """The members of a zip archive by key, in file order, their checksums checked."""
    content = read_bytes(file, "npz", MAX_BYTES)
    raw: dict[str, bytes] = {}
    member = ""
    # A damaged archive makes zipfile, zlib and their helpers raise nearly anything (OSError,
    # BadZipFile, zlib.error, EOFError, struct.error, RuntimeError, NotImplementedError,
    # OverflowError, ...): whatever it is, the file is what is wrong.
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            total = sum(info.file_size for info in archive.infolist())
            if total > MAX_BYTES:
                raise TpeError(f"{where} unpacks to {total} bytes; legal: at most {MAX_BYTES}")
            _check_count(content, archive)
            for info in archive.infolist():
                member = info.filename
                if not member.endswith(".npy"):
                    raise TpeError(f"{where}: member {member!r} is no array; legal: {legal}")
                key = member.removesuffix(".npy")
                if key in raw:
                    raise TpeError(f"{where}: key {key!r} is there twice; legal: once")
                # To the end, so that the checksum is compared before anything is believed.
                raw[key] = archive.read(info)
    except TpeError:
        raise
    except Exception as error:
        at = f": key {member.removesuffix('.npy')!r}" if member else ""
        raise TpeError(
            f"{where}{at} is damaged or not an npz file ({_reason(error)}); "
            "legal: a zip archive as numpy.savez writes it"
        ) from None
    return raw


def _check_count(content: bytes, archive: zipfile.ZipFile) -> None:
    """BadZipFile unless the directory has as many members as the archive's end says.

    zipfile does not compare them: one wrong length in the directory makes it swallow the members
    that follow, and a workload would silently lose layers.
    """
    start = len(content) - 22 - len(archive.comment)
    end = content[start : start + 22]
    count = int.from_bytes(end[10:12], "little")
    many = 0xFFFF  # stands for "more than fit here"
    if not end.startswith(b"PK\5\6") or (count != many and count != len(archive.infolist())):
        raise zipfile.BadZipFile(f"{len(archive.infolist())} members found, {count} announced")


def _layer_names(raw: dict[str, bytes], where: str) -> list[str]:
    """NAME of every NAME.A and NAME.B, in order; `TpeError` for another key or a lone one."""
    if not raw:
        raise TpeError(f"{where} holds no arrays; legal: {_LEGAL_KEYS}")
    names: dict[str, None] = {}  # a set that keeps its order
    for key in raw:
        name, _, side = key.rpartition(".")
        if side not in _SIDES or not name.strip() or not name.isprintable():
            raise TpeError(f"{where}: key {key!r} is not one of a layer; legal: {_LEGAL_KEYS}")
        names[name] = None
    for name in names:
        for side, other in (("A", "B"), ("B", "A")):
            if f"{name}.{other}" not in raw:
                raise TpeError(
                    f"{where}: key '{name}.{side}' has no partner '{name}.{other}'; "
                    f"legal: {_LEGAL_KEYS}"
                )
    return list(names)


def _read_side(raw: dict[str, bytes], name: str, side: str, where: str) -> np.ndarray:
    """One checked operand; its bytes are dropped from `raw` to save memory."""
    what, dims = _SIDES[side]
    at = f"{where}: key '{name}.{side}'"
    array = _array(raw.pop(f"{name}.{side}"), at, f"{dims} integers", what)
    return as_matrix(array, f"{at}: {what}", dims)


def _side(array: np.ndarray) -> Operand | np.ndarray:
    """An operand that keeps the file's own type if it is a narrow one: int64 takes 8 times that."""
    if array.dtype.itemsize > 2:
        return array
    native = np.ascontiguousarray(array, array.dtype.newbyteorder("="))
    return Operand(native.shape[0], native.shape[1], partial(np.asarray, native))


def _array(content: bytes, at: str, legal: str, what: str = "values") -> np.ndarray:
    """The array that a member holds; `at` opens every error."""
    stream = io.BytesIO(content)
    # The header is text that numpy parses: a bad one can raise nearly anything, as above.
    try:
        array: np.ndarray = np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:
        if "Object arrays" in str(error):
            raise TpeError(f"{at}: {what} are Python objects; legal: {legal}") from None
        raise TpeError(
            f"{at} is damaged or not an array ({_reason(error)}); legal: {legal}"
        ) from None
    if stream.read(1):
        raise TpeError(f"{at} is damaged (bytes after the array); legal: {legal}")
    return array


def _narrowest(array: np.ndarray) -> np.ndarray:
    """The array in the narrowest signed type that holds its values."""
    low, high = int(array.min()), int(array.max())
    for dtype in (np.int8, np.int16, np.int32):
        if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return array.astype(dtype)
    return array


def _reason(error: Exception) -> str:
    return clean(error) or type(error).__name__
