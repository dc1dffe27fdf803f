"""The SystemVerilog of the package: modules by name, and what a module needs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tpe.base.errors import TpeError
from tpe.base.files import data_folder
from tpe.hdl.emit import ports as port_lists
from tpe.hdl.foreign import slang_ports

_INSTANCE = re.compile(r"^\s+(tpe_\w+)\s+(?:#\(|u_)", re.MULTILINE)
_ANY_INSTANCE = re.compile(
    r"(?<!module )\b(tpe_\w+)\s*(?:#\s*\(|\s[\\A-Za-z_]\S*\s*(?:\[[^]]*\]\s*)?\()"
)
_HEAD = re.compile(r"^module \w+ (?:#\(\n(.*?)\n\) )?\(\n(.*?)\n\);\n", re.DOTALL | re.MULTILINE)
_PARAMETER = re.compile(r"^ +parameter [^=\n]*?(\w+) *=", re.MULTILINE)
_LINE = re.compile(r" +(input|output|parameter|localparam) [^,;`]*\w[^,;`]*,? *")
_PACKAGE = re.compile(r"\b(tpe_\w+)::")
_TYPE = re.compile(r"\n(?:  //[^\n]*\n)*  typedef enum .*?;\n", re.DOTALL)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


@cache
def _own_modules() -> dict[str, Path]:
    """Every module of `rtl/` by its name; file = module. `rtl/gen` holds emitted copies."""
    folders = (data_folder("rtl") / name for name in ("prim", "fp", "pe", "array"))
    return {path.stem: path for folder in folders for path in sorted(folder.glob("tpe_*.sv"))}


@cache
def packages() -> dict[str, Path]:
    """Every package of `rtl/` by its name: what modules take names from."""
    return {path.stem: path for path in sorted(data_folder("rtl").glob("tpe_*.sv"))}


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
    """The source of a module or package of `rtl/`, or of a folder that was included.

    TpeError if there is none: a record names an RTL file that is not there.
    """
    known = modules() | packages()
    if module not in known:
        raise TpeError(f"module {module} is in no folder of RTL; legal: a file {module}.sv there")
    return known[module].read_text()


_PLACE = re.compile(r"(\w+)\.sv:(\d+)[:\d]*:?\s*(.*)")


def refusal(tool: str, message: str) -> TpeError | None:
    """The error for what a tool says of a module of another package; None if it names none.

    An error in our own RTL is ours, and stays as loud as it is. The modules of an engine may have
    another prefix than the files that they are from.
    """
    for line in message.splitlines():
        hit = _PLACE.search(line)
        stem = hit[1].partition("_")[2] if hit and "error" in line.lower() else ""
        if hit and f"tpe_{stem}" in _included:
            module = f"tpe_{stem}"
            said = hit[3].removeprefix("ERROR:").strip()
            return TpeError(
                f"{tool} refuses module {module}: {_included[module]}:{hit[2]}: {said[:300]}"
            )
    return None


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


@cache
def port_records(source: str) -> port_lists.Ports:
    """The ports of a module's source, in order.

    Of a source that is not in the style of `rtl/`, as a parser reads them. Raises TpeError for one
    that it cannot read.
    """
    if not in_house_style(source):
        return port_lists.read_head(slang_ports.head(source))
    match = _HEAD.search(source)
    assert match
    return port_lists.read(match.group(2))


def ports(source: str) -> str:
    """The port list of a module's source as `rtl/` has it, one port a line; see `port_records`."""
    return port_lists.text(port_records(source))


def port_names(source: str) -> list[str]:
    """Names of the ports, in order."""
    return [port.name for port in port_records(source)]


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


def needs(source: str) -> set[str]:
    """Names of this package's modules and packages that a source instantiates or takes names from.

    >>> sorted(needs(text("tpe_digits")))
    ['tpe_encode', 'tpe_pkg', 'tpe_unpack']
    """
    return instances(source) | set(_PACKAGE.findall(_COMMENT.sub("", source)))


def packages_first(sources: Mapping[str, str]) -> dict[str, str]:
    """The same sources, packages before modules: a tool reads a package before what uses it.

    Those of `rtl/` are cut to the types that are used.
    """
    own = {name: text for name, text in sources.items() if is_package(text)}
    own |= {name: _used_of(name, sources) for name in packages().keys() & own.keys()}
    return own | {name: text for name, text in sources.items() if name not in own}


def _used_of(package: str, sources: Mapping[str, str]) -> str:
    """The text of a package with those of its types alone whose names the sources use."""
    code = _COMMENT.sub("", "\n".join(sources.values()))
    used = set(re.findall(rf"\b{package}::(\w+)", code))

    def kept(hit: re.Match[str]) -> str:
        return hit.group() if used & set(re.findall(r"\w+", _COMMENT.sub("", hit.group()))) else ""

    return _TYPE.sub(kept, text(package))


def is_package(source: str) -> bool:
    """Whether a source is a package, not a module."""
    return re.search(r"^package ", source, re.MULTILINE) is not None


def closure(sources: Mapping[str, str], aliases: Mapping[str, str] | None = None) -> dict[str, str]:
    """`sources` (module -> text) and all of `rtl/` that they need, directly or not.

    Modules that stand in `sources`, or are needed and stand in `aliases`, are not looked up.
    Packages come first, each with the types that are used.
    """
    known = aliases or {}
    found = dict(sources)
    waiting = list(sources)
    while waiting:
        for name in sorted(needs(found[waiting.pop()]) - found.keys()):
            found[name] = known.get(name) or text(name)
            waiting.append(name)
    return packages_first(found)
