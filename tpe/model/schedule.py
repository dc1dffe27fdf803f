"""A GEMM as an engine's array sees it, and when it does what."""

from __future__ import annotations

from dataclasses import replace

from tpe.array.base import ALWAYS, Handshake, Job, Schedule
from tpe.engine.config import Config
from tpe.numbers.operands import Ints


def job_of(engine: Config, encoded: Ints, other: Ints) -> Job:
    """The GEMM of an encoded operand (M, K) and another (K, N)."""
    (m, k), n = encoded.shape, other.shape[1]
    return replace(shape_job(engine, m, n, k), a=encoded, b=other)


def shape_job(engine: Config, m: int, n: int, k: int) -> Job:
    """The same of operands that are not known, M x K the encoded one and K x N the other."""
    grid, selection = engine.grid, engine.selection
    tile = (engine.widths, grid.m, grid.n, grid.chain)
    size = (m, n, engine.stored_k(k))
    used = engine.used_k(k)
    return Job(*tile, *size, None, None, engine.pe, engine.params, selection, used)


def timing_of(engine: Config, job: Job, handshake: Handshake = ALWAYS) -> Schedule:
    """The schedule of a job, the register of the finish chain included."""
    return engine.chain.timed(lambda behind: engine.array.timing(job, behind), handshake)


def bandwidth_of(engine: Config, job: Job) -> tuple[int, int]:
    """Operand bits a cycle, of the encoded operand and of the other one: scales of blocks too."""
    sides = zip(engine.encoded_formats(), engine.array.bandwidth(job), strict=True)
    encoded, other = (number.port_bits(bits) for number, bits in sides)
    return encoded, other
