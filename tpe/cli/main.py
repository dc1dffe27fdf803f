"""The command line: `tpe VERB ...`. Every verb is thin; what it does is the Python API.

Exit codes: 0 done, 1 a check failed, 2 bad input (one line on stderr, no traceback), 130
interrupted, 141 the reader of stdout went away.
"""

from __future__ import annotations

import codecs
import os
import sys
import warnings
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from tpe.base import registry
from tpe.base.errors import TpeError, unknown
from tpe.cli import installed
from tpe.cli.command_line import with_verbose
from tpe.version import __version__

# The order of the help, from first steps to odds and ends; what is not here stands behind.
ORDER = (
    *("list", "run", "compare", "show", "trace", "emit", "verify", "prove", "vectors", "mutate"),
    *("sweep", "optimize", "cosim", "fit", "predict", "pareto", "diff", "evaluate", "synth"),
    *("reproduce", "rerun", "schema", "doctor"),
)
BAD_INPUT, INTERRUPTED, NO_READER = 2, 130, 141
# What parsing raises, by way of the one subclass of it that every version of typer exports.
_UsageError: Any = typer.BadParameter.__base__


class CommandGroup(TyperGroup):
    """The commands, with every way to fail turned into one line and an exit code."""

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> Any:
        """Run the command that `args` (default: the process's own) name, and exit."""
        _prepare_streams()
        try:
            with self.make_context("tpe", list(sys.argv[1:] if args is None else args)) as context:
                self.invoke(context)
            sys.stdout.flush()
        except typer.Exit as done:
            sys.exit(done.exit_code)
        except _UsageError as error:
            _fail(_usage(error), BAD_INPUT)
        except TpeError as error:
            _fail(f"error: {error}", BAD_INPUT)
        except MemoryError:
            _fail(
                "error: not enough memory for this; legal: a smaller workload, or --values none",
                BAD_INPUT,
            )
        except KeyboardInterrupt as stop:
            _fail(f"interrupted: {stop}" if str(stop) else "interrupted", INTERRUPTED)
        except BrokenPipeError:
            _drop_stdout()
            sys.exit(NO_READER)
        except SystemExit as end:  # what rich makes of a broken pipe
            broken = isinstance(end.__context__, BrokenPipeError)
            sys.exit(NO_READER if broken else end.code)
        except OSError as error:
            _drop_stdout()
            _fail(f"error: {error.strerror or error}", BAD_INPUT)
        sys.exit(0)

    def list_commands(self, ctx: Any) -> list[str]:
        """Our commands, then those of installed packages."""
        return [*super().list_commands(ctx), *installed.names()]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command; of an installed package, loaded only now; refused if its name is taken."""
        if installed.is_taken(cmd_name):
            return installed.load(cmd_name)
        found = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in installed.names():
            return installed.load(cmd_name)
        return found

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begin with; TpeError with the nearest one if there is none."""
        known = self.list_commands(ctx)
        if args and not args[0].startswith("-") and args[0] not in known:
            raise unknown("command", args[0], known)
        return super().resolve_command(ctx, args)


def _fail(text: str, code: int) -> None:
    """One line on stderr, whatever the text holds, and the end."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    print(f"tpe: {line}", file=sys.stderr)
    sys.exit(code)


def _usage(error: Any) -> str:
    near = getattr(error, "possibilities", None) or ()
    hint = f" (did you mean '{min(near)}'?)" if near else ""
    name = getattr(error, "option_name", None)  # of an option that is none; libraries word it apart
    text = f"No such option: {name}" if name and near else error.format_message().rstrip(".")
    where = error.ctx.command_path if error.ctx else "tpe"
    return f"error: {text}{hint}; see {where} --help"


def _drop_stdout() -> None:
    """Let the interpreter's last flush go nowhere."""
    with suppress(OSError, ValueError):  # a test's stream has no descriptor
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


_ASCII = str.maketrans(
    dict.fromkeys("┌┐└┘├┤┬┴┼┯┷┿┝┑┙╥╨╦╩╔╗╚╝", "+")
    | dict.fromkeys("─━═⋯", "-")
    | dict.fromkeys("│║⋮", "|")
    | {"▶": ">", "▼": "v", "▲": "^", "▯": "o", "↻": "@"}
    | {"█": "#", "▓": "%", "▒": "=", "░": ":"}
)


def _to_ascii(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    part = error.object[error.start : error.end].translate(_ASCII)
    return part.encode("ascii", "backslashreplace").decode(), error.end


def _prepare_streams() -> None:
    """Drawings reach a stream of any encoding; a closed stdout is like /dev/null."""
    warnings.formatwarning = lambda text, *_, **__: f"tpe: warning: {text}\n"
    codecs.register_error("tpe", _to_ascii)
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 -- for the rest of the process
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="tpe")


app = typer.Typer(
    name="tpe",
    cls=CommandGroup,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _main(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Model tensor engines bit by bit and cycle by cycle."""
    if version:
        typer.echo(f"tpe {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _register() -> None:
    """Every command of ours, in the help's order. The modules import nothing heavy."""
    ours = registry.built_in(installed.GROUP)
    for name in [*(name for name in ORDER if name in ours), *sorted(ours.keys() - set(ORDER))]:
        record = registry.load(ours[name])
        app.command(name, epilog=record.epilog)(with_verbose(record.function))


_register()


def main() -> None:
    """The entry point `tpe`."""
    app()


if __name__ == "__main__":
    main()
