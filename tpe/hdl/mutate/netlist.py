"""Mutants of an engine's netlist: drawn by Yosys' `mutate`, all behind one select input.

The engine is elaborated at its size, every cell is marked with the module it comes from, and the
hierarchy is flattened without any optimisation that would merge cells. `mutate -list` draws
mutants module by module; `mutate -ctrl` puts those that were chosen behind `mutsel`: 0 is the
engine as it was written, n is mutant n.
"""

from __future__ import annotations

import random
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from tpe.base.errors import missing_extra
from tpe.base.processes import run
from tpe.hdl.emit.sources import is_package, refusal

TOP = "mutated"  # the flattened module with the select input
SELECT_BITS = 16
_SCRIPT = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.stdin.read().splitlines():
    libyosys.run_pass(command, design)
"""
# A clock is no signal of the design: a fault there is one of the clock tree.
_CLOCKS = ("CLK", "RD_CLK", "WR_CLK")
_OPTION = re.compile(r"-(\w+) (\S+)")


@dataclass(frozen=True)
class Mutant:
    """One fault: `number` selects it; `mode` at a bit of a cell's port, in a module's source."""

    number: int
    module: str  # whose text holds the cell
    mode: str  # inv, const0, const1, cnot0, cnot1
    cell: str
    port: str
    bit: int
    line: str  # file:line of the cell, as far as Yosys knows
    command: str  # Yosys' own options

    def describe(self) -> str:
        """One line for a person."""
        return f"{self.module} {self.line}: {self.mode} at {self.cell} {self.port}[{self.bit}]"


@dataclass(frozen=True)
class MutatedNetlist:
    """A flattened engine with its mutants: Verilog of the module `mutated`, and the RTLIL."""

    verilog: str
    rtlil: str  # without mutants
    mutants: tuple[Mutant, ...]


def run_yosys(commands: Sequence[str], folder: Path, limit: float = 600) -> str:
    """Run Yosys commands in a process of their own, in `folder`; its log.

    Raises RuntimeError with the end of the log if Yosys refuses, TpeError if that is for a module
    of another package, and subprocess.TimeoutExpired.
    """
    done = run(
        [sys.executable, "-I", "-c", _SCRIPT],
        input="\n".join(commands),
        cwd=folder,
        timeout=limit,
    )
    if "No module named 'pyosys'" in done.stderr:
        raise missing_extra("pyosys", "synth")
    if done.returncode:
        text = done.stdout + done.stderr
        raise refusal("yosys", text) or RuntimeError(f"yosys failed:\n{text[-3000:]}")
    return done.stdout


def mutated(sources: Mapping[str, str], top: str, count: int, seed: int) -> MutatedNetlist:
    """`count` mutants of the design `top`, spread evenly over the modules that hold cells.

    Raises ValueError for more mutants than the select holds, RuntimeError if Yosys refuses the
    sources. Fewer are made only if the design has fewer candidates.
    """
    if not 0 < count < 1 << SELECT_BITS:
        raise ValueError(f"count = {count}: 1 to {(1 << SELECT_BITS) - 1}")
    with tempfile.TemporaryDirectory(prefix="tpe-") as name:
        folder = Path(name)
        for module, text in sources.items():
            (folder / f"{module}.sv").write_text(text)
        packages = [name for name, text in sources.items() if is_package(text)]
        modules = sorted(sources.keys() - set(packages))
        run_yosys(_elaborate(packages, modules, top) + _list(modules, count, seed), folder)
        lists = {
            module: [x for x in (folder / f"{module}.txt").read_text().splitlines() if _wanted(x)]
            for module in modules
        }
        chosen = _choose(lists, count, seed)
        apply = [f"{x.command} -ctrl mutsel {SELECT_BITS} {x.number}" for x in chosen]
        run_yosys(
            ["read_rtlil flat.il", *apply, f"rename {top} {TOP}", "write_verilog -noattr out.v"],
            folder,
        )
        verilog = (folder / "out.v").read_text()
        return MutatedNetlist(verilog, (folder / "flat.il").read_text(), tuple(chosen))


def _elaborate(packages: Sequence[str], modules: Sequence[str], top: str) -> list[str]:
    marks = [
        f'setattr -set tpe_module "{module}" '
        + (f"{module}/*" if module == top else f"A:hdlname={module}/*")
        for module in modules
    ]
    return [
        "read_verilog -sv -defer " + " ".join(f"{name}.sv" for name in (*packages, *modules)),
        f"hierarchy -check -top {top}",
        "proc",
        *marks,
        "flatten -noscopeinfo",
        "opt_expr",
        "opt_clean",
        "memory -nomap",
        "opt_clean",
        "write_rtlil flat.il",
    ]


def _list(modules: Sequence[str], count: int, seed: int) -> list[str]:
    return [
        f"mutate -list {count} -seed {seed} -o {module}.txt */a:tpe_module={module}"
        for module in modules
    ]


def _wanted(line: str) -> bool:
    return dict(_OPTION.findall(line))["port"].removeprefix("\\") not in _CLOCKS


def _choose(lists: Mapping[str, list[str]], count: int, seed: int) -> list[Mutant]:
    """One mutant of every module in turn, each module's own shuffled, until there are `count`."""
    rng = random.Random(seed)
    for module in sorted(lists):
        rng.shuffle(lists[module])
    turns = zip_longest(*([(module, line) for line in lists[module]] for module in sorted(lists)))
    flat = [entry for turn in turns for entry in turn if entry is not None][:count]
    return [_mutant(i + 1, module, line) for i, (module, line) in enumerate(flat)]


def _mutant(number: int, module: str, line: str) -> Mutant:
    options = dict(_OPTION.findall(line))
    sources = re.findall(rf"-src (\S*\b{module}\.sv:\d+)", line)
    return Mutant(
        number,
        module,
        options["mode"],
        options["cell"],
        options["port"],
        int(options["portbit"]),
        sources[-1] if sources else "",
        line,
    )
