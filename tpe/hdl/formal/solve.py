"""One property of SystemVerilog, decided: Yosys makes its circuit, ABC proves it or finds a trace.

A property is a module with one output, `fails_o`, which must never rise. Its registers start as
anything, unless they have an initial value. Each query runs in processes of its own, under a limit
of time; what was decided is kept in the cache, by a hash of everything it depends on.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from tpe.base.cache import cache_dir
from tpe.base.errors import missing_extra
from tpe.base.processes import run
from tpe.hdl.emit import sources

PROVED, REFUTED, OPEN = "proved", "refuted", "open"
WALL = 20  # times the limit, after which a process ends though the processor was busy elsewhere
BUSY = 8  # times the limit that a bounded proof may last on a busy machine
DEEPER_LIMIT = 10.0  # seconds spent at most on cycles beyond those that are proof enough
MOMENT = 2.0  # seconds that each engine has first
UNBOUNDED_LIMIT = 20.0  # seconds spent at most on turning a bounded proof into an unbounded one
_SCRIPT = "import sys; from pyosys import libyosys as y; d = y.Design(); [d.run_pass(c.strip()) "
_SCRIPT += "for c in sys.stdin]"
_ANYTHING = "setundef -anyseq"  # what an index out of range reads: the proof holds for any value
_FALSE = re.compile(r"^(\w+)(?:\[(\d+)\])?@(\d+)=([01])$", re.MULTILINE)


Engine = Literal["fraig", "bdd", "sat"]
ENGINES: dict[Engine, str] = {  # commands of ABC: merge what is equal, make one BDD, search
    "fraig": "&get; &fraig -x; &put; iprove",
    "bdd": "collapse -B 200000000; strash; iprove",
    "sat": "sat",
}


@dataclass(frozen=True)
class Query:
    """A property to decide: `modules` (name -> text) with the property `top` among them.

    cycles: how many the proof spans. start: "any" decides the one transition that these cycles
    show, from every state; "reset" every cycle up to that depth, the first being the reset.
    least: a depth that is proof enough if more takes long; 0: no less than `cycles` will do.
    engine: which of `ENGINES` is tried first where start is "any".
    gated: a clock that a latch of `modules` stops is one that stops; else it runs all the time.
    """

    top: str
    modules: Mapping[str, str]
    cycles: int
    start: Literal["any", "reset"]
    least: int = 0
    engine: Engine = "fraig"
    gated: bool = False

    @property
    def key(self) -> str:
        """A hash of all that the answer depends on."""
        parts = [
            self.top,
            str(self.cycles),
            str(self.least),
            self.start,
            version("pyosys"),
            _recipe(self.gated),
        ]
        parts += [f"{name}\n{text}" for name, text in sorted(self.modules.items())]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Answer:
    """What became of a query: seconds of the processor, and per cycle the inputs that refute it."""

    result: str  # PROVED, REFUTED or OPEN
    method: str
    seconds: float
    trace: tuple[dict[str, int], ...] = ()
    cached: bool = False


def decide(query: Query, limit: float) -> Answer:
    """Answer a query within about `limit` seconds of ABC, or from the cache.

    Raises TpeError if Yosys refuses a module of another package, RuntimeError with the tool's text
    if it or ABC refuses anything else, and MissingExtra without pyosys.
    """
    if find_spec("pyosys") is None:
        raise missing_extra("pyosys", "synth")
    kept = cache_dir() / "proofs" / f"{query.key}.json"
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(kept.read_text())
        trace = tuple(found["trace"])
        return Answer(found["result"], found["method"], found["seconds"], trace, cached=True)
    answer = _decide(query, limit)
    if answer.result != OPEN:
        _keep(kept, answer)
    return answer


def _keep(path: Path, answer: Answer) -> None:
    """Write an answer; a cache that cannot be written is no error."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        part.write_text(json.dumps(asdict(answer)))
        part.replace(path)


def _recipe(gated: bool) -> str:
    """What is run, as part of the key."""
    scripts = [*(_step_script(2, engine) for engine in ENGINES), _trace_script(0, 0), _BOUNDLESS]
    return "\n".join([*_passes(["*"], "*", gated), *scripts])


def _decide(query: Query, limit: float) -> Answer:
    with tempfile.TemporaryDirectory(prefix="tpe-") as name:
        folder = Path(name)
        for module, text in query.modules.items():
            (folder / f"{module}.sv").write_text(text)
        files = [f"{module}.sv" for module in query.modules]
        _yosys(_passes(files, query.top, query.gated), folder)
        begun = _spent()
        if query.start == "any":
            result, method = _decide_step(query, folder, limit)
        else:
            result, method = _decide_depth(query, folder, limit)
        seconds = _spent() - begun
        trace = _trace(query, folder, limit) if result == REFUTED else ()
    return Answer(result, method, round(seconds, 2), trace)


