"""Per PE and choice, before and after: parts, arrays, registers by purpose, area by primitive.

    python -m tools.lean_table -o reports/lean.md

Every line is an engine as it is emitted: its cell, front and finish mapped by themselves, then its
array of 4 x 4, each at its own shortest period. Flip-flops are those of the array's netlist with
every module kept, shared out to the 16 PEs, memories apart.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import tpe
from tools.revision import commit
from tpe.base.files import whole_file
from tpe.model.engine import Engine
from tpe.study.forms import form_text
from tpe.synth.area import designs, synthesis
from tpe.synth.area.shares import area_shares
from tpe.synth.netlist.mapped import Mapped
from tpe.synth.netlist.mapper import map_parts
from tpe.synth.netlist.recipes import Recipe, find_recipes
from tpe.technology.technology import Technology, technology

SIZE = (4, 4)
PES = SIZE[0] * SIZE[1]
# What a cell leaves to its row, and how a cycle without a step is spent.
ROW = {"negate": "row", "biased": "on"}
LEAN = {**ROW, "hold": "zero"}
KEPT = {**LEAN, "carry_every": 2}
CUT = {"finish_stages": 2, "stall": "registered"}
STAGED = {"front_stages": 3, "cell_stages": 3, "finish_stages": 3}
# PE -> lines, the first as the paper has it: (array, choices beside the defaults).
LINES: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "mac": (
        ("matrix2d", {}),
        ("matrix2d", {"stages": 3}),
        ("matrix2d", {"stages": 3, "negate": "row"}),
        ("matrix2d", {"stages": 3, **ROW}),
        ("matrix2d", {"stages": 3, **LEAN}),
        ("matrix2d", {"stages": 3, **LEAN, "encode_in": "edge", "finish_stages": 2}),
        ("matrix2d", {"stages": 3, **LEAN, "encode_in": "edge", **CUT}),
        ("systolic_os", {"stages": 3, **LEAN}),
        ("systolic_os", {"stages": 3, **LEAN, "stall": "registered"}),
        ("systolic_ws", {"stages": 3}),
        ("systolic_ws", {"stages": 3, **LEAN}),
        ("systolic_ws", {"stages": 3, **LEAN, "stall": "registered"}),
    ),
    "opt1": (
        ("matrix2d", {}),
        ("matrix2d", {"stages": 2}),
        ("matrix2d", {"stages": 2, **ROW}),
        ("matrix2d", {"stages": 2, **LEAN}),
        ("matrix2d", {"stages": 2, **LEAN, "top": "increment"}),
        ("matrix2d", {"stages": 2, **LEAN, "top": "increment", "finish_stages": 2}),
        ("matrix2d", {"stages": 2, **LEAN, "top": "increment", **CUT}),
        ("systolic_os", {"stages": 2, **LEAN, **CUT}),
        ("systolic_ws", {"stages": 2}),
        ("systolic_ws", {"stages": 2, **LEAN}),
        ("systolic_ws", {"stages": 2, **LEAN, **CUT}),
    ),
    "opt2": (
        ("matrix2d", {}),
        ("matrix2d", {"stages": 2}),
        ("matrix2d", {"stages": 2, **LEAN}),
        ("matrix2d", {"stages": 2, **LEAN, "finish_stages": 2}),
        ("matrix2d", {"stages": 2, **LEAN, **CUT}),
    ),
    "opt3": (
        ("matrix2d", {"depth": 4096}),
        ("matrix2d", {**KEPT, "finish_stages": 2}),
        ("matrix2d", {**KEPT, **CUT}),
    ),
    "opt4c": (
        ("matrix2d", {"depth": 4096}),
        ("matrix2d", LEAN),
        ("matrix2d", {**KEPT, "finish_stages": 2}),
        ("matrix2d", {**KEPT, **CUT}),
        ("matrix2d", {**KEPT, **CUT, "front_stages": 3}),
        ("matrix2d", {"shadow": "off"}),
        ("matrix2d", {"planes": "msb_first"}),
        ("matrix2d", {"planes": "msb_first", **KEPT, "finish_stages": 2}),
        ("matrix2d", {"planes": "inner"}),
        ("matrix2d", {"planes": "inner", "negate": "free_bits", **STAGED}),
        ("matrix2d", {"planes": "inner", "hold": "zero", "carry_every": 2, **STAGED}),
    ),
    "opt4e": (("matrix2d", {"depth": 4096}), ("matrix2d", {**LEAN, "finish_stages": 2})),
    "stripes": (("matrix2d", {}), ("matrix2d", {"cell_stages": 3})),
    "laconic": (("matrix2d", {}), ("matrix2d", {"cell_stages": 3})),
    "bitlet": (("matrix2d", {}), ("matrix2d", {"cell_stages": 3})),
}
# Which register is what: the first that matches `module.register`, its owner's name ahead of it
# where it is a delay line's.
PURPOSES = (
    ("psum", r"tpe_pe_\w+\.(psum_q|sum_q|carry_q|inner_q|over_q|gen_weight_\d+__(sum|carry)_q)"),
    ("psum buffer", r"ws_\w*column\.psum_q|ws_terms\."),
    ("shadow", r"\.gen_shadow_"),
    ("accumulator", r"\.acc_q"),
    ("stages of the cell", r"tpe_pe_|half_reduce|accumulate"),
    ("row term", r"row_digits|row_steps"),
    ("memory", r"ram\.mem_q"),
    ("finish, output", r"drain|finish|add_cut|\.c_q|word_acc_q|row_pair_q|word_stage_c"),
    ("front, row", r"front|sparse_row|falling_row|prop_|encode"),
    (
        "operands",
        r"\.(a|b|a_q|b_q|a_grid|b_grid|b_ahead|b_in_q)$|ws_weights|delay\.|word_stage|ram\.data_q",
    ),
    ("control", r""),
)
PASSING = ("tpe_delay", "tpe_delay_reset", "tpe_clock_gate")  # they belong to what they stand in


@dataclass(frozen=True)
class Line:
    """An engine measured: what every part of it takes, and the array of them."""

    engine: Engine
    choices: str
    parts: dict[str, tuple[float, float]]  # um2 and ns at its shortest period
    best: float  # least area x period of the cell, um2 ns
    array: tuple[float, float]
    flip_flops: Counter[str]
    primitives: dict[str, float]  # um2 a PE

    @property
    def slowest(self) -> float:
        """The period of its slowest part, ns."""
        return max(period for _, period in self.parts.values())


def measure(engine: Engine, choices: str, tech: Technology, recipes: tuple[Recipe, ...]) -> Line:
    """One engine's line; TpeError where nothing can be mapped."""
    given = {"liberty": tech, "recipes": recipes, "workers": 1}
    parts = synthesis.compare([engine], vary=(), **given).designs[0].fronts
    whole = synthesis.synthesise(engine, array=True, **given).designs[0].fastest
    flat, once = _hierarchical(engine, tech, recipes[-1])
    shares = area_shares(designs.array_part(engine), flat, tech, once)
    shortest = {name: min(front, key=lambda p: p.period_ns) for name, front in parts.items()}
    return Line(
        engine,
        choices,
        {name: (p.area_um2, p.period_ns) for name, p in shortest.items()},
        min(p.area_um2 * p.period_ns for p in parts["cell"]) / engine.widths.lanes,
        (whole.area_um2, whole.period_ns),
        registers(kept(engine, tech, once), tech),
        {name: area / PES for name, area in shares.area_um2.items()},
    )


