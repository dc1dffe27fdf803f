"""What a command is: a file of `tpe/cli/commands`, or another package's entry point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """A verb of `tpe`; its name is that of its file, or of its entry point.

    function  its parameters are the options, as typer reads them; its docstring is the help
    example   a whole line, shown under the help
    """

    function: Callable[..., None]
    example: str = ""

    @property
    def epilog(self) -> str | None:
        """The last line of the help.

        >>> Command(print, "tpe list").epilog
        'Example: tpe list'
        """
        return f"Example: {self.example}" if self.example else None
