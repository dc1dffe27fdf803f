"""The child process that maps one design: `python worker.py JOB.json`, started by `mapper`.

A process of its own, since pyosys is not safe in threads and a crash of it or of ABC must end
nothing else; it imports nothing of this package. The job is a JSON object that `mapper` writes.
Into its folder come `report.json`, and for run N `N.v`, `N.json` (Yosys's statistics).
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

_DELAY = re.compile(r"Delay = *([\d.]+) ps")
_REGISTERS = "t:$dff t:$dffe t:$adff t:$adffe t:$sdff t:$sdffe t:$sdffce t:$aldff t:$dffsr t:$mem*"
# What carries are built for; a design without it is the same for every adder.
_ARITHMETIC = re.compile(r"\$(alu|lcu|macc(_v2)?|add|sub|mul|lt|le|gt|ge|neg)$")


class Yosys:
    """One design, and commands on it."""

    def __init__(self, folder: Path) -> None:
        self._library: Any = import_module("pyosys.libyosys")
        self._design = self._library.Design()
        self.folder = folder
        self.names: dict[str, str] = {}  # Yosys's name of a module -> the one in netlists

    def run(self, *commands: str) -> None:
        """Run commands in order; whatever Yosys objects to is raised."""
        for command in commands:
            self._library.run_pass(command, self._design)

    def said(self, command: str) -> str:
        """Run a command and give back what it printed."""
        file = self.folder / "said.txt"
        self.run(f"tee -q -o {file} {command}")
        return file.read_text()

    def stat(self, options: str = "") -> dict[str, Any]:
        """Yosys's statistics by module, under the names of netlists."""
        text = self.said(f"stat -json {options}")
        modules = json.loads(text[text.index("{") :])["modules"]
        for content in modules.values():
            kinds = content["num_cells_by_type"].items()
            content["num_cells_by_type"] = {self.plain(kind): n for kind, n in kinds}
        return {self.plain(name): content for name, content in modules.items()}

    def plain(self, name: str) -> str:
        """A module's name in netlists."""
        return self.names.get(name, name.removeprefix("\\"))

    def write(self, file: Path) -> None:
        """The design as Verilog, its modules under plain names."""
        self.run(f"write_verilog -noattr {file}")
        text = file.read_text()
        for old, new in self.names.items():
            text = text.replace(f"\\{old} ", new)
        file.write_text(text)


def prepare(yosys: Yosys, job: dict[str, Any]) -> dict[str, Any]:
    """Read and elaborate the RTL, count its registers, leave the coarse design saved as `rtl`."""
    top = job["top"]
    for file in job["liberty"]:
        yosys.run(f"read_liberty -lib -ignore_miss_func {file}")
    for file in job["sources"]:
        yosys.run(f"read_verilog -defer -sv {file}")
    yosys.run(f"hierarchy -check -top {top}", "proc")
    yosys.names = _plain_names(yosys.stat(), top)
    hidden = _hide_memories(yosys, job["largest_memory"])
    for old, new in yosys.names.items():
        if job["keep"] is None or _base(new) in job["keep"]:
            yosys.run(f"setattr -mod -set keep_hierarchy 1 {old}")
    yosys.run("flatten -noscopeinfo", "opt_clean", "design -save elaborated")
    registers = []
    reduce = ("opt", "wreduce", "peepopt", "opt -full")
    for before, after in (((), ()), (reduce, ("techmap", "opt"))):
        yosys.run("design -load elaborated", "memory_collect", "memory_map", *before)
        yosys.run(f"simplemap {_REGISTERS}", *after)
        registers.append({name: _types(content) for name, content in yosys.stat().items()})
    yosys.run("design -load elaborated", f"synth -nofsm -noshare -nordff -top {top} -run :fine")
    arithmetic = any(
        _ARITHMETIC.match(kind)
        for content in yosys.stat().values()
        for kind in content["num_cells_by_type"]
    )
    yosys.run("opt -fast -full", "memory_map", "opt -full", "design -save rtl")
    written, elaborated = registers
    return {
        "written": written,  # registers as they stand in the RTL
        "elaborated": elaborated,  # without those whose input is constant or that nothing reads
        "arithmetic": arithmetic,
        "memories": hidden,
    }


def _plain_names(modules: Iterable[str], top: str) -> dict[str, str]:
    """Every module but the top: its name -> the one it was written with, numbered if derived twice.

    A module that parameters derive is called `$paramod$HASH\\NAME` or `$paramod\\NAME\\VALUES`.
    """
    names: dict[str, str] = {}
    for old in modules:
        parts = old.split("\\")
        base = parts[1] if len(parts) > 1 and parts[0].startswith("$paramod") else old
        new, number = base, 0
        while new in names.values():
            number += 1
            new = f"{base}__{number}"
        if old != top:
            names[old] = new
    return names


