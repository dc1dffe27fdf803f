"""The timer beside OpenSTA on every PE's mapped parts: netlists, largest and mean error by library.

    python -m tools.timer_table tpe130 /usr/share/qflow/tech/osu018/osu018_stdcells.lib \
        -o reports/timer.md

OpenSTA must be on PATH. Whole recipes are mapped first; what the cache holds is taken from there.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import tpe
from tests.synth.timer_reference import EVERY_PE, Compared, compared, mapped_parts
from tools.revision import commit
from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.synth.area import timing
from tpe.technology.technology import technology

RECIPES = "sklansky/fast,sklansky/small,ripple/small,ripple/small/full_adders"
HEAD = ("library", "netlists", "gates", "largest error", "of", "mean error")


@dataclass(frozen=True)
class Row:
    """A library's netlists, all compared."""

    library: str
    compared: tuple[Compared, ...]
    gates: int

    def line(self) -> str:
        """A row of the table."""
        worst = max(self.compared, key=lambda one: one.error)
        mean = sum(one.error for one in self.compared) / len(self.compared)
        cells = (
            self.library,
            str(len(self.compared)),
            f"{self.gates:,}",
            f"{100 * worst.error:.5f} %",
            f"`{worst.name}`",
            f"{100 * mean:.5f} %",
        )
        return "| " + " | ".join(cells) + " |"


def row(library: str, pes: list[str], recipes: str) -> Row:
    """Every PE's parts by every recipe, timed by both; netlists without a path left out."""
    tech, found, gates = technology(library), [], 0
    for pe in pes:
        print(f"{pe}, {library}", flush=True)
        mapped = mapped_parts(pe, tech, recipes)
        both = list(compared(tech, mapped))
        timed = [(m, one) for m, one in zip(mapped, both, strict=True) if one.opensta or one.own]
        found += [one for _, one in timed]
        gates += sum(sum(m.cells.values()) for m, _ in timed)
    return Row(tech.name, tuple(found), gates)


def main() -> None:
    """Map, time twice, and write the table."""
    names = [pe.name for pe in EVERY_PE]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", nargs="+", help="a built-in technology or a Liberty file")
    parser.add_argument("--pe", default=",".join(names), help="PEs, default: all with RTL")
    parser.add_argument("--recipe", default=RECIPES, help="recipes, or portfolio")
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/timer.md"))
    options = parser.parse_args()
    if timing.opensta() is None:
        raise TpeError("sta is not on PATH; on Debian: apt install opensta")
    rows = [row(library, options.pe.split(","), options.recipe) for library in options.library]
    words = [Path(word).name if word in options.library else word for word in sys.argv[1:]]
    command = f"python -m tools.timer_table {shlex.join(words)}"
    with whole_file(options.out) as temporary:
        temporary.write_text(document(rows, options.pe, options.recipe, command))


def document(rows: list[Row], pes: str, recipes: str, command: str) -> str:
    """The page."""
    text = [
        "# The timer beside OpenSTA",
        "",
        f"Made by `{command}` of tpe {tpe.__version__} at {commit()}, with "
        f"{timing.tool_name('sta')}. Every part (cell, front, finish) of {pes.replace(',', ', ')} "
        f"by the recipes {recipes.replace(',', ', ')}, each delay target a netlist. The error of a "
        "netlist is the largest over its kinds of paths (register to register, input to register, "
        "register to output, input to output), of the shortest period, relative to OpenSTA's. "
        "What neither times is in docs/decisions/0010-timer.md.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + "---|" * len(HEAD),
        *(one.line() for one in rows),
        "",
    ]
    return "\n".join(text)


if __name__ == "__main__":
    main()
