"""What the commands share: options, the engine they name, the command they echo, where it goes.

A command takes the options below, asks for an `Output` first (it refuses paths that cannot be
written before any work), makes its engine with `engine_of`, says what it resolved to with
`command_line` and `Output.echo`, and ends with `Output.json`.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.errors import TpeError, unknown
from tpe.table import SCHEMA_VERSION, check_writable, table_ending, write_json, write_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tpe.engine import Engine

DEFAULT_PE = "opt1"
DEFAULT_SIZE = "16x16"
LONGEST_WORD = 24  # of a table's text that is kept whole in a narrow terminal
MAX_SEED = 2**63 - 1  # what the tables' integers hold

PeOption = Annotated[
    str | None,
    typer.Option("--pe", metavar="PE", help=f"Id of a PE: see `tpe list`. Default: {DEFAULT_PE}."),
]
ArrayOption = Annotated[
    str | None,
    typer.Option(
        "--array",
        metavar="ARRAY",
        help="Name or alias of an array. Default: matrix2d, or else the PE's first.",
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option("--size", metavar="RxC", help=f"Rows x columns of PEs. Default: {DEFAULT_SIZE}."),
]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="FILE|PRESET",
        help="An engine.toml or a preset, in place of --pe, --array and --size; -p replaces "
        "single parameters of it.",
    ),
]
ParamOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="KEY=VALUE",
        help="A parameter of the engine; may be repeated. See `tpe show`.",
    ),
]


def parse_seed(text: str | int) -> int:
    """A seed that generators and tables hold; a usage error otherwise."""
    digits = str(text)
    if not (digits.isascii() and digits.isdigit() and int(digits) <= MAX_SEED):
        raise typer.BadParameter(f"'{text}'; legal: an integer from 0 to {MAX_SEED}")
    return int(digits)


SeedOption = Annotated[
    int,
    typer.Option("--seed", metavar="N", parser=parse_seed, help="Seed of whatever is generated."),
]
JsonOption = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE", help="Write the result as JSON; - for stdout, JSON alone."
    ),
]
TableOption = Annotated[
    str | None,
    typer.Option("--table", metavar="FILE", help="Write the rows as .parquet or .csv."),
]


InputsOption = Annotated[
    str | None,
    typer.Option("--inputs", metavar="NPZ", help="Values of an ONNX model's inputs."),
]
BatchOption = Annotated[
    int | None, typer.Option("--batch", metavar="N", help="Batch size of an ONNX model.")
]
DimOption = Annotated[
    list[str] | None,
    typer.Option("--dim", metavar="NAME=N", help="An open dimension of an ONNX model."),
]


def model_options(
    inputs: str | None, batch: int | None, dim: Iterable[str] | None
) -> dict[str, Any]:
    """The options of an ONNX model as `tpe.workload` takes them.

    >>> model_options(None, 4, ["seq=128"])
    {'inputs': None, 'batch': 4, 'dims': {'seq': 128}}
    """
    dims: dict[str, int] = {}
    for text in dim or ():
        name, equals, size = text.rpartition("=")
        if not equals or not size.isdecimal() or not name:
            raise TpeError(f"--dim {text} is not legal: NAME=SIZE, SIZE an integer of 1 or more")
        if name in dims:
            raise TpeError(f"--dim {text}: {name} is given twice, {dims[name]} before")
        dims[name] = int(size)
    return {"inputs": inputs, "batch": batch, "dims": dims or None}


def model_words(inputs: str | None, batch: int | None, dim: Iterable[str] | None) -> list[str]:
    """The same options as they are echoed."""
    return option_words({"inputs": inputs, "batch": batch}) + [
        word for text in dim or () for word in ("--dim", text)
    ]


# ---- from options to an engine ----


def parse_params(given: Iterable[str] | None, known: Iterable[str], owner: str) -> dict[str, str]:
    """{key: value} of `-p KEY=VALUE`; TpeError for no `=`, an unknown key, or one given twice.

    >>> parse_params(["depth=64"], ["depth", "encoder"], "opt4c")
    {'depth': '64'}
    """
    legal = list(known)
    params: dict[str, str] = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not equals:
            raise TpeError(f"-p {text}: no value; legal: -p KEY=VALUE, KEY one of {_list(legal)}")
        if key not in legal:
            hint = f"; use --{key}" if key in ("pe", "array", "size", "seed") else ""
            raise TpeError(f"-p {text}: {unknown(f'parameter of {owner}', key, legal)}{hint}")
        if key in params:
            raise TpeError(f"-p {text}: {key} is given twice, {params[key]} before")
        params[key] = value
    return params


def _list(names: Sequence[str]) -> str:
    return ", ".join(names)


def engine_of(
    pe: str | None,
    array: str | None,
    size: str | None,
    param: Iterable[str] | None,
    engine: str | None = None,
    default_size: str = DEFAULT_SIZE,
) -> Engine:
    """The engine that the options name; without an array, the default one or the PE's first.

    `engine` is a file or a preset; then the three before it must stay out, and `param` replaces
    single parameters of it.
    """
    from tpe import array as arrays
    from tpe import pe as pes
    from tpe.engine import Engine
    from tpe.parameters import parameters_of

    if engine is not None:
        refuse_beside_engine(pe=pe, array=array, size=size)
        return engine_with(engine, param)
    record = pes.get(DEFAULT_PE if pe is None else pe)
    chosen = arrays.get(arrays.default_for(record) if array is None else array)
    arrays.require(chosen, record)
    known = [p.name for p in parameters_of(record, chosen)]
    params = parse_params(param, known, record.name)
    small = default_size if len(chosen.sides) == 2 else None
    return Engine(record, chosen, small if size is None else size, **params)


def engine_with(spec: str, param: Iterable[str] | None) -> Engine:
    """The engine called `spec`, a file or a preset, with the parameters of `-p` replaced."""
    from tpe.config import find_engine

    found = find_engine(spec)
    params = parse_params(param, found.params, spec)
    return find_engine(spec, **params) if params else found


def refuse_beside_engine(**options: object) -> None:
    """TpeError if one of the options that `--engine` stands in for is given too."""
    for name, value in options.items():
        if value is not None:
            raise TpeError(
                f"--{name} {value} and --engine are both given; legal: one of them "
                "(-p replaces single parameters of --engine)"
            )


def command_line(verb: str, engine: Engine, seed: int, *words: str, **options: object) -> str:
    """The full command: every choice written out, so that later defaults cannot change it.

    `options` are the command's own, by name; those that are None or False stay out. Where the
    result goes (`--json`, `--table`) is no part of it. `words` stand behind them as they are.

    >>> from tpe.engine import Engine
    >>> command_line("run", Engine("mac", "os", "2x4"), 7, workload="gemm:1x1x1:uniform")[:66]
    'tpe run --pe mac --array systolic_os --size 2x4 --workload gemm:1x'
    """
    from tpe.parameters import size_text

    assert engine.pe is not None and engine.array is not None
    all_words = ["tpe", verb, "--pe", engine.pe.name, "--array", engine.array.name]
    all_words += ["--size", size_text(engine.size), *option_words(options), *words]
    for name, value in engine.params.items():
        all_words += ["-p", f"{name}={value}"]
    return shlex.join([*all_words, "--seed", str(seed)])


def option_words(options: dict[str, object]) -> list[str]:
    """`{"top": 3, "waves": True}` as `--top 3 --waves`."""
    words: list[str] = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return words


# ---- where results go ----


class Output:
    """Where a command writes: text for a person, and JSON and a table if asked.

    `console` is stdout, or stderr if the JSON goes to stdout, where it then stands alone. Paths
    that cannot be written are refused here: make it before any long work.
    """

    def __init__(self, json_file: str | None = None, table_file: str | None = None) -> None:
        self.json_file, self.table_file = json_file, table_file
        if table_file is not None:
            table_ending(table_file)
            check_writable(table_file)
        if json_file not in (None, "-"):
            assert json_file is not None
            check_writable(json_file)
            if table_file and os.path.realpath(json_file) == os.path.realpath(table_file):
                raise TpeError(f"--json and --table are both '{json_file}': name two files")
        self.console = text_console(to_stderr=json_file == "-")

    def echo(self, command: str) -> None:
        """The command that was resolved to, on one line however long, ready to be pasted."""
        self.console.print(f"$ {command}", soft_wrap=True, style="bold")
        self.console.print()

    def text(self, text: str, style: str | None = None) -> None:
        """A paragraph, wrapped at the width of the terminal."""
        self.console.print(text, style=style)

    def table(self, table: Table, longest: int = LONGEST_WORD) -> None:
        """A table; its text columns fold between words, and words beyond `longest` anywhere."""
        for column in table.columns:
            words = [len(word) for cell in column.cells for word in str(cell).split()]
            if not column.no_wrap:
                column.min_width = min(max(words, default=1), longest)
        self.console.print(table)

    def rows(self, rows: Sequence[dict[str, Any]], extra: Mapping[str, str] | None = None) -> None:
        """Rows of the flat table, and `extra` columns, into the file named by `--table`, if any."""
        if self.table_file is not None:
            write_table(self.table_file, rows, extra)

    def json(self, content: dict[str, Any]) -> None:
        """The result as JSON, if asked: into its file, or alone on stdout."""
        if self.json_file is None:
            return
        text = write_json(self.json_file, content)
        if self.json_file == "-":
            sys.stdout.write(text)


def document(command: str, **content: Any) -> dict[str, Any]:
    """A JSON document of ours: `schema_version`, `command`, then the content."""
    return {"schema_version": SCHEMA_VERSION, "command": command, **content}


def text_console(to_stderr: bool = False) -> Console:
    """A console that prints what it is given: no markup, no emoji, no guessed highlights."""
    from rich.console import Console

    return Console(stderr=to_stderr, markup=False, highlight=False, emoji=False)


def plain_table(*columns: str, left: Iterable[str] = ()) -> Table:
    """A table with a rule under its head; columns in `left` are text, the others numbers.

    Text folds where a terminal is narrow and is never cut off; numbers never break.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 0, 0, 1))
    text = set(left)
    for column in columns:
        if column in text:
            table.add_column(column, overflow="fold")
        else:
            table.add_column(column, justify="right", no_wrap=True)
    return table


