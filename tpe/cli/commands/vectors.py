"""`tpe vectors`: our RTL with a bench of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from tpe.cli.command import Command
from tpe.cli.commands.emit import DEFAULT_SIZE
from tpe.cli.options import (
    DEFAULT_PE,
    ArrayOption,
    JsonOption,
    Output,
    ParamOption,
    PeOption,
    SeedOption,
    SizeOption,
    command_line,
    document,
    engine_of,
)
from tpe.cli.paths import FILLS, READS, refuse_default


def vectors(
    pe: PeOption = DEFAULT_PE,
    array: ArrayOption = None,
    size: SizeOption = DEFAULT_SIZE,
    workload: Annotated[
        str,
        typer.Option("-k", "--workload", metavar="NAME", help="Default: a battery of GEMMs."),
        READS,
    ] = "",
    param: ParamOption = None,
    folder: Annotated[
        str,
        typer.Option("-o", "--output", metavar="DIR", help="A new or empty directory."),
        FILLS,
    ] = "",
    prefix: Annotated[
        str, typer.Option("--prefix", help="Of every module; the bench is PREFIX_tb.")
    ] = "",
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Write an engine's RTL, $readmemh stimulus, expected results and a plain bench."""
    from tpe.hdl.simulate.vectors import vectors as write

    out = Output(json_file)
    engine = engine_of(pe, array, size, param)
    name = prefix or f"tpe_{engine.name}"
    target = folder or f"{name}_vectors"
    refuse_default(target, json_file)
    files = write(engine, target, workload, seed, name)
    chosen = {"workload": workload or None, "output": target, "prefix": name}
    command = command_line("vectors", engine, seed, **chosen)
    out.echo(command)
    out.text(f"{len(files)} files in {target}; in there:")
    bench = f"verilator --binary --timing -f files.f && ./obj_dir/V{name}_tb"
    out.console.print(bench, soft_wrap=True)
    names = [str(path) for path in files]
    content = {"top": name, "bench": f"{name}_tb", "run": bench, "files": names}
    out.json(document(command, engine=engine.describe(), **content))


RECORD = Command(vectors, "tpe vectors --pe opt1 --array systolic_os --size 8x8 -o dir")
