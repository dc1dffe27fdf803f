"""Co-simulation: engines against their RTL in Verilator, values and cycles.

A bench holds a number of engines in one simulator; a `Case` is one GEMM on one of them. The
operands go in and the results come out as memory images, so that Python does nothing per cycle.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from subprocess import STDOUT
from typing import Any

import numpy as np

from tpe.base.errors import missing_extra
from tpe.base.files import data_folder
from tpe.base.processes import run
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit import finish, sources
from tpe.hdl.emit.package_files.facts import facts
from tpe.hdl.emit.sva import sva_modules
from tpe.hdl.emit.templates import template
from tpe.hdl.simulate.build import QUICK, Design, build
from tpe.hdl.simulate.hex import image_lines, unpack_lines
from tpe.hdl.simulate.images import (
    Case,
    Images,
    counts,
    cycle_limit,
    first_flagged,
    images,
)
from tpe.hdl.simulate.sizes import SETTINGS, Counts
from tpe.model.engine import Run
from tpe.numbers.operands import Ints

MEMORY = 4096  # words of a bench memory, unless a case needs more
BRIEF = 2_000_000  # cycles times PEs of all cases, under which optimising costs more than it saves
ENGINES = 12  # of a simulator: Verilator's time grows faster than their number
_WAVES = {".fst": ("--trace-fst", "--trace-structs"), ".vcd": ("--trace", "--trace-structs")}


@dataclass(frozen=True, eq=False)
class Outcome:
    """What the RTL did with a case, and what the model says; C as words, of integers the values."""

    case: Case
    C: Ints = field(repr=False)  # of the RTL
    C_model: Ints = field(repr=False)
    cycles_rtl: int
    cycles_model: int
    overflow_rtl: bool = False  # where the RTL says so
    overflow_model: bool = False
    flags_wrong: int = 0  # words that left with another overflow flag than theirs
    deadlock: str = ""  # how every handshake stands, if the run did not end

    @property
    def mismatches(self) -> int:
        """Outputs that differ."""
        return int(np.count_nonzero(self.C_model != self.C))

    @property
    def ok(self) -> bool:
        """Whether the run ended, and every output, the cycles and the overflow flag agree."""
        same = self.cycles_rtl == self.cycles_model or not self.case.counted
        same = same and self.overflow_rtl == self.overflow_model and self.flags_wrong == 0
        return self.mismatches == 0 and same and not self.deadlock

    def first_mismatch(self) -> str:
        """The deadlock, or the first output or flag that differs, for a person; empty if none."""
        if self.deadlock:
            return f"deadlock: {self.deadlock}"
        where = np.argwhere(self.C_model != self.C)
        if not len(where):
            return f"overflow flag wrong with {self.flags_wrong} words" if self.flags_wrong else ""
        m, n = (int(i) for i in where[0])
        values = self.case.engine.arithmetic.values
        right, wrong = values(self.C_model[m, n]), values(self.C[m, n])
        return f"C[{m}, {n}]: expected {right}, got {wrong}"


def bench_design(
    engines: Sequence[Config],
    words: int = MEMORY,
    waves: str = "",
    asserts: bool = False,
    reset: str = "async",
) -> Design:
    """One simulator with a harness per engine; engines that differ in size share their modules.

    `asserts`: with the properties of `tpe.hdl.emit.sva` bound to every engine; one that fails ends
    the simulation. `reset` as in `emit.engine_modules`.
    """
    modules: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    harnesses: list[dict[str, Any]] = []
    for engine in engines:
        identity = json.dumps([engine.pe.name if engine.pe else "", _combination(engine)])
        if identity not in prefixes:
            prefixes[identity] = f"e{len(prefixes)}"
            modules |= emit.rename(_harnessed(engine, asserts, reset), prefixes[identity])
        harnesses.append(
            {
                "module": f"{prefixes[identity]}_harness",
                "parameters": harness_parameters(engine, words),
                "settings": SETTINGS,
            }
        )
    modules["tpe_bench"] = template("bench.sv.j2", harnesses=harnesses, settings=SETTINGS)
    flags = _WAVES.get(waves, ()) + (("--assert",) if asserts else ())
    return Design(modules, "tpe_bench", flags)


def _combination(engine: Config) -> list[Any]:
    """What decides an engine's RTL besides its size."""
    array = engine.array.name if engine.array else ""
    stored = [number.name for number in emit.stored_formats(engine)]
    widths, choices = sorted(emit.rtl_widths(engine).items()), sorted(_rtl_choices(engine))
    ports = [(field.port, field.wide) for field in finish.fields(engine)]
    choices += [("gating", engine.params["gating"])]
    return [array, stored, engine.params["zero_points"], widths, choices, ports]


