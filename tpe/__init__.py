"""tpe: model tensor engines bit by bit and cycle by cycle.

>>> import tpe
>>> run = tpe.Engine("opt4c", "matrix2d", (4, 4)).run([[1, 2, 3, 4]], [[1], [1], [1], [1]])
>>> run.C.tolist()
[[10]]
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.version import __version__

if TYPE_CHECKING:
    from tpe.comparison import Comparison, compare
    from tpe.engine import Engine
    from tpe.hdl.user_report import Cosimulation
    from tpe.hdl.user_rtl import cosim
    from tpe.nest.notation import Nest
    from tpe.post import Requant
    from tpe.run import LayerRun, Run
    from tpe.workloads import Layer, Workload, workload

__all__ = [
    "Comparison",
    "Cosimulation",
    "Engine",
    "Layer",
    "LayerRun",
    "Nest",
    "Requant",
    "Run",
    "TpeError",
    "Workload",
    "__version__",
    "compare",
    "cosim",
    "workload",
]

# Loaded when first used, so that `import tpe` costs next to nothing.
_HOMES = {
    "Comparison": "tpe.comparison",
    "Cosimulation": "tpe.hdl.user_report",
    "Engine": "tpe.engine",
    "Layer": "tpe.workloads",
    "LayerRun": "tpe.run",
    "Nest": "tpe.nest.notation",
    "Requant": "tpe.post",
    "Run": "tpe.run",
    "Workload": "tpe.workloads",
    "compare": "tpe.comparison",
    "cosim": "tpe.hdl.user_rtl",
    "workload": "tpe.workloads",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tpe' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
