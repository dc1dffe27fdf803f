"""A workload that a file describes: layers whose operands are made on access, and notes on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tpe.base.errors import TpeError
from tpe.numbers.formats import FORMATS, number_format
from tpe.workloads.base import Gemm, Workload
from tpe.workloads.lazy import LazyLayer, StoredTypeError


@dataclass(frozen=True, eq=False)
class ImportedWorkload(Workload):
    """A network read from a file: its GEMMs as layers, and a count of all the rest.

    unsupported  {operator: count} of what computes products but is not lowered (LSTM,
                 ConvTranspose, custom operators, control flow): its cycles are in no layer
    not_gemm     {operator: count} of elementwise, pooling, activation and shape operators
    notes        what was assumed on the way, one line each
    """

    unsupported: Mapping[str, int] = field(default_factory=dict)
    not_gemm: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def drive(self, gemm: Gemm) -> dict[str, float]:
        """As `Workload.drive`; an engine that does not take one layer is told all that it needs."""
        try:
            return super().drive(gemm)
        except StoredTypeError as error:
            raise TpeError(f"{error}; {self.settings()}") from None

    def settings(self) -> str:
        """Which formats the layers are stored in, and the engine's parameters that take them all.

        >>> from tpe.workloads.lazy import Operand
        >>> narrow = Operand(1, 1, lambda: np.zeros((1, 1), np.int8))
        >>> layers = [LazyLayer(a, "gemm", narrow, narrow, a_type=a, b_type="int4", a_zero=zero)
        ...           for a, zero in (("int8", 0), ("uint8", 128))]
        >>> ImportedWorkload("net", "", "", tuple(layers)).settings()
        "stored: int8 x int4 ('int8'), uint8 x int4 ('uint8'); all of it: \
a_type = int9, b_type = int4, zero_points = subtract"
        """
        stored: dict[tuple[str, str], list[str]] = {}
        zeros = False
        for layer in self.layers:
            if isinstance(layer, LazyLayer) and layer.a_type and layer.b_type:
                stored.setdefault((layer.a_type, layer.b_type), []).append(layer.name)
                zeros = zeros or bool(np.any(layer.a_zero) or np.any(layer.b_zero))
        parts = []
        for (a, b), names in stored.items():
            rest = f" and {len(names) - 2} more" if len(names) > 2 else ""
            parts.append(f"{a} x {b} ({', '.join(map(repr, names[:2]))}{rest})")
        a_type, b_type = (_wide_enough({pair[side] for pair in stored}) for side in (0, 1))
        needs = [f"a_type = {a_type}", f"b_type = {b_type}"]
        needs += ["zero_points = subtract"] if zeros else []
        return f"stored: {', '.join(parts)}; all of it: {', '.join(needs)}"


def _wide_enough(names: set[str]) -> str:
    """The narrowest format that holds every value of these; "(no one format)" if none does."""
    low = min((number_format(name).low for name in names), default=0)
    high = max((number_format(name).high for name in names), default=0)
    fits = [x for x in FORMATS.values() if x.low <= low and x.high >= high]
    return min(fits, key=lambda x: x.bits).name if fits else "(no one format)"
