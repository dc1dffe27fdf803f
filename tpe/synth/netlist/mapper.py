"""Mapping: a piece of RTL and a technology in, netlists of every recipe out, cached by content.

A child process reads a piece of RTL once and maps it by all recipes, group by group: those of a
group share their gates. What comes back is checked before it is kept: no latch, as many
flip-flops and reset pins as the elaborated RTL, cells that the library has, and the same area as
Yosys adds up. Results live in `cache_dir()/synth`, under a hash of RTL, library and recipes, one
of each group.
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
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tpe.base import processes
from tpe.base.cache import cache_dir, digest
from tpe.base.errors import TpeError, missing_extra
from tpe.synth.netlist.checks import ASYNC, FLOP, LATCH, check, check_statistics, count
from tpe.synth.netlist.mapped import Mapped, MappingResult, Part
from tpe.synth.netlist.netlist import area_um2, full_adder, read_netlist
from tpe.synth.netlist.recipes import ADDERS, Gates, Recipe
from tpe.technology.technology import Technology

_WORKER = Path(__file__).resolve().with_name("worker.py")
_DATA = Path(__file__).resolve().parents[1] / "data"
_FORMAT = 2  # of what is kept in the cache
LARGEST_MEMORY = 4096  # bits; a larger memory is no array of flip-flops: a black box


@dataclass(frozen=True)
class _Job:
    part: Part
    technology: Technology
    recipes: tuple[Recipe, ...]  # that share their gates
    needs_arithmetic: bool


def map_parts(
    parts: Sequence[Part],
    technology: Technology,
    recipes: Sequence[Recipe],
    step: Callable[[str], None] = lambda name: None,
    after: Callable[[MappingResult], None] = lambda outcome: None,
    workers: int | None = None,
    before: Sequence[Recipe] = (),
) -> list[MappingResult]:
    """Map every part by every recipe; one outcome per part, in order.

    A design without arithmetic is mapped with the first recipes' adder alone: all others give the
    same; the first of `before`, if these recipes mapped the parts already. A recipe that does not
    apply to a part is left out, with its reason; if none applies, they are taken without full
    adders and Booth digits. `after` is called in the worker's thread with each outcome. Raises
    TpeError if RTL cannot be read, a check fails or no run of a part succeeded.
    """
    require_pyosys()
    first = _first(before or recipes)

    def do(part: Part) -> MappingResult:
        jobs = _jobs(part, technology, recipes, first)
        outcome = run_jobs(jobs)
        if not (outcome.mapped or outcome.failed or before):
            plain = tuple(_plain(recipe) for recipe in recipes)
            more = run_jobs(_jobs(part, technology, plain, _first(plain)))
            outcome = replace(more, left_out=outcome.left_out)
        after(outcome)
        for _ in jobs:
            step(part.name)
        return outcome

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        done = list(pool.map(do, parts))
    for part, outcome in zip(parts, done, strict=True):
        if not (outcome.mapped or before):
            reasons = [reason for _, reason in (*outcome.failed, *outcome.left_out)]
            raise TpeError(f"{part.name} could not be mapped: {reasons[0]}")
    return done


def _plain(recipe: Recipe) -> Recipe:
    """The recipe for a part that has nothing for its full adders or Booth digits."""
    name = recipe.name.split("/full_adders")[0].replace("/booth", "")
    return replace(recipe, name=name, full_adders=False, booth=False)


def is_kept(part: Part, technology: Technology, recipes: Sequence[Recipe]) -> bool:
    """Whether `map_parts` finds all of a part in the cache."""
    jobs = _jobs(part, technology, recipes, _first(recipes))
    return all((_home(job) / "outcome.json").exists() for job in jobs)


def _home(job: _Job) -> Path:
    return cache_dir() / "synth" / digest(_describe(job))


def count_jobs(parts: Sequence[Part], recipes: Sequence[Recipe]) -> int:
    """How many jobs `map_parts` splits its work into: how often it calls `step`."""
    return len(parts) * len(_groups(recipes))


def _groups(recipes: Iterable[Recipe]) -> list[tuple[Recipe, ...]]:
    """Recipes that share their gates."""
    groups: dict[object, list[Recipe]] = {}
    for recipe in recipes:
        groups.setdefault(recipe.gates, []).append(recipe)
    return [tuple(group) for group in groups.values()]


def _first(recipes: Sequence[Recipe]) -> Gates:
    """The gates of the first recipe that applies to every part, or else of the first."""
    plain = [recipe for recipe in recipes if not (recipe.full_adders or recipe.booth)]
    return (plain or recipes)[0].gates


def _jobs(
    part: Part, technology: Technology, recipes: Sequence[Recipe], first: Gates
) -> list[_Job]:
    groups = _groups(recipes)
    return [_Job(part, technology, group, group[0].gates != first) for group in groups]


def run_jobs(jobs: Sequence[_Job]) -> MappingResult:
    """What the jobs of one part make, from the cache or from a child process."""
    homes = [_home(job) for job in jobs]
    wanted = [
        (job, home)
        for job, home in zip(jobs, homes, strict=True)
        if not (home / "outcome.json").exists()
    ]
    missing = [(job, home) for job, home in wanted if not _without_adder(job, home)]
    if missing:
        _make(missing)
    found = [_load(job.part, home) for job, home in zip(jobs, homes, strict=True)]
    return MappingResult(
        tuple(m for out in found for m in out.mapped),
        tuple(f for out in found for f in out.failed),
        tuple(f for out in found for f in out.left_out),
    )


def _describe(job: _Job) -> dict[str, Any]:
    """Everything that decides the outcome, as JSON."""
    tech, part = job.technology, job.part
    return {
        "format": _FORMAT,
        "worker": hashlib.sha256(_WORKER.read_bytes()).hexdigest(),
        "pyosys": version("pyosys"),
        "modules": dict(part.modules),
        "top": part.top,
        "keep": None if part.keep is None else sorted(part.keep),
        "liberty": list(tech.library.sha256),
        "dont_use": sorted(tech.refused),
        "boxes": sorted(part.boxes),
        "recipes": [[r.name, r.script, r.targets, *r.gates] for r in job.recipes],
        "adder": _rules(job.recipes[0].adder),
        "needs_arithmetic": job.needs_arithmetic,
        "largest_memory": LARGEST_MEMORY,
    }


def _rules(adder: str) -> str:
    path = ADDERS[adder] or ""
    return (_DATA / path[1:]).read_text() if path.startswith("@") else path


def _make(jobs: Sequence[tuple[_Job, Path]]) -> None:
    """Run the child, check what it made, put each job into the cache in one move."""
    folder = jobs[0][1].parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=folder, prefix=".work-"))
    except OSError as error:
        raise TpeError(f"cannot write {folder}: {error.strerror}; set TPE_CACHE_DIR") from None
    try:
        report = _child([job for job, _ in jobs], work)
        _check_latches(jobs[0][0].part, report)
        for (job, home), made in zip(jobs, report["groups"], strict=True):
            kept = Path(tempfile.mkdtemp(dir=work))
            _keep(job, {**report, **made}, work, kept)
            _place(kept, home)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _place(kept: Path, home: Path) -> None:
    try:
        os.rename(kept, home)
    except OSError:  # another process was first
        if not (home / "outcome.json").exists():
            raise


def _without_adder(job: _Job, home: Path) -> bool:
    """Whether a job is of full adders and the library has none: that is kept as its outcome."""
    if not job.recipes[0].full_adders or full_adder(job.technology.cells) is not None:
        return False
    home.mkdir(parents=True, exist_ok=True)
    reason = f"{job.technology.name} has no full adder"
    _write_outcome(home, [], [], [(recipe.name, reason) for recipe in job.recipes])
    return True


def _write_outcome(home: Path, points: object, failed: object, left_out: object) -> None:
    content = {"points": points, "failed": failed, "left_out": left_out}
    (home / "outcome.json").write_text(json.dumps(content))


def _child(jobs: Sequence[_Job], work: Path) -> dict[str, Any]:
    """Run `worker.py` on jobs; TpeError with Yosys's last words if it gives up."""
    file = work / "job.json"
    file.write_text(json.dumps(_job_file(jobs, work)))
    command = [sys.executable, "-P", str(_WORKER), str(file)]
    with (work / "log.txt").open("w") as log:
        done = processes.run(command, stdout=log, stderr=subprocess.STDOUT, cwd=work)
    report = work / "report.json"
    if done.returncode == 0 and report.exists():
        loaded: dict[str, Any] = json.loads(report.read_text())
        return loaded
    raise TpeError(f"yosys could not map {jobs[0].part.name}: {_last_words(work, done.returncode)}")


