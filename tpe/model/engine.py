"""An engine is a PE in an array of a size. It runs GEMMs: exact values, exact cycles, firings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.array.base import ALWAYS, Handshake, Job, Schedule
from tpe.base.errors import TpeError, unknown
from tpe.engine.config import Config
from tpe.engine.file import load_engine
from tpe.engine.finish import NOTHING, Added, ChainInputs, Requant, Results
from tpe.engine.parameters import (
    checked_seed,
)
from tpe.engine.task import Seen, Task, fingerprint, see, task_of
from tpe.model.columns import column_set
from tpe.model.firings import count_firings
from tpe.model.layer_run import Error, LayerRun, repeated
from tpe.model.result import RunRecord
from tpe.model.saved import FORMAT, read_saved, run_of, save_run
from tpe.model.schedule import job_of, timing_of
from tpe.model.shown import (
    engine_html,
    engine_summary,
    engine_text,
    run_html,
    run_summary,
    run_text,
)
from tpe.model.toggles import Toggles, sample
from tpe.model.unvalued import VALUES, unvalued_run, values_of
from tpe.model.values import bit_level
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import Zero
from tpe.workloads import Layer, Workload
from tpe.workloads import workload as find_workload

if TYPE_CHECKING:
    import pandas as pd

_NO_C: Ints = np.zeros((0, 0), np.int64)  # of a layer without values


class Engine(Config):
    """A PE in an array of a size, ready to run GEMMs.

    pe: a name or a record, or a `Nest` of your own (then `array` and `size` stay out: values,
    cycles and inventory are the nest's, and nothing is checked against RTL).
    array: a name or an alias. size: (rows, cols) or "ROWSxCOLS", of a cube with its depth; one
    number for every side, 16 is 16x16. Names are taken in upper or lower case.
    Parameters: those of `COMMON`, of the PE and of the array; they cannot be changed later. True
    and False are `on` and `off`. `a_type` and `b_type` are the formats of A, activations, and of
    B, weights, in C[M, N] = A[M, K] @ B[K, N].
    `encode` = "weights" makes the engine encode B: it computes the transposed product.
    Engines that behave alike are equal and have one hash; they pickle.
    Raises TpeError with the legal choices for anything that does not fit.

    >>> engine = Engine("opt1", "systolic_os", (2, 2))
    >>> run = engine.run([[1, 2]], [[3], [-4]])
    >>> run.C.tolist(), run.cycles
    ([[-5]], 9)
    """

    def __repr__(self) -> str:
        return engine_text(self)

    def _repr_html_(self) -> str:
        return engine_html(self)

    def summary(self) -> pd.DataFrame:
        """One row of a dozen columns that say what the engine is."""
        return engine_summary(self)

    @classmethod
    def of(cls, config: Config) -> Engine:
        """The engine that a `Config` says; itself if it is one.

        >>> Engine.of(Config("opt1", size="2x2")).run([[2]], [[3]]).C.tolist()
        [[6]]
        """
        return config if isinstance(config, Engine) else config.made_as(cls)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **parameters: Any) -> Engine:
        """The engine in a TOML file; `parameters` replace the file's. See `tpe.engine.file`."""
        return load_engine(cls, path, **parameters)

    def run(
        self,
        a: Any,
        b: Any = None,
        *,
        a_zero: Zero = 0,
        b_zero: Zero = 0,
        seed: int = 0,
        values: str = "auto",
        handshake: Handshake = ALWAYS,
        progress: Callable[[str], None] | None = None,
        c0: Any = None,
        bias: Any = None,
        requant: Requant | None = None,
        energy: bool = False,
    ) -> Run:
        """Run C = A @ B, or a workload: a `Workload`, or whatever `tpe.workload` takes.

        A (M, K) and B (K, N): integers in the range of `a_type` and `b_type`. C (M, N) is int64:
        what the accumulator of `acc_bits` holds. With zero points, one for a side or one per row
        of A (M,) and per column of B (N,), C = (A - a_zero) @ (B - b_zero). `values`: "fast"
        computes C by matrix multiplication, "bits" with the PE's bit-level kernel, both tested
        equal; "none" gives cycles, firings and bandwidth alone, at any size, and C = None (see
        `tpe.model.unvalued`); "auto" is none for layers whose operands are generated and too many
        to be made, else fast. `progress` is called with the name of every layer before it runs.
        `c0` (M, N), `bias` (N,) and `requant` go to the finish chain: see `tpe.engine.finish`.
        `energy`: also that of the PEs, where a table was fitted to them (`tpe.synth.power.table`).
        Raises TpeError on shapes, types, ranges, and if the accumulator may not hold C.
        """
        if values not in VALUES:
            raise unknown("values", values, VALUES)
        if not isinstance(energy, bool):
            raise TpeError(f"energy = {energy!r} is not legal: True or False")
        seed = checked_seed(seed)
        if not isinstance(handshake, Handshake):
            raise TpeError(f"handshake = {handshake!r} is not legal: a tpe.array.base.Handshake")
        if self.pe is None and (values == "bits" or handshake != ALWAYS):
            raise TpeError("a bare nest has no bit-level kernel and no handshake, only values")
        if b is not None:
            if isinstance(a, str | os.PathLike | Workload | Mapping):
                raise TpeError(f"A is a {type(a).__name__} and B is given; legal: two matrices")
            task = Task("gemm", "gemm", a, b, a_zero=a_zero, b_zero=b_zero)
            given = ChainInputs(c0, bias, requant)
            layer = self.run_task(task, values, handshake, given, energy)
            run = Run(self, "arrays", seed, (layer,), {})
            return run.with_columns("energy") if energy else run
        if self.chain.input_stages:
            stages = ", ".join(self.chain.input_stages)
            raise TpeError(f"a workload gives nothing to ({stages}); legal: run(A, B, ...)")
        workload = a if isinstance(a, Workload) else self.find(a, seed)
        layers, metrics = self._driven(workload, values, handshake, energy, progress)
        run = Run(self, workload.name, seed, layers, metrics)
        return run.with_columns("energy") if energy else run

    def _driven(
        self,
        workload: Workload,
        values: str,
        handshake: Handshake,
        energy: bool,
        progress: Callable[[str], None] | None,
    ) -> tuple[tuple[LayerRun, ...], Mapping[str, float]]:
        """Every layer of a workload, in order, and its metrics; without values it has none."""
        layers: list[LayerRun] = []
        chosen = {layer.name: values_of(layer, values) for layer in workload.layers}

        def gemm(layer: Layer) -> Ints:
            if progress:
                progress(layer.name)
            if chosen[layer.name] == "none":
                layers.append(unvalued_run(self, layer, handshake, energy))
                return _NO_C
            task = task_of(layer)
            layers.append(self.run_task(task, chosen[layer.name], handshake, energy=energy))
            assert layers[-1].C is not None
            return layers[-1].C

        if "none" not in chosen.values():
            metrics = workload.drive(gemm)
        else:  # nothing to feed from layer to layer, and no metrics
            metrics = {}
            for bare in workload.layers:
                gemm(bare)
        return tuple(layers), metrics

    def toggles(self, a: Any, b: Any, *, seed: int = 0, window: int = 256) -> Toggles:
        """Flipped output bits of every primitive in a cell, on a window of seeded outputs.

        A (M, K) and B (K, N) as `run` takes them; see `tpe.model.toggles.sample`.
        """
        return sample(self, a, b, seed, window)

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

    def run_task(
        self,
        task: Task,
        values: str = "fast",
        handshake: Handshake = ALWAYS,
        chain_inputs: ChainInputs = NOTHING,
        energy: bool = False,
    ) -> LayerRun:
        """One GEMM of a workload; `repeat` equal ones are counted, one is computed."""
        seen = see(task, self.a_format, self.b_format, self.params["zero_points"])
        encoded, other = self.sides.operands(seen.a, seen.b)
        added = self.chain.values(chain_inputs, seen.a.shape[0], seen.b.shape[1], task.name)
        self.require_room(task.name, encoded.shape[1], added)
        found = None if values == "none" else self._values(seen, encoded, other, values, added)
        job = self.job(encoded, other)
        timing = self.timing(job, handshake)
        digits = timing.nonzero_digits
        made = LayerRun(
            name=task.name,
            op=task.op,
            m=seen.a.shape[0],
            n=seen.b.shape[1],
            k=encoded.shape[1],
            repeat=task.repeat,
            operand_source=task.operand_source,
            C=None if found is None else found.c,
            terms=timing.cycles * task.repeat,
            nonzero_digits=None if digits is None else digits * task.repeat,
            firings=repeated(count_firings(self, job, timing), task.repeat),
            tiles=job.tiles * task.repeat,
            bandwidth=self.array.bandwidth(job) if self.array else (None, None),
            error=None if found is None else Error.of(found.c, found.exact),
            fingerprint=fingerprint(task, handshake) + chain_inputs.fingerprint,
            overflowed=None if found is None else found.overflowed,
            row_steps=None if timing.row_steps is None else timing.row_steps * task.repeat,
        )
        measure = column_set("energy").measure if energy else None
        return measure(self, made, seen) if measure else made

    def _values(
        self, seen: Seen, encoded: Ints, other: Ints, values: str, added: Added | None
    ) -> Results:
        """C (M, N) as it leaves the finish chain, and what it would be without overflow."""
        product = self.arithmetic.product(encoded, other, *self.encoded_formats())
        exact = held = self.sides.output(product)
        if values == "bits" and self.pe is not None:
            held = self.sides.output(bit_level(self, encoded, other))
        results = self.chain.applied(held, exact, seen.correction, added)
        return results if self.arithmetic.exact else self._inexact(results, seen)

    def _inexact(self, results: Results, seen: Seen) -> Results:
        """Words of C as values, beside the exact product in float64."""
        a, b = self.a_format.values(seen.a), self.b_format.values(seen.b)
        with np.errstate(all="ignore"):
            exact = a.astype(np.float64) @ b.astype(np.float64)
        return Results(self.arithmetic.values(results.c), exact, overflowed=False)

    def timing(self, job: Job, handshake: Handshake = ALWAYS) -> Schedule:
        """The schedule of a job, the chain's register included."""
        return timing_of(self, job, handshake)

    def job(self, encoded: Ints, other: Ints) -> Job:
        """The GEMM of an encoded operand (M, K) and another (K, N), as the array sees it."""
        return job_of(self, encoded, other)


@dataclass(frozen=True, eq=False, repr=False)
class Run(RunRecord):
    """The result of `Engine.run`: `layers` in order, and a network's metrics (accuracy)."""

    engine: Engine

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

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Run:
        """The run in a file that `save` wrote: the same rows, frames and totals.

        Raises TpeError, one line that names the file: not there, not a saved run, of a newer tpe.
        """
        return read_saved(FORMAT, path, cls.of)

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Run:
        """The run that the content of a file says; see `tpe.model.saved`."""
        run = run_of(cls, Engine, content)
        if "columns" not in content and any(layer.pe_pj is not None for layer in run.layers):
            return run.with_columns("energy")  # of a file in which columns were not kept
        return run
