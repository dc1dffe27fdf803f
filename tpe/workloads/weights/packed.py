"""Linear layers that GPTQ and AWQ pack into 32-bit words, four tensors each.

GPTQ (arXiv:2210.17323, as AutoGPTQ and GPTQModel write it), of a layer with K inputs, N outputs:

    qweight (K bits / 32, N)   words along K, the lowest bits first
    qzeros  (G, N bits / 32)   zero points of G groups of K, words along N: less 1 in v1, modulo
                               2**bits, as they are in v2
    scales  (G, N)             floats
    g_idx   (K,)               the group of every k, where it is not k // group

AWQ (arXiv:2306.00978), 4 bits: qweight (K, N / 8) and qzeros (G, N / 8), words along N, whose
nibbles from the lowest are columns 0 2 4 6 1 3 5 7; zero points as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import FORMATS, Array
from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.workloads.lazy import clean
from tpe.workloads.weights.safetensors import read_array
from tpe.workloads.weights.tensors import StoredTensor

WIDTHS = (2, 3, 4, 8)
"""Bits of a weight that GPTQ packs."""
VERSIONS = ("v1", "v2")
PARTS = ("qweight", "qzeros", "scales")
_FLOATS = ("F16", "BF16", "F32")
_AWQ_COLUMNS = (0, 2, 4, 6, 1, 3, 5, 7)
_ENOUGH = 1 << 22  # codes that are looked at for the version
_SURE = 0.25  # of a step: how near the mean must be to what a version would make it


@dataclass(frozen=True)
class PackedLinear:
    """A packed layer of a file, called as its qweight is.

    scheme  gptq or awq;  bits  a weight;  k, n  inputs and outputs
    groups  along K, of `group` each, the last one perhaps short; g_idx may say others
    """

    name: str
    scheme: str
    bits: int
    k: int
    n: int
    groups: int
    group: int
    parts: Mapping[str, StoredTensor]

    @property
    def length(self) -> int:
        """Bytes of all its tensors."""
        return sum(part.length for part in self.parts.values())


def packed_linears(tensors: Iterable[StoredTensor], where: str) -> Iterator[PackedLinear]:
    """The packed layers among the tensors of a file, in their order.

    Raises TpeError naming the layer: a tensor that is missing, of another type, or of a shape that
    does not go with the others'.
    """
    known = {tensor.name: tensor for tensor in tensors}
    for name in known:
        prefix, dot, part = name.rpartition(".")
        if part == PARTS[0]:
            stem = prefix + dot
            keys = (*PARTS, "g_idx")
            parts = {key: known[stem + key] for key in keys if stem + key in known}
            yield _linear(name, parts, where)


def _linear(name: str, parts: Mapping[str, StoredTensor], where: str) -> PackedLinear:
    label = f"{where}: layer '{clean(name)}'"
    legal = {"qweight": ("I32",), "qzeros": ("I32",), "scales": _FLOATS, "g_idx": ("I32",)}
    for key, types in legal.items():
        part = parts.get(key)
        if part is None and key in PARTS:
            raise TpeError(f"{label} has no {key}; legal: {', '.join(PARTS)} beside each other")
        if part is not None and (part.type not in types or len(part.shape) != 1 + (key in PARTS)):
            raise TpeError(
                f"{label}: {key} is {part.type} of shape {list(part.shape)}; "
                f"legal: {' or '.join(types)} of {1 + (key in PARTS)} dimension(s)"
            )
    rows, columns = parts["qweight"].shape
    groups, n = parts["scales"].shape
    words = parts["qzeros"].shape
    awq = columns * 8 == n and words == (groups, columns)
    bits = 4 if awq else 32 * words[1] // n if n else 0
    k = rows if awq else rows * 32 // bits if bits else 0
    fits = awq or (columns == n and bits in WIDTHS and n * bits == 32 * words[1])
    whole = k and groups and words[0] == groups and (awq or k * bits == 32 * rows)
    if not fits or not whole:
        shapes = ", ".join(f"{key} {list(parts[key].shape)}" for key in PARTS)
        raise TpeError(
            f"{label}: {shapes} do not go together; legal: GPTQ of 2, 3, 4 or 8 bits, [K bits / "
            "32, N], [G, N bits / 32], [G, N]; AWQ, [K, N / 8], [G, N / 8], [G, N]"
        )
    index = parts.get("g_idx")
    if index is not None and index.shape != (k,):
        raise TpeError(f"{label}: g_idx has the shape {list(index.shape)}; legal: [{k}]")
    group = group_size(k, groups)
    if group is None:
        raise TpeError(
            f"{label} has {groups} groups of {k} inputs, and nothing says how large they are; "
            "legal: a divisor of the inputs, or a power of two"
        )
    return PackedLinear(name, "awq" if awq else "gptq", bits, k, n, groups, group, parts)


def group_size(k: int, groups: int) -> int | None:
    """How many of K inputs share a scale, as no file says; None if that is not told.

    The power of two that gives so many groups, of which there is one at most; else their quotient,
    if it is whole.

    >>> group_size(160, 2), group_size(99, 3), group_size(70, 1), group_size(7, 5)
    (128, 33, 70, None)
    """
    if groups == 1:
        return k
    least = -(-k // groups)
    power = 1 << (least - 1).bit_length()
    if -(-k // power) == groups:
        return power
    return least if k % groups == 0 else None


def unpacked(words: Array, bits: int) -> Array:
    """Numbers of `bits` bits out of 32-bit words, (R, W) -> (R, 32 W / bits), lowest bits first.

    A number may lie in two words.

    >>> unpacked(np.array([[0x76543210]], np.int32), 4).tolist()
    [[0, 1, 2, 3, 4, 5, 6, 7]]
    """
    raw = np.ascontiguousarray(words.astype("<i4", copy=False)).view(np.uint8)
    fields = np.unpackbits(raw, axis=1, bitorder="little").reshape(len(raw), -1, bits)
    return np.packbits(fields, axis=-1, bitorder="little")[..., 0]


def stored_zeros(path: str, linear: PackedLinear) -> Array:
    """The zero points of a layer as its file has them, (G, N) uint8."""
    zeros = unpacked(read_array(path, linear.parts["qzeros"]), linear.bits)
    return _columns(zeros) if linear.scheme == "awq" else zeros


def read_codes(path: str, linear: PackedLinear) -> Array:
    """The codes of a layer, (K, N) uint8."""
    words = read_array(path, linear.parts["qweight"])
    if linear.scheme == "awq":
        return _columns(unpacked(words, linear.bits))
    return np.ascontiguousarray(unpacked(words.T, linear.bits).T)


def _columns(nibbles: Array) -> Array:
    """Nibbles of AWQ's words in the order of columns."""
    words = nibbles.reshape(len(nibbles), -1, 8)
    ordered = np.empty_like(words)
    ordered[..., list(_AWQ_COLUMNS)] = words
    return ordered.reshape(nibbles.shape)