def _hierarchical(engine: Engine, tech: Technology, recipe: Recipe) -> tuple[Mapped, Recipe]:
    """The array with the parts of its PE kept, by one recipe driven once, and that recipe."""
    once = replace(recipe, targets=recipe.targets[:1])
    return map_parts([designs.array_part(engine)], tech, [once])[0].mapped[0], once


def kept(engine: Engine, tech: Technology, recipe: Recipe) -> Mapped:
    """The whole array with every module kept, by a recipe driven once."""
    part = replace(designs.array_part(engine), keep=None)
    return map_parts([part], tech, [recipe])[0].mapped[0]


def registers(kept: Mapped, tech: Technology) -> Counter[str]:
    """Flip-flops of a netlist whose modules are kept, by purpose.

    A register's name is that of the net it drives; a bit's number and generate blocks are cut off.
    """
    found: Counter[str] = Counter()
    netlist = kept.netlist

    def walk(module: str, owner: str) -> None:
        own = module.split("__")[0]
        owner = owner if own in PASSING else ""
        for one in netlist.modules[module].instances:
            if one.cell in netlist.modules:
                walk(one.cell, owner or own)
            elif one.cell not in kept.memories and tech.library.cell(one.cell).sequential:
                net = next(one.pins[pin] for pin in ("Q", "QN", "Q_N", "GCLK") if pin in one.pins)
                name = f"{owner}.{own}" if owner else own
                found[purpose(f"{name}.{bare(net)}")] += 1

    walk(netlist.top, "")
    return found


