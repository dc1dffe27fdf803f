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
    from tpe.engine.finish import Requant
    from tpe.hdl.foreign.cosim import cosim
    from tpe.hdl.foreign.report import Cosimulation
    from tpe.model.engine import Engine
    from tpe.model.result import LayerRun, Run
    from tpe.nest.notation import Nest
    from tpe.study.compare import compare
    from tpe.study.comparison import Comparison
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
    "Comparison": "tpe.study.compare",
    "Cosimulation": "tpe.hdl.foreign.report",
    "Engine": "tpe.model.engine",
    "Layer": "tpe.workloads",
    "LayerRun": "tpe.model.result",
    "Nest": "tpe.nest.notation",
    "Requant": "tpe.engine.finish",
    "Run": "tpe.model.result",
    "Workload": "tpe.workloads",
    "compare": "tpe.study.compare",
    "cosim": "tpe.hdl.foreign.cosim",
    "workload": "tpe.workloads",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tpe' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