def read_tensor(path: str, linear: PackedLinear, version: str, where: str) -> QuantisedTensor:
    """The layer (K, N), groups along axis 0; `version`: of GPTQ, v1 or v2.

    Where every zero point is the middle one, codes are signed and there are no zero points.
    """
    zeros = zero_points(stored_zeros(path, linear), linear, version)
    codes = read_codes(path, linear)
    middle = 1 << (linear.bits - 1)
    signed = is_middle(zeros, linear)
    if signed:
        codes = (codes.astype(np.int16) - middle).astype(np.int8)
    return QuantisedTensor(
        FORMATS[number_name(linear, signed)],
        codes,
        read_array(path, linear.parts["scales"]),
        0,
        linear.group,
        None if signed else zeros.astype(np.int64),
        index=_index(path, linear),
        where=f"{where}: layer '{clean(linear.name)}'",
    )


def zero_points(stored: Array, linear: PackedLinear, version: str) -> Array:
    """Zero points as they are meant, (G, N).

    >>> four = PackedLinear("fc", "gptq", 4, 8, 2, 1, 8, {})
    >>> zero_points(np.array([[7, 15]], np.uint8), four, "v1").tolist()
    [[8, 0]]
    """
    less = linear.scheme == "gptq" and version == "v1"
    meant: Array = (stored + np.uint8(less)) & np.uint8((1 << linear.bits) - 1)
    return meant


def is_middle(zeros: Array, linear: PackedLinear) -> bool:
    """Whether all zero points are the middle one, which makes codes signed."""
    return bool((zeros == 1 << (linear.bits - 1)).all())


def number_name(linear: PackedLinear, signed: bool) -> str:
    """The format of the codes."""
    return f"{'' if signed else 'u'}int{linear.bits}"


def _index(path: str, linear: PackedLinear) -> Array | None:
    """The group of every k, where it is not k // group."""
    part = linear.parts.get("g_idx")
    if part is None:
        return None
    index = read_array(path, part).astype(np.int64)
    return None if (index == np.arange(linear.k) // linear.group).all() else index


# ---- which GPTQ ----


def told_version(path: str, linears: Iterable[PackedLinear], where: str) -> tuple[str, str]:
    """v1 or v2, and how that is known: labels in files are wrong too often to be looked at.

    Zero points that are all 2**(bits - 1) - 1 are v1's, all 2**(bits - 1) v2's. Otherwise weights
    are taken to be around 0, as those of layers are: their codes less the stored zero points have a
    mean of 1 in v1, of 0 in v2. TpeError if it is neither.
    """
    layers = list(linears)
    for version, less in (("v1", 1), ("v2", 0)):
        if all(_all_are(path, x, (1 << (x.bits - 1)) - less) for x in layers):
            return version, f"all stored zero points are the middle one{' less 1' * less}"
    mean, count = _mean_above_zero(path, layers)
    for version, wanted in (("v1", 1.0), ("v2", 0.0)):
        if abs(mean - wanted) <= _SURE:
            said = f"{count} codes are {mean:.3f} above their stored zero points in the mean"
            return version, f"{said}, which {version} makes {wanted:g}"
    raise TpeError(
        f"{where}: codes are {mean:.3f} above their stored zero points in the mean, so that it is "
        "not told whether GPTQ v1 (1) or v2 (0) wrote them; legal: gptq=v1 or gptq=v2 said"
    )


def _all_are(path: str, linear: PackedLinear, value: int) -> bool:
    return bool((stored_zeros(path, linear) == value).all())


def _mean_above_zero(path: str, layers: list[PackedLinear]) -> tuple[float, int]:
    """Mean of code - stored zero point, over the first layers, and of how many codes."""
    total, count = 0, 0
    for linear in layers:
        index = _index(path, linear)
        place: Any = np.arange(linear.k) // linear.group if index is None else index
        if place.min() < 0 or place.max() >= linear.groups:
            continue  # refused when the layer is read
        times = np.bincount(place, minlength=linear.groups)
        zeros = stored_zeros(path, linear).sum(axis=1, dtype=np.int64)
        total += int(read_codes(path, linear).sum(dtype=np.int64)) - int(zeros @ times)
        count += linear.k * linear.n
        if count >= _ENOUGH:
            break
    return total / max(count, 1), count
