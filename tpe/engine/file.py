"""`engine.toml`: an engine in a file, and the short hash that names it.

    pe = "opt4c"
    array = "matrix2d"
    size = "32x32"

    [parameters]
    encoder = "ent"

`pe`, `array` and `size` must be there; parameters that are left out have their defaults. `save`
writes every one of them, so that a later default does not change a saved engine. A file in `.cfg`
is a SCALE-Sim configuration, see `tpe.engine.file_scalesim`.
"""

from __future__ import annotations

import hashlib
import json
import os
import tomllib
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from tpe import array as arrays
from tpe import pe as pes
from tpe.base.errors import TpeError, unknown
from tpe.base.files import read_text, whole_file
from tpe.base.nesting import bracket_depth
from tpe.engine.presets import PRESETS
from tpe.version import __version__

if TYPE_CHECKING:
    from tpe.engine.config import Config
    from tpe.pe.parameters import Parameter

C = TypeVar("C", bound="Config")

FIELDS = ("pe", "array", "size")
MAX_BYTES = 1 << 16  # of a file that is read
MAX_DEPTH = 32  # of brackets in it
HASH_DIGITS = 12


def engine_hash(engine: Config) -> str:
    """Twelve hexadecimal digits of everything that determines how an engine behaves.

    PE, array, rows, cols, depth and every parameter with its value, given or default; for an
    engine from a nest, the nest in place of the PE. Neither the version of tpe nor the layout of
    a file enters. A PE or array record of your own enters with its name only.

    >>> from tpe.engine.config import Config
    >>> engine_hash(Config("mac", "os", "2x4")) == engine_hash(
    ...     Config("mac", "systolic_os", (2, 4), acc_bits=32)
    ... )
    True
    """
    identity = engine.describe()
    content = {key: identity[key] for key in ("pe", "array", "rows", "cols", "depth")}
    content["params"] = engine.params
    if engine.own_nest is not None:
        from tpe.nest.render import render

        content["nest"] = render(engine.own_nest)
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_DIGITS]


# ---- writing ----


def save_engine(engine: Config, path: str | os.PathLike[str]) -> None:
    """Write an engine into a TOML file, whole or not at all.

    Raises TpeError if the file cannot be written, or if `load_engine` could not make the engine
    again: one from a nest, or of a PE or array that is not among the listed ones.
    """
    text = engine_toml(engine)
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def engine_toml(engine: Config) -> str:
    """The text of an engine's file: every parameter, with what it is for.

    >>> from tpe.engine.config import Config
    >>> print("\\n".join(engine_toml(Config("mac", "os", "2x4")).splitlines()[1:4]))
    pe = "mac"  # multiply-accumulate
    array = "systolic_os"  # output-stationary systolic array
    size = "2x4"  # rows x columns of PEs
    """
    from tpe.engine.parameters import parameters_of

    if engine.pe is None or engine.record is None or engine.array is None:
        raise TpeError("an engine from a nest cannot be saved; legal: a PE in an array")
    for kind, record, known in (("pe", engine.record, pes), ("array", engine.array, arrays)):
        if record.name not in known.names() or known.get(record.name) != record:
            raise TpeError(
                f"{kind} {record.name} is a record of your own: the engine cannot be saved; "
                f"legal: {', '.join(known.names())}"
            )
    lines = [
        f"# A tensor engine, written by tpe {__version__}: tpe run --engine FILE",
        f"pe = {_literal(engine.pe.name)}  # {engine.pe.title}",
        f"array = {_literal(engine.array.name)}  # {engine.array.title}",
        f"size = {_literal(size_text(engine))}  # rows x columns of PEs",
        "",
        "[parameters]",
    ]
    docs = {p.name: p.doc for p in parameters_of(engine.pe, engine.array)}
    lines += [f"{name} = {_literal(v)}  # {docs[name]}" for name, v in engine.params.items()]
    return "\n".join(lines) + "\n"


def size_text(engine: Config) -> str:
    """The size as `--size` takes it."""
    from tpe.engine import parameters

    return parameters.size_text(engine.size)


def _literal(value: Any) -> str:
    """A TOML literal; what JSON writes for text, integers and flags is TOML too."""
    assert isinstance(value, str | int), f"{value!r} is no text, integer or flag"
    return json.dumps(value)


# ---- reading ----


def load_engine(make: type[C], path: str | os.PathLike[str], **overrides: Any) -> C:
    """The engine in a TOML file, as a `make`; `overrides` replace the file's parameters.

    A path in `.cfg` is a SCALE-Sim configuration; a warning names what it sets and the engine has
    not. Raises TpeError, one line that names the file and the line or the field: what cannot be
    read or is no TOML; a field missing, unknown, of a wrong type or value.
    """
    if isinstance(path, str | os.PathLike) and os.fspath(path).lower().endswith(".cfg"):
        return _load_scalesim(make, path, overrides)
    content = read_toml(path)
    return _made(make, content, f"engine file '{os.fspath(path)}'", overrides)


