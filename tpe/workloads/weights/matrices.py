"""What a file of weights holds: its tensors, and the matrices of narrow integers among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from operator import mul
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.numbers.quantised_tensor import QuantisedTensor
from tpe.workloads.lazy import clean
from tpe.workloads.weights.gguf_types import DECODED
from tpe.workloads.weights.tensors import StoredTensor

LEGAL = f"GGUF of {', '.join(DECODED)}; safetensors of GPTQ, AWQ, I8"


@dataclass(frozen=True, eq=False)
class WeightMatrix:
    """A matrix of narrow integers in a file, K inputs and N outputs; nothing of it is read yet.

    scheme  how it is stored: a type of GGUF, "GPTQ v1", "AWQ", "I8", an operator of ONNX
    number  the format of its codes
    group   numbers along K that share a scale
    bits    of storage a weight, scales, zero points and groups included
    read    its codes, scales, zero points: no arguments
    parts   the names of its tensors
    """

    name: str
    scheme: str
    k: int
    n: int
    number: str
    group: int
    bits: float
    read: Callable[[], QuantisedTensor] = field(repr=False)
    parts: tuple[str, ...] = ()

    def codes(self) -> np.ndarray:
        """The integers, (K, N), as an engine multiplies them: without scales and zero points."""
        tensor = self.read()
        integers = tensor.integers()
        return integers if tensor.axis == 0 else integers.T


@dataclass(frozen=True, eq=False)
class WeightFile:
    """What a GGUF, safetensors or ONNX file holds.

    tensors      every tensor of the header, in its order; of ONNX every initialiser
    matrices     those that are narrow integers of two dimensions, by name; of ONNX those that its
                 GEMMs multiply by, by the names of their layers
    unsupported  {kind: count} of other tensors that layers multiply by
    not_gemm     {kind: count} of vectors, and of tables that are looked up
    notes        what was told from the values, or assumed
    """

    path: str
    kind: str
    tensors: tuple[StoredTensor, ...]
    matrices: Mapping[str, WeightMatrix]
    unsupported: Mapping[str, int]
    not_gemm: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def bits_per_weight(self) -> float | None:
        """Bits of storage a weight of all matrices, scales included; None if there are none."""
        sizes = [matrix.k * matrix.n for matrix in self.matrices.values()]
        bits = [matrix.bits for matrix in self.matrices.values()]
        return sum(map(mul, bits, sizes)) / sum(sizes) if sizes else None

    def rows(self) -> list[dict[str, Any]]:
        """A row for every tensor, what `tpe list FILE` prints.

        name, type (of a matrix how it is stored), shape, outermost first, bytes; of a matrix of
        codes, else None: codes (their format), k, n, group, bits_per_weight; part_of: the matrix
        whose scales, zero points or groups these are.
        """
        owner = {part: name for name, matrix in self.matrices.items() for part in matrix.parts}
        return [_row(tensor, self.matrices.get(tensor.name), owner) for tensor in self.tensors]

    def matrix(self, name: str) -> WeightMatrix:
        """The matrix of that name; TpeError for none, and for a type that is not decoded."""
        if name in self.matrices:
            return self.matrices[name]
        for tensor in self.tensors:
            if tensor.name == name:
                raise TpeError(
                    f"'{clean(self.path)}': tensor '{clean(name)}' is {tensor.type} of "
                    f"{len(tensor.shape)} dimension(s); legal: matrices in {LEGAL}"
                )
        raise unknown("matrix", clean(name), map(clean, self.matrices))


def left_out(kinds: Iterable[tuple[str, str]]) -> tuple[dict[str, int], dict[str, int]]:
    """How many tensors there are of each kind, in order: unsupported, then not_gemm."""
    counts = Counter(kinds)
    unsupported, not_gemm = (
        {text: count for (kind, text), count in counts.items() if kind == wanted}
        for wanted in ("unsupported", "not_gemm")
    )
    return unsupported, not_gemm


def _row(
    tensor: StoredTensor, matrix: WeightMatrix | None, owner: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "name": tensor.name,
        "type": matrix.scheme if matrix else tensor.type,
        "shape": list(tensor.shape),
        "bytes": tensor.length,
        "codes": matrix.number if matrix else None,
        "k": matrix.k if matrix else None,
        "n": matrix.n if matrix else None,
        "group": matrix.group if matrix else None,
        "bits_per_weight": matrix.bits if matrix else None,
        "part_of": None if matrix else owner.get(tensor.name),
    }
