"""The command that was resolved to: all of it, and what of it is not the default.

The terminal shows the short form, ready to be pasted: it means the same. `--verbose`, JSON and
tables hold every choice, so that a later default changes nothing.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from tpe.base.errors import TpeError
from tpe.cli.paths import option_names, places, refuse_clashes

if TYPE_CHECKING:
    from tpe.model.engine import Engine

DEFAULT_PE = "opt1"

VerboseOption = Annotated[
    bool, typer.Option("--verbose", help="Show the command with every choice, defaults too.")
]


class CommandLine(str):
    """A full command. `short` means the same; what its words leave out are defaults.

    >>> CommandLine(["tpe", "run", "--pe", "opt1"], ["tpe", "run"]).short
    'tpe run'
    """

    short: str

    def __new__(cls, words: Sequence[str], short: Sequence[str]) -> CommandLine:
        """The command of these words."""
        made = super().__new__(cls, shlex.join(words))
        made.short = shlex.join(short)
        return made


@dataclass(frozen=True)
class _Running:
    """The command that runs: whether it is shown in full, and what its options are by default."""

    verbose: bool = False
    defaults: Mapping[str, object] = field(default_factory=dict)


_running: ContextVar[_Running] = ContextVar("running", default=_Running())  # noqa: B039


def with_verbose(function: Callable[..., Any]) -> Callable[..., Any]:
    """A command's function with the option `--verbose`, which `shown` obeys.

    It runs only if no path that it writes is read, or written twice, by the same command line.
    """
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    own = [p.replace(annotation=hints[p.name]) for p in signature.parameters.values()]
    defaults = {name: p.default for p in own for name in option_names(p.annotation)}

    @wraps(function)
    def command(*args: Any, verbose: bool = False, **options: Any) -> Any:
        _running.set(_Running(verbose, defaults))
        refuse_clashes(places(hints, options))
        return function(*args, **options)

    more = inspect.Parameter("verbose", inspect.Parameter.KEYWORD_ONLY, default=False)
    parameters = [*own, more.replace(annotation=VerboseOption)]
    command.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {**hints, "verbose": VerboseOption}
    return command


def shown(command: str) -> str:
    """A command as the terminal shows it: without defaults, unless `--verbose` is given."""
    running = _running.get()
    if running.verbose:
        return str(command)
    short = command.short if isinstance(command, CommandLine) else command
    return shlex.join(_differing(shlex.split(short), running.defaults))


def _differing(words: Sequence[str], defaults: Mapping[str, object]) -> Iterator[str]:
    """The words without `--option VALUE` where that is the option's default."""
    rest = iter(words)
    for word in rest:
        default = defaults.get(word)
        if default is None or isinstance(default, bool):
            yield word
            continue
        value = next(rest, None)
        if value is None:
            yield word
        elif not _same(value, default):
            yield from (word, value)


def _same(text: str, default: object) -> bool:
    """Whether an option's text is its default: 20 is 20.0."""
    if isinstance(default, float):
        try:
            return float(text) == default
        except ValueError:
            return False
    return text == str(default)


def command_line(
    verb: str,
    engine: Engine,
    seed: int,
    *words: str,
    default_size: object = None,
    **options: object,
) -> CommandLine:
    """The full command: every choice written out, so that later defaults cannot change it.

    `options` are the command's own, by name; those that are None or False stay out. Where the
    result goes (`--json`, `--table`) is no part of it. `words` stand behind them as they are.
    `default_size`: the command's own, of arrays of two sides; the short form leaves it out.

    >>> from tpe.model.engine import Engine
    >>> line = command_line("run", Engine("mac", "os", "2x4"), 7, workload="gemm:1x1x1:uniform")
    >>> line[:66], line.short
    ('tpe run --pe mac --array systolic_os --size 2x4 --workload gemm:1x', \
'tpe run --pe mac --array systolic_os --size 2x4 --workload gemm:1x1x1:uniform --seed 7')
    """
    from tpe.engine.parameters import size_text

    size = size_text(engine.size)
    place = {"pe": engine.pe.name, "array": engine.array.name, "size": size}
    rest = [*option_words(options), *words]
    seeded = ["--seed", str(seed)]
    full = [*option_words(place), *rest, *param_words(engine.params), *seeded]
    differing = [*_place_words(engine, size, default_size), *rest]
    short = [*differing, *param_words(chosen_params(engine)), *seeded]
    return CommandLine(["tpe", verb, *full], ["tpe", verb, *short])


def _place_words(engine: Engine, size: str, default_size: object) -> list[str]:
    """PE, array and size, as far as they are not what stands there by default."""
    from tpe import array as arrays
    from tpe.engine.parameters import default_size as of_array
    from tpe.engine.parameters import size_text

    pe, array = engine.record.name, engine.array.name
    flat = len(engine.array.sides) == 2
    default = default_size if flat else size_text(of_array(engine.array))
    return option_words(
        {
            "pe": None if pe == DEFAULT_PE else pe,
            "array": None if array == arrays.default_for(engine.record) else array,
            "size": None if size == default and default_size is not None else size,
        }
    )


def chosen_params(engine: Engine) -> dict[str, Any]:
    """The parameters that make the engine what it is; all others follow, or are defaults.

    >>> from tpe.model.engine import Engine
    >>> chosen_params(Engine("mac", "os", "2x4", a_type="int4", b_type="int4", stages=1))
    {'a_type': 'int4', 'b_type': 'int4'}
    """
    from tpe.model.engine import Engine

    chosen = dict(engine.params)
    for name in engine.params:
        fewer = {key: value for key, value in chosen.items() if key != name}
        try:
            if Engine(engine.record, engine.array, engine.size, **fewer) == engine:
                chosen = fewer
        except TpeError:  # it cannot be left out
            continue
    return chosen


def param_words(params: Mapping[str, Any]) -> list[str]:
    """`{"stages": 2}` as `-p stages=2`."""
    return [word for name, value in params.items() for word in ("-p", f"{name}={value}")]


def option_words(options: Mapping[str, object]) -> list[str]:
    """`{"top": 3, "waves": True}` as `--top 3 --waves`."""
    words: list[str] = []
    for name, value in options.items():
        if value is None or value is False:
            continue
        words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return words
