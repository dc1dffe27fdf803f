"""A GEMM as an engine's array sees it, and when it does what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from functools import partial

from tpe.array.base import ALWAYS, Cycles, Handshake, Job, Schedule
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.groups import UNIT_STAGES
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
    """The schedule of a job, the register of the finish chain included.

    Of groups of K with scales: that of every group, one after another, and the unit behind them.
    TpeError for a handshake then.
    """
    if not engine.scale_group:
        return array_timing(engine, job, handshake)
    if handshake != ALWAYS:
        raise TpeError(f"scale_group = {engine.scale_group} knows no handshake; legal: none")
    whole = Schedule(Cycles(fill_drain=Fraction(UNIT_STAGES)))
    for part, times in group_jobs(job, engine.scale_group):
        whole = _together(whole, array_timing(engine, part), times)
    return whole


def array_timing(engine: Config, job: Job, handshake: Handshake = ALWAYS) -> Schedule:
    """The schedule of a job as the array runs it, K one sum."""
    return engine.chain.timed(partial(engine.array.timing, job), handshake)


def group_jobs(job: Job, size: int) -> Iterator[tuple[Job, int]]:
    """The GEMMs of all groups of K, and how often each comes; every one where operands count.

    >>> job = shape_job(Config("mac", size="2x2"), 2, 2, 300)
    >>> [(part.k, times) for part, times in group_jobs(job, 128)]
    [(128, 2), (44, 1)]
    """
    counts = job.pe.sparse or job.pe.grouped or job.pe.stepped
    if not counts or job.a is None:
        full, rest = divmod(job.k, size)
        parts = ((size, full), (rest, 1))
        yield from ((replace(job, k=k, a=None, b=None), n) for k, n in parts if k and n)
        return
    for start in range(0, job.k, size):
        a, b = job.a[:, start : start + size], job.b
        yield replace(job, k=a.shape[1], a=a, b=None if b is None else b[start : start + size]), 1


def _together(whole: Schedule, one: Schedule, times: int) -> Schedule:
    """A schedule, and behind it so many others."""
    counts = ("nonzero_digits", "busy_steps", "row_steps")
    added = {
        name: (getattr(whole, name) or 0) + value * times
        for name in counts
        if (value := getattr(one, name)) is not None
    }
    return Schedule(whole.cycles + one.cycles * times, **added)


def bandwidth_of(engine: Config, job: Job) -> tuple[int, int]:
    """Operand bits a cycle, of the encoded operand and of the other one: scales of blocks too."""
    sides = zip(engine.encoded_formats(), engine.array.bandwidth(job), strict=True)
    encoded, other = (number.port_bits(bits) for number, bits in sides)
    return encoded, other