def _last_words(work: Path, code: int) -> str:
    """The error that ended the child, in one line."""
    lines = (work / "log.txt").read_text(errors="replace").splitlines()
    errors = [line.strip() for line in lines if "ERROR" in line or "Error:" in line]
    text = errors[-1] if errors else next((x.strip() for x in reversed(lines) if x.strip()), "")
    return text[:300] or f"it ended with {code}"


def _job_file(jobs: Sequence[_Job], work: Path) -> dict[str, Any]:
    """What the child reads; the files it names are written beside it."""
    tech, part = jobs[0].technology, jobs[0].part
    sources = []
    for name, text in part.modules.items():
        sources.append(str(work / f"{name}.sv"))
        Path(sources[-1]).write_text(text)
    (work / "constraints").write_text(constraints(tech))
    (work / "full_adder.v").write_text(full_adder(tech.cells) or "")
    return {
        "folder": str(work),
        "sources": sources,
        "top": part.top,
        "keep": None if part.keep is None else sorted(part.keep),
        "boxes": list(part.boxes),
        "liberty": list(map(str, tech.tool_files)),
        "dont_use": sorted(tech.refused),
        "constraints": str(work / "constraints"),
        "ties": _ties(tech),
        "largest_memory": LARGEST_MEMORY,
        "groups": [_group_file(job, work) for job in jobs],
    }


