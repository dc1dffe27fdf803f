"""`tpe cosim`: a PE of your own beside a model."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.options import JsonOption, Output, SeedOption, option_words, plain_table, working
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from tpe.hdl.foreign.report import Cosimulation

_EXAMPLE_PORTS = {"a": "x", "b": "y", "out": "p"}
_INTEGER = re.compile(r"-?(0x[0-9a-fA-F]+|0b[01]+|\d+)")


PortOption = Annotated[
    list[str] | None,
    typer.Option(
        "--port",
        metavar="ROLE=PORT",
        help="Roles: clk, rst, valid, clear, first, load, ready, out (or sum and carry), "
        "out_valid, out_ready, and operands a, b, ... PORT:low is active low; PORT@1 belongs to "
        "the operands of the cycle before; PORT.x is a member; PORT,PORT is a port per lane.",
    ),
]
ModuleParamOption = Annotated[
    list[str] | None,
    typer.Option("-p", "--param", metavar="NAME=VALUE", help="A parameter of the module."),
]
TypeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--type", metavar="ROLE=TYPE", help="int8, uint4, ... Default: the port's width and sign."
    ),
]
TieOption = Annotated[
    list[str] | None,
    typer.Option("--tie", metavar="PORT=VALUE", help="Hold an input at a value."),
]
IncludeOption = Annotated[
    list[str] | None,
    typer.Option("-I", "--include", metavar="DIR", help="Where `include looks."),
    READS,
]
DefineOption = Annotated[
    list[str] | None,
    typer.Option("-D", "--define", metavar="NAME[=VALUE]", help="A macro."),
]


FilesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[FILE]", help="Verilog or SystemVerilog, in order. Default: an example."
    ),
    READS,
]
TopOption = Annotated[
    str, typer.Option("--top", metavar="MODULE", help="Default: the first file's stem.")
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        metavar="MODEL",
        help="multiply, multiply_add, dot, mac, or FILE.py:FUNCTION of the operands.",
    ),
]
ResetOption = Annotated[
    str | None, typer.Option("--reset", metavar="PORT:LEVEL", help="LEVEL: low or high.")
]
LatencyOption = Annotated[
    str, typer.Option("--latency", metavar="N", help="Cycles from operands to result, or auto.")
]
IntervalOption = Annotated[
    int, typer.Option("--interval", metavar="N", help="Cycles that operands stay.")
]
VectorsOption = Annotated[
    int | None, typer.Option("--vectors", metavar="N", help="Random ones instead of all values.")
]
LibraryOption = Annotated[
    list[str] | None,
    typer.Option("-y", "--library", metavar="DIR", help="Where modules are looked for by name."),
    READS,
]
ListOption = Annotated[
    list[str] | None,
    typer.Option("-f", "--file-list", metavar="FILE", help="Files and options, as simulators do."),
    READS,
]
LimitOption = Annotated[
    float,
    typer.Option(
        "--limit-s",
        metavar="N",
        help="Seconds after which the simulation is stopped; a build may take ten times as many.",
    ),
]
WavesOption = Annotated[
    str | None,
    typer.Option("--waves", metavar="FILE", help="Leave waveforms: a .fst or .vcd file."),
    WRITES,
]


def cosim(
    files: FilesArgument = None,
    top: TopOption = "",
    model: ModelOption = "multiply",
    port: PortOption = None,
    reset: ResetOption = None,
    latency: LatencyOption = "auto",
    param: ModuleParamOption = None,
    kind: TypeOption = None,
    tie: TieOption = None,
    interval: IntervalOption = 1,
    vectors: VectorsOption = None,
    include: IncludeOption = None,
    define: DefineOption = None,
    library: LibraryOption = None,
    file_list: ListOption = None,
    limit_s: LimitOption = 60.0,
    waves: WavesOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Run a Verilog PE of your own beside a model in Verilator: every value, and its latency."""
    from tpe.hdl.foreign.cosim import cosim as check

    out = Output(json_file)
    files, top, ports = _design(files or [], file_list, top, _pairs("--port", port))
    pairs: dict[str, Any] = {
        "params": _pairs("--param", param),
        "types": _pairs("--type", kind),
        "ties": {name: _integer(name, value) for name, value in _pairs("--tie", tie).items()},
        "define": _pairs("--define", define, bare="1"),
    }
    plain: dict[str, Any] = {
        "reset": reset,
        "latency": latency,
        "interval": interval,
        "vectors": vectors,
        "limit_s": limit_s,
        "waves": waves,
        "seed": seed,
    }
    folders = {"include": include or [], "library": library or [], "file-list": file_list or []}
    where: dict[str, Any] = {
        "include": include or (),
        "libraries": library or (),
        "file_lists": file_list or (),
    }
    words = {name.replace("_", "-"): value for name, value in plain.items()}
    command = _command(files, {"top": top, "model": model}, {"port": ports} | pairs, folders, words)
    out.echo(command)
    with working("building and running the RTL in Verilator"):
        report = check(files, top, model, ports, **where, **pairs, **plain)
    _print(out, report)
    if waves:
        out.text(f"waveforms in {waves}")
    out.json(report.to_json(command))
    if not report.ok:
        raise typer.Exit(1)