def bare(net: str) -> str:
    """A net's name without its bits.

    >>> bare("gen_apart_sum_s_3__12_"), bare("a_grid[7]")
    ('gen_apart_sum_s', 'a_grid')
    """
    return re.sub(r"(_\d+_|\[\d+\])+$", "", net)


def purpose(register: str) -> str:
    """What a register is for.

    >>> purpose("tpe_pe_opt1.carry_q"), purpose("tpe_pe_opt1.tpe_delay.stage")
    ('psum', 'stages of the cell')
    """
    return next(name for name, pattern in PURPOSES if re.search(pattern, register))


def lines(pes: tuple[str, ...], library: str, recipes: str) -> list[Line]:
    """Every line of these PEs, in order."""
    tech, chosen, found = technology(library), find_recipes(recipes), []
    for pe in pes:
        for array, choices in LINES[pe]:
            words = form_text(choices)
            print(f"{pe} in {array}: {words}", flush=True)
            found.append(measure(Engine(pe, array, SIZE, **choices), words, tech, chosen))
    return found


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|---|---|---|" + "--:|" * (len(head) - 3),
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
    ]


def _name(line: Line) -> list[str]:
    return [f"`{line.engine.record.name}`", line.engine.array.name, line.choices or "as the paper"]


def _pair(found: tuple[float, float] | None) -> str:
    return f"{found[0]:,.0f} @ {found[1]:.2f}" if found else "none"


def periods(found: list[Line]) -> list[str]:
    """The table of parts and arrays."""
    head = [
        "PE",
        "array",
        "choices",
        *designs.KINDS,
        "cell, um2 ns a lane",
        "array",
        "to its slowest part",
    ]
    rows = [
        [
            *_name(line),
            *(_pair(line.parts.get(part)) for part in designs.KINDS),
            f"{line.best:,.0f}",
            _pair(line.array),
            f"{line.array[1] / line.slowest - 1:+.0%}",
        ]
        for line in found
    ]
    return _table(head, rows)


def flip_flops(found: list[Line]) -> list[str]:
    """The table of registers, a PE."""
    names = [name for name, _ in PURPOSES if any(line.flip_flops[name] for line in found)]
    rows = []
    for line in found:
        own = [f"{line.flip_flops[name] / PES:.1f}" for name in names]
        rows.append([*_name(line), *own, f"{line.flip_flops.total() / PES:.1f}"])
    return _table(["PE", "array", "choices", *names, "all"], rows)


def primitives(found: list[Line]) -> list[str]:
    """The table of areas, um2 a PE."""
    names = sorted({name for line in found for name in line.primitives})
    rows = [
        [*_name(line), *(f"{line.primitives.get(name, 0.0):,.0f}" for name in names)]
        for line in found
    ]
    return _table(["PE", "array", "choices", *names], rows)


def document(found: list[Line], library: str, recipes: str) -> str:
    """The page."""
    text = [
        "# Before and after: lean cells, stages, choices of sparse PEs",
        "",
        f"Made by `python -m tools.lean_table` of tpe {tpe.__version__} at {commit()}: {library}, "
        f"recipes `{recipes}`, our timer, int8, arrays of 4 x 4. um2 @ ns, each at its own "
        "shortest period, so that areas of different lines are no comparison of PEs; the least "
        "area x period of a cell is. Memories of more than 4096 bits are left out.",
        "",
        "## Parts and arrays",
        "",
        *periods(found),
        "## Flip-flops a PE, by purpose",
        "",
        "Of the whole array's netlist, what rows and columns share divided among 16 PEs.",
        "",
        *flip_flops(found),
        "## Area by primitive, um2 a PE",
        "",
        "Of the whole array by one recipe; shares of a netlist with every module kept.",
        "",
        *primitives(found),
    ]
    return "\n".join(text)


def main() -> None:
    """Map everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/lean.md"))
    parser.add_argument("--pe", nargs="*", default=tuple(LINES), choices=tuple(LINES))
    parser.add_argument("--library", default="tpe130")
    parser.add_argument("--recipes", default="quick")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    one = partial(lines, library=options.library, recipes=options.recipes)
    with ProcessPoolExecutor(options.workers) as pool:
        found = [line for own in pool.map(one, [(pe,) for pe in options.pe]) for line in own]
    with whole_file(options.out) as temporary:
        temporary.write_text(document(found, options.library, options.recipes))


if __name__ == "__main__":
    main()
