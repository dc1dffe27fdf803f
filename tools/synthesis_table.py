"""Every legal combination mapped to every library given: area, period, registers.

    python -m tools.synthesis_table tpe130 /usr/share/qflow/tech/osu018/osu018_stdcells.lib \
        -o reports/synthesis.md

An array of 4 x 4 (x 3), int8, its buffers short, by two recipes. What is mapped is
checked on the way: no latch, flip-flops and resets of the elaborated RTL, area as Yosys adds it up.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

import tpe
from tests.contract.combos import WITH_RTL, engine
from tools.revision import commit
from tpe.base.files import whole_file
from tpe.model.engine import Engine
from tpe.synth.area import synthesis
from tpe.technology.technology import technology

RECIPES = ("sklansky/fast", "sklansky/small")
HEAD = ("combination", "library", "array um2", "PE um2", "ns", "FO4", "flip-flops", "with reset")


def row(given: Engine, library: str) -> dict[str, Any]:
    """The array at its shortest period; TpeError where a check of the mapping fails."""
    made = synthesis.synthesise(
        given, liberty=technology(library), recipes=RECIPES, array=True, workers=1
    )
    return made.rows()[0] | {"own": made.designs[0].fastest.area_by_module["tpe_cell"][1]}


def line(name: str, found: dict[str, Any]) -> str:
    """A row of the table."""
    cells = (
        name,
        found["library"],
        f"{found['area_um2']:,.0f}",
        f"{found['own']:,.0f}",
        f"{found['period_ns']:.3f}",
        f"{found['period_fo4']:.1f}",
        f"{found['flip_flops']:,}",
        f"{found['reset_pins']:,}",
    )
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Map everything and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", nargs="+", help="a built-in technology or a Liberty file")
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/synthesis.md"))
    options = parser.parse_args()
    lines = []
    for pe, array in WITH_RTL:
        for library in options.library:
            print(f"{pe.name} in {array.name}, {library}", flush=True)
            lines.append(
                line(f"`{pe.name}` `{array.name}`", row(engine(pe, array, (4, 4)), library))
            )
    words = [Path(word).name if "/" in word else word for word in sys.argv[1:]]
    with whole_file(options.out) as temporary:
        temporary.write_text(
            document(lines, f"python -m tools.synthesis_table {shlex.join(words)}")
        )


def document(lines: list[str], command: str) -> str:
    """The page."""
    text = [
        "# Every combination, mapped",
        "",
        f"Made by `{command}` of tpe {tpe.__version__} at {commit()}. Arrays of 4 x 4 (x 3), int8, "
        f"the buffers and lanes of the contract tests (short), by {' and '.join(RECIPES)}: the "
        "faster one. "
        "Every netlist was checked: no latch; flip-flops and resets of the elaborated RTL; the "
        "area is the sum of its cells. An array at its own shortest period is no comparison of "
        "PEs: see `tpe compare --iso area`.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|" + "---|" * len(HEAD),
        *lines,
        "",
    ]
    return "\n".join(text)


if __name__ == "__main__":
    main()
