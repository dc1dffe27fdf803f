"""Somebody else's module: its text, and its ports as elaborated.

Verilator preprocesses the files and judges whether they are legal, since it is what simulates
them; slang tells the ports, down to members of structs and elements of packed arrays.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpe.base.errors import TpeError, unknown
from tpe.hdl.emit.keywords import KEYWORDS
from tpe.hdl.foreign import limited
from tpe.hdl.foreign.files import FileSet
from tpe.hdl.foreign.shapes import Shape, shape_of
from tpe.hdl.foreign.slang_ports import slang
from tpe.hdl.simulate.toolchain import verilator

_NUMBER = re.compile(r"-?\d+(\.\d+)?|\d*'s?[bodhBODH][0-9a-fA-F_]+")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_DIRECTIONS = {"In": "input", "Out": "output", "InOut": "inout", "Ref": "inout"}
_MOST_ROUNDS = 64  # of modules that need modules of libraries


@dataclass(frozen=True)
class UserPort:
    """A port as elaborated: direction `input`, `output` or `inout`, and what it is made of."""

    name: str
    direction: str
    shape: Shape

    @property
    def bits(self) -> int:
        """Its width; 0 if it is no vector of bits."""
        return self.shape.bits

    @property
    def kind(self) -> str:
        """Why it is no vector of bits; empty if it is one."""
        return self.shape.reason


@dataclass(frozen=True)
class UserModule:
    """A user's top: its preprocessed text, its name, parameters given, and ports."""

    text: str
    top: str
    params: Mapping[str, str]  # as Verilog literals
    ports: Mapping[str, UserPort]


def read_module(files: FileSet, top: str, params: Mapping[str, Any], limit_s: float) -> UserModule:
    """Preprocess and elaborate `top`; TpeError with the first error of the tool that refuses."""
    top = top.removeprefix("\\")
    if not top or any(c.isspace() or not c.isprintable() for c in top) or top.startswith("-"):
        raise TpeError(f"top = {top!r} is not legal: the name of a module")
    text = _whole_text(files, limit_s)
    literals = {name: literal(value) for name, value in params.items()}
    _require_legal(text, top, literals, limit_s)
    return UserModule(
        text, top, literals, {port.name: port for port in _ports(text, top, literals)}
    )


def literal(value: Any) -> str:
    """A parameter's value in Verilog: numbers as they are, other text as a string.

    >>> literal(8), literal("16'hbeef"), literal("table.hex")
    ('8', "16'hbeef", '"table.hex"')
    """
    text = str(int(value)) if isinstance(value, bool) else str(value)
    if _NUMBER.fullmatch(text):
        return text
    if any(c in text for c in '"\\\n'):
        raise TpeError(f"parameter value {text!r} is not legal: a number, or text without quotes")
    return f'"{text}"'


def identifier(name: str) -> str:
    """A name as Verilog writes it: one of other characters than letters is escaped.

    >>> identifier("a"), identifier("a.x"), identifier("reg")
    ('a', '\\\\a.x ', '\\\\reg ')
    """
    plain = _IDENTIFIER.fullmatch(name) and name not in KEYWORDS
    return name if plain else f"\\{name} "


def first_error(text: str) -> str:
    """The first error that Verilator reports: FILE:LINE:COLUMN and what it is.

    >>> first_error("%Warning-WIDTH: a.v:1:1: x\\n%Error: a.v:3:5: syntax error\\n")
    'a.v:3:5: syntax error'
    """
    found = re.search(r"^%Error(?:-\w+)?: (.*)$", text, re.MULTILINE)
    return (
        found.group(1).strip() if found else (text.strip().splitlines() or ["no reason given"])[0]
    )


# ---- text ----


def _whole_text(files: FileSet, limit_s: float) -> str:
    """The preprocessed text of all files, and of those in libraries that they need."""
    text = _preprocessed(files, files.files, limit_s)
    taken: list[Path] = []
    for _ in range(_MOST_ROUNDS if files.libraries else 0):
        paths = (files.find(name) for name in _missing(text))
        more = [path for path in dict.fromkeys(paths) if path and path not in taken]
        if not more:
            break
        # What a library declares may be used before: a package, for one, must come first.
        taken = [*more, *taken]
        text = _preprocessed(files, [*taken, *files.files], limit_s)
    return text


def _preprocessed(files: FileSet, paths: Sequence[Path], limit_s: float) -> str:
    tool = verilator()
    command = [tool.executable, "-E", *(f"-I{folder}" for folder in files.include)]
    # A file finds what stands beside it, wherever the command runs.
    command += sorted({f"-I{path.parent}" for path in paths})
    command += [f"-D{name}={value}" for name, value in files.define.items()]
    command += [os.fspath(path) for path in paths]
    done = limited.run(command, limit_s, "Verilator's preprocessor", env=tool.environment)
    if done.returncode:
        raise TpeError(f"Verilator refuses {paths[0]}: {first_error(done.stderr)}")
    return done.stdout


def _parsed(text: str) -> tuple[Any, Any]:
    """The syntax tree of a text, and what must live as long as any node of it."""
    manager = slang().SourceManager()
    return slang().syntax.SyntaxTree.fromText(text, manager, "text"), manager


