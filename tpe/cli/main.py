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

from tpe.base.errors import TpeError, unknown
from tpe.version import __version__

BAD_INPUT, INTERRUPTED, NO_READER = 2, 130, 141
# What parsing raises, by way of the one subclass of it that every version of typer exports.
_UsageError: Any = typer.BadParameter.__base__


class Group(TyperGroup):
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
        except KeyboardInterrupt:
            _fail("interrupted", INTERRUPTED)
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

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begin with; TpeError with the nearest one if there is none."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            raise unknown("command", args[0], self.commands)
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
    cls=Group,
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
    """Every command, under its name, with its example. The modules import nothing heavy."""
    from tpe.cli.command_line import with_verbose
    from tpe.cli.commands.compare import compare
    from tpe.cli.commands.doctor import doctor
    from tpe.cli.commands.fit import fit
    from tpe.cli.commands.list import list_
    from tpe.cli.commands.reproduce import reproduce
    from tpe.cli.commands.rerun import rerun
    from tpe.cli.commands.run import run
    from tpe.cli.commands.schema import schema
    from tpe.cli.commands.show import show
    from tpe.cli.commands.synth import synth
    from tpe.cli.commands.trace import trace

    app.command("list", epilog="Example: tpe list --combinations")(list_)
    app.command(
        "run",
        epilog="Example: tpe run --pe opt4c --size 32x32 --workload digits_mlp",
    )(run)
    app.command(
        "compare",
        epilog="Example: tpe compare --pe mac,opt1,opt4c --size 32x32 --figure cycles.png; "
        "tpe compare --pe mac,opt1 --iso area --clock-ns 4",
    )(compare)
    app.command("show", epilog="Example: tpe show --pe opt4c --size 8x8 -p depth=1024")(show)
    app.command("trace", epilog="Example: tpe trace --lanes 1,32 -p a_type=int4")(trace)
    _register_rtl()
    app.command(
        "fit", epilog="Example: tpe fit --table gemms.csv --target runtime_ms --group m,n,k"
    )(fit)
    app.command("synth", epilog="Example: tpe synth --pe mac,opt1 --clock-ns 3:6:1")(synth)
    app.command(
        "reproduce", epilog="Example: tpe reproduce hpca25 --liberty tpe130 --figure ratios.png"
    )(reproduce)
    app.command("rerun", epilog="Example: tpe rerun result.json")(rerun)
    app.command("schema", epilog="Example: tpe schema run")(schema)
    app.command("doctor", epilog="Example: tpe doctor --json -")(doctor)
    for command in app.registered_commands:
        assert command.callback is not None
        command.callback = with_verbose(command.callback)


def _register_rtl() -> None:
    """The commands that live with the RTL: `emit`, `verify`, `prove`, `mutate`, and so on."""
    from tpe.cli.commands import cosim, emit, mutate, prove

    example = "--pe opt1 --array systolic_os --size 8x8"
    app.command("emit", epilog=f"Example: tpe emit {example} -o build")(emit.emit)
    app.command("verify", epilog=f"Example: tpe verify {example}")(emit.verify)
    app.command("prove", epilog="Example: tpe prove --pe opt1")(prove.prove)
    app.command("vectors", epilog=f"Example: tpe vectors {example} -o dir")(cosim.vectors)
    app.command("mutate", epilog="Example: tpe mutate --count 1000 --json -")(mutate.mutate)
    pe = "my_pe.v --port a=in_a --port b=in_b --port out=p --port clk=clk --reset rst_n:low"
    app.command("cosim", epilog=f"Example: tpe cosim {pe} --latency 2")(cosim.cosim)


_register()


def main() -> None:
    """The entry point `tpe`."""
    app()


if __name__ == "__main__":
    main()