def _spent() -> float:
    """Seconds of the processor that processes started here have taken."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _passes(files: Sequence[str], top: str, gated: bool) -> list[str]:
    return [
        "read_verilog -sv -defer " + " ".join(files),
        f"hierarchy -check -top {top}",
        "proc",
        "flatten -noscopeinfo",
        "check -assert",
        "memory_map",
        _ANYTHING,
        *(["formalff -declockgate"] if gated else []),
        "async2sync",
        # Else a register that starts as anything is one whose value Yosys may choose, and it does:
        # one that nothing but a reset to 0 changes becomes a 0, and what is said of it holds.
        "formalff -clk2ff -ff2anyinit",
        "opt -full",
        "techmap",
        _ANYTHING,
        "opt",
        "formalff -anyinit2ff -fine",
        "dffunmap",
        "aigmap",
        "opt_clean",
        "write_aiger -symbols property.aig",
    ]


def _yosys(passes: Sequence[str], folder: Path) -> None:
    done = run(
        [sys.executable, "-I", "-c", _SCRIPT],
        input="\n".join(passes),
        cwd=folder,
    )
    if done.returncode or not (folder / "property.aig").exists():
        text = done.stdout + done.stderr
        raise sources.refusal("yosys", text) or RuntimeError(f"yosys failed:\n{text[-3000:]}")


def _abc(script: str, folder: Path, limit: float) -> str | None:
    """What ABC prints; None if it takes longer than the limit, in seconds of the processor."""
    spec = find_spec("pyosys")
    assert spec is not None and spec.submodule_search_locations
    tool = Path(spec.submodule_search_locations[0]) / "yosys-abc"
    seconds = max(1, round(limit))
    try:
        done = run(
            ["/bin/sh", "-c", f'ulimit -t {seconds} && exec "$0" "$@"', str(tool), "-c", script],
            cwd=folder,
            timeout=WALL * seconds,
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        return None
    if done.returncode:
        raise RuntimeError(f"yosys-abc failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def _step_script(cycles: int, engine: Engine) -> str:
    """Unroll all cycles into one combinational question, and decide that."""
    unroll = f"frames -F {cycles} -i; orpos; " if cycles > 1 else ""
    return f"read_aiger property.aig; {unroll}strash; {ENGINES[engine]}"


def _decide_step(query: Query, folder: Path, limit: float) -> tuple[str, str]:
    """Each engine for a moment, which is what a fault needs, then the query's for half of the limit
    and each of the others for a quarter.
    """
    found, used = None, "none of " + ", ".join(ENGINES)
    engines = sorted(ENGINES, key=lambda name: name != query.engine)
    shares = [(engine, limit / (2 if engine == query.engine else 4)) for engine in engines]
    for engine, share in [*((engine, min(MOMENT, limit)) for engine in engines), *shares]:
        printed = _abc(_step_script(query.cycles, engine), folder, share) or ""
        found = re.search(r"^(UN)?SATISFIABLE", printed, re.MULTILINE)
        if found:
            used = engine
            break
    method = f"{used}; {query.cycles} cycles, any state" if query.cycles > 1 else used
    if not found:
        return OPEN, method
    return (PROVED if found.group(1) else REFUTED), method


_READ = "read_aiger property.aig; logic; undc; strash; zero; "
_NO_REGISTERS = "read_aiger property.aig; strash; iprove; write_cex -n trace"
_BOUNDLESS = _READ + "scorr; pdr -T {limit}"


def _trace_script(cycles: int, limit: float) -> str:
    return _READ + f"bmc3 -F {cycles} -T {int(limit)}; write_cex -n trace"


def _decide_depth(query: Query, folder: Path, limit: float) -> tuple[str, str]:
    """Bounded model checking first; if it finds nothing, a try at any number of cycles.

    Every cycle more can take twice as long: those beyond the least are for what is fast.
    """
    least = query.least or query.cycles
    begun = _spent()
    refuted, reached = _bounded(least, folder, limit, limit)
    if not refuted and reached < least:  # ABC's clock is the wall's: the processor may be busy
        refuted, reached = _bounded(least, folder, limit, BUSY * limit)
    more = min(limit, 2 * (_spent() - begun) + 1)  # as long again for what was seen already
    if not refuted and least <= reached < query.cycles and more <= DEEPER_LIMIT:
        refuted, deeper = _bounded(query.cycles, folder, more, more)
        reached = max(reached, deeper)
    if refuted:
        return REFUTED, "bmc3"
    if reached < least:
        return OPEN, f"bmc3, {reached} of {query.cycles} cycles"
    if reached < query.cycles:
        return PROVED, f"bmc3, depth {reached}"
    extra = min(limit, UNBOUNDED_LIMIT)
    printed = _abc(_BOUNDLESS.format(limit=int(max(1, extra))), folder, extra + 10) or ""
    if "Property proved" in printed:
        return PROVED, "pdr, any number of cycles"
    if "was asserted in frame" in printed:
        return REFUTED, "pdr"
    return PROVED, f"bmc3, depth {reached}"


def _bounded(cycles: int, folder: Path, limit: float, wall: float) -> tuple[bool, int]:
    """Whether the property fails within these cycles, and how many were looked at."""
    printed = _abc(_trace_script(cycles, max(1, wall)), folder, limit + 10) or ""
    frames = re.search(r"No output asserted in (\d+) frames", printed)
    return "was asserted in frame" in printed, int(frames.group(1)) if frames else 0


def _trace(query: Query, folder: Path, limit: float) -> tuple[dict[str, int], ...]:
    """The inputs of every cycle up to the failure, as numbers; empty if no trace came in time."""
    for script in (_trace_script(query.cycles, max(1, limit)), _NO_REGISTERS):
        if not (folder / "trace").exists():
            _abc(script, folder, limit + 10)
    if not (folder / "trace").exists():
        return ()
    listed = sources.port_records(query.modules[query.top])
    ports = [port.name for port in listed if port.direction == "input"]
    cycles: dict[int, dict[str, int]] = {}
    for name, bit, cycle, value in _FALSE.findall((folder / "trace").read_text()):
        if name in ports and name != "clk_i":
            inputs = cycles.setdefault(int(cycle), {})
            inputs[name] = inputs.get(name, 0) | int(value) << int(bit or 0)
    return tuple(cycles[cycle] for cycle in sorted(cycles))