def _missing(text: str) -> list[str]:
    """Modules and packages that a text uses and does not declare."""
    declared: set[str] = set()
    used: dict[str, None] = {}

    def visit(node: Any) -> None:
        kind = getattr(getattr(node, "kind", None), "name", "")
        if kind in ("ModuleDeclaration", "InterfaceDeclaration", "PackageDeclaration"):
            declared.add(node.header.name.valueText)
        elif kind == "HierarchyInstantiation":
            used[node.type.valueText] = None
        elif kind == "PackageImportItem":
            used[node.package.valueText] = None
        elif kind == "ScopedName" and node.separator.valueText == "::":
            used[str(node.left).strip()] = None

    tree, _manager = _parsed(text)
    tree.root.visit(visit)
    return [name for name in used if name not in declared]


# ---- legality and ports ----


def _require_legal(text: str, top: str, params: Mapping[str, str], limit_s: float) -> None:
    tool = verilator()
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        path = Path(folder) / "user_design.sv"
        path.write_text(text)
        command = [tool.executable, "--lint-only", "--timing", "--top-module", top]
        command += ["-Wno-fatal", "-Wno-lint", "-Wno-style"]
        command += [*(f"-G{name}={value}" for name, value in params.items()), str(path)]
        # From its own folder: a module must be named, nothing is found by lying about.
        done = limited.run(command, limit_s, "Verilator", cwd=folder, env=tool.environment)
    if done.returncode:
        raise _refusal(text, top, params, done.stderr)


def _refusal(text: str, top: str, params: Mapping[str, str], message: str) -> TpeError:
    """The error for a design that does not elaborate: its top, its parameters, or its text."""
    first = first_error(message)
    names = _module_names(text)
    if first.startswith("Specified --top-module") or (names and top not in names):
        if not names:
            return TpeError(f"top {top}: no module in the files; legal: Verilog or SystemVerilog")
        return unknown("top module", top, dict.fromkeys(names))
    if first.startswith("Parameters from the command line"):
        with _elaborated(text, top, {}) as (instance, _):
            known = [] if instance is None else [str(x.name) for x in instance.body.parameters]
        wrong = next((name for name in params if name not in known), "")
        if not known:
            return TpeError(f"{top} has no parameter '{wrong}'; legal: no parameter")
        return unknown(f"parameter of {top}", wrong, known)
    return TpeError(f"Verilator refuses {top}: {first}")


def _module_names(text: str) -> list[str]:
    tree, _manager = _parsed(text)
    nodes = [tree.root, *getattr(tree.root, "members", ())]
    kinds = ((x, getattr(x, "kind", None)) for x in nodes)
    return [
        str(x.header.name.valueText)
        for x, kind in kinds
        if kind and kind.name == "ModuleDeclaration"
    ]


@contextmanager
def _elaborated(text: str, top: str, params: Mapping[str, str]) -> Iterator[tuple[Any, Any]]:
    """The instance of `top`, None if there is none, and its compilation.

    Both are slang's own memory: nothing of them may be used after the block.
    """
    pyslang = slang()
    options = pyslang.ast.CompilationOptions()
    options.topModules = {top}
    options.paramOverrides = [f"{name}={value}" for name, value in params.items()]
    compilation = pyslang.ast.Compilation(pyslang.Bag([options]))
    tree, _manager = _parsed(text)
    compilation.addSyntaxTree(tree)
    found = [x for x in compilation.getRoot().topInstances if x.name == top]
    yield (found[0] if found else None), compilation


def _ports(text: str, top: str, params: Mapping[str, str]) -> list[UserPort]:
    with _elaborated(text, top, params) as (instance, compilation):
        if instance is None:
            raise TpeError(f"the ports of {top} cannot be read: {_first_diagnostic(compilation)}")
        wrong = [x for x in instance.body.portList if _is_wrong(x)]
        if wrong:
            raise TpeError(
                f"port '{wrong[0].name}' of {top} cannot be read: {_first_diagnostic(compilation)}"
            )
        ports = (_port(x) for x in instance.body.portList)
        return [port for port in ports if port is not None]


def _is_wrong(port: Any) -> bool:
    return port.kind.name != "InterfacePort" and not port.isNullPort and port.type.isError


def _port(port: Any) -> UserPort | None:
    """A port as slang elaborated it; None for an empty place in the list."""
    if port.kind.name == "InterfacePort":
        return UserPort(str(port.name), "inout", Shape(0, reason="an interface"))
    if port.isNullPort:
        return None
    direction = _DIRECTIONS[port.direction.name]
    if port.kind.name == "MultiPort":
        return UserPort(str(port.name), direction, Shape(0, reason="a concatenation"))
    return UserPort(str(port.name), direction, shape_of(port.type))


def _first_diagnostic(compilation: Any) -> str:
    manager = compilation.sourceManager
    engine = slang().DiagnosticEngine(manager)
    for diagnostic in compilation.getAllDiagnostics():
        if diagnostic.isError():
            line = manager.getLineNumber(diagnostic.location)
            name = manager.getFileName(diagnostic.location)
            return f"{name}:{line}: {engine.formatMessage(diagnostic)}"
    return "no reason given"
