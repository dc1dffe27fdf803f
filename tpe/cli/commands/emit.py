"""`tpe emit`."""

from __future__ import annotations

from typing import Annotated

import typer

from tpe.cli.command import Command
from tpe.cli.options import (
    ArrayOption,
    EngineOption,
    JsonOption,
    Output,
    ParamOption,
    PeOption,
    SeedOption,
    command_line,
    document,
    engine_of,
)
from tpe.cli.paths import FILLS, refuse_default

DEFAULT_SIZE = "4x4"  # small enough to build in seconds

SmallSizeOption = Annotated[
    str | None,
    typer.Option("--size", metavar="RxC", help=f"Rows x columns of PEs. Default: {DEFAULT_SIZE}."),
]

ResetOption = Annotated[
    str,
    typer.Option("--reset", metavar="KIND", help="Of every register: async, or sync, at the edge."),
]


def unless_async(reset: str) -> str | None:
    """What a command says of a reset: nothing of the default."""
    return None if reset == "async" else reset


def emit(
    pe: PeOption = None,
    array: ArrayOption = None,
    size: SmallSizeOption = None,
    engine_file: EngineOption = None,
    param: ParamOption = None,
    folder: Annotated[
        str,
        typer.Option("-o", "--output", metavar="DIR", help="A new or empty directory."),
        FILLS,
    ] = "",
    prefix: Annotated[
        str | None, typer.Option("--prefix", help="Of every module; the top is called PREFIX.")
    ] = None,
    clock_ns: Annotated[
        float, typer.Option("--clock-ns", metavar="NS", help="Clock period in the SDC.")
    ] = 2.0,
    reset: ResetOption = "async",
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Write an engine's SystemVerilog, with README, bench, AXI wrapper, SDC and core."""
    from tpe.hdl.emit.package import default_prefix, emit_directory
    from tpe.hdl.emit.resets import checked
    from tpe.pe import NOT_CHECKED, rtl_checked

    out = Output(json_file)
    engine = engine_of(pe, array, size, param, engine_file, DEFAULT_SIZE)
    reset = checked(reset)
    name = default_prefix(engine, reset) if prefix is None else prefix
    target = folder or f"{name}_rtl"
    refuse_default(target, json_file)
    files = emit_directory(engine, target, name, clock_ns, reset)
    chosen = {"output": target, "prefix": name, "clock-ns": clock_ns, "reset": unless_async(reset)}
    command = command_line("emit", engine, seed, **chosen)
    out.echo(command)
    out.text(f"{len(files)} files in {target}; top module {name}, files in order in {name}.f")
    if rtl_checked(engine.record) == NOT_CHECKED:
        out.text("the RTL of this PE is not checked against its model: tpe verify does it")
    names = [str(path) for path in files]
    out.json(document(command, engine=engine.describe(), top=name, files=names))


RECORD = Command(emit, "tpe emit --pe opt1 --array systolic_os --size 8x8 -o build")
