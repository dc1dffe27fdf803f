"""Commands that installed packages add: entry points of the group `tpe.commands`.

None is imported before it is called or its help is printed, so that what is wrong with one of them
concerns nobody else.
"""

from __future__ import annotations

from typing import Any

import typer

from tpe.base import registry
from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.command_line import with_verbose

GROUP = "tpe.commands"


def names() -> list[str]:
    """Commands of other packages, with those whose name two packages have."""
    return sorted(registry.homes(GROUP).keys() - registry.built_in(GROUP).keys())


def is_taken(name: str) -> bool:
    """Whether two packages have a command of this name, or tpe and another one: it is refused."""
    return name in registry.homes(GROUP).taken


def load(name: str) -> Any:
    """A package's command for click; of one that cannot be loaded, a command that says why."""
    try:
        command = registry.record(GROUP, name, Command)
        return _made(name, with_verbose(command.function), command.epilog)
    except TpeError as error:
        return _refusal(name, str(error))
    except Exception as error:  # typer makes no options of the function's parameters
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        package = registry.homes(GROUP)[name][0]
        return _refusal(name, f"{GROUP} '{name}' of package {package} is no command: {reason}")


def _made(name: str, function: Any, epilog: str | None = None, **more: Any) -> Any:
    panel = "Refused" if is_taken(name) else f"Of package {registry.homes(GROUP)[name][0]}"
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(name, epilog=epilog, rich_help_panel=panel, **more)(function)
    return typer.main.get_command(app)


def _refusal(name: str, reason: str) -> Any:
    def refuse() -> None:
        raise TpeError(reason)

    words = {"allow_extra_args": True, "ignore_unknown_options": True}
    return _made(name, refuse, help=reason, context_settings=words)
