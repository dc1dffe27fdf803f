"""Every PE of floating point mapped by itself, beside integer MACs: area, clock, energy.

    python -m tools.float_table tpe130 /usr/share/qflow/tech/osu018/osu018_stdcells.lib \
        --recipe quick -o reports/floats.md

Cells as they stand in a systolic array, weights stationary, each at multiples of its own shortest
clock. Energies are taken of the libraries that --energy names. Hours on two cores, so that lines
are kept beside the page, in reports/floats.jsonl: one is made again when the RTL that it speaks of
is another text, or the library or the recipes are others. --most N makes N lines and then the page
of what there is; the next call goes on.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import tpe
from tools.kept_lines import Row, keep_line, kept_lines
from tools.revision import commit
from tpe.base.cache import digest
from tpe.base.files import whole_file
from tpe.hdl import emit
from tpe.model.engine import Engine
from tpe.study.contest import ENERGY_FACTOR, FACTORS, Contest, ContestBench, Entrant
from tpe.synth.netlist.recipes import Recipe, find_recipes
from tpe.technology.technology import Technology, technology

FORMATS = ("bf16", "e4m3fn", "e5m2")
FLOATS = ("fma", "fma_approxnorm", "lmul")
# Architectures in one format that all of them have, and in others that they were made for.
TENSOR_CORES = (
    *((arch, "fp16") for arch in ("volta", "turing", "ampere", "ada", "hopper", "blackwell")),
    *(("ampere", "bf16"), ("ada", "e4m3fn"), ("hopper", "e4m3fn"), ("blackwell", "e4m3fn")),
)
OPERANDS = {"mac": "normal:20"}  # of all others normal:1
HEAD = ("PE", "formats", "stages", "MACs a cycle", "shortest ns", "FO4")
HEAD += (*(f"um2 at {x:g} x" for x in FACTORS), "finish um2", "flip-flops")
HEAD += (f"fJ per MAC at {ENERGY_FACTOR:g} x",)


def engines() -> Iterator[Engine]:
    """Every cell of the table; of two stages where a PE has them, in its first format."""
    for stages in (1, 2, 3):
        yield Engine("mac", "systolic_ws", (16, 16), stages=stages)
    for name in FORMATS:
        for pe in FLOATS:
            yield Engine(pe, "systolic_ws", (16, 16), a_type=name, b_type=name)
    for pe in FLOATS[:2]:
        yield Engine(pe, "systolic_ws", (16, 16), stages=2)
    for arch, name in TENSOR_CORES:  # four rows: lanes are many, and a cell is the same in any
        yield Engine("tensorcore", "systolic_ws", (4, 16), arch=arch, a_type=name)
    for stages in (2, 3):
        yield Engine("tensorcore", "systolic_ws", (4, 16), arch=TENSOR_CORES[0][0], stages=stages)


def asked(engine: Engine, tech: Technology, recipes: Sequence[Recipe], energy: bool) -> Row:
    """What decides a line: RTL, library and recipes by their content, and what is measured."""
    ways = [[recipe.name, recipe.script, recipe.targets, recipe.gates] for recipe in recipes]
    return {
        "engine": engine.name,
        "params": {name: engine.params[name] for name in sorted(engine.params)},
        "library": tech.name,
        "rtl": digest(sorted(emit.engine_modules(engine).items())),
        "mapped": digest([list(tech.library.sha256), ways]),
        "operands": OPERANDS.get(engine.pe.name, "normal:1") if _energy(engine, energy) else None,
    }


def _energy(engine: Engine, energy: bool) -> bool:
    return energy and int(engine.params.get("stages", 1)) == 1


def measure(
    engine: Engine, tech: Technology, recipes: Sequence[Recipe], energy: bool, workers: int = 1
) -> Row:
    """One line: a contest without an opponent."""
    key = asked(engine, tech, recipes, energy)
    bench = ContestBench(tech, recipes, key["operands"] or "", energy, workers=workers)
    contest = Contest(engine.name, (Entrant(engine.name, engine),), (), bool(key["operands"]))
    rows = bench.hold(contest).rows
    measured = rows[FACTORS.index(ENERGY_FACTOR)]
    return {
        "asked": key,
        "commit": commit(),
        "period_ns": rows[0].period_ns,
        "period_fo4": rows[0].period_ns / tech.fo4[0],
        "areas_um2": [row.area_um2 for row in rows],
        "finish_um2": rows[0].finish_um2,
        "flip_flops": rows[0].flip_flops,
        "fj_per_mac": measured.energy.fj_per_mac if measured.energy else None,
        "no_energy": measured.no_energy,
    }


def line(engine: Engine, row: Row) -> str:
    """A row of the table; no cell is empty."""
    arch = engine.params.get("arch")
    energy = row["fj_per_mac"]
    cells = (
        f"`{engine.pe.name}`" + (f" {arch}" if arch else ""),
        engine.a_format.name,
        str(engine.params.get("stages", 1)),
        str(engine.widths.lanes),
        f"{row['period_ns']:.2f}",
        f"{row['period_fo4']:.0f}",
        *(f"{area:,.0f}" for area in row["areas_um2"]),
        f"{row['finish_um2']:,.0f}" if row["finish_um2"] else "-",
        str(row["flip_flops"]),
        f"{energy:,.0f}" if energy else "-",
    )
    return "| " + " | ".join(cells) + " |"


def made(
    kept: Path,
    wanted: Sequence[tuple[Engine, Technology, bool]],
    recipes: Sequence[Recipe],
    most: int,
    only: str,
    workers: int,
) -> list[Row | None]:
    """The line of each engine in a library, None where it is still to be made.

    At most `most` are made, of one PE if `only` names it; those in `kept` that still hold are not
    made again.
    """
    keys = [asked(engine, tech, recipes, energy) for engine, tech, energy in wanted]
    done = {_text(row["asked"]): row for row in kept_lines(kept)}
    left = [i for i, key in enumerate(keys) if _text(key) not in done]
    left = [i for i in left if only in ("", wanted[i][0].pe.name)]
    print(f"{len(keys)} lines, {len(left)} of them to make", flush=True)
    for i in left[:most]:
        engine, tech, energy = wanted[i]
        row = measure(engine, tech, recipes, energy, workers)
        done[_text(keys[i])] = row
        keep_line(kept, row)
        print(f"{tech.name}: {line(engine, row)}", flush=True)
    return [done.get(_text(key)) for key in keys]


def _text(key: Row) -> str:
    return json.dumps(key, sort_keys=True)


def section(tech: Technology, lines: Sequence[tuple[Engine, Row | None]]) -> list[str]:
    """The table of a library, and which of its lines are still to be made."""
    text = [f"## {tech.name}", "", f"{tech.corner}; {tech.source}.", ""]
    text += ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    text += [line(engine, row) for engine, row in lines if row]
    missing = sum(row is None for _, row in lines)
    return [*text, "", *([f"{missing} lines are still to be made.", ""] if missing else [])]


def document(
    sections: list[str], command: str, recipes: Sequence[Recipe], rows: Sequence[Row]
) -> str:
    """The page."""
    names = ", ".join(recipe.name for recipe in recipes)
    commits = ", ".join(dict.fromkeys(row["commit"] for row in rows)) or "none yet"
    text = [
        "# Cells of floating point, mapped",
        "",
        f"Made by `{command}` of tpe {tpe.__version__}, lines at {commits}. Cells by themselves, "
        "their parameters at their defaults but for formats, stages and architectures, by these "
        f"recipes: {names}. Each is the smallest netlist that meets multiples of its own shortest "
        "clock; `tpe reproduce fma_approxnorm` and `lmul` hold them against one another at common "
        "ones.",
        "",
        "C is in fp32, of `mac` in 32 bits. A cell of `tensorcore` has as many products a cycle as "
        "its architecture fuses: its area is that of all of them. A finish stands once in a "
        "column; `-` has none but wires. Energies are of normal:1, of `mac` normal:20, gates "
        "without delay, so that there are no glitches, no wires and no clock tree in them; `-` was "
        "not measured.",
        "",
        *sections,
    ]
    return "\n".join(text)


def main() -> None:
    """Map what is still to be mapped, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", nargs="+", help="a built-in technology or a Liberty file")
    parser.add_argument("--recipe", default="quick", help="quick, portfolio, or names")
    parser.add_argument("--energy", nargs="*", default=["tpe130"], help="libraries: energies too")
    parser.add_argument("--most", type=int, default=1 << 20, help="lines to make; default all")
    parser.add_argument("--only", default="", help="a PE: no line of another is made")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/floats.md"))
    options = parser.parse_args()
    recipes, chosen = find_recipes(options.recipe), []
    for library in options.library:
        tech, energy = technology(library), library in options.energy
        chosen += [(engine, tech, energy) for engine in engines()]
    kept, limits = options.out.with_suffix(".jsonl"), (options.most, options.only, options.workers)
    rows = made(kept, chosen, recipes, *limits)
    sections = []
    for tech in dict.fromkeys(tech for _, tech, _ in chosen):
        both = zip(chosen, rows, strict=True)
        sections += section(tech, [(one[0], row) for one, row in both if one[1] is tech])
    words = [Path(word).name if word.startswith("/") else word for word in sys.argv[1:]]
    command = f"python -m tools.float_table {shlex.join(words)}"
    with whole_file(options.out) as temporary:
        text = document(sections, command, recipes, [row for row in rows if row])
        temporary.write_text(text)


if __name__ == "__main__":
    main()
