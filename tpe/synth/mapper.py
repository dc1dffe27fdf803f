"""Mapping: a piece of RTL and a technology in, netlists of every recipe out, cached by content.

Each job is one piece of RTL with one way to build adders: a child process reads the RTL once and
runs all scripts of that adder. What comes back is checked before it is kept: no latch, as many
flip-flops and reset pins as the elaborated RTL, cells that the library has, and the same area as
Yosys adds up. Results live in `cache_dir()/synth`, under a hash of RTL, library and recipes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tpe.base import processes
from tpe.errors import TpeError, missing_extra
from tpe.jit import cache_dir
from tpe.synth.checks import ASYNC, FLOP, LATCH, check, check_statistics, count
from tpe.synth.kept import digest
from tpe.synth.netlist import Netlist, area_um2, full_adder, read_netlist
from tpe.synth.recipes import ADDERS, Recipe
from tpe.synth.tech import Technology

_HERE = Path(__file__).resolve().parent
_FORMAT = 1  # of what is kept in the cache
LARGEST_MEMORY = 4096  # bits; a larger memory is no array of flip-flops: a black box


@dataclass(frozen=True)
class Part:
    """A piece of RTL to be mapped: modules by name, the top, and what stays a module.

    `keep` are modules that are not flattened, mapped once however often they stand in the top;
    None keeps every one, () none. `variant` says, for a person, what was chosen in the RTL.
    """

    name: str
    top: str
    modules: Mapping[str, str]
    keep: tuple[str, ...] | None = ()
    variant: str = ""


@dataclass(frozen=True)
class Mapped:
    """A netlist and what is known of it without timing.

    recipe, target  -- the recipe, and the delay it was driven to as a multiple of its fastest
    area_um2        -- the sum of its cells' areas
    flip_flops      -- of the netlist, equal to those of the elaborated RTL; `resets` of them have
                       a reset or preset pin that is driven; `constant_flip_flops` more are written
                       in the RTL whose value never changes or is never read: they are left out
    memories        -- memories that are left out as black boxes: (bits, copies) by module
    abc_delay_ns    -- the longest combinational path of its modules, as ABC's `stime` gives it
    folder, number  -- where it lies in the cache
    """

    part: str
    variant: str
    top: str
    recipe: str
    target: float
    cells: Mapping[str, int]
    area_um2: float
    flip_flops: int
    constant_flip_flops: int
    resets: int
    full_adders: int
    memories: Mapping[str, tuple[int, int]]
    abc_delay_ns: float
    folder: Path
    number: int

    @cached_property
    def text(self) -> str:
        """The netlist as Verilog."""
        return gzip.decompress(self.file.read_bytes()).decode()

    @cached_property
    def netlist(self) -> Netlist:
        """The netlist, read."""
        return read_netlist(self.text, self.top)

    @property
    def file(self) -> Path:
        """Its compressed Verilog in the cache."""
        return self.folder / f"{self.number}.v.gz"

    @property
    def label(self) -> str:
        """Variant, recipe and target in one word.

        The target is left out where the recipe was driven as fast as it comes.
        """
        driven = "" if self.target == 1.0 else f"@{self.target:g}"
        return f"{self.variant + ':' if self.variant else ''}{self.recipe}{driven}"


@dataclass(frozen=True)
class Outcome:
    """What a job made; `failed` are (recipe, reason) of runs that Yosys or ABC gave up."""

    mapped: tuple[Mapped, ...]
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class _Job:
    part: Part
    technology: Technology
    recipes: tuple[Recipe, ...]  # of one adder, full adders or not
    needs_arithmetic: bool


def map_parts(
    parts: Sequence[Part],
    technology: Technology,
    recipes: Sequence[Recipe],
    step: Callable[[str], None] = lambda name: None,
    after: Callable[[Outcome], None] = lambda outcome: None,
    workers: int | None = None,
) -> list[Outcome]:
    """Map every part by every recipe; one outcome per part, in order.

    A design without arithmetic is mapped with the first recipes' adder alone: all others give the
    same. `after` is called in the worker's thread with each job's outcome. Raises TpeError if RTL
    cannot be read, a check fails or no run of a part succeeded.
    """
    require_pyosys()
    jobs = [job for part in parts for job in _jobs(part, technology, recipes)]

    def do(job: _Job) -> Outcome:
        outcome = run_job(job)
        after(outcome)
        step(job.part.name)
        return outcome

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        done = list(pool.map(do, jobs))
    merged = []
    for part in parts:
        mine = [out for job, out in zip(jobs, done, strict=True) if job.part is part]
        mapped = tuple(m for out in mine for m in out.mapped)
        failed = tuple(f for out in mine for f in out.failed)
        if not mapped:
            reason = failed[0][1] if failed else "no recipe applies to it"
            raise TpeError(f"{part.name} could not be mapped: {reason}")
        merged.append(Outcome(mapped, failed))
    return merged


def count_jobs(parts: Sequence[Part], recipes: Sequence[Recipe]) -> int:
    """How many jobs `map_parts` splits its work into: how often it calls `step`."""
    return len(parts) * len(_groups(recipes))


def _groups(recipes: Iterable[Recipe]) -> list[tuple[Recipe, ...]]:
    """Recipes that share their gates: one adder, full adders or not."""
    groups: dict[tuple[bool, str], list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault((recipe.full_adders, recipe.adder), []).append(recipe)
    return [tuple(group) for group in groups.values()]


def _jobs(part: Part, technology: Technology, recipes: Sequence[Recipe]) -> list[_Job]:
    groups = _groups(recipes)
    first = next((group for group in groups if not group[0].full_adders), groups[0])
    return [_Job(part, technology, group, group is not first) for group in groups]


def run_job(job: _Job) -> Outcome:
    """What one job makes, from the cache or from a child process."""
    content = _describe(job)
    home = cache_dir() / "synth" / digest(content)
    if not (home / "outcome.json").exists():
        _make(job, content, home)
    return _load(job.part, home)


def _describe(job: _Job) -> dict[str, Any]:
    """Everything that decides the outcome, as JSON."""
    tech, part = job.technology, job.part
    return {
        "format": _FORMAT,
        "worker": hashlib.sha256((_HERE / "worker.py").read_bytes()).hexdigest(),
        "pyosys": version("pyosys"),
        "modules": dict(part.modules),
        "top": part.top,
        "keep": None if part.keep is None else sorted(part.keep),
        "liberty": list(tech.library.sha256),
        "dont_use": sorted(tech.refused),
        "recipes": [[r.name, r.adder, r.script, r.targets, r.full_adders] for r in job.recipes],
        "adder": _rules(job.recipes[0].adder),
        "needs_arithmetic": job.needs_arithmetic,
        "largest_memory": LARGEST_MEMORY,
    }


def _rules(adder: str) -> str:
    path = ADDERS[adder] or ""
    return (_HERE / "data" / path[1:]).read_text() if path.startswith("@") else path


def _make(job: _Job, content: Mapping[str, Any], home: Path) -> None:
    """Run the child, check what it made, put it into the cache in one move."""
    if job.recipes[0].full_adders and full_adder(job.technology.cells) is None:
        return _nothing(home)  # the recipe does not apply to this library
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=home.parent, prefix=".work-"))
    except OSError as error:
        raise TpeError(f"cannot write {home.parent}: {error.strerror}; set TPE_CACHE_DIR") from None
    try:
        report = _child(job, content, work)
        kept = work / "kept"
        kept.mkdir()
        _keep(job, report, work, kept)
        try:
            os.rename(kept, home)
        except OSError:  # another process was first
            if not (home / "outcome.json").exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _nothing(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    (home / "outcome.json").write_text(json.dumps({"points": [], "failed": []}))


def _child(job: _Job, content: Mapping[str, Any], work: Path) -> dict[str, Any]:
    """Run `worker.py` on a job; TpeError with Yosys's last words if it gives up."""
    file = work / "job.json"
    file.write_text(json.dumps(_job_file(job, content, work)))
    command = [sys.executable, "-P", str(_HERE / "worker.py"), str(file)]
    with (work / "log.txt").open("w") as log:
        done = processes.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=work)
    report = work / "report.json"
    if done.returncode == 0 and report.exists():
        loaded: dict[str, Any] = json.loads(report.read_text())
        return loaded
    raise TpeError(f"yosys could not map {job.part.name}: {_last_words(work, done.returncode)}")


