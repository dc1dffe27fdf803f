"""A second lint: slang, a complete SystemVerilog front end, reads what Verilator reads leniently.

slang refuses what IEEE 1800 refuses, use before declaration and keywords as names included; the
tools that users have do so as well. It runs inside this process, from texts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tpe.base.errors import missing_extra

if TYPE_CHECKING:
    import pyslang
    from pyslang import ast

GROUPS = ("default", "extra", "pedantic", "conversion", "unused")  # of slang's warnings
# Of a bench that serves every engine: what one engine lacks is declared and not used.
BENCH_GROUPS = tuple(group for group in GROUPS if group != "unused")

# Warnings that are not faults here, by slang's name for them: why, and in which of them.
WAIVERS: dict[str, tuple[str, str]] = {
    "packed-array-conv": (
        "ports are flat vectors, so that every tool takes them; inside they have dimensions",
        ".*",
    ),
    "useless-cast": (
        "widths are parameters: a cast that is idle at one width is needed at another",
        ".*",
    ),
    "sign-conversion": (
        "the same bits, read as two's complement or not: the number of bits does not change",
        ".*",
    ),
    "unused-but-set-variable": ("what is not read is named so, for Verilator", "'unused_"),
    "unassigned-variable": ("likewise, where no width drives it", "'unused_"),
    "unused-parameter": ("every array takes the parameters of all", "'CellLatency'"),
}
_NAMED = re.compile(
    r"^(?P<where>\S+?:\d+):\d+: (?:\w+: )?(?P<what>.*?)(?: \[-W(?P<name>[\w-]+)\])?$"
)


@dataclass(frozen=True)
class Findings:
    """What slang says of a design: lines `FILE:LINE: text`, waived warnings left out."""

    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        """All of them, errors first."""
        return "\n".join((*self.errors, *self.warnings))


def check(
    sources: Mapping[str, str], top: str | None = None, groups: Sequence[str] = GROUPS
) -> Findings:
    """slang's errors and warnings about modules (name -> text), elaborated under `top`.

    Without `top` every module that nothing instantiates is one. A module that nobody gives is an
    error. Raises MissingExtra without pyslang.

    >>> text = "module m (input logic a, output logic y);  assign y = z; logic z; endmodule"
    >>> print(check({"m": text}, "m").errors[0])
    m.sv:1: identifier 'z' used before its declaration
    """
    try:
        import pyslang
        from pyslang import ast, syntax
    except ImportError:
        raise missing_extra("pyslang", "rtl") from None
    options = ast.CompilationOptions()
    if top is not None:
        options.topModules = {top}
    compilation = ast.Compilation(pyslang.Bag([options]))
    manager = pyslang.SourceManager()
    for name, text in sources.items():
        file = f"{name}.sv"
        compilation.addSyntaxTree(syntax.SyntaxTree.fromText(text, manager, file, file))
    engine = pyslang.DiagnosticEngine(manager)
    engine.setWarningOptions(list(groups))
    client = pyslang.TextDiagnosticClient()
    engine.addClient(client)
    for found in compilation.getAllDiagnostics():
        engine.issue(found)
    if not engine.numErrors:
        for found in _analysed(compilation):
            engine.issue(found)
    return _sorted(client.getString())


def _analysed(compilation: ast.Compilation) -> list[pyslang.Diagnostic]:
    """What slang's analysis of processes and drivers finds in a design without errors."""
    from pyslang import analysis

    options = analysis.AnalysisOptions()
    options.flags = analysis.AnalysisFlags.CheckUnused | analysis.AnalysisFlags.CheckShadow
    manager = analysis.AnalysisManager(options)
    manager.analyze(compilation)
    return list(manager.getDiagnostics())


def _sorted(printed: str) -> Findings:
    """slang's text as findings; its lines of source and its notes are left out."""
    errors, warnings = [], []
    for line in printed.splitlines():
        match = _NAMED.match(line)
        if not match:
            continue
        text = f"{match['where']}: {match['what']}"
        if ": error: " in line:
            errors.append(text)
        elif ": warning: " in line and not _waived(match["name"], match["what"]):
            warnings.append(f"{text} [{match['name']}]")
    return Findings(tuple(errors), tuple(warnings))


def _waived(name: str | None, text: str) -> bool:
    return name in WAIVERS and re.search(WAIVERS[name][1], text) is not None
