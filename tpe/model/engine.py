"""An engine is a PE in an array of a size. It runs GEMMs: exact values, exact cycles, firings."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tpe.array.base import ALWAYS, Handshake, Job, Schedule
from tpe.array.sampled import Estimate
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.file import load_engine
from tpe.engine.finish import ChainInputs, Requant
from tpe.engine.task import Seen
from tpe.model.columns import column_set
from tpe.model.firings import count_firings, together
from tpe.model.layer_run import LayerRun
from tpe.model.runnable import AnyRun, Asked, Runnable
from tpe.model.saved import FORMAT, read_saved, run_of
from tpe.model.schedule import array_timing, bandwidth_of, group_jobs, job_of, timing_of
from tpe.model.toggles import Toggles, sample
from tpe.model.unvalued import UnvaluedLayer, estimate_of
from tpe.model.values import bit_level
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import Zero


class Engine(Runnable[Job], Config):
    """A PE in an array of a size, ready to run GEMMs.

    pe: a name or a record; a nest of your own runs as `tpe.NestEngine`.
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

        A (M, K) and B (K, N): integers in the range of `a_type` and `b_type`, numbers that a format
        of floating point holds; of formats in blocks `tpe.Blocks` along K, or numbers, which are
        quantised so. C (M, N) is int64: what the accumulator of `acc_bits` holds; float32 of
        floating point. With zero points, one for a side or one per row
        of A (M,) and per column of B (N,), C = (A - a_zero) @ (B - b_zero). `values`: "fast"
        computes C by matrix multiplication, "bits" with the PE's bit-level kernel, both tested
        equal; "none" gives cycles, firings and bandwidth alone, at any size, and C = None (see
        `tpe.model.unvalued`); "auto" is none for layers whose operands are generated and too many
        to be made, else fast. `progress` is called with the name of every layer before it runs.
        `c0` (M, N), `bias` (N,) and `requant` go to the finish chain: see `tpe.engine.finish`.
        `energy`: also that of the PEs, where a table was fitted to them (`tpe.synth.power.table`).
        Raises TpeError on shapes, types, ranges, and if the accumulator may not hold C.
        """
        asked = Asked(values, handshake, energy, progress)
        given = ChainInputs(c0, bias, requant)
        run = Run(self, *self._ran(a, b, seed, asked, (a_zero, b_zero), given))
        return run.with_columns("energy") if energy else run

    def toggles(self, a: Any, b: Any, *, seed: int = 0, window: int = 256) -> Toggles:
        """Flipped output bits of every primitive in a cell, on a window of seeded outputs.

        A (M, K) and B (K, N) as `run` takes them; see `tpe.model.toggles.sample`.
        """
        if self.scale_group:
            raise TpeError(
                f"scale_group = {self.scale_group}: flips are counted of one sum; legal: none"
            )
        return sample(self, a, b, seed, window)

    def timing(self, job: Job, handshake: Handshake = ALWAYS) -> Schedule:
        """The schedule of a job, the chain's register included."""
        return timing_of(self, job, handshake)

    def job(self, encoded: Ints, other: Ints) -> Job:
        """The GEMM of an encoded operand (M, K) and another (K, N), as the array sees it."""
        return job_of(self, encoded, other)

    def _unvalued(self, layer: UnvaluedLayer, handshake: Handshake) -> tuple[Job, Estimate]:
        return estimate_of(self, layer, handshake)

    def _firings(self, job: Job, timing: Schedule, sampled: bool) -> dict[str, int | None]:
        if not self.scale_group:
            return count_firings(self, job, timing, sampled)
        parts = list(group_jobs(job, self.scale_group))
        return together(
            (count_firings(self, part, array_timing(self, part)), n) for part, n in parts
        )

    def _bandwidth(self, job: Job) -> tuple[int | None, int | None]:
        return bandwidth_of(self, job)

    def _bits(self, encoded: Ints, other: Ints) -> Ints:
        return bit_level(self, encoded, other)

    def _measured(self, layer: LayerRun, seen: Seen) -> LayerRun:
        measure = column_set("energy").measure
        measured: LayerRun = measure(self, layer, seen) if measure else layer
        return measured


@dataclass(frozen=True, eq=False, repr=False)
class Run(AnyRun):
    """The result of `Engine.run`: `layers` in order, and a network's metrics (accuracy).

    >>> run = Engine("mac", "os", "2x2").run([[1, 2]], [[3], [4]])
    >>> run.C.tolist(), run.cycles, run.rows()[0]["macs"]
    ([[11]], 9, 2)
    """

    engine: Engine

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
