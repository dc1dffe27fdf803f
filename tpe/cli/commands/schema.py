"""`tpe schema`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tpe.base.files import write_json
from tpe.cli.command import Command


def schema(
    command: Annotated[
        str | None, typer.Argument(metavar="COMMAND", help="Default: which commands have one.")
    ] = None,
) -> None:
    """Print the JSON Schema of what a command writes with --json."""
    from tpe.cli.schema import names
    from tpe.cli.schema import schema as found

    if command is None:
        sys.stdout.write("\n".join(names()) + "\n")
        return
    sys.stdout.write(write_json("-", found(command)))


RECORD = Command(schema, "tpe schema run")
