"""An engine is a PE in an array of a size. It runs GEMMs: exact values, exact cycles, firings."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import ALWAYS, Array, Grid, Handshake, Job, Timing
from tpe.base.errors import TpeError, unknown
from tpe.engine.finish import NOTHING, Added, Chain, Given, Requant, Results, chain_of, guard_bits
from tpe.engine.parameters import (
    Settings,
    checked_seed,
    default_size,
    parse_size,
    resolve_parameters,
    size_text,
)
from tpe.engine.task import Seen, Task, fingerprint, see, task_of
from tpe.model.bare_nest import nest_size, nest_timing
from tpe.model.firings import count_firings
from tpe.model.result import Error, LayerRun, Run, priced, repeated
from tpe.model.unvalued import VALUES, unvalued_run, values_of
from tpe.model.values import bit_level, exact_product
from tpe.nest.notation import Nest, tile
from tpe.nest.readings import Unit, bound_inventory
from tpe.numbers import zero_points
from tpe.numbers.formats import IntFormat, int_format
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import Zero
from tpe.pe.base import PE, Widths
from tpe.workloads import Layer, Workload
from tpe.workloads import workload as find_workload

if TYPE_CHECKING:
    import pandas as pd

    from tpe.model.toggles import Toggles

_NO_C: Ints = np.zeros((0, 0), np.int64)  # of a layer without values
_ACC_DEFAULT = ((4, 24), (8, 32), (16, 48))  # widest operand up to ... bits: accumulator bits


class Engine:
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

    def __init__(
        self,
        pe: str | PE | Nest = "opt1",
        array: str | Array | None = None,
        size: str | int | Sequence[int] | None = None,
        **parameters: Any,
    ) -> None:
        self.own_nest = pe if isinstance(pe, Nest) else None
        self.pe: PE | None = None  # for the parameters given
        self.record: PE | None = None  # as it is found by name
        self.array: Array | None = None
        self.lanes = 1
        if isinstance(pe, Nest):
            if array is not None or size is not None:
                raise TpeError("a nest takes no array and no size: its loops say both")
            rows, cols = nest_size(pe)
            self.size: tuple[int, ...] = (rows, cols)
            self.grid = Grid(rows, cols, lanes=1, chain=1)
        else:
            self.pe = self.record = pe if isinstance(pe, PE) else pes.get(pe)
            chosen = arrays.DEFAULT if array is None else array
            self.array = chosen if isinstance(chosen, Array) else arrays.get(chosen)
            arrays.require(self.array, self.pe)
            self.size = parse_size(default_size(self.array) if size is None else size, self.array)
            self.grid = self.array.grid(self.size)
        params = self._resolve(parameters)
        self.a_format = int_format(params["a_type"], "a_type")
        self.b_format = int_format(params["b_type"], "b_type")
        self.widths = self._widths(params)
        self.params = Settings(params, acc_bits=self.widths.acc - guard_bits(params))
        self._check_storage()

    def _facts(self) -> tuple[Any, ...]:
        """All that determines how the engine behaves."""
        return (self.own_nest, self.record, self.array, self.size, self.params, self.widths)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Engine) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __reduce__(self) -> tuple[Any, ...]:
        nest, record, array, size, params, widths = self._facts()
        place = (nest,) if nest is not None else (record, array, size)
        return _remade, (place, dict(params), widths)

    def __repr__(self) -> str:
        from tpe.model.shown import engine_text

        return engine_text(self)

    def _repr_html_(self) -> str:
        from tpe.model.shown import engine_html

        return engine_html(self)

    def summary(self) -> pd.DataFrame:
        """One row of a dozen columns that say what the engine is."""
        from tpe.model.shown import engine_summary

        return engine_summary(self)

    @property
    def rows(self) -> int:
        """Rows of the array."""
        return self.size[0]

    @property
    def cols(self) -> int:
        """Columns of the array."""
        return self.size[1]

    @property
    def depth(self) -> int | None:
        """Depth of the array, if it is a cube."""
        return self.size[2] if len(self.size) > 2 else None

    def _resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter with its value; lanes are the array's where it unrolls K."""
        params = resolve_parameters(self.pe, given, self.array)
        if self.pe is None or self.array is None:
            return params
        lanes = self.grid.lanes
        if lanes is None:
            lanes = params.get("lanes", self.pe.lanes[0])
        elif "lanes" in given and params.get("lanes") != lanes:
            side = "a chain has 1" if self.grid.chain > 1 else f"{self.array.name} sets {lanes}"
            raise TpeError(f"lanes = {given['lanes']!r} is not legal: {side}")
        if lanes not in self.pe.lanes:
            legal = f"{self.pe.lanes[0]} to {self.pe.lanes[-1]}"
            raise TpeError(f"lanes = {lanes} is not legal for {self.pe.name}: {legal}")
        if "lanes" in params:
            params["lanes"] = lanes
        if self.pe.at is not None:
            self._check_choices(self.pe, self.array, params)
            self.pe = self.pe.at(params)
        self.lanes = lanes
        return params

    @staticmethod
    def _check_choices(pe: PE, array: Array, params: Mapping[str, Any]) -> None:
        """Parameters may make a PE one that this array refuses."""
        assert pe.at is not None
        reason = array.refuses(pe.at(params))
        if reason is None:
            return
        back = [p for p in pe.parameters if not array.refuses(pe.at({**params, p.name: p.default}))]
        chosen = ", ".join(f"{p.name} = {params[p.name]!r}" for p in back)
        raise TpeError(f"{chosen} is not legal for {pe.name} in {array.name}: {reason}")

    def _check_storage(self) -> None:
        """Stored digits are those of signed operands without zero points."""
        if self.params.get("encode_in") != "stored":
            return
        stored = self.b_format if self.params["encode"] == "weights" else self.a_format
        if not stored.signed or self.params["zero_points"] != "none":
            raise TpeError(
                f"encode_in = 'stored' is not legal with {stored.name} and zero_points = "
                f"{self.params['zero_points']!r}: digits are stored of signed operands as they are"
            )

    def _widths(self, params: Mapping[str, Any]) -> Widths:
        encoded, other = self._encoded(params)
        widest = max(self.a_format.bits, self.b_format.bits)
        acc = params["acc_bits"] or next(acc for top, acc in _ACC_DEFAULT if widest <= top)
        if acc < encoded.bits + other.bits:
            raise TpeError(
                f"acc_bits = {acc} is not legal: a product of {encoded.name} and {other.name} "
                f"needs {encoded.bits + other.bits}"
            )
        acc += guard_bits(params)
        depth = params.get("depth", 1)
        return Widths(encoded.bits, other.bits, acc, lanes=self.lanes, depth=depth)

    def describe(self) -> dict[str, Any]:
        """What identifies this engine: columns of the flat table."""
        return {
            "pe": self.pe.name if self.pe else "nest",
            "array": self.array.name if self.array else None,
            "rows": self.rows,
            "cols": self.cols,
            "depth": self.depth,
            "pe_count": prod(self.size),
            "encoding": self.encoder,
            "encoded_operand": self.params["encode"],
            "a_type": self.a_format.name,
            "b_type": self.b_format.name,
            "acc_bits": self.params["acc_bits"],
            "params_json": json.dumps(self.params, sort_keys=True),
            "rtl_checked": pes.rtl_checked(self.record),
        }

    def encoded_formats(self) -> tuple[IntFormat, IntFormat]:
        """Formats, as the array sees them, of the encoded operand and of the other one."""
        return self._encoded(self.params)

    def _encoded(self, params: Mapping[str, Any]) -> tuple[IntFormat, IntFormat]:
        mode = params["zero_points"]
        code = zero_points.coded_format
        a, b = code(self.a_format, mode), code(self.b_format, mode)
        return (b, a) if params["encode"] == "weights" else (a, b)

    @cached_property
    def chain(self) -> Chain:
        """What becomes of C between the array and the port; see `tpe.engine.finish`."""
        return chain_of(self.params)

    def difference_formats(self) -> tuple[IntFormat, IntFormat]:
        """Ranges of an operand less its zero point, of A and of B: what C is a sum of."""
        mode = self.params["zero_points"]
        take = zero_points.difference_format
        return take(self.a_format, mode), take(self.b_format, mode)

    @property
    def name(self) -> str:
        """A label: PE, array and size."""
        if self.pe is None or self.array is None:
            return f"nest_{size_text(self.size)}"
        return f"{self.pe.name}_{self.array.name}_{size_text(self.size)}"

    @property
    def hash(self) -> str:
        """A short name for everything that determines behaviour; see `tpe.engine.file`."""
        from tpe.engine.file import engine_hash

        return engine_hash(self)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the engine into a TOML file that `load` reads; see `tpe.engine.file`."""
        from tpe.engine.file import save_engine

        save_engine(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **parameters: Any) -> Engine:
        """The engine in a TOML file; `parameters` replace the file's. See `tpe.engine.file`."""
        from tpe.engine.file import load_engine

        return load_engine(path, **parameters)

    @property
    def encoder(self) -> str:
        """The recoding of the encoded operand."""
        return str(self.params.get("encoder", "booth"))

    @cached_property
    def nest(self) -> Nest:
        """The loop nest of this engine, its time loops still unbound."""
        if self.own_nest is not None:
            return self.own_nest
        assert self.pe is not None
        if self.pe.nest is None:
            raise TpeError(f"pe {self.pe.name} is not written as a nest: no inventory, no rewrites")
        grid, w = self.grid, self.widths
        return self.pe.nest(tile(grid.m, grid.n, w.digits, w.lanes, grid.chain), self.params)

    @property
    def has_nest(self) -> bool:
        """Whether the engine is written as a nest; comparison PEs are not."""
        return self.own_nest is not None or (self.pe is not None and self.pe.nest is not None)

    def inventory(self, m: int = 1, n: int = 1, k: int = 1) -> tuple[Unit, ...]:
        """Copies, fan-in, needed width and runs of every primitive, for a GEMM of M x N x K.

        Raises TpeError for a PE that is not written as a nest.
        """
        encoded, other = self.encoded_formats()
        depth = self.widths.depth if self.pe and self.pe.sparse else None
        acc = self.widths.acc
        return bound_inventory(self.nest, m, n, k, self.encoder, encoded, other, acc, depth)

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
            given = Given(c0, bias, requant)
            layer = self.run_task(task, values, handshake, given, energy)
            return Run(self, "arrays", seed, (layer,), {})
        if self.chain.given:
            stages = ", ".join(self.chain.given)
            raise TpeError(f"a workload gives nothing to ({stages}); legal: run(A, B, ...)")
        workload = a if isinstance(a, Workload) else self.find(a, seed)
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
        return Run(self, workload.name, seed, tuple(layers), metrics)

    def toggles(self, a: Any, b: Any, *, seed: int = 0, window: int = 256) -> Toggles:
        """Flipped output bits of every primitive in a cell, on a window of seeded outputs.

        A (M, K) and B (K, N) as `run` takes them; see `tpe.model.toggles.sample`.
        """
        from tpe.model.toggles import sample

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
        given: Given = NOTHING,
        energy: bool = False,
    ) -> LayerRun:
        """One GEMM of a workload; `repeat` equal ones are counted, one is computed."""
        seen = see(task, self.a_format, self.b_format, self.params["zero_points"])
        transposed = self.params["encode"] == "weights"
        encoded, other = (seen.b.T, seen.a.T) if transposed else (seen.a, seen.b)
        added = self.chain.values(given, seen.a.shape[0], seen.b.shape[1], task.name)
        if self.params["overflow"] != "wrap":
            ranges = self.difference_formats()
            self.chain.check_room(task.name, encoded.shape[1], *ranges, added)
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
            fingerprint=fingerprint(task, handshake) + given.fingerprint,
            overflowed=None if found is None else found.overflowed,
            row_steps=None if timing.row_steps is None else timing.row_steps * task.repeat,
        )
        return priced(self, made, seen) if energy else made

    def _values(
        self, seen: Seen, encoded: Ints, other: Ints, values: str, added: Added | None
    ) -> Results:
        """C (M, N) as it leaves the finish chain, and what it would be without overflow."""
        transposed = self.params["encode"] == "weights"
        product = exact_product(encoded, other, *self.encoded_formats())
        exact = held = product.T if transposed else product
        if values == "bits" and self.pe is not None:
            bits = bit_level(self, encoded, other)
            held = bits.T if transposed else bits
        return self.chain.applied(held, exact, seen.correction, added)

    def timing(self, job: Job, handshake: Handshake = ALWAYS) -> Timing:
        """The schedule of a job, the chain's register included."""
        array = self.array.timing if self.array else lambda job, behind: nest_timing(self, job)
        return self.chain.timed(lambda behind: array(job, behind), handshake)

    def job(self, encoded: Ints, other: Ints) -> Job:
        """The GEMM of an encoded operand (M, K) and another (K, N), as the array sees it."""
        (m, k), n = encoded.shape, other.shape[1]
        return replace(self.shape_job(m, n, k), a=encoded, b=other)

    def shape_job(self, m: int, n: int, k: int) -> Job:
        """The same of operands that are not known, M x K the encoded one and K x N the other."""
        grid = self.grid
        sides = (grid.m, grid.n, None, None, m, n, k, grid.chain)
        return Job(self.pe, self.params, self.widths, *sides)


def _remade(place: tuple[Any, ...], params: dict[str, Any], widths: Widths) -> Engine:
    """The engine that `Engine.__reduce__` took apart; `widths` may be others than it would have."""
    engine = Engine(*place, **params)
    engine.widths = widths
    return engine