def _last_words(work: Path, code: int) -> str:
    """The error that ended the child, in one line."""
    lines = (work / "log.txt").read_text(errors="replace").splitlines()
    errors = [line.strip() for line in lines if "ERROR" in line or "Error:" in line]
    text = errors[-1] if errors else next((x.strip() for x in reversed(lines) if x.strip()), "")
    return text[:300] or f"it ended with {code}"


def _job_file(job: _Job, content: Mapping[str, Any], work: Path) -> dict[str, Any]:
    """What the child reads; the files it names are written beside it."""
    tech, part = job.technology, job.part
    sources = []
    for name, text in part.modules.items():
        sources.append(str(work / f"{name}.sv"))
        Path(sources[-1]).write_text(text)
    (work / "constraints").write_text(constraints(tech))
    adder = ADDERS[job.recipes[0].adder]
    maps = [str(_HERE / "data" / adder[1:]) if adder.startswith("@") else adder] if adder else []
    rules = full_adder(tech.cells) if job.recipes[0].full_adders else None
    if rules:
        (work / "full_adder.v").write_text(rules)
    return {
        "folder": str(work),
        "sources": sources,
        "top": part.top,
        "keep": content["keep"],
        "liberty": list(map(str, tech.tool_files)),
        "dont_use": content["dont_use"],
        "constraints": str(work / "constraints"),
        "ties": _ties(tech),
        "adder_maps": maps,
        "full_adder_map": str(work / "full_adder.v") if rules else None,
        "needs_arithmetic": job.needs_arithmetic and not job.recipes[0].full_adders,
        "largest_memory": content["largest_memory"],
        "recipes": [{"script": r.script, "targets": list(r.targets)} for r in job.recipes],
    }


