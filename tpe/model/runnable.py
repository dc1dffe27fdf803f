"""What every engine does with a GEMM and with a workload; how long it takes is its own."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

import numpy as np

from tpe.array.base import ALWAYS, Handshake, Schedule, TiledGemm
from tpe.array.sampled import Estimate
from tpe.base import checks
from tpe.base.errors import TpeError, unknown
from tpe.engine.finish import NOTHING, Added, ChainInputs, Results
from tpe.engine.parameters import checked_seed
from tpe.engine.spec import EngineSpec
from tpe.engine.task import Seen, Task, fingerprint, see, task_of
from tpe.model.layer_run import Error, LayerRun, counts
from tpe.model.result import RunRecord
from tpe.model.saved import save_run
from tpe.model.selected import checked_sparse, selected
from tpe.model.shown import (
    engine_html,
    engine_summary,
    run_html,
    run_summary,
    run_text,
)
from tpe.model.unvalued import NO_OPERANDS, VALUES, UnvaluedLayer, values_of
from tpe.numbers.arithmetic import exact_product
from tpe.numbers.group_scales import GroupScales, scaled_sums
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import Zero
from tpe.workloads import Layer, Workload
from tpe.workloads import workload as find_workload

if TYPE_CHECKING:
    import pandas as pd

J = TypeVar("J", bound=TiledGemm)

_NO_C: Ints = np.zeros((0, 0), np.int64)  # of a layer without values


@dataclass(frozen=True)
class Asked:
    """How a run is to be made; see `tpe.Engine.run`."""

    values: str = "auto"
    handshake: Handshake = ALWAYS
    energy: bool = False
    progress: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        if self.values not in VALUES:
            raise unknown("values", self.values, VALUES)
        checks.flag(self.energy, "energy")
        if not isinstance(self.handshake, Handshake):
            raise TpeError(
                f"handshake = {self.handshake!r} is not legal: a tpe.array.base.Handshake"
            )


class Ran(NamedTuple):
    """What a run is made of, whichever engine it is of."""

    workload: str
    seed: int
    layers: tuple[LayerRun, ...]
    metrics: Mapping[str, float]


class Runnable(EngineSpec, Generic[J]):
    """An engine that runs GEMMs: exact values, exact cycles, firings."""

    def _repr_html_(self) -> str:
        return engine_html(self)

    def summary(self) -> pd.DataFrame:
        """One row of a dozen columns that say what the engine is."""
        return engine_summary(self)

    # ---- an engine's own ----

    @abstractmethod
    def job(self, encoded: Ints, other: Ints) -> J:
        """The GEMM of an encoded operand (M, K) and another (K, N), as the engine sees it."""

    @abstractmethod
    def timing(self, job: J, handshake: Handshake = ALWAYS) -> Schedule:
        """The schedule of a job, the chain's register included."""

    @abstractmethod
    def _unvalued(self, layer: UnvaluedLayer, handshake: Handshake) -> tuple[J, Estimate]:
        """The job of a layer without values, and its schedule."""

    @abstractmethod
    def _firings(self, job: J, timing: Schedule, sampled: bool) -> dict[str, int | None]:
        """Firings of every primitive; None for those that an estimated timing leaves open."""

    @abstractmethod
    def _bandwidth(self, job: J) -> tuple[int | None, int | None]:
        """Operand bits a cycle, A and B."""

    @abstractmethod
    def _bits(self, encoded: Ints, other: Ints) -> Ints:
        """The product by the bit-level kernel."""

    def _measured(self, layer: LayerRun, seen: Seen) -> LayerRun:
        """The layer with what is measured while its operands are at hand."""
        return layer

    # ---- what all do ----

    def _ran(
        self, a: Any, b: Any, seed: int, asked: Asked, zeros: tuple[Zero, Zero], given: ChainInputs
    ) -> Ran:
        """Two matrices, or a workload layer by layer."""
        seed = checked_seed(seed)
        if b is not None:
            if isinstance(a, str | os.PathLike | Workload | Mapping):
                raise TpeError(f"A is a {type(a).__name__} and B is given; legal: two matrices")
            task = Task("gemm", "gemm", a, b, a_zero=zeros[0], b_zero=zeros[1])
            return Ran("arrays", seed, (self._layer(task, asked, given),), {})
        self.require_fed()
        workload = a if isinstance(a, Workload) else self.find(a, seed)
        return Ran(workload.name, seed, *self._driven(workload, asked))

    def _driven(
        self, workload: Workload, asked: Asked
    ) -> tuple[tuple[LayerRun, ...], Mapping[str, float]]:
        """Every layer of a workload, in order, and its metrics; without values it has none."""
        layers: list[LayerRun] = []
        chosen = {layer.name: values_of(layer, asked.values) for layer in workload.layers}

        def gemm(layer: Layer) -> Ints:
            if asked.progress:
                asked.progress(layer.name)
            if chosen[layer.name] == "none":
                layers.append(self._unvalued_layer(layer, asked))
                return _NO_C
            layers.append(self._layer(task_of(layer), replace(asked, values=chosen[layer.name])))
            assert layers[-1].C is not None
            return layers[-1].C

        if "none" not in chosen.values():
            metrics = workload.drive(gemm)
        else:  # nothing to feed from layer to layer, and no metrics
            metrics = {}
            for bare in workload.layers:
                gemm(bare)
        return tuple(layers), metrics

    def find(
        self,
        spec: str | os.PathLike[str] | Workload | Mapping[str, Any],
        seed: int = 0,
        **model: Any,
    ) -> Workload:
        """The workload called `spec`, its generated operands in this engine's formats.

        `model`: `inputs`, `batch` and `dims` of an ONNX model, as `tpe.workload` takes them.
        """
        a_type, b_type = self.params["a_type"], self.params["b_type"]
        return find_workload(spec, seed=seed, a_type=a_type, b_type=b_type, **model)

    def require_fed(self) -> None:
        """TpeError if the finish chain takes what no workload gives."""
        if self.chain.input_stages:
            stages = ", ".join(self.chain.input_stages)
            raise TpeError(f"a workload gives nothing to ({stages}); legal: run(A, B, ...)")

    def unvalued_layer(self, layer: Layer) -> LayerRun:
        """One layer of a workload without values: its cycles, as `run` has them."""
        return self._unvalued_layer(layer, Asked("none"))

    def run_task(self, task: Task, values: str = "fast") -> LayerRun:
        """One GEMM of a workload; `repeat` equal ones are counted, one is computed."""
        return self._layer(task, Asked(values))

    def _layer(self, task: Task, asked: Asked, given: ChainInputs = NOTHING) -> LayerRun:
        seen = see(task, self.a_format, self.b_format, self.params["zero_points"])
        encoded, other = self.sides.operands(seen.a, seen.b)
        checked_sparse(self, encoded, other, task.name)
        added = self.chain.values(given, seen.a.shape[0], seen.b.shape[1], task.name)
        self.require_room(task.name, encoded.shape[1], added)
        results = None if asked.values == "none" else self._values(seen, asked.values, added)
        job = self.job(encoded, other)
        timing = self.timing(job, asked.handshake)
        layer = LayerRun(
            name=task.name,
            op=task.op,
            m=seen.a.shape[0],
            n=seen.b.shape[1],
            k=encoded.shape[1],
            repeat=task.repeat,
            operand_source=task.operand_source,
            C=None if results is None else results.c,
            error=None if results is None else Error.of(results.c, results.exact),
            fingerprint=fingerprint(task, asked.handshake) + given.fingerprint,
            overflowed=None if results is None else results.overflowed,
            bits_per_weight=task.bits_per_weight,
            a_type=task.a_type,
            b_type=task.b_type,
            **self._counts(job, timing, task.repeat),
        )
        return self._measured(layer, seen) if asked.energy else layer

    def _unvalued_layer(self, layer: Layer, asked: Asked) -> LayerRun:
        unvalued = UnvaluedLayer(self, layer)
        job, estimate = self._unvalued(unvalued, asked.handshake)
        sampled = estimate.standard_error is not None
        counted = self._counts(job, estimate.timing, layer.repeat, sampled)
        made = unvalued.run(estimate, counted, asked.handshake)
        return replace(made, no_energy=NO_OPERANDS) if asked.energy else made

    def _counts(
        self, job: J, timing: Schedule, repeat: int, sampled: bool = False
    ) -> dict[str, Any]:
        firings = self._firings(job, timing, sampled)
        return counts(job, timing, firings, self._bandwidth(job), repeat)

    def _values(self, seen: Seen, values: str, added: Added | None) -> Results:
        """C (M, N) as it leaves the finish chain, and what it would be without overflow."""
        results = self._words(seen, values, added)
        return results if self.arithmetic.exact else self._inexact(results, seen)

    def product(self, seen: Seen, name: str = "matmul") -> Ints:
        """C (M, N) of one GEMM as `run` gives it: the values alone, int64 or float32.

        TpeError, naming the layer `name`, if the accumulator may not hold C.
        """
        self.require_room(name, seen.a.shape[1], None)
        checked_sparse(self, *self.sides.operands(seen.a, seen.b), name)
        return self.arithmetic.values(self._words(seen, "fast", None).c)

    def _words(self, seen: Seen, values: str, added: Added | None) -> Results:
        """The same as words: codes of C. Of groups of K with scales: as with scales of 1."""
        if not self.scale_group:
            return self._sums(seen, values, added)
        groups = (self._sums(part, values, added) for part in seen.groups(self.scale_group))
        if not self.arithmetic.integral:
            ones = GroupScales.ones(self.scale_group, *seen.shape[1:])
            c = scaled_sums((self.arithmetic.values(one.c) for one in groups), ones)
            words = self.arithmetic.words(c)
            return Results(words, words, overflowed=False)
        return reduce(_together, groups)

    def _sums(self, seen: Seen, values: str, added: Added | None) -> Results:
        """The same of K as one sum."""
        encoded, other = self.sides.operands(seen.a, seen.b)
        whole = self.arithmetic.integral  # what is not stored adds nothing: 0 times an integer
        product = self._product(encoded, other) if whole else self._selected(encoded, other)
        exact = held = self.sides.output(product)
        if values == "bits":
            held = self.sides.output(selected(self, encoded, other, self._bits))
        return self.chain.applied(held, exact, seen.correction, added)

    def _selected(self, encoded: Ints, other: Ints) -> Ints:
        return selected(self, encoded, other, self._product)

    def _product(self, encoded: Ints, other: Ints) -> Ints:
        """Words of the product, without overflow, of the encoded side and the other one."""
        return self.arithmetic.product(encoded, other, *self.encoded_formats())

    def _inexact(self, results: Results, seen: Seen) -> Results:
        """Words of C as values, beside the exact product: integers, or in float64."""
        if self.arithmetic.integral:
            exact = exact_product(seen.a, seen.b, self.a_format, self.b_format)
            return replace(results, exact=exact)
        a, b = self.a_format.values(seen.a), self.b_format.values(seen.b)
        with np.errstate(all="ignore"):
            exact = a.astype(np.float64) @ b.astype(np.float64)
        return Results(self.arithmetic.values(results.c), exact, overflowed=False)


def _together(one: Results, other: Results) -> Results:
    """Sums of two parts of K, as integers."""
    whole = one.c is one.exact and other.c is other.exact
    c = one.c + other.c
    exact = c if whole else one.exact + other.exact
    return Results(c, exact, one.overflowed or other.overflowed)


class AnyRun(RunRecord):
    """A run of whichever engine: it shows itself in a line, a dozen columns and notebooks."""

    def __repr__(self) -> str:
        return run_text(self)

    def _repr_html_(self) -> str:
        return run_html(self)

    def summary(self) -> pd.DataFrame:
        """A dozen columns: a row per layer, and one of all layers together."""
        return run_summary(self)

    def save(self, path: str | os.PathLike[str], values: bool = False) -> None:
        """Write the run into a JSON file that `load` reads; with `values` every C too.

        Raises TpeError if the file cannot be written, or if its engine could not be made again:
        one from a nest, or of a PE or array of your own.
        """
        save_run(self, path, values)
