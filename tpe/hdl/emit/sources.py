"""The SystemVerilog of the package: modules by name, and what a module needs."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from tpe.base.errors import TpeError
from tpe.base.files import data_folder
from tpe.hdl.foreign import slang_ports

_INSTANCE = re.compile(r"^\s+(tpe_\w+)\s+(?:#\(|u_)", re.MULTILINE)
_ANY_INSTANCE = re.compile(
    r"(?<!module )\b(tpe_\w+)\s*(?:#\s*\(|\s[\\A-Za-z_]\S*\s*(?:\[[^]]*\]\s*)?\()"
)
_HEAD = re.compile(r"^module \w+ (?:#\(\n(.*?)\n\) )?\(\n(.*?)\n\);\n", re.DOTALL | re.MULTILINE)
_PARAMETER = re.compile(r"^ +parameter [^=\n]*?(\w+) *=", re.MULTILINE)
_LINE = re.compile(r" +(input|output|parameter|localparam) [^,;`]*\w[^,;`]*,? *")
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@cache
def _own_modules() -> dict[str, Path]:
    """Every module of `rtl/` by its name; file = module. `rtl/gen` holds emitted copies."""
    folders = (data_folder("rtl") / name for name in ("prim", "fp", "pe", "array"))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("tpe_*.sv"))}


_included: dict[str, Path] = {}  # modules of other packages' folders


def modules() -> dict[str, Path]:
    """Every module by its name: those of `rtl/`, and of the folders that were included."""
    return _own_modules() | _included


@cache
def include(folder: Path) -> None:
    """Let modules be found in the folder of another package: its `tpe_*.sv`, one module a file.

    TpeError for a folder without any, and for a module that another folder has.
    """
    found = {path.stem: path for path in sorted(folder.glob("tpe_*.sv"))}
    if not found:
        raise TpeError(f"{folder}: no RTL; legal: a folder of files tpe_*.sv, one module a file")
    for name, path in found.items():
        other = modules().get(name)
        if other is not None and other != path:
            raise TpeError(f"two files have module {name}: {other} and {path}; legal: one")
    _included.update(found)


@cache
def text(module: str) -> str:
    """The source of a module of `rtl/`, or of a folder that was included.

    TpeError if there is none: a record names an RTL file that is not there.
    """
    known = modules()
    if module not in known:
        raise TpeError(f"module {module} is in no folder of RTL; legal: a file {module}.sv there")
    return known[module].read_text()


@cache
def bench_text(module: str) -> str:
    """The source of a module of `sim/`."""
    return (data_folder("sim") / f"{module}.sv").read_text()


@cache
def in_house_style(source: str) -> bool:
    """Whether parameters and ports stand one a line, as in `rtl/`, and can be read as text."""
    match = _HEAD.search(source)
    if match is None or "/*" in match.group():
        return False
    lines = "\n".join(match.groups("")).splitlines()
    code = [line.split("//")[0] for line in lines]
    return all(_LINE.fullmatch(line) for line in code if line.strip())


def ports(source: str) -> str:
    """The port list of a module's source, one port a line.

    As it stands between the parentheses; of a source that is not in the style of `rtl/`, as a
    parser reads it. Raises TpeError for one that it cannot read.
    """
    if not in_house_style(source):
        return slang_ports.head(source).port_list()
    match = _HEAD.search(source)
    assert match
    return match.group(2)


def port_names(source: str) -> list[str]:
    """Names of the ports, in order."""
    lines = [line.split("//")[0].strip().rstrip(",") for line in ports(source).splitlines()]
    return [line.split()[-1] for line in lines if line]


def parameters(source: str) -> tuple[str, ...]:
    """Names of the parameters that can be set from outside, in order."""
    if not in_house_style(source):
        return slang_ports.head(source).parameters
    match = _HEAD.search(source)
    assert match
    return tuple(_PARAMETER.findall(match.group(1) or ""))


def instances(source: str) -> set[str]:
    """Names of this package's modules that a source instantiates.

    Where instances are not written in the style of `rtl/`, the source is parsed.
    """
    found = set(_INSTANCE.findall(source))
    if found == set(_ANY_INSTANCE.findall(_COMMENT.sub("", source))):
        return found
    return {name for name in slang_ports.head(source).instances if name.startswith("tpe_")}


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
