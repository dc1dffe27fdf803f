"""`tpe synth --critical-path`: the longest path of each design, cell by cell."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.cli.commands.synth_text import number
from tpe.cli.options import Output, plain_table

if TYPE_CHECKING:
    from tpe.synth.area.compose import ArrayFront
    from tpe.synth.area.path import Timing
    from tpe.synth.area.rows import MappedPE
    from tpe.synth.area.synthesis import Result

_EDGES = {"rise": "^", "fall": "v"}


def print_paths(out: Output, result: Result) -> dict[str, Any]:
    """The path that limits every design as it is at the first clock; as JSON too.

    TpeError where another timer measured: OpenSTA's paths are not read.
    """
    clock = (result.clocks_ns or (result.common_clock_ns,))[0]
    found: dict[str, Any] = {}
    for design in result.designs:
        name, timing = limiting(design, clock)
        if timing is None:
            out.text(f"\n{name} has no path between registers.")
            continue
        if not timing.path:
            raise TpeError("--critical-path needs --timer own: no path is read from OpenSTA")
        out.text(f"\nCritical path of {name}, {timing.period_ns:.4f} ns, {timing.limited_by}:\n")
        _print(out, timing)
        found[design.name] = {
            "part": name,
            "period_ns": timing.period_ns,
            "kind": timing.limited_by,
            "stages": [asdict(stage) for stage in timing.path],
        }
    return {"critical_paths": found}


def limiting(design: MappedPE | ArrayFront, clock_ns: float) -> tuple[str, Timing | None]:
    """What of a design limits it at a clock, in words, and its timing."""
    from tpe.synth.area.compose import ArrayFront

    if isinstance(design, ArrayFront):
        return design.name, design.at(clock_ns).timing
    kind, point = max(design.at(clock_ns).points.items(), key=lambda item: item[1].period_ns)
    return f"{design.name} {kind}", point.timing


def _print(out: Output, timing: Timing) -> None:
    table = plain_table(
        "instance",
        "cell",
        "pins",
        "net",
        "edge",
        "arrival ns",
        "delay ns",
        "slew ns",
        "load fF",
        left=("instance", "cell", "pins", "net"),
    )
    for stage in timing.path:
        table.add_row(
            stage.instance,
            stage.cell,
            f"{stage.input}-{stage.output}" if stage.output else f"{stage.input} setup",
            stage.net,
            _EDGES[stage.edge],
            number(stage.arrival_ns, 4),
            number(stage.delay_ns, 4),
            number(stage.slew_ns, 4),
            number(stage.load_ff, 3),
        )
    out.table(table)