PROGRESS_DELAY = 1.0  # seconds; shorter work shows nothing


@contextmanager
def progress(total: int, console: Console | None = None) -> Iterator[Callable[[str], None]]:
    """A bar on stderr, on a terminal only, for work that takes longer than a second.

    Yields a function to be called with a name as each of `total` parts begins.
    """
    from rich.console import Console as RichConsole

    console = console or RichConsole(stderr=True)
    if not (console.is_terminal and console.is_interactive):
        yield lambda name: None
        return
    from threading import Timer

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(30), MofNCompleteColumn(), TimeElapsedColumn())
    name_column = TextColumn("{task.description}", markup=False)
    bar = Progress(*columns, name_column, console=console, transient=True, redirect_stdout=False)
    task = bar.add_task("", total=total)
    begun = iter(range(total + 1))
    timer = Timer(PROGRESS_DELAY, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield lambda name: bar.update(task, description=name, completed=next(begun, total))
    finally:
        timer.cancel()
        timer.join()
        bar.stop()


@contextmanager
def working(what: str) -> Iterator[None]:
    """A spinner on stderr, on a terminal only, while something without parts takes its time."""
    from rich.console import Console as RichConsole

    console = RichConsole(stderr=True)
    if not (console.is_terminal and console.is_interactive):
        yield
        return
    with console.status(what):
        yield
