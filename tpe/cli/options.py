"""What the commands share: options, the engine they name, the command they echo, where it goes.

A command takes the options below, asks for an `Output` first (it refuses paths that cannot be
written before any work), makes its engine with `engine_of`, says what it resolved to with
`command_line` and `Output.echo`, and ends with `Output.json`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError, unknown
from tpe.base.files import check_writable, write_json
from tpe.base.progress import Progress
from tpe.base.table import SCHEMA_VERSION, table_ending, write_table
from tpe.cli.command_line import DEFAULT_PE, command_line, option_words, shown
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from tpe.model.engine import Engine

__all__ = ["DEFAULT_PE", "command_line", "option_words"]  # of another module, used by every command

DEFAULT_SIZE = "16x16"
MOST_LAYERS = 64  # that a terminal shows; of more, the `LARGEST` ones
LARGEST = 20
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
    READS,
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
    WRITES,
]
TableOption = Annotated[
    str | None,
    typer.Option("--table", metavar="FILE", help="Write the rows as .parquet or .csv."),
    WRITES,
]


AllLayersOption = Annotated[
    bool,
    typer.Option(
        "--all-layers",
        help=f"Show every layer, of a network with more than {MOST_LAYERS} too.",
    ),
]
InputsOption = Annotated[
    str | None,
    typer.Option("--inputs", metavar="NPZ", help="Values of an ONNX model's inputs."),
    READS,
]
BatchOption = Annotated[
    int | None, typer.Option("--batch", metavar="N", help="Batch size of an ONNX model.")
]
DimOption = Annotated[
    list[str] | None,
    typer.Option("--dim", metavar="NAME=N", help="An open dimension of an ONNX model."),
]


LoopSecondsOption = Annotated[
    float | None,
    typer.Option(
        "--loop-seconds", metavar="S", help="Most seconds in the loops of an ONNX model [5]."
    ),
]
LoopIterationsOption = Annotated[
    int | None,
    typer.Option(
        "--loop-iterations", metavar="N", help="Most runs of an ONNX model's loop bodies [100000]."
    ),
]


def model_options(
    inputs: str | None,
    batch: int | None,
    dim: Iterable[str] | None,
    loop_seconds: float | None = None,
    loop_iterations: int | None = None,
) -> dict[str, Any]:
    """The options of an ONNX model that are given, as `tpe.workload` takes them.

    >>> model_options(None, 4, ["seq=128"], 30.0)
    {'inputs': None, 'batch': 4, 'dims': {'seq': 128}, 'loop_seconds': 30.0}
    """
    dims: dict[str, int] = {}
    for text in dim or ():
        name, equals, size = text.rpartition("=")
        if not equals or not size.isdecimal() or not name:
            raise TpeError(f"--dim {text} is not legal: NAME=SIZE, SIZE an integer of 1 or more")
        if name in dims:
            raise TpeError(f"--dim {text}: {name} is given twice, {dims[name]} before")
        dims[name] = int(size)
    loops = {"loop_seconds": loop_seconds, "loop_iterations": loop_iterations}
    given = {name: value for name, value in loops.items() if value is not None}
    return {"inputs": inputs, "batch": batch, "dims": dims or None, **given}


def model_words(
    inputs: str | None,
    batch: int | None,
    dim: Iterable[str] | None,
    loop_seconds: float | None = None,
    loop_iterations: int | None = None,
) -> list[str]:
    """The same options as they are echoed."""
    loops = {"loop-seconds": loop_seconds, "loop-iterations": loop_iterations}
    return option_words({"inputs": inputs, "batch": batch, **loops}) + [
        word for text in dim or () for word in ("--dim", text)
    ]


def check_figure(file: str | None) -> None:
    """TpeError for a `--figure` that cannot be drawn or written, before any long work."""
    if file is not None:
        from tpe.report.cycles_figure import check_figure

        check_figure(file)


# ---- from options to an engine ----


def parse_params(texts: Iterable[str] | None, known: Iterable[str], owner: str) -> dict[str, str]:
    """{key: value} of `-p KEY=VALUE`; TpeError for no `=`, an unknown key, or one given twice.

    >>> parse_params(["depth=64"], ["depth", "encoder"], "opt4c")
    {'depth': '64'}
    """
    legal = list(known)
    params: dict[str, str] = {}
    for text in texts or ():
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
    from tpe.engine.parameters import parameters_of
    from tpe.model.engine import Engine

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
    from tpe.engine.file import find_engine
    from tpe.model.engine import Engine

    found = find_engine(Engine, spec)
    params = parse_params(param, parameter_names(found), spec)
    return find_engine(Engine, spec, **params) if params else found


def parameter_names(engine: Engine) -> list[str]:
    """What `-p` may say of an engine: its settings, and those it has only where they are chosen."""
    from tpe.engine.parameters import parameters_of

    return [p.name for p in parameters_of(engine.pe, engine.array)]


def refuse_beside_engine(**options: object) -> None:
    """TpeError if one of the options that `--engine` stands in for is given too."""
    for name, value in options.items():
        if value is not None:
            raise TpeError(
                f"--{name} {value} and --engine are both given; legal: one of them "
                "(-p replaces single parameters of --engine)"
            )


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
        self.console = text_console(to_stderr=json_file == "-")

    def echo(self, command: str) -> None:
        """The command that was resolved to, on one line however long, ready to be pasted."""
        self.console.print(f"$ {shown(command)}", soft_wrap=True, style="bold")
        self.console.print()

    def text(self, text: str, style: str | None = None) -> None:
        """A paragraph, wrapped at the width of the terminal."""
        self.console.print(text, style=style)

    def table(self, table: Table, longest: int = LONGEST_WORD) -> None:
        """A table; its text columns fold between words, and words beyond `longest` anywhere."""
        fit(table, self.console.width, longest)
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


def fit(table: Table, width: int, longest: int = LONGEST_WORD) -> None:
    """Set the widths of text columns so that the table fits, and no word up to `longest` breaks.

    Rich alone gives more than there is where columns have least widths, and cuts the rest off.
    """
    from rich.cells import cell_len

    texts = [[str(cell) for cell in (c.header, *c.cells)] for c in table.columns]
    widths, least = [], []
    for column, cells in zip(table.columns, texts, strict=True):
        own = max(cell_len(line) for text in cells for line in text.split("\n"))
        word = max((cell_len(word) for text in cells for word in text.split()), default=1)
        widths.append(own)
        least.append(own if column.no_wrap else min(own, longest, word))
    room = width - 2 * (len(widths) - 1)  # two blanks stand between columns
    while sum(widths) > room and widths != least:
        slack = [own if own > low else 0 for own, low in zip(widths, least, strict=True)]
        widths[slack.index(max(slack))] -= 1
    for column, own in zip(table.columns, widths, strict=True):
        column.width = None if column.no_wrap else own


def largest(sizes: Sequence[float], everything: bool = False) -> list[int]:
    """The places of what a terminal shows: all, or of too many the largest, in their order.

    >>> largest([3, 1, 2]), len(largest(range(1000))), largest(range(1000))[0]
    ([0, 1, 2], 20, 980)
    """
    places = list(range(len(sizes)))
    if everything or len(sizes) <= MOST_LAYERS:
        return places
    return sorted(sorted(places, key=lambda place: -sizes[place])[:LARGEST])


def left_line(count: int, share: float) -> str:
    """What is said of layers that are left out.

    >>> left_line(1980, 0.0312)
    '1,980 more layers, none of them larger, are left out (3.1% of the cycles); \
all: --all-layers, or a --table FILE.'
    """
    return (
        f"{count:,} more layers, none of them larger, are left out ({share:.1%} of the cycles); "
        "all: --all-layers, or a --table FILE."
    )


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


def progress(total: int | None = None, what: str = "") -> Progress:
    """Progress on stderr: call it with a name as each of `total` parts begins."""
    return Progress(total, what)


def working(what: str) -> Progress:
    """Progress of something without parts."""
    return Progress(what=what)
