"""The SystemVerilog of the package: modules by name, and what a module needs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_HERE = Path(__file__).resolve().parents[1]
_INSTANCE = re.compile(r"^\s+(tpe_\w+)\s+(?:#\(|u_)", re.MULTILINE)
_PORTS = re.compile(r"\n\) \(\n(.*?)\n\);\n", re.DOTALL)


@cache
def data_folder(name: str) -> Path:
    """The folder `rtl` or `sim`: inside an installed package, or beside it in a checkout."""
    installed = _HERE / "_data" / name
    return installed if installed.is_dir() else _HERE.parent / name


@cache
def modules() -> dict[str, Path]:
    """Every module of `rtl/` by its name; file = module. `rtl/gen` holds emitted copies."""
    folders = (data_folder("rtl") / name for name in ("prim", "pe", "array"))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("tpe_*.sv"))}


@cache
def text(module: str) -> str:
    """The source of a module of `rtl/`."""
    return modules()[module].read_text()


@cache
def bench_text(module: str) -> str:
    """The source of a module of `sim/`."""
    return (data_folder("sim") / f"{module}.sv").read_text()


def ports(source: str) -> str:
    """The port list of a module's source, as it stands between the parentheses."""
    match = _PORTS.search(source)
    assert match, "a module's ports stand between ') (' and ');' on lines of their own"
    return match.group(1)


def port_names(source: str) -> list[str]:
    """Names of the ports, in order."""
    lines = [line.split("//")[0].strip().rstrip(",") for line in ports(source).splitlines()]
    return [line.split()[-1] for line in lines if line]


def instances(source: str) -> set[str]:
    """Names of the modules that a source instantiates."""
    return set(_INSTANCE.findall(source))


def closure(sources: dict[str, str]) -> dict[str, str]:
    """`sources` (module -> text) and every module of `rtl/` that they need, directly or not.

    Modules that stand in `sources` are not looked up: that is how aliases take their place.
    """
    found = dict(sources)
    waiting = list(sources)
    while waiting:
        for name in instances(found[waiting.pop()]) - found.keys():
            found[name] = text(name)
            waiting.append(name)
    return found
