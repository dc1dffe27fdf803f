"""Named engines, each a literal with its source. What cannot be built yet says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tpe import array as arrays
from tpe import pe as pes
from tpe.base.errors import TpeError
from tpe.engine.config import Config

C = TypeVar("C", bound=Config)


@dataclass(frozen=True)
class Preset:
    """An engine that somebody built, as near as the PEs and arrays here come to it.

    source  where the numbers come from
    differs what of the original is not modelled: said wherever the preset is listed
    """

    name: str
    title: str
    source: str
    differs: str
    pe: str
    array: str
    size: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def engine(self, make: type[C], **overrides: Any) -> C:
        """The engine, as a `make`; `overrides` replace parameters.

        TpeError with the reason if there is none.
        """
        reason = self.unavailable()
        if reason is not None:
            legal = ", ".join(name for name, p in PRESETS.items() if p.unavailable() is None)
            raise TpeError(f"preset {self.name} is not available: {reason}; legal: {legal}")
        return make(self.pe, self.array, self.size, **{**self.parameters, **overrides})

    def unavailable(self) -> str | None:
        """Why the preset cannot be built in this version; None if it can.

        >>> PRESETS["edge_16x16"].unavailable() is None
        True
        """
        for kind, name, known in (("PE", self.pe, pes), ("array", self.array, arrays)):
            if name not in known.names():
                return f"it needs the {kind} {name}, which this version does not have"
        try:
            Config(self.pe, self.array, self.size, **self.parameters)
        except TpeError as error:
            return str(error)
        return None

    def describe(self) -> dict[str, Any]:
        """The preset as a row of `tpe list`."""
        reason = self.unavailable()
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "differs": self.differs,
            "pe": self.pe,
            "array": self.array,
            "size": self.size,
            "parameters": dict(self.parameters),
            "available": reason is None,
            "reason": reason,
        }


_INT8 = {"a_type": "int8", "b_type": "int8", "acc_bits": 32}

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="tpu_v1_like",
            title="TPU v1's matrix unit",
            source="arXiv:1704.04760 (ISCA 2017): 256 x 256 MACs of 8 bits, weight-stationary, "
            "32-bit accumulators",
            differs="a tile's weights begin to load when every cell has taken the tile before",
            pe="mac",
            array="systolic_ws",
            size="256x256",
            parameters={**_INT8, "overlap": "stream"},
        ),
        Preset(
            name="ascend_like_cube",
            title="Ascend's cube unit",
            source="Liao et al., HPCA 2021, and Hot Chips 31: 16 x 16 x 16 = 4096 fp16 MACs",
            differs="int8 operands here; the original's fp16, and twice the depth for int8",
            pe="mac",
            array="cube3d",
            size="16x16x16",
            parameters={**_INT8, "overlap": "stream"},
        ),
        Preset(
            name="edge_16x16",
            title="small edge array",
            source="Gemmini's defaultConfig (arXiv:1911.09925, ucb-bar/gemmini): 16 x 16 PEs, "
            "int8 operands, 32-bit accumulators",
            differs="output-stationary only; the original runs weight-stationary too",
            pe="mac",
            array="systolic_os",
            size="16x16",
            parameters={**_INT8, "overlap": "stream"},
        ),
        Preset(
            name="lut_tensor_core",
            title="LUT Tensor Core, W2 A8",
            source="arXiv:2408.06003 (ISCA 2025): tiles of M x N x K = 2 x 64 x 4, int8 "
            "activations, weights of 2 bits, half tables",
            differs="tables are built in front of the array, not fused into the operator before",
            pe="lut_tc",
            array="matrix2d",
            size="2x64",
            parameters={"a_type": "int8", "b_type": "int2", "acc_bits": 32, "overlap": "stream"},
        ),
    )
}