def constraints(tech: Technology) -> str:
    """What ABC assumes outside a cone: the smallest buffer drives it, two such pins load it."""
    driver = (tech.buffers or tech.inverters)[0]
    load = tech.library.cell(driver).inputs[0].capacitance_ff or 0.0
    return f"set_driving_cell {driver}\nset_load {2 * load:g}\n"


def _ties(tech: Technology) -> str:
    """Options of `hilomap`; empty where the library lacks one of the two cells."""
    if tech.tie_high is None or tech.tie_low is None:
        return ""
    return f"-hicell {' '.join(tech.tie_high)} -locell {' '.join(tech.tie_low)}"


def _keep(job: _Job, report: Mapping[str, Any], work: Path, kept: Path) -> None:
    """Check every netlist of a job and write what the cache holds of it."""
    part, library = job.part, job.technology.library
    latches = count(report["written"], part.top, LATCH)
    if latches:
        raise TpeError(f"{part.name} infers {latches} latches; legal: flip-flops alone")
    written, registers = (count(report[x], part.top, FLOP) for x in ("written", "elaborated"))
    resets = count(report["elaborated"], part.top, ASYNC)
    points, failed, number = [], [], 0
    names = [(r.name, target) for r in job.recipes for target in r.targets]
    for run in report["runs"]:
        name, target = names[run["number"]]
        if "error" in run:
            failed.append((name, " ".join(run["error"].split())))
            continue
        text = (work / f"{run['number']}.v").read_text()
        netlist = read_netlist(text, part.top)
        memories = {m: [bits, netlist.cells.get(m, 0)] for m, bits in report["memories"].items()}
        counts = {k: n for k, n in netlist.cells.items() if k not in report["memories"]}
        area = area_um2(counts, library)
        check(part.name, netlist, job.technology, (registers, resets))
        check_statistics(part.name, netlist, work / f"{run['number']}.json", area, memories)
        (kept / f"{number}.v.gz").write_bytes(gzip.compress(text.encode(), 6, mtime=0))
        points.append(
            {
                "recipe": name,
                "target": target,
                "cells": counts,
                "area_um2": area,
                "flip_flops": registers,
                "constant_flip_flops": written - registers,
                "resets": resets,
                "full_adders": report["full_adders"],
                "memories": memories,
                "abc_delay_ns": run["abc_delay_ns"],
                "number": number,
            }
        )
        number += 1
    content = {"points": points, "failed": failed}
    (kept / "outcome.json").write_text(json.dumps(content))


def _load(part: Part, home: Path) -> Outcome:
    content = json.loads((home / "outcome.json").read_text())
    mapped = tuple(
        Mapped(part=part.name, variant=part.variant, top=part.top, folder=home, **point)
        for point in content["points"]
    )
    return Outcome(mapped, tuple((name, reason) for name, reason in content["failed"]))


def require_pyosys() -> None:
    """TpeError with the pip command where Yosys is not installed."""
    try:
        version("pyosys")
    except PackageNotFoundError:
        raise missing_extra("pyosys", "synth") from None