def _group_file(job: _Job, work: Path) -> dict[str, Any]:
    adder, full_adders, booth = job.recipes[0].gates
    rules = ADDERS[adder]
    return {
        "adder_maps": [str(_DATA / rules[1:]) if rules[0] == "@" else rules] if rules else [],
        "full_adder_map": str(work / "full_adder.v") if full_adders else None,
        "booth": booth,
        "needs_arithmetic": job.needs_arithmetic and not (full_adders or booth),
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


def _check_latches(part: Part, report: Mapping[str, Any]) -> None:
    latches = count(report["written"], part.top, LATCH)
    if latches:
        raise TpeError(f"{part.name} infers {latches} latches; legal: flip-flops alone")


def _keep(job: _Job, report: Mapping[str, Any], work: Path, kept: Path) -> None:
    """Check every netlist of a job and write what the cache holds of it."""
    if "left_out" in report:
        reason = " ".join(report["left_out"].split())
        return _write_outcome(kept, [], [], [(r.name, reason) for r in job.recipes])
    part, library = job.part, job.technology.library
    written, registers = (count(report[x], part.top, FLOP) for x in ("written", "elaborated"))
    resets = count(report["elaborated"], part.top, ASYNC)
    points, failed, number = [], [], 0
    names = [(r.name, target) for r in job.recipes for target in r.targets]
    for run in report["runs"]:
        name, target = names[run["run"]]
        if "error" in run:
            failed.append((name, " ".join(run["error"].split())))
            continue
        text = (work / f"{run['number']}.v").read_text()
        netlist = read_netlist(text, part.top)
        memories = {m: [bits, netlist.cells.get(m, 0)] for m, bits in report["memories"].items()}
        hidden = {*memories, *report["boxes"]}
        counts = {k: n for k, n in netlist.cells.items() if k not in hidden}
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
    return _write_outcome(kept, points, failed, [])


def _load(part: Part, home: Path) -> MappingResult:
    content = json.loads((home / "outcome.json").read_text())
    mapped = tuple(
        Mapped(part=part.name, variant=part.variant, top=part.top, folder=home, **point)
        for point in content["points"]
    )
    failed, left_out = (tuple(map(tuple, content[name])) for name in ("failed", "left_out"))
    return MappingResult(mapped, failed, left_out)


def require_pyosys() -> None:
    """TpeError with the pip command where Yosys is not installed."""
    try:
        version("pyosys")
    except PackageNotFoundError:
        raise missing_extra("pyosys", "synth") from None