def _base(name: str) -> str:
    return name.split("__")[0]


def _hide_memories(yosys: Yosys, largest: int) -> dict[str, int]:
    """Make black boxes of modules with a memory of more than `largest` bits; bits by module."""
    bits = {name: content["num_memory_bits"] for name, content in yosys.stat().items()}
    hidden = {name: count for name, count in bits.items() if count > largest}
    for old, new in yosys.names.items():
        if new in hidden:
            yosys.run(f"blackbox {old}")
    return hidden


def _types(content: dict[str, Any]) -> dict[str, int]:
    types: dict[str, int] = content["num_cells_by_type"]
    return types


def gates(yosys: Yosys, job: dict[str, Any]) -> int:
    """Bring the design down to gates and flip-flops, saved as `gates`; full adders that it has."""
    maps = " ".join(f"-map {file}" for file in job["adder_maps"])
    yosys.run("design -load rtl", f"techmap {maps} -map +/techmap.v", "opt -fast", "opt_clean")
    found = 0
    if job["full_adder_map"]:
        yosys.run("extract_fa -fa")
        found = sum(c["num_cells_by_type"].get("$fa", 0) for c in yosys.stat().values())
        yosys.run(f"techmap -map {job['full_adder_map']}", "techmap", "opt -fast")
    liberty, barred = _liberty(job)
    yosys.run("setundef -zero", f"dfflibmap {liberty} {barred}", "opt", "design -save gates")
    return found


def _liberty(job: dict[str, Any]) -> tuple[str, str]:
    return (
        " ".join(f"-liberty {file}" for file in job["liberty"]),
        " ".join(f"-dont_use {name}" for name in job["dont_use"]),
    )


def map_once(yosys: Yosys, job: dict[str, Any], number: int, run: dict[str, Any]) -> float:
    """Map the gates by one script and one target, write netlist and statistics; ABC's delay, ns."""
    liberty, barred = _liberty(job)
    target = f"-D {run['target_ps']}" if run["target_ps"] else ""
    script = run["script"].replace(" ", ",")
    yosys.run("design -load gates")
    options = f"-constr {job['constraints']} {target} -script +{script}"
    said = yosys.said(f"abc {liberty} {barred} {options}")
    if job["ties"]:
        yosys.run(f"hilomap -singleton {job['ties']}")
    yosys.run("splitnets", "rename -unescape", "opt_clean -purge", "check -mapped -assert")
    yosys.write(yosys.folder / f"{number}.v")
    content = yosys.stat(liberty)
    (yosys.folder / f"{number}.json").write_text(json.dumps(content))
    return max((float(ps) for ps in _DELAY.findall(said)), default=0.0) / 1000


def _targets(job: dict[str, Any]) -> list[tuple[str, float]]:
    """(script, delay target of its fastest) of every run, in the order of their numbers."""
    return [(r["script"], target) for r in job["recipes"] for target in r["targets"]]


def work(job: dict[str, Any]) -> dict[str, Any]:
    """All runs of a job; one that fails is reported with its reason, and the others go on."""
    yosys = Yosys(Path(job["folder"]))
    report = prepare(yosys, job)
    report["full_adders"] = 0
    report["runs"] = []
    latch = any("latch" in kind.lower() for cells in report["written"].values() for kind in cells)
    if latch or (job["needs_arithmetic"] and not report["arithmetic"]):
        return report  # nothing to map: refused by whoever reads this, or as with another adder
    report["full_adders"] = gates(yosys, job)
    if job["full_adder_map"] and not report["full_adders"]:
        return report
    fastest: dict[str, float] = {}
    for number, (script, target) in enumerate(_targets(job)):
        base = fastest.get(script)
        ps = None if base is None or target == 1.0 else round(1000 * base * target)
        try:
            delay = map_once(yosys, job, number, {"script": script, "target_ps": ps})
        except RuntimeError as error:
            report["runs"].append({"number": number, "error": str(error).strip()[-300:]})
            continue
        fastest.setdefault(script, delay)
        report["runs"].append({"number": number, "target_ps": ps, "abc_delay_ns": delay})
    return report


def main() -> None:
    """Read the job named on the command line, do it, write its report."""
    job = json.loads(Path(sys.argv[1]).read_text())
    report = work(job)
    (Path(job["folder"]) / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
