"""`tpe synth --power`: its options, and what they add to a result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError, unknown
from tpe.base.files import check_writable
from tpe.cli.options import Output, progress
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from tpe.synth.area.synthesis import Result

OPERANDS = "normal:20"

PowerOption = Annotated[
    bool, typer.Option("--power", help="Power too, the mapped netlists simulated in Verilator.")
]
OperandsOption = Annotated[
    str | None,
    typer.Option(
        "--workload",
        metavar="NAME|normal:SIGMA|uniform|relu:SIGMA|sparse:SHARE",
        help=f"What runs while power is measured. Default: {OPERANDS}.",
    ),
    READS,
]
WiresOption = Annotated[
    str | None,
    typer.Option(
        "--wires",
        metavar="none|estimate",
        help="Wires by the library's wire load and a clock tree in power. Default: none.",
    ),
]
SaifOption = Annotated[
    str | None,
    typer.Option("--saif", metavar="FILE", help="Activity of the first PE's netlists, as SAIF."),
    WRITES,
]


@dataclass(frozen=True)
class PowerAsked:
    """What was asked for; `on` False: nothing."""

    on: bool
    workload: str
    wires: str
    saif: str | None
    seed: int

    @property
    def options(self) -> dict[str, Any]:
        """Option names with their values, for the command that is echoed."""
        if not self.on:
            return {}
        given = {"power": True, "workload": self.workload, "wires": self.wires}
        return {**given, "saif": self.saif, "seed": self.seed}

    def add(self, out: Output, result: Result) -> Result:
        """The result with power; the SAIF file is written."""
        if not self.on:
            return result
        clocks = len(result.clocks_ns) or 1
        with progress(len(result.designs) * clocks) as step:
            found = result.with_power(self.workload, self.seed, wires=self.wires, step=step)
        if self.saif is not None:
            _write_saif(found, self)
        return replace(found, command=result.command)


def check_power(
    power: bool,
    workload: str | None,
    wires: str | None,
    saif: str | None,
    seed: int,
    array: str | None,
) -> PowerAsked:
    """The options together; TpeError for one that needs another."""
    for name, value in (("workload", workload), ("wires", wires), ("saif", saif)):
        if value is not None and not power:
            raise TpeError(f"--{name} {value} needs --power")
    from tpe.synth.power.wires import CHOICES

    if wires is not None and wires not in CHOICES:
        raise unknown("--wires", wires, CHOICES)
    if saif is not None:
        if array is not None:
            raise TpeError(f"--saif {saif} is of a PE; legal: without --array")
        check_writable(saif)
    return PowerAsked(power, workload or OPERANDS, wires or "none", saif, seed)


def _write_saif(result: Result, asked: PowerAsked) -> None:
    """The first instance of every part of the first design, at the first clock."""
    from tpe.synth.area.rows import MappedPE
    from tpe.synth.power.pe import activities
    from tpe.synth.power.saif import saif_text, write_saif

    design = result.designs[0]
    assert isinstance(design, MappedPE) and asked.saif is not None
    clock = result.clocks_ns[0] if result.clocks_ns else result.common_clock_ns
    chosen = design.at(clock)
    _, found = next(
        activities(design.engine, chosen, result.technology, asked.workload, asked.seed)
    )
    scopes = [(f"tpe_{kind}", acts[0].by_name()) for kind, acts in found.items()]
    write_saif(asked.saif, saif_text(design.name, found["cell"][0].cycles, clock, scopes))
