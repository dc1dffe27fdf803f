"""What a timer says of a netlist: the shortest period, by kind of path, and the longest path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = ("reg_to_reg", "in_to_reg", "reg_to_out", "in_to_out")


@dataclass(frozen=True)
class PathStage:
    """A cell on a path: an edge comes in at one pin and leaves, later, at another.

    instance, cell -- its hierarchical name, and the library's
    input, output  -- pins; the last stage is the flip-flop that takes the edge: no output
    net            -- what the output drives; of the last stage what its input hangs on
    edge           -- rise or fall, of that net
    arrival_ns     -- since the clock edge, when the edge is on that net; of the last stage with
                      its setup time, so that a whole period's path ends with the period
    delay_ns       -- of this stage; of the last stage its setup time
    slew_ns        -- of the edge on that net
    load_ff        -- on that net, of that edge: pins and wire; None at the last stage
    """

    instance: str
    cell: str
    input: str
    output: str | None
    net: str
    edge: str
    arrival_ns: float
    delay_ns: float
    slew_ns: float
    load_ff: float | None


@dataclass(frozen=True)
class Timing:
    """The shortest clock period of a netlist, ns, and what limits it.

    paths -- shortest period by kind of path, of KINDS; a kind that the netlist has not is left out
    tool  -- what measured it, in words
    path  -- the path that sets the period, from the clock edge on; () from OpenSTA
    """

    period_ns: float
    paths: dict[str, float]
    tool: str
    path: tuple[PathStage, ...] = ()

    @property
    def fmax_mhz(self) -> float:
        """The fastest clock, MHz."""
        return 1000.0 / self.period_ns

    @property
    def limited_by(self) -> str | None:
        """The kind of path that is the longest, None if that is not known."""
        return max(self.paths, key=lambda kind: self.paths[kind]) if self.paths else None


def timing_of(content: Mapping[str, Any]) -> Timing:
    """A timing of its own `dataclasses.asdict`, as JSON keeps it."""
    stages = tuple(PathStage(**stage) for stage in content["path"])
    return Timing(**{**content, "path": stages})
