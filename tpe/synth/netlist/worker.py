"""The child process that maps one design: `python worker.py JOB.json`, started by `mapper`.

A process of its own, since pyosys is not safe in threads and a crash of it or of ABC must end
nothing else; it imports nothing of this package. The job is a JSON object that `mapper` writes.
Its groups are recipes that share their gates. Into its folder come `report.json`, and for run N
`N.v`, `N.json` (Yosys's statistics).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

_DELAY = re.compile(r"Delay = *([\d.]+) ps")
_REGISTERS = "t:$dff t:$dffe t:$adff t:$adffe t:$sdff t:$sdffe t:$sdffce t:$aldff t:$dffsr t:$mem*"
# What carries are built for; a design without it is the same for every adder.
_ARITHMETIC = re.compile(r"\$(alu|lcu|macc(_v2)?|add|sub|mul|lt|le|gt|ge|neg)$")
_FINE = "synth -nofsm -noshare -nordff -run :fine -top"
_COARSE = ("opt -fast -full", "memory_map", "opt -full")


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
    boxes = [new for new in yosys.names.values() if _base(new) in job["boxes"]]
    _blackbox(yosys, boxes)
    yosys.run(f"hierarchy -top {top}")  # what was inside goes
    hidden = _hide_memories(yosys, job["largest_memory"])
    for old, new in yosys.names.items():
        if job["keep"] is None or _base(new) in job["keep"]:
            yosys.run(f"setattr -mod -set keep_hierarchy 1 {old}")
    yosys.run("flatten -noscopeinfo", "opt_clean", "design -save elaborated")
    yosys.run("memory_collect", "memory_map", f"simplemap {_REGISTERS}")
    written = _types(yosys)
    yosys.run("design -load elaborated", "opt -full")
    products = "$mul" in _kinds(yosys)
    yosys.run("design -load elaborated", f"{_FINE} {top}")
    arithmetic = any(map(_ARITHMETIC.match, _kinds(yosys)))
    yosys.run(*_COARSE, "design -save rtl")
    return {
        "written": written,  # registers as they stand in the RTL
        "arithmetic": arithmetic,
        "products": products,
        "memories": hidden,
        "boxes": boxes,
    }


def prepare_booth(yosys: Yosys, job: dict[str, Any]) -> None:
    """The coarse design with every product made of Booth digits, saved as `booth`."""
    yosys.run("design -load elaborated", f"{_FINE} {job['top']} -booth")
    yosys.run(*_COARSE, "design -save booth")


def _kinds(yosys: Yosys) -> set[str]:
    return {kind for types in _types(yosys).values() for kind in types}


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
    _blackbox(yosys, hidden)
    return hidden


def _blackbox(yosys: Yosys, modules: Iterable[str]) -> None:
    for old, new in yosys.names.items():
        if new in modules:
            yosys.run(f"blackbox {old}")


def _types(yosys: Yosys) -> dict[str, dict[str, int]]:
    """Cells by type, of every module."""
    return {name: content["num_cells_by_type"] for name, content in yosys.stat().items()}


def gates(yosys: Yosys, job: dict[str, Any], group: dict[str, Any]) -> dict[str, Any]:
    """Bring the design down to gates and flip-flops, saved as `gates`.

    "full_adders" that it has; "elaborated": its cells, among them the registers of the RTL without
    those whose input is constant or that nothing reads, before any becomes a library's.
    """
    maps = " ".join(f"-map {file}" for file in group["adder_maps"])
    yosys.run(f"design -load {'booth' if group['booth'] else 'rtl'}")
    yosys.run(f"techmap {maps} -map +/techmap.v", "opt -fast", "opt_clean")
    found = 0
    if group["full_adder_map"]:
        yosys.run("extract_fa -fa")
        found = sum(types.get("$fa", 0) for types in _types(yosys).values())
        yosys.run(f"techmap -map {group['full_adder_map']}", "techmap", "opt -fast")
    liberty, barred = _liberty(job)
    yosys.run("setundef -zero")
    elaborated = _types(yosys)
    yosys.run(f"dfflibmap {liberty} {barred}", "opt", "design -save gates")
    return {"full_adders": found, "elaborated": elaborated}


def _liberty(job: dict[str, Any]) -> tuple[str, str]:
    return (
        " ".join(f"-liberty {file}" for file in job["liberty"]),
        " ".join(f"-dont_use {name}" for name in job["dont_use"]),
    )


# ---- ABC: one process for all scripts on the same gates ----

# Stands in for ABC, and is called with its arguments: `-s -f SCRIPT`. The first call runs ABC on
# the whole session, which leaves a netlist of every script; each call takes the one it wants. It
# never fails, since Yosys would end with it: where there is no netlist it says so. What else Yosys
# wants of ABC (`-c`, to keep a library in a form of its own) goes to ABC as it is.
_SHARED = r"""#!/bin/sh
[ "$1" = -s ] || exec "$TPE_ABC" "$@"
folder=$(dirname "$3")
store="$TPE_SESSION/gates-$(cksum < "$folder/input.blif" | tr ' ' -)"
if [ ! -d "$store" ]; then
  mkdir -p "$store" && cp "$folder/input.blif" "$store" && cd "$store" || exit 1
  "$TPE_ABC" "$@" > log 2>&1
