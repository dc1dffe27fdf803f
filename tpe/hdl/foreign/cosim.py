"""`cosim`: somebody's Verilog PE against a model of what it should compute, in Verilator.

Models are "multiply" (a b), "multiply_add" (a b + c), "dot" (over lanes), "mac" (the running sum
of `dot`, begun anew by `clear`, `first` or reset), or a function of the operands, by the names of
their roles, as arrays (vectors) or (vectors, lanes), to integers (vectors).

The roles of ports are

    clk, rst
    valid        operands are there
    clear        the sum becomes 0
    first        with the first operands of a sum
    load         b is taken and kept: it is given ahead of each run of vectors, and is garbage at
                 other times
    ready        operands are taken when it and `valid` are there; until then they stay
    out          the result; or `sum` and `carry`, whose sum modulo 2**bits it is
    out_valid    a result is there
    out_ready    results are taken when it and `out_valid` are there

and any other name is an operand. A list of ports is one port per lane. "PORT.x" is a member of a
struct, "PORT[3]" or "PORT[7:4]" a part of a packed array. "PORT:low" is active low. "PORT@1"
belongs to the operands of one cycle before: it is driven, or looked at, one cycle later; -16 to
16. Every bit of an input needs a role or a constant in `ties`, whose names may select parts too.

reset: "PORT:low" or "PORT:high". types: operand -> "int8", "uint4", ...; default: the port's own
width and sign. A port several times as wide carries lanes, lane 0 lowest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import index
from pathlib import Path
from typing import Any

from tpe.base.errors import TpeError
from tpe.hdl.foreign.bench import BUILD_SHARE, Recorded, bench, play
from tpe.hdl.foreign.files import file_set
from tpe.hdl.foreign.hints import explained, shifted
from tpe.hdl.foreign.judge import judge, least, traced
from tpe.hdl.foreign.model import Model, build_model
from tpe.hdl.foreign.read import UserModule, read_module
from tpe.hdl.foreign.report import Cosimulation
from tpe.hdl.foreign.roles import Connection, PartSelect, held, pins
from tpe.hdl.foreign.stimulus import LATEST, Stimulus, stimulus
from tpe.hdl.simulate.build import Design
from tpe.hdl.simulate.verify import waves_file

MOST_INTERVAL = 64
MOST_VECTORS = 1 << 21
LIMIT_S, MOST_SECONDS = 60.0, 86_400
HINT_VECTORS, HINT_SECONDS = 500, 15
Files = str | os.PathLike[str]


def cosim(
    file: Files | Sequence[Files],
    top: str,
    model: str | Callable[..., Any],
    ports: Mapping[str, str | Iterable[str] | None],
    *,
    reset: str | None = None,
    latency: int | str = "auto",
    params: Mapping[str, Any] | None = None,
    types: Mapping[str, str] | None = None,
    ties: Mapping[str, int] | None = None,
    interval: int = 1,
    vectors: int | None = None,
    seed: int = 0,
    include: Sequence[Files] = (),
    define: Mapping[str, Any] | None = None,
    waves: str | os.PathLike[str] | None = None,
    libraries: Sequence[Files] = (),
    file_lists: Sequence[Files] = (),
    limit_s: float = LIMIT_S,
) -> Cosimulation:
    """Run a PE of your own, Verilog or SystemVerilog, beside a model of its results.

    file: one file or several, in order; top: the module. params: its parameters. include,
    define: as +incdir+ and +define+; libraries: directories in which modules and packages are
    looked for by their name (-y); file_lists: lists of files and of such options (-f).
    model: what it computes. ports: role -> port. Both, and how types, reset and ties are written:
    help("tpe.hdl.foreign.cosim").
    latency: cycles from operands to their result (0: combinational, 1: one register), or "auto".
    interval: cycles that operands stay. vectors: so many random ones instead of all values.
    waves: leave a .fst or .vcd file.
    limit_s: seconds after which the simulation is stopped; a build may take ten times as many.

    Results are compared modulo 2**(bits of `out`). Raises TpeError for anything that does not
    fit, before building, and with Verilator's own words for text that it refuses.

    >>> report = cosim(example(), "mult", "multiply", {"a": "x", "b": "y", "out": "p"})
    >>> report.ok, report.latency_found, report.mismatches
    (True, 0, 0)
    """
    named = [file] if isinstance(file, (str, os.PathLike)) else _listed(file)
    cycles = _interval(interval)
    expected = _latency(latency, cycles)
    _check_numbers(vectors, seed, limit_s)
    files = file_set(named, include, define or {}, libraries, file_lists)
    module = read_module(files, top, params or {}, limit_s * BUILD_SHARE)
    found = pins(module, ports, reset)
    tied = held(module, found, ties or {})
    _check_clock(found, expected)
    wanted = build_model(model, found, types or {})
    _check_interval(cycles, wanted, found)
    target = None if waves is None else waves_file(Path(waves))
    subject = _Subject(module, found, tied, wanted, vectors, cycles, seed, limit_s)
    return _compared(subject, files.files, expected, target)


def _listed(files: object) -> list[Files]:
    if isinstance(files, Sequence) and all(isinstance(x, str | os.PathLike) for x in files):
        return list(files)
    raise TpeError(f"file = {files!r} is not legal: a path, or several")


@dataclass(frozen=True)
class _Subject:
    """A module whose ports have roles, the model of it, and how it is tried."""

    module: UserModule
    pins: Mapping[str, Connection]
    tied: list[tuple[PartSelect, int]]
    model: Model
    vectors: int | None
    interval: int
    seed: int
    limit_s: float

    def stimulus(self, moved: Mapping[str, Connection], count: int | None) -> Stimulus:
        """Operands for ports as they are, or with other delays; so many of them, or all."""
        return stimulus(self.model, moved, count, self.interval, self.seed)

    @property
    def latest(self) -> int:
        """The latest cycle in which a result is looked for."""
        return self.interval + LATEST if "clk" in self.pins else 0


def _compared(
    subject: _Subject, files: Sequence[Path], latency: int | None, waves: Path | None
) -> Cosimulation:
    """Build it, run it, and judge what came out; where it is wrong, with what would be right."""
    model, found, latest = subject.model, subject.pins, subject.latest
    given = subject.stimulus(found, subject.vectors)
    ending = waves.suffix if waves else ""
    design = bench(subject.module, found, subject.tied, given.cycles, ending, given.paced)
    shown = play(design, model, found, given, subject.seed, waves, subject.limit_s)
    report = judge(_report(subject, files, given.coverage, latency), model, given, shown, latest)
    if report.ok or report.verdict.startswith("off by"):
        return report
    hint = explained(model, found, given, shown, latest)
    if not hint and not given.paced and "clk" in found and not waves:
        hint = _shifted(subject, design)
    return replace(report, hint=hint)


def _shifted(subject: _Subject, design: Design) -> str:
    """The delays with which a short run is right, and what the long one is then."""
    model, limit_s, latest = subject.model, subject.limit_s, subject.latest
    end = time.monotonic() + min(limit_s, HINT_SECONDS)

    def replay(moved: Mapping[str, Connection], count: int | None) -> tuple[Stimulus, Recorded]:
        given = subject.stimulus(moved, count)
        left = end - time.monotonic() if count == HINT_VECTORS else limit_s
        return given, play(design, model, moved, given, subject.seed, None, max(left, 0.0))

    try:
        moved, hint = shifted(model, subject.pins, lambda pins: replay(pins, HINT_VECTORS), latest)
        if not hint:
            return ""
        given, shown = replay(moved, subject.vectors)
    except TpeError:  # a hint is extra: without one the report stands as it is
        return ""
    wrong = least(traced(model, given, shown), latest)
    return f"{hint}, but for {wrong:,} of {len(given.at):,} results" if wrong else hint


def _report(
    subject: _Subject, files: Sequence[Path], coverage: str, latency: int | None
) -> Cosimulation:
    """What was run, to be completed by what came out."""
    model = subject.model
    return Cosimulation(
        top=subject.module.top,
        files=tuple(str(x) for x in files),
        model=model.name,
        ports={role: pin.written for role, pin in subject.pins.items()},
        types={x.role: x.number.name for x in model.operands},
        lanes=max(x.lanes for x in model.operands),
        coverage=coverage,
        latency=latency,
        seed=subject.seed,
        undeclared=tuple(x.role for x in model.operands if not x.declared and not x.number.signed),
    )


def example() -> Path:
    """A PE to try: `mult`, a combinational multiplier of two int4, x and y, into p."""
    return Path(__file__).parents[1] / "templates" / "example_mult.v"


def _interval(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_INTERVAL:
        raise TpeError(f"interval = {value!r} is not legal: 1 to {MOST_INTERVAL} cycles")
    return value


def _latency(value: Any, interval: int) -> int | None:
    most = LATEST + interval
    if value == "auto":
        return None
    try:
        latency = int(value) if isinstance(value, str) else index(value)
    except (TypeError, ValueError):
        latency = -1
    if isinstance(value, bool) or not 0 <= latency <= most:
        raise TpeError(f"latency = {value!r} is not legal: 0 to {most} cycles, or auto")
    return latency


def _check_numbers(vectors: Any, seed: Any, limit_s: Any) -> None:
    if (
        isinstance(limit_s, bool)
        or not isinstance(limit_s, int | float)
        or not (0 < limit_s <= MOST_SECONDS)
    ):
        raise TpeError(f"limit_s = {limit_s!r} is not legal: up to {MOST_SECONDS:,} seconds")
    if vectors is not None and (
        isinstance(vectors, bool)
        or not isinstance(vectors, int)
        or not 1 <= vectors <= MOST_VECTORS
    ):
        raise TpeError(f"vectors = {vectors!r} is not legal: 1 to {MOST_VECTORS}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise TpeError(f"seed = {seed!r} is not legal: 0 to 2**63 - 1")


def _check_interval(interval: int, model: Model, found: Mapping[str, Connection]) -> None:
    if interval > 1 and "ready" in found:
        raise TpeError(f"interval = {interval}: operands stay until ready; legal with ready: 1")
    if model.sums and interval > 1 and "valid" not in found:
        raise TpeError(f"interval = {interval}: model mac needs valid, to add operands once")


def _check_clock(found: Mapping[str, Connection], latency: int | None) -> None:
    if "clk" in found:
        return
    if latency:
        raise TpeError(f"latency = {latency}, but ports maps no clk; legal without a clock: 0")
    for role in ("rst", "valid", "out_valid", "load", "ready"):
        if role in found:
            raise TpeError(f"ports maps {role}, but no clk; legal: clk, or no {role}")
