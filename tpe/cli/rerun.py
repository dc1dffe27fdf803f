"""A result made again by the command that it holds, and where the two differ."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

import typer

from tpe.base import registry
from tpe.base.errors import TpeError
from tpe.base.files import read_text
from tpe.cli import installed
from tpe.cli.paths import Role, role_of

# Commands whose results depend on nothing but their words, this package and its tools.
AGAIN = frozenset(
    "list run compare show trace verify prove mutate synth reproduce fit cosim".split()
)
# Not of the result: the version (`point_id` holds it), and how long this machine took.
APART = frozenset({"tpe_version", "point_id", "cached", "seconds"})
LARGEST = 256 << 20


def command_of(path: str) -> tuple[list[str], Any]:
    """The words of a result's command, and the result; TpeError if it cannot be made again.

    Of a file that `save` of a run or a comparison wrote, the result is what its command writes.
    """
    text = read_text(path, "result", LARGEST)
    try:
        result = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TpeError(f"{path}: cannot be read as result: {error}") from None
    command = result.get("command") if isinstance(result, dict) else None
    try:
        words = shlex.split(command) if isinstance(command, str) else []
    except ValueError:
        words = []
    saved = result.get("format") if isinstance(result, dict) else None
    if saved in ("tpe run", "tpe comparison"):
        result = _saved(path, saved, words)
    legal = f"legal: the JSON of tpe {', '.join(sorted(AGAIN))}"
    if len(words) < 2 or words[0] != "tpe":
        raise TpeError(f"{path}: holds no command of tpe; {legal}")
    if words[1] not in AGAIN:
        raise TpeError(f"{path}: tpe {words[1]} is not made again; {legal}")
    return words[1:], result


def _saved(path: str, kind: str, words: list[str]) -> Any:
    """What the command of a saved run or comparison wrote; TpeError if it was made without one."""
    from tpe.model.engine import Run
    from tpe.study.comparison import Comparison

    made, verb = (Run, "run") if kind == "tpe run" else (Comparison, "compare")
    if not words:
        raise TpeError(
            f"{path}: a saved {kind.removeprefix('tpe ')}, made by no command; "
            f"tpe.{made.__name__}.load reads it again; legal: the JSON of tpe {verb}"
        )
    return json.loads(json.dumps(made.load(path).to_json()))


def made_again(words: list[str]) -> Any:
    """What a command's JSON is now, made in a process of its own.

    No file that the command names is written: all go into a folder that is removed, and the result
    still has the names that they had. Progress goes to stderr, and so does the command's own line
    if it fails, with whose exit code this ends then. TpeError if it says nothing and writes none.
    """
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        target = Path(folder) / "result.json"
        safe, moved = redirected(words, Path(folder))
        call = [sys.executable, "-m", "tpe.cli.main", safe[0], "--json", str(target), *safe[1:]]
        code = subprocess.run(call, stdout=subprocess.DEVNULL, stderr=None, check=False).returncode
        if not target.exists() and code > 0:
            raise typer.Exit(code)
        if not target.exists():
            end = f"was ended by signal {-code}" if code else "ended well"
            raise TpeError(
                f"{shlex.join(['tpe', *words])} {end} and wrote no result; legal: a command that "
                "writes one with --json, without --help"
            )
        return _named(json.loads(target.read_text()), moved)


def as_held(now: Any, before: Any) -> Any:
    """A result without what an import left out, where the one before says nothing of it.

    A saved run has no place for that.
    """
    if not (isinstance(now, dict) and isinstance(before, dict)):
        return now
    imported = {"unsupported", "not_gemm", "notes"} - before.keys()
    return {key: value for key, value in now.items() if key not in imported}


# ---- files that a command names ----


def redirected(words: list[str], folder: Path) -> tuple[list[str], dict[str, str]]:
    """A command's words with what it writes in `folder`, and {path there: path that it named}.

    Which options those are, their declarations say; `--json` is left out.

    >>> redirected(["run", "--table=a.csv", "--pe", "mac"], Path("/none"))
    (['run', '--table', '/none/0.csv', '--pe', 'mac'], {'/none/0.csv': 'a.csv'})
    """
    options, roles = _declared(words[0])
    safe, moved = [words[0]], dict[str, str]()
    rest = iter(words[1:])
    for word in rest:
        name, value = _split(word, options)
        role = roles.get(options.get(name, ""))
        if word == "--":  # what follows are no options
            safe += [word, *rest]
        elif name not in options:
            safe.append(word)
        else:
            value = next(rest, None) if value is None else value
            if role is not None and role.written and value is not None:
                if name == "--json":
                    continue
                there = str(folder / f"{len(moved)}{Path(value).suffix}")
                moved[there], value = value, there
            safe += [name] if value is None else [name, value]
    return safe, moved


def _declared(verb: str) -> tuple[dict[str, str], dict[str, Role | None]]:
    """{name: parameter} of a command's options that take a value, and the role of each."""
    function = registry.load(registry.built_in(installed.GROUP)[verb]).function
    app = typer.Typer()
    app.command(verb)(function)
    parameters: Any = typer.main.get_command(app).params
    options = {
        name: parameter.name
        for parameter in parameters
        if parameter.param_type_name == "option" and not parameter.is_flag
        for name in (*parameter.opts, *parameter.secondary_opts)
    }
    hints = get_type_hints(function, include_extras=True)
    return options, {parameter: role_of(hint) for parameter, hint in hints.items()}


def _split(word: str, options: Collection[str]) -> tuple[str, str | None]:
    """The option that a word names, and its value if the word has it: `--table=a.csv`, `-oa`."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, value if equals else None
    if word[:2] in options and len(word) > 2:
        return word[:2], word[2:]
    return word, None


def _named(result: Any, moved: Mapping[str, str]) -> Any:
    """A result with the names of files that the command itself would have written."""
    if isinstance(result, dict):
        quoted = {there: shlex.quote(path) for there, path in moved.items()}
        return {
            key: _named(value, quoted if key == "command" else moved)
            for key, value in result.items()
        }
    if isinstance(result, list):
        return [_named(value, moved) for value in result]
    if isinstance(result, str):
        for there, path in moved.items():
            result = result.replace(there, path)
    return result


# ---- what differs ----


def differences(before: Any, now: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, before, now) of every value that differs, of two JSON documents, but for `APART`.

    >>> list(differences({"a": [1, 2], "b": 0}, {"a": [1, 3], "c": 0}))
    [('a[1]', 2, 3), ('b', 0, 'absent'), ('c', 'absent', 0)]
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            if key not in APART:
                path = f"{where}.{key}" if where else key
                yield from differences(before.get(key, "absent"), now.get(key, "absent"), path)
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for i, (old, new) in enumerate(zip(before, now, strict=True)):
            yield from differences(old, new, f"{where}[{i}]")
    elif before != now:
        yield where, before, now


def version_of(result: Any) -> str | None:
    """The version of tpe that a result says it is of, wherever it stands."""
    if isinstance(result, dict):
        if isinstance(result.get("tpe_version"), str):
            return str(result["tpe_version"])
        found = map(version_of, result.values())
    elif isinstance(result, list):
        found = map(version_of, result[:1])
    else:
        return None
    return next(filter(None, found), None)
