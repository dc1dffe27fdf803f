"""An engine of a nest alone: values, cycles and inventory, nothing checked against RTL."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from tpe.array.base import ALWAYS, Cycles, Grid, Handshake, Schedule, TiledGemm
from tpe.array.sampled import Estimate
from tpe.base.errors import TpeError, unknown
from tpe.engine.finish import ChainInputs, Requant
from tpe.engine.identity import identity_hash
from tpe.engine.parameters import resolve_parameters, size_text
from tpe.model.runnable import AnyRun, Asked, Runnable
from tpe.model.unvalued import VALUES, UnvaluedLayer
from tpe.nest.cost import cycles, firings
from tpe.nest.notation import BW, SPACE, TIME, K, M, N, Nest, bind
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import Zero


class NestEngine(Runnable[TiledGemm]):
    """A nest of your own, ready to run GEMMs: its loops in space say how large it is.

    nest: from `tpe.nest.notation.mac` by rewrites, or any other. Parameters: those that every
    engine has, and `encoder`. Values, cycles and inventory are the nest's; it has no array, so
    that filling and draining are not counted, and no RTL, bit-level kernel, handshake or energy.
    Raises TpeError with the legal choices for a parameter that does not fit.

    >>> from tpe.nest.notation import mac, tile
    >>> engine = NestEngine(mac(*tile(2, 3, 4)))
    >>> run = engine.run([[1, 2]], [[3], [-4]])
    >>> engine.name, run.C.tolist(), run.cycles
    ('nest_2x3', [[-5]], 2)
    """

    def __init__(self, nest: Nest, **parameters: Any) -> None:
        if not isinstance(nest, Nest):
            raise TpeError(f"nest is a {type(nest).__name__}; legal: a tpe.Nest")
        self._nest = nest
        rows, cols = nest.trips({M}, SPACE), nest.trips({N}, SPACE)
        grid = Grid(rows, cols, lanes=1, chain=1)
        super().__init__((rows, cols), grid, 1, resolve_parameters(None, parameters))

    @property
    def nest(self) -> Nest:
        """The loop nest, its time loops still unbound."""
        return self._nest

    @property
    def has_nest(self) -> bool:
        """True: it is one."""
        return True

    @property
    def name(self) -> str:
        """A label: the size of its loops in space."""
        return f"nest_{size_text(self.size)}"

    @property
    def hash(self) -> str:
        """A short name for everything that determines behaviour; see `tpe.engine.identity`."""
        return identity_hash(self.describe(), self.params, self.nest)

    def run(
        self,
        a: Any,
        b: Any = None,
        *,
        a_zero: Zero = 0,
        b_zero: Zero = 0,
        seed: int = 0,
        values: str = "auto",
        progress: Callable[[str], None] | None = None,
        c0: Any = None,
        bias: Any = None,
        requant: Requant | None = None,
    ) -> NestRun:
        """Run C = A @ B, or a workload, as `tpe.Engine.run` does; `values` has no "bits"."""
        if values == "bits":
            raise unknown("values of a nest", values, [x for x in VALUES if x != "bits"])
        given = ChainInputs(c0, bias, requant)
        asked = Asked(values, progress=progress)
        return NestRun(self, *self._ran(a, b, seed, asked, (a_zero, b_zero), given))

    def job(self, encoded: Ints, other: Ints) -> TiledGemm:
        """The GEMM of an encoded operand (M, K) and another (K, N), in the nest's tiles."""
        (m, k), n = encoded.shape, other.shape[1]
        return replace(self._tiled(m, n, k), a=encoded, b=other)

    def timing(self, job: TiledGemm, handshake: Handshake = ALWAYS) -> Schedule:
        """The schedule of a job, the chain's register included; a nest knows no handshake."""
        return self.chain.timed(lambda _: nest_timing(self.nest, job, self.encoder), handshake)

    def _place(self) -> tuple[Nest]:
        return (self.nest,)

    def _named(self) -> dict[str, str | None]:
        return {"pe": "nest", "array": None}

    def _tiled(self, m: int, n: int, k: int) -> TiledGemm:
        return TiledGemm(
            self.widths, self.grid.m, self.grid.n, self.grid.chain, m, n, k, None, None
        )

    def _unvalued(self, layer: UnvaluedLayer, handshake: Handshake) -> tuple[TiledGemm, Estimate]:
        """What a nest skips is known of the operands alone: the encoded one is made."""
        job = replace(self._tiled(*layer.shape), a=layer.sides[0].rows())
        return job, Estimate(self.timing(job, handshake), None)

    def _firings(self, job: TiledGemm, timing: Schedule, sampled: bool) -> dict[str, int | None]:
        bound = bind(self.nest, job.m, job.n, job.k)
        return dict(firings(bound, job.a, self.encoder, job.widths.a))

    def _bandwidth(self, job: TiledGemm) -> tuple[int | None, int | None]:
        return None, None

    def _bits(self, encoded: Ints, other: Ints) -> Ints:
        raise TpeError("a nest has no bit-level kernel, only values")


@dataclass(frozen=True, eq=False, repr=False)
class NestRun(AnyRun):
    """The result of `NestEngine.run`."""

    engine: NestEngine


def nest_timing(unbound: Nest, job: TiledGemm, encoder: str) -> Schedule:
    """Compute cycles of the nest; filling and draining are not in the notation, so they are 0.

    In a nest that skips zeros, steps without a digit are not told apart from waiting: both are
    `lane_sync`.
    """
    nest = bind(unbound, job.m, job.n, job.k)
    bits = job.widths.a
    total = Fraction(cycles(nest, job.a, encoder, bits))
    if not nest.sparse:
        useful = Fraction(job.k * job.tiles * nest.trips({BW}, TIME), nest.trips({K}, SPACE))
        return Schedule(Cycles(useful=useful, edge=total - useful))
    fired = firings(nest, job.a, encoder, bits)["map"]
    digits = fired // job.cols
    useful = Fraction(digits, job.rows * nest.trips({K}, SPACE))
    return Schedule(Cycles(useful=useful, lane_sync=total - useful), digits)