fi
if [ -f "$store/$TPE_RUN.blif" ]; then
  sed -n "/^tpe_run $TPE_RUN *\$/,/^tpe_end $TPE_RUN *\$/p" "$store/log"
  cp "$store/$TPE_RUN.blif" "$folder/output.blif"
else
  echo "tpe_failed $(grep -m 1 '^[*][*]' "$store/log" || tail -n 1 "$store/log")"
  cp "$folder/input.blif" "$folder/output.blif"
fi
"""
_FAILED = re.compile(r"tpe_failed (.*)")
_CHOICES = ("strash", "dch")  # what several scripts begin with; `backup` keeps what comes of it


class Session:
    """Scripts that run in one process of ABC, each known by its place; what they share runs once.

    Of each comes the netlist that a process of its own gives. If one of them ends the process, the
    others that are asked for get one of their own.
    """

    def __init__(self, yosys: Yosys, job: dict[str, Any], scripts: list[str]) -> None:
        self._yosys, self._job, self._scripts = yosys, job, scripts
        self._home = Path(tempfile.mkdtemp(dir=yosys.folder, prefix="session-"))
        (self._home / "session.abc").write_text("\n".join(_session(scripts)) + "\n")
        self._shared = _shared(yosys.folder.parent)
        package = Path(import_module("pyosys").__file__ or "").parent / "yosys-abc"
        self._program = str(package) if package.exists() else shutil.which("yosys-abc") or "abc"

    def map(self, place: int) -> float:
        """Map the gates by one of the scripts; the longest path, ns, as ABC has it."""
        try:
            return self._map(place)
        except RuntimeError:
            if len(self._scripts) == 1:
                raise
            return Session(self._yosys, self._job, [self._scripts[place]]).map(0)

    def _map(self, place: int) -> float:
        os.environ["TPE_SESSION"] = str(self._home)
        os.environ["TPE_RUN"] = str(place)
        os.environ["TPE_ABC"] = self._program
        liberty, barred = _liberty(self._job)
        self._yosys.run("design -load gates")
        options = f"-constr {self._job['constraints']} -exe {self._shared}"
        script = f"-script {self._home / 'session.abc'}"
        said = self._yosys.said(f"abc {liberty} {barred} {options} {script}")
        failed = _FAILED.search(said)
        if failed:
            raise RuntimeError(f"ABC failed: {failed[1].strip()}")
        return max((float(ps) for ps in _DELAY.findall(said)), default=0.0) / 1000


def _shared(folder: Path) -> Path:
    """The stand-in for ABC, always at one path: Yosys keeps a library's cells by the program."""
    name = hashlib.sha256(_SHARED.encode()).hexdigest()[:16]
    path = folder / f"abc-{name}.sh"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=folder, delete=False) as file:
            file.write(_SHARED)
        os.chmod(file.name, 0o755)
        os.replace(file.name, path)
    return path


def _session(scripts: list[str]) -> list[str]:
    begun: dict[tuple[str, ...], list[tuple[int, list[str]]]] = {}
    for place, script in enumerate(scripts):
        commands = script.split(";")
        common = tuple(itertools.takewhile(lambda command: command in _CHOICES, commands))
        begun.setdefault(common, []).append((place, commands[len(common) :]))
    lines = []
    for common, members in begun.items():
        lines += ["read_blif input.blif", *common, "backup"]
        for place, own in members:
            lines += ["restore", f"echo tpe_run {place}", *own]
            lines += [f"write_blif {place}.blif", f"echo tpe_end {place}"]
    return lines