def _load_scalesim(make: type[C], path: str | os.PathLike[str], overrides: Mapping[str, Any]) -> C:
    from tpe.engine.file_scalesim import engine_content, not_modelled

    where = f"engine file '{os.fspath(path)}'"
    text = read_text(path, "engine file", MAX_BYTES)
    engine = _made(make, engine_content(text, where), where, overrides)
    left = not_modelled(text, where)
    if left:
        warnings.warn(f"{where}: not modelled: {', '.join(left)}", stacklevel=3)
    return engine


def find_engine(make: type[C], spec: str, **overrides: Any) -> C:
    """The engine that `--engine` names: a preset, or a file (with `/`, or in `.toml` or `.cfg`).

    >>> from tpe.engine.config import Config
    >>> find_engine(Config, "edge_16x16").rows
    16
    """
    if isinstance(spec, os.PathLike) or (isinstance(spec, str) and is_file_name(spec)):
        return load_engine(make, spec, **overrides)
    name = str(spec).lower()
    if name not in PRESETS:
        raise unknown("engine", spec, [*PRESETS, "FILE.toml", "FILE.cfg"])
    return PRESETS[name].engine(make, **overrides)


def is_file_name(spec: str) -> bool:
    """Whether `--engine` takes this as a file, not as a preset."""
    return "/" in spec or os.sep in spec or spec.lower().endswith((".toml", ".cfg"))


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a TOML file holds; TpeError naming the file and the line if it is none."""
    if not isinstance(path, str | os.PathLike):
        raise TpeError(f"engine file {path!r} is not legal: a path")
    where = f"engine file '{os.fspath(path)}'"
    text = read_text(path, "engine file", MAX_BYTES)
    if bracket_depth(text) > MAX_DEPTH:
        raise TpeError(f"{where}: nested deeper than {MAX_DEPTH}; legal: up to that")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TpeError(f"{where}: not TOML: {_one_line(error)}") from None
    except (ValueError, RecursionError) as error:  # an integer or a nest that Python refuses
        raise TpeError(f"{where}: not TOML that can be read: {_one_line(error)}") from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _made(make: type[C], content: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> C:
    """The engine that a file's content describes."""
    from tpe.engine.parameters import parameters_of

    for key in content:
        if key not in (*FIELDS, "parameters"):
            raise TpeError(f"{where}: {unknown('field', key, [*FIELDS, '[parameters]'])}")
    for field in FIELDS:
        if field not in content:
            raise TpeError(f"{where}: {field} is missing; legal: {_legal(field)}")
        if not isinstance(content[field], str):
            raise _wrong(where, field, content[field], _legal(field))
    given = content.get("parameters", {})
    if not isinstance(given, dict):
        raise _wrong(where, "parameters", given, "a table, [parameters]")
    try:
        pe = pes.get(content["pe"])
        known = {p.name: p for p in parameters_of(pe)}
        for name, value in given.items():
            if name not in known:
                raise unknown(f"parameter of {pe.name}", name, known)
            if not _fits(known[name], value):
                raise _wrong("", f"parameters.{name}", value, known[name].describe())
        engine = make(pe, content["array"], content["size"], **given)
    except TpeError as error:
        raise TpeError(f"{where}: {error}") from None
    if not overrides:
        return engine
    return make(pe, content["array"], content["size"], **{**given, **overrides})


def _legal(field: str) -> str:
    """What a field takes, for a person."""
    if field == "size":
        return 'text, "ROWSxCOLS"'
    names = pes.names() if field == "pe" else arrays.names()
    return " | ".join(f'"{name}"' for name in names)


def _fits(parameter: Parameter, value: Any) -> bool:
    """Whether a value has one of the types of a parameter's; text is no number in a file."""
    if isinstance(value, bool):
        return set(parameter.legal) == {"off", "on"}
    return type(value) in {type(choice) for choice in parameter.legal}


def _wrong(where: str, field: str, value: Any, legal: str) -> TpeError:
    """The error for a value of a wrong type."""
    text = repr(value)
    shown = text if len(text) <= 60 else f"{text[:60]}..."
    start = f"{where}: " if where else ""
    return TpeError(
        f"{start}{field} is {shown}, a {_TYPES.get(type(value), 'date')}; legal: {legal}"
    )


_TYPES = {
    str: "text",
    bool: "flag",
    int: "number",
    float: "number with a point",
    list: "list",
    dict: "table",
}