def _rtl_choices(engine: Config) -> list[tuple[str, str]]:
    """Parameters that change the RTL beyond its widths."""
    pe = emit.record(engine)
    return [
        (p.name, str(engine.params[p.name]))
        for p in pe.parameters
        if p.rtl or p.name in ("tree", "encode_in")
    ]


def _harnessed(engine: Config, asserts: bool = False, reset: str = "async") -> dict[str, str]:
    # Every size has its own name in the configuration, so sizes come as parameters.
    top = Config(engine.record, engine.array, engine.array.cut(engine.size, 1), **engine.params)
    modules = emit.engine_modules(top, reset)
    ports = sources.port_names(modules["tpe_engine"])
    signals = {"done_o": "pass_done_o", "overflow_clear_i": "1'b0"} | finish.slices(engine, "d_i")
    connections = [(port, signals.get(port, port)) for port in ports]
    if asserts:
        modules |= sva_modules(top, held=False, reset=reset)
    dut = template("dut.sv.j2", connections=connections, ports=ports)
    benches = {name: sources.bench_text(name) for name in ("tpe_harness", "tpe_source", "tpe_walk")}
    return {**modules, "tpe_dut": dut, **benches}


def harness_parameters(engine: Config, words: int) -> list[tuple[str, Any]]:
    """Parameters of the harness of an engine, in order."""
    known = facts(engine)
    a, b = emit.stored_formats(engine)
    return [
        ("Rows", known.rows),
        ("Cols", known.cols),
        ("ABits", known.a.width),
        ("BBits", known.b.width),
        ("CBits", known.c.width),
        ("DBits", finish.record_bits(engine)),
        ("Streams", known.streams),
        ("Planes", known.planes),
        ("BPlanes", known.b_planes),
        ("AZeroBits", a.bits),
        ("BZeroBits", b.bits),
        ("Taken", "1'b1" if known.taken else "1'b0"),
        ("MemWords", words),
    ]


def cosimulate(
    cases: Sequence[Case],
    waves: Path | None = None,
    asserts: bool = False,
    reset: str = "async",
) -> list[Outcome]:
    """Run every case in a simulator built from the engines they name, beside the model.

    Many engines are several simulators, one after another; with `waves` always one.
    """
    # What must be refused is, before anything is built.
    prepared = [(case, images(case), _model(case)) for case in cases]
    words = memory_words(counts(case) for case in cases)
    engines = list({id(case.engine): case.engine for case in cases}.values())
    benches = [engines] if waves else _benches(engines)
    seen: dict[int, Outcome] = {}
    for bench in benches:
        design = bench_design(bench, words, waves.suffix if waves else "", asserts, reset)
        held = {id(engine) for engine in bench}
        mine = [i for i, case in enumerate(cases) if id(case.engine) in held]
        outcomes = _simulated(design, bench, [prepared[i] for i in mine], waves)
        seen |= dict(zip(mine, outcomes, strict=True))
    return [seen[i] for i in range(len(cases))]


