"""How a GEMM falls into tiles, passes and beats of a bench: what its harness is told."""

from __future__ import annotations

from dataclasses import dataclass

from tpe.engine.config import Config
from tpe.hdl import emit

# What the harness is told of a case, by the name of its port.
SETTINGS = (
    *("n_count", "m_count", "p_count"),
    *("a_len", "a_cut_p", "a_cut_m", "a_m_stride", "a_p_stride"),
    *("b_len", "b_cut_p", "b_n_stride", "b_p_stride", "b_once"),
    *("words", "a_zero", "b_zero", "idle", "busy"),
    *("a_hold", "b_hold", "cycle_limit"),
)


@dataclass(frozen=True)
class Counts:
    """Words of the three memories that a case takes."""

    a: int
    b: int
    c: int


@dataclass(frozen=True)
class Sizes:
    """How a GEMM (M, K) x (K, N), A being the encoded operand, falls into tiles and beats."""

    engine: Config
    m: int
    n: int
    k: int

    @property
    def m_tiles(self) -> int:
        """Tiles along M."""
        return -(-self.m // self.engine.grid.m)

    @property
    def n_tiles(self) -> int:
        """Tiles along N."""
        return -(-self.n // self.engine.grid.n)

    @property
    def chained(self) -> bool:
        """Whether B stays in the cells and psums pass through them."""
        return self.engine.array is not None and self.engine.array.chained

    @property
    def per_beat(self) -> int:
        """Operands of K that a beat of A has for a row."""
        return self.engine.grid.chain * emit.record(self.engine).beat(self.engine.widths)

    @property
    def beats(self) -> int:
        """Beats (in a chain: tiles) that K takes; groups with scales are whole beats each."""
        full, rest = divmod(self.k, self.group)
        return full * -(-self.group // self.per_beat) + -(-rest // self.per_beat)

    @property
    def group(self) -> int:
        """Operands of K that leave the array as one sum."""
        return min(self.engine.scale_group, self.k) or self.k

    @property
    def groups(self) -> int:
        """Sums that each output takes."""
        return -(-self.k // self.group)

    def counts(self) -> Counts:
        """The memories' words."""
        c = self.m_tiles * self.n_tiles * self.engine.grid.m * self.groups
        if self.chained:
            loads = self.n_tiles * self.beats * self.engine.grid.chain
            return Counts(self.beats * self.m, loads, c)
        b = self.k if emit.record(self.engine).sparse else self.beats
        return Counts(self.m_tiles * self.beats, self.n_tiles * b, c)

    def settings(self) -> dict[str, int]:
        """What the harness is told of the order of beats."""
        values = dict.fromkeys(SETTINGS, 0)
        values |= {"n_count": self.n_tiles, "words": self.counts().c // self.groups}
        if self.chained:
            return values | self._chain()
        if emit.record(self.engine).sparse:
            return values | self._indexed()
        beats, length = self.beats, -(-self.group // self.per_beat)
        cut = self.groups * length - beats
        return values | {
            "m_count": self.m_tiles,
            "p_count": self.groups,
            **{"a_len": length, "a_cut_p": cut, "a_m_stride": beats, "a_p_stride": length},
            **{"b_len": length, "b_cut_p": cut, "b_n_stride": beats, "b_p_stride": length},
        }

    def _indexed(self) -> dict[str, int]:
        """Passes of `depth` operands of K; B of a tile of N is kept if it fits."""
        depth, beats = self.engine.widths.depth, self.beats
        passes = -(-self.k // depth)
        a_len = min(depth // self.per_beat, beats)
        b_len = min(depth, self.k)
        return {
            "m_count": self.m_tiles,
            "p_count": passes,
            **{"a_len": a_len, "a_cut_p": passes * a_len - beats},
            **{"a_m_stride": beats, "a_p_stride": a_len},
            **{"b_len": b_len, "b_cut_p": passes * b_len - self.k},
            **{"b_n_stride": self.k, "b_p_stride": b_len},
            "b_once": int(passes == 1),
        }

    def _chain(self) -> dict[str, int]:
        """A tile of B for every tile of K and N; blocks of M as long as the psum buffer."""
        rows = self.engine.grid.chain
        block = min(self.m, self.engine.params["psum_depth"]) if self.beats > 1 else self.m
        blocks = -(-self.m // block)
        return {
            "m_count": blocks,
            "p_count": self.beats,
            **{"a_len": block, "a_cut_m": blocks * block - self.m},
            **{"a_m_stride": block, "a_p_stride": self.m},
            **{"b_len": rows, "b_n_stride": self.beats * rows, "b_p_stride": rows},
        }
