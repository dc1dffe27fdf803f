"""Every PE of floating point mapped by itself, beside integer MACs: area, clock, energy.

    python -m tools.float_table tpe130 /usr/share/qflow/tech/osu018/osu018_stdcells.lib \
        --recipe quick -o reports/floats.md

Cells as they stand in a systolic array, weights stationary, each at multiples of its own shortest
clock. Energies are taken of the libraries that --energy names.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import tpe
from tools.revision import commit
from tpe.base.files import whole_file
from tpe.model.engine import Engine
from tpe.study.contest import ENERGY_FACTOR, FACTORS, Contest, ContestBench, Entrant, EntrantRow
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import Technology, technology

FORMATS = ("bf16", "e4m3fn", "e5m2")
FLOATS = ("fma", "fma_approxnorm", "lmul")
OPERANDS = {"mac": "normal:20"}  # of all others normal:1
HEAD = ("PE", "formats", "stages", "shortest ns", "FO4", *(f"um2 at {x:g} x" for x in FACTORS))
HEAD += ("finish um2", "flip-flops", f"fJ per MAC at {ENERGY_FACTOR:g} x")


def engines() -> Iterator[Engine]:
    """Every cell of the table; of two stages where a PE has them, in its first format."""
    for stages in (1, 2, 3):
        yield Engine("mac", "systolic_ws", (16, 16), stages=stages)
    for name in FORMATS:
        for pe in FLOATS:
            yield Engine(pe, "systolic_ws", (16, 16), a_type=name, b_type=name)
    for pe in FLOATS[:2]:
        yield Engine(pe, "systolic_ws", (16, 16), stages=2)


def line(engine: Engine, bench: ContestBench) -> str:
    """A row of the table: a contest without an opponent."""
    stages = int(engine.params.get("stages", 1))
    title = f"{engine.pe.name} {engine.a_format.name} {stages}"
    contest = Contest(title, (Entrant(title, engine),), (), energy=stages == 1)
    rows = bench.hold(contest).rows
    finish = rows[0].finish_um2
    cells = (
        f"`{engine.pe.name}`",
        engine.a_format.name,
        str(stages),
        f"{rows[0].period_ns:.2f}",
        f"{rows[0].period_ns / bench.technology.fo4[0]:.0f}",
        *(f"{row.area_um2:,.0f}" for row in rows),
        f"{finish:,.0f}" if finish else "-",
        str(rows[0].flip_flops),
        _energy(rows[FACTORS.index(ENERGY_FACTOR)]),
    )
    return "| " + " | ".join(cells) + " |"


def _energy(row: EntrantRow) -> str:
    return f"{row.energy.fj_per_mac:,.0f}" if row.energy else "-"


def section(tech: Technology, recipes: str, energy: bool) -> list[str]:
    """The table of a library."""
    lines = [f"## {tech.name}", "", f"{tech.corner}; {tech.source}.", ""]
    lines += ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for engine in engines():
        print(f"{tech.name}: {engine.name}", flush=True)
        operands = OPERANDS.get(engine.pe.name, "normal:1")
        bench = ContestBench(tech, find_recipes(recipes), operands, energy, workers=1)
        lines.append(line(engine, bench))
    return [*lines, ""]


def document(sections: list[str], command: str, recipes: str) -> str:
    """The page."""
    names = ", ".join(recipe.name for recipe in find_recipes(recipes))
    text = [
        "# Cells of floating point, mapped",
        "",
        f"Made by `{command}` of tpe {tpe.__version__} at {commit()}. Cells by themselves, their "
        f"parameters at their defaults but for stages, by these recipes: {names}. Each is the "
        "smallest netlist that meets multiples of its own shortest clock; `tpe reproduce "
        "fma_approxnorm` and `lmul` hold them against one another at common ones.",
        "",
        "C is in fp32, of `mac` in 32 bits. A finish stands once in a column; `-` has none but "
        "wires. Energies are of normal:1, of `mac` normal:20, gates without delay, so that there "
        "are no glitches, no wires and no clock tree in them; `-` was not measured.",
        "",
        *sections,
    ]
    return "\n".join(text)


def main() -> None:
    """Map everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", nargs="+", help="a built-in technology or a Liberty file")
    parser.add_argument("--recipe", default="quick", help="quick, portfolio, or names")
    parser.add_argument("--energy", nargs="*", default=["tpe130"], help="libraries: energies too")
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/floats.md"))
    options = parser.parse_args()
    sections = []
    for library in options.library:
        tech = technology(library)
        sections += section(tech, options.recipe, library in options.energy)
    words = [Path(word).name if word.startswith("/") else word for word in sys.argv[1:]]
    command = f"python -m tools.float_table {shlex.join(words)}"
    with whole_file(options.out) as temporary:
        temporary.write_text(document(sections, command, options.recipe))


if __name__ == "__main__":
    main()