def _benches(engines: list[Config]) -> list[list[Config]]:
    """The engines in as few simulators as are built fast, all of about one size."""
    parts = max(1, -(-len(engines) // ENGINES))
    return [engines[i::parts] for i in range(parts)]


def _simulated(
    design: Design,
    engines: list[Config],
    prepared: list[tuple[Case, Images, Run]],
    waves: Path | None,
) -> list[Outcome]:
    """What the bench of these engines does with cases, each beside its images and its model."""
    work = sum(run.cycles * math.prod(run.engine.size) for _, _, run in prepared)
    home = build(replace(design, compiler=QUICK) if work < BRIEF else design)
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        jobs = []
        for i, (case, image, run) in enumerate(prepared):
            job = Path(folder) / str(i)
            job.mkdir()
            image.write(job)
            sel = next(j for j, engine in enumerate(engines) if engine is case.engine)
            limit = {"cycle_limit": cycle_limit(run.cycles)}
            jobs.append({"folder": str(job), "sel": sel, **image.settings, **limit})
        measured = simulate(home, jobs, Path(folder), waves)
        return [
            _outcome(case, image, Path(folder) / str(i), result, run)
            for i, ((case, image, run), result) in enumerate(zip(prepared, measured, strict=True))
        ]


def memory_words(each: Iterable[Counts]) -> int:
    """Words that every memory of a bench needs: a power of two, so that builds are shared."""
    most = max(max(words.a, words.b, words.c) for words in each)
    return max(MEMORY, 1 << (most - 1).bit_length())


def _model(case: Case) -> Run:
    return case.run()


def _outcome(
    case: Case, image: Images, folder: Path, measured: Mapping[str, Any], model: Run
) -> Outcome:
    (bits, signed), cols = finish.word_format(case.engine), case.engine.grid.n
    lines = _recorded(folder / "c.hex", image.words)
    words = unpack_lines(lines, cols, bits)
    if not signed:
        words &= (1 << bits) - 1
    # The flag stands above every word, as it was when the word left.
    flags = np.array([int(line, 16) >> (cols * bits) for line in lines], bool)
    narrowed = case.engine.chain.narrow > 0
    right = np.arange(len(flags)) >= first_flagged(case)
    return Outcome(
        case,
        image.untiled(words, case),
        case.words(model),
        int(measured["cycles"]),
        model.cycles,
        overflow_rtl=bool(flags[-1]),
        overflow_model=bool(model.overflowed) and narrowed,
        flags_wrong=int(np.count_nonzero(flags != right)),
        deadlock=str(measured.get("deadlock", "")),
    )


def _recorded(path: Path, count: int) -> list[str]:
    """The words of C that the harness recorded, a line each; those that never left are zero."""
    lines = image_lines(path) if path.exists() else []
    return lines + ["0"] * (count - len(lines))


def simulate(
    home: Path,
    jobs: list[dict[str, Any]],
    folder: Path,
    waves: Path | None = None,
    module: str = "bench",
    top: str = "tpe_bench",
) -> list[dict[str, Any]]:
    """Run the cocotb bench over `jobs` in `folder`; what its harness measured, per job.

    `cycles`, and `deadlock` if the run did not end.
    """
    try:
        from cocotb_tools.runner import get_runner
    except ImportError:
        raise missing_extra("cocotb", "rtl") from None
    (folder / "jobs.json").write_text(json.dumps(jobs))
    runner: Any = get_runner("verilator")
    log = folder / "simulation.log"

    def execute(commands: Sequence[Sequence[str]], cwd: str | Path) -> None:
        """What cocotb's runner does with its commands, but none outlives us."""
        with log.open("w") as out:
            for command in commands:
                done = run(command, cwd=cwd, env=runner.env, stdout=out, stderr=STDOUT)
                if done.returncode:
                    raise RuntimeError(f"the simulator ended with {done.returncode}")

    runner._execute = execute  # its own starts a process that an interrupt leaves behind
    arguments = ["--trace", "--trace-file", str(waves)] if waves else []
    try:
        with _importable(data_folder("sim")):
            runner.test(
                hdl_toplevel=top,
                hdl_toplevel_lang="verilog",
                test_module=module,
                build_dir=str(home),
                test_dir=str(folder),
                results_xml=str(folder / "results.xml"),
                extra_env={"COCOTB_LOG_LEVEL": "WARNING", "GPI_LOG_LEVEL": "WARNING"},
                test_args=arguments,
                log_file=str(log),
            )
        return list(json.loads((folder / "results.json").read_text()))
    except (SystemExit, OSError, ValueError, RuntimeError) as error:
        text = log.read_text()[-4000:] if log.exists() else ""
        raise RuntimeError(f"the simulation failed: {error}\n{text}") from error


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """cocotb's runner hands this process's import path to the simulator: put `folder` on it."""
    sys.path.append(str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
