"""`cosim`: somebody's Verilog PE against a model of what it should compute, in Verilator."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import index
from pathlib import Path
from typing import Any

from tpe.errors import TpeError
from tpe.hdl.user_bench import bench, play
from tpe.hdl.user_judge import judge
from tpe.hdl.user_model import Model, build_model
from tpe.hdl.user_ports import Module, Pin, held, pins, read_module
from tpe.hdl.user_report import Cosimulation
from tpe.hdl.user_stimulus import LATEST, stimulus
from tpe.hdl.verify import waves_file

MOST_INTERVAL = 64
MOST_VECTORS = 1 << 21
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
) -> Cosimulation:
    """Run a PE of your own, Verilog or SystemVerilog, beside a model of its results.

    file: one file or several, in order; top: the module. params: its parameters.
    model: "multiply" (a b), "multiply_add" (a b + c), "dot" (over lanes), "mac" (the running sum
    of `dot`, begun anew by `clear`, `first` or reset), or a function of the operands, by the
    names of their roles, as arrays (vectors) or (vectors, lanes), to integers (vectors).
    ports: role -> port. The roles are `clk`, `rst`, `valid` (operands are there), `clear` (the
    sum becomes 0), `first` (with the first operands of a sum), `out`, `out_valid`, and any other
    name is an operand. A list of ports is one port per lane; "PORT:low" is active low. Every
    input needs a role or a constant in `ties`.
    reset: "PORT:low" or "PORT:high". types: operand -> "int8", "uint4", ...; default: the port's
    own width and sign. A port several times as wide carries lanes, lane 0 lowest.
    latency: cycles from operands to their result (0: combinational, 1: one register), or "auto".
    interval: cycles that operands stay. vectors: so many random ones instead of all values.
    waves: leave a .fst or .vcd file.

    Results are compared modulo 2**(bits of `out`). Raises TpeError for anything that does not
    fit, before building, and with Verilator's own words for text that it refuses.

    >>> report = cosim(example(), "mult", "multiply", {"a": "x", "b": "y", "out": "p"})
    >>> report.ok, report.latency_found, report.mismatches
    (True, 0, 0)
    """
    files = [file] if isinstance(file, (str, os.PathLike)) else list(file)
    cycles = _interval(interval)
    expected = _latency(latency, cycles)
    _check_numbers(vectors, seed)
    module = read_module(files, top, params or {}, include, define)
    found = pins(module, ports, reset)
    tied = held(module, found, ties or {})
    _check_clock(found, expected)
    wanted = build_model(model, found, types or {})
    if wanted.sums and cycles > 1 and "valid" not in found:
        raise TpeError(f"interval = {cycles}: model mac needs valid, to add operands once")
    target = None if waves is None else waves_file(Path(waves))
    given = stimulus(wanted, found, vectors, cycles, seed)
    design = bench(module, found, tied, given.cycles, target.suffix if target else "")
    out, valid = play(design, wanted, found, given, seed, target)
    base = _report(module, files, found, wanted, given.coverage, expected, seed)
    shown = valid if "out_valid" in found else None
    return judge(base, wanted, given, out, shown, cycles + LATEST if "clk" in found else 0)


def _report(
    module: Module,
    files: Sequence[Files],
    found: Mapping[str, Pin],
    model: Model,
    coverage: str,
    latency: int | None,
    seed: int,
) -> Cosimulation:
    """What was run, to be completed by what came out."""
    return Cosimulation(
        top=module.top,
        files=tuple(str(x) for x in files),
        model=model.name,
        ports={role: pin.names for role, pin in found.items()},
        types={x.role: x.number.name for x in model.operands},
        lanes=max(x.lanes for x in model.operands),
        coverage=coverage,
        latency=latency,
        seed=seed,
        undeclared=tuple(x.role for x in model.operands if not x.declared and not x.number.signed),
    )


def example() -> Path:
    """A PE to try: `mult`, a combinational multiplier of two int4, x and y, into p."""
    return Path(__file__).with_name("templates") / "example_mult.v"


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


def _check_numbers(vectors: Any, seed: Any) -> None:
    if vectors is not None and (
        isinstance(vectors, bool)
        or not isinstance(vectors, int)
        or not 1 <= vectors <= MOST_VECTORS
    ):
        raise TpeError(f"vectors = {vectors!r} is not legal: 1 to {MOST_VECTORS}")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise TpeError(f"seed = {seed!r} is not legal: 0 to 2**63 - 1")


def _check_clock(found: Mapping[str, Pin], latency: int | None) -> None:
    if "clk" in found:
        return
    if latency:
        raise TpeError(f"latency = {latency}, but ports maps no clk; legal without a clock: 0")
    for role in ("rst", "valid", "out_valid"):
        if role in found:
            raise TpeError(f"ports maps {role}, but no clk; legal: clk, or no {role}")
