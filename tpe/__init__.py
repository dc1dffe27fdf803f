"""tpe: model tensor engines bit by bit and cycle by cycle.

What the command line does is a function here, with the same words:

    engines     Engine, Config, Nest, NestEngine; describe
    catalogue   list_all, list_combinations, list_pes, list_arrays, list_workloads, list_formats,
                list_technologies
    workloads   workload, Workload, Layer; capture; layer_types; read_weights -> WeightFile
    numbers     rounded, to_codes, from_codes; quantise -> Blocks; quantise_integers ->
                QuantisedTensor; one_bit -> OneBit; exact_sums -> ExactSums; prune
    running     Engine.run -> Run, LayerRun; Requant; compare -> Comparison; point; trace
    models      matmul; outlier_matmul -> OutlierProduct; evaluate_model;
                evaluate_weights -> FewBits; tpe.torch: Linear, swap_linears
    RTL         emit, verify, vectors, prove, mutate, cosim -> Cosimulation
    synthesis   synthesise (tpe synth), price
    errors      error -> ErrorStudy
    look-ups    multiplier_table -> MultiplierTable; product_quantiser -> ProductQuantiser
    learning    fit, predict_cost -> Prediction; pareto -> ParetoFront; differences -> Differences
    exploring   sweep, optimize

`tpe.testing` holds the contract for PEs of other packages.

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
    from tpe.engine.config import Config
    from tpe.engine.finish import Requant
    from tpe.explore.search import optimize
    from tpe.explore.sweep import sweep
    from tpe.hdl.emit.package import emit_directory as emit
    from tpe.hdl.foreign.cosim import cosim
    from tpe.hdl.foreign.report import Cosimulation
    from tpe.hdl.formal.prove import prove
    from tpe.hdl.mutate.mutate import mutate
    from tpe.hdl.simulate.vectors import vectors
    from tpe.hdl.simulate.verify import verify
    from tpe.model.engine import Engine, Run
    from tpe.model.layer_run import LayerRun
    from tpe.model.matmul import matmul
    from tpe.model.nest_engine import NestEngine
    from tpe.model.outliers import OutlierProduct, outlier_matmul
    from tpe.nest.notation import Nest
    from tpe.numbers.blocks import Blocks, quantise
    from tpe.numbers.exact_sums import ExactSums, exact_sums
    from tpe.numbers.float_arrays import from_codes, rounded, to_codes
    from tpe.numbers.multiplier_table import MultiplierTable
    from tpe.numbers.multipliers import table_of as multiplier_table
    from tpe.numbers.product_quantiser import ProductQuantiser, product_quantiser
    from tpe.numbers.quantised_tensor import QuantisedTensor
    from tpe.numbers.quantisers import OneBit, one_bit, quantise_integers
    from tpe.numbers.sparsity import prune
    from tpe.predict.cost import Prediction, predict_cost
    from tpe.predict.differences import Differences, differences
    from tpe.predict.fit import fit
    from tpe.predict.fronts import ParetoFront, pareto
    from tpe.report.catalogue import (
        list_arrays,
        list_formats,
        list_pes,
        list_technologies,
        list_workloads,
    )
    from tpe.report.describe import catalogue as list_all
    from tpe.report.describe import combinations as list_combinations
    from tpe.report.describe import describe
    from tpe.study.comparison import Comparison
    from tpe.study.errors import ErrorStudy, error
    from tpe.study.evaluate import evaluate_model
    from tpe.study.few_bits import FewBits, evaluate_weights
    from tpe.study.operand_trace import trace
    from tpe.study.points import compare, point
    from tpe.study.pricer import price
    from tpe.synth.area.synthesis import synthesise
    from tpe.torch.capture import capture
    from tpe.workloads import Layer, Workload, workload
    from tpe.workloads.layer_types import layer_types
    from tpe.workloads.weights.file import read_weights
    from tpe.workloads.weights.matrices import WeightFile

__all__ = [
    "Blocks",
    "Comparison",
    "Config",
    "Cosimulation",
    "Differences",
    "Engine",
    "ErrorStudy",
    "ExactSums",
    "FewBits",
    "Layer",
    "LayerRun",
    "MultiplierTable",
    "Nest",
    "NestEngine",
    "OneBit",
    "OutlierProduct",
    "ParetoFront",
    "Prediction",
    "ProductQuantiser",
    "QuantisedTensor",
    "Requant",
    "Run",
    "TpeError",
    "WeightFile",
    "Workload",
    "__version__",
    "capture",
    "compare",
    "cosim",
    "describe",
    "differences",
    "emit",
    "error",
    "evaluate_model",
    "evaluate_weights",
    "exact_sums",
    "fit",
    "from_codes",
    "layer_types",
    "list_all",
    "list_arrays",
    "list_combinations",
    "list_formats",
    "list_pes",
    "list_technologies",
    "list_workloads",
    "matmul",
    "multiplier_table",
    "mutate",
    "one_bit",
    "optimize",
    "outlier_matmul",
    "pareto",
    "point",
    "predict_cost",
    "price",
    "product_quantiser",
    "prove",
    "prune",
    "quantise",
    "quantise_integers",
    "read_weights",
    "rounded",
    "sweep",
    "synthesise",
    "to_codes",
    "trace",
    "vectors",
    "verify",
    "workload",
]

# Loaded when first used, so that `import tpe` costs next to nothing: name -> module, attribute.
_HOMES = {
    "Blocks": ("tpe.numbers.blocks", "Blocks"),
    "Comparison": ("tpe.study.comparison", "Comparison"),
    "Config": ("tpe.engine.config", "Config"),
    "Cosimulation": ("tpe.hdl.foreign.report", "Cosimulation"),
    "Differences": ("tpe.predict.differences", "Differences"),
    "ErrorStudy": ("tpe.study.errors", "ErrorStudy"),
    "ExactSums": ("tpe.numbers.exact_sums", "ExactSums"),
    "Engine": ("tpe.model.engine", "Engine"),
    "FewBits": ("tpe.study.few_bits", "FewBits"),
    "Layer": ("tpe.workloads", "Layer"),
    "LayerRun": ("tpe.model.layer_run", "LayerRun"),
    "MultiplierTable": ("tpe.numbers.multiplier_table", "MultiplierTable"),
    "Nest": ("tpe.nest.notation", "Nest"),
    "NestEngine": ("tpe.model.nest_engine", "NestEngine"),
    "OutlierProduct": ("tpe.model.outliers", "OutlierProduct"),
    "OneBit": ("tpe.numbers.quantisers", "OneBit"),
    "QuantisedTensor": ("tpe.numbers.quantised_tensor", "QuantisedTensor"),
    "ParetoFront": ("tpe.predict.fronts", "ParetoFront"),
    "Prediction": ("tpe.predict.cost", "Prediction"),
    "ProductQuantiser": ("tpe.numbers.product_quantiser", "ProductQuantiser"),
    "Requant": ("tpe.engine.finish", "Requant"),
    "Run": ("tpe.model.engine", "Run"),
    "WeightFile": ("tpe.workloads.weights.matrices", "WeightFile"),
    "Workload": ("tpe.workloads", "Workload"),
    "capture": ("tpe.torch.capture", "capture"),
    "compare": ("tpe.study.points", "compare"),
    "cosim": ("tpe.hdl.foreign.cosim", "cosim"),
    "describe": ("tpe.report.describe", "describe"),
    "differences": ("tpe.predict.differences", "differences"),
    "emit": ("tpe.hdl.emit.package", "emit_directory"),
    "error": ("tpe.study.errors", "error"),
    "exact_sums": ("tpe.numbers.exact_sums", "exact_sums"),
    "evaluate_model": ("tpe.study.evaluate", "evaluate_model"),
    "evaluate_weights": ("tpe.study.few_bits", "evaluate_weights"),
    "fit": ("tpe.predict.fit", "fit"),
    "from_codes": ("tpe.numbers.float_arrays", "from_codes"),
    "layer_types": ("tpe.workloads.layer_types", "layer_types"),
    "list_all": ("tpe.report.catalogue", "catalogue"),
    "list_combinations": ("tpe.report.catalogue", "combinations"),
    "list_arrays": ("tpe.report.catalogue", "list_arrays"),
    "list_formats": ("tpe.report.catalogue", "list_formats"),
    "list_pes": ("tpe.report.catalogue", "list_pes"),
    "list_technologies": ("tpe.report.catalogue", "list_technologies"),
    "list_workloads": ("tpe.report.catalogue", "list_workloads"),
    "matmul": ("tpe.model.matmul", "matmul"),
    "multiplier_table": ("tpe.numbers.multipliers", "table_of"),
    "mutate": ("tpe.hdl.mutate.mutate", "mutate"),
    "outlier_matmul": ("tpe.model.outliers", "outlier_matmul"),
    "one_bit": ("tpe.numbers.quantisers", "one_bit"),
    "pareto": ("tpe.predict.fronts", "pareto"),
    "optimize": ("tpe.explore.search", "optimize"),
    "point": ("tpe.study.points", "point"),
    "predict_cost": ("tpe.predict.cost", "predict_cost"),
    "price": ("tpe.study.pricer", "price"),
    "product_quantiser": ("tpe.numbers.product_quantiser", "product_quantiser"),
    "prove": ("tpe.hdl.formal.prove", "prove"),
    "prune": ("tpe.numbers.sparsity", "prune"),
    "quantise": ("tpe.numbers.blocks", "quantise"),
    "quantise_integers": ("tpe.numbers.quantisers", "quantise_integers"),
    "read_weights": ("tpe.workloads.weights.file", "read_weights"),
    "rounded": ("tpe.numbers.float_arrays", "rounded"),
    "sweep": ("tpe.explore.sweep", "sweep"),
    "synthesise": ("tpe.synth.area.synthesis", "synthesise"),
    "to_codes": ("tpe.numbers.float_arrays", "to_codes"),
    "trace": ("tpe.study.operand_trace", "trace"),
    "vectors": ("tpe.hdl.simulate.vectors", "vectors"),
    "verify": ("tpe.hdl.simulate.verify", "verify"),
    "workload": ("tpe.workloads", "workload"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tpe' has no attribute '{name}'")
    from importlib import import_module

    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