def _design(
    files: list[str], lists: list[str] | None, top: str, ports: dict[str, str]
) -> tuple[list[str], str, dict[str, str]]:
    """Files, top and ports; of the example, if no file is given."""
    from tpe.hdl.foreign.cosim import example

    if not files and not lists:
        files, top, ports = [str(example())], top or "mult", ports or _EXAMPLE_PORTS
    if not top and not files:
        raise TpeError("--top is not given; legal: a module of the file list")
    return files, top or Path(files[0]).stem, ports


def _command(
    files: Iterable[str],
    what: dict[str, object],
    pairs: dict[str, dict[str, Any]],
    folders: dict[str, list[str]],
    plain: dict[str, object],
) -> str:
    """The full command, with every choice written out."""
    words = ["tpe", "cosim", *files, *option_words(what)]
    for name, given in pairs.items():
        for key, value in given.items():
            words += [f"--{name.rstrip('s')}", f"{key}={value}"]
    for name, paths in folders.items():
        for path in paths:
            words += [f"--{name}", path]
    return shlex.join([*words, *option_words(plain)])


def _pairs(option: str, given: Iterable[str] | None, bare: str | None = None) -> dict[str, str]:
    """{key: value} of `OPTION KEY=VALUE`; TpeError for no `=`, or a key given twice.

    >>> _pairs("--port", ["a=in_a", "b=in_b"])
    {'a': 'in_a', 'b': 'in_b'}
    """
    pairs: dict[str, str] = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not equals and bare is not None:
            value = bare
        elif not (key and value):
            raise TpeError(f"{option} {text}: no value; legal: {option} NAME=VALUE")
        if key in pairs:
            raise TpeError(f"{option} {text}: {key} is given twice, {pairs[key]} before")
        pairs[key] = value
    return pairs


def _integer(name: str, value: str) -> int:
    if not _INTEGER.fullmatch(value):
        raise TpeError(f"--tie {name}={value}: no integer; legal: such as 1, -2, 0x1f")
    return int(value, 0)


def _print(out: Output, report: Cosimulation) -> None:
    lanes = f" x {report.lanes}" if report.lanes > 1 else ""
    types = ", ".join(f"{role} {name}" for role, name in report.types.items())
    out.text(f"{report.model} of {types}{lanes}: {report.coverage}")
    if report.first:
        names = tuple(report.first[0].operands)
        table = plain_table(*names, "expected", "got", "cycle")
        for m in report.first:
            got = "nothing" if m.got is None else f"{m.got}"
            values = [str(value) for value in m.operands.values()]
            table.add_row(*values, f"{m.expected}", got, f"{m.cycle}")
        out.text("first mismatches")
        out.table(table)
    out.text(f"{report.top}: {report.verdict}")
    if report.hint:
        out.text(report.hint)


RECORD = Command(
    cosim,
    "tpe cosim my_pe.v --port a=in_a --port b=in_b --port out=p --port clk=clk "
    "--reset rst_n:low --latency 2",
)