def write_run(yosys: Yosys, job: dict[str, Any], number: int) -> None:
    """The netlist of the run of that number, constants tied, and its statistics."""
    if job["ties"]:
        yosys.run(f"hilomap -singleton {job['ties']}")
    yosys.run("splitnets", "rename -unescape", "opt_clean -purge", "check -mapped -assert")
    yosys.write(yosys.folder / f"{number}.v")
    content = yosys.stat(_liberty(job)[0])
    (yosys.folder / f"{number}.json").write_text(json.dumps(content))


def map_group(
    yosys: Yosys, job: dict[str, Any], runs: list[tuple[str, float]], first: int
) -> list[dict[str, Any]]:
    """Every (script, delay target) on the gates, numbered from `first`, each with its report.

    A target is a multiple of the delay that the script reaches without one. A run that fails has
    its reason, and the others go on.
    """
    scripts = list(dict.fromkeys(script for script, _ in runs))
    fastest: dict[str, float] = {}
    reports: dict[int, dict[str, Any]] = {}

    def run(session: Session, place: int, numbers: list[int], ps: int | None) -> float | None:
        try:
            delay = session.map(place)
            for number in numbers:
                write_run(yosys, job, first + number)
                reports[number] = {"target_ps": ps, "abc_delay_ns": delay}
        except RuntimeError as error:
            reports.update((n, {"error": str(error).strip()[-300:]}) for n in numbers)
            return None
        return delay

    session = Session(yosys, job, [script.replace("{D}", "") for script in scripts])
    for place, script in enumerate(scripts):
        numbers = [n for n, one in enumerate(runs) if one == (script, 1.0)]
        delay = run(session, place, numbers, None)
        if delay is not None:
            fastest[script] = delay
    driven = [
        (n, script, round(1000 * fastest[script] * target))
        for n, (script, target) in enumerate(runs)
        if target != 1.0 and script in fastest
    ]
    if driven:
        session = Session(yosys, job, [s.replace("{D}", f"-D {ps}") for _, s, ps in driven])
    for place, (number, _, ps) in enumerate(driven):
        run(session, place, [number], ps)
    return [{"run": n, "number": first + n, **found} for n, found in sorted(reports.items())]


def work(job: dict[str, Any]) -> dict[str, Any]:
    """All groups of a job; one that does not apply to the design has its reason instead of runs."""
    yosys = Yosys(Path(job["folder"]))
    report = prepare(yosys, job)
    latch = any("latch" in kind.lower() for cells in report["written"].values() for kind in cells)
    report["groups"] = []
    if latch:
        return report  # refused by whoever reads this
    first = 0
    for group in job["groups"]:
        found = do_group(yosys, job, group, report, first)
        report["groups"].append(found)
        first += sum(len(recipe["targets"]) for recipe in group["recipes"])
    return report


def do_group(
    yosys: Yosys, job: dict[str, Any], group: dict[str, Any], facts: dict[str, Any], first: int
) -> dict[str, Any]:
    """What recipes of the same gates make: what `gates` says, and "runs"; or "left_out": why."""
    if group["needs_arithmetic"] and not facts["arithmetic"]:
        return {"left_out": "nothing to add: another adder gives the same"}
    if group["booth"] and not facts["products"]:
        return {"left_out": "no product to build of Booth digits"}
    try:
        if group["booth"]:
            prepare_booth(yosys, job)
        found = gates(yosys, job, group)
    except RuntimeError as error:
        return {"left_out": str(error).strip()[-300:]}
    if group["full_adder_map"] and not found["full_adders"]:
        return {"left_out": "no sum of three bits for a full adder"}
    runs = [(r["script"], target) for r in group["recipes"] for target in r["targets"]]
    return {**found, "runs": map_group(yosys, job, runs, first)}


def main() -> None:
    """Read the job named on the command line, do it, write its report."""
    job = json.loads(Path(sys.argv[1]).read_text())
    report = work(job)
    (Path(job["folder"]) / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main()
