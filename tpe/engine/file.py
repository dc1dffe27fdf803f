"""`engine.toml`: an engine in a file, and the engines that `--engine` names.

    pe = "opt4c"
    array = "matrix2d"
    size = "32x32"

    [parameters]
    encoder = "ent"

`pe`, `array` and `size` must be there; parameters that are left out have their defaults. `save`
(`tpe.engine.written`) writes every one of them, so that a later default does not change a saved
engine. A file in `.cfg`
is a SCALE-Sim configuration, see `tpe.engine.file_scalesim`.
"""

from __future__ import annotations

import os
import tomllib
import warnings
from collections.abc import Mapping
from typing import Any, TypeVar

from tpe import array as arrays
from tpe import pe as pes
from tpe.base.errors import TpeError, one_line, unknown
from tpe.base.files import read_text
from tpe.base.nesting import bracket_depth
from tpe.engine.config import Config
from tpe.engine.file_scalesim import engine_content, not_modelled
from tpe.engine.parameters import parameters_of
from tpe.engine.presets import PRESETS
from tpe.pe.parameters import Parameter

C = TypeVar("C", bound=Config)

FIELDS = ("pe", "array", "size")
MAX_BYTES = 1 << 16  # of a file that is read
MAX_DEPTH = 32  # of brackets in it


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
    where = f"engine file '{os.fspath(path)}'"
    text = read_text(path, "engine file", MAX_BYTES)
    engine = _made(make, engine_content(text, where), where, overrides)
    left = not_modelled(text, where)
    if left:
        warnings.warn(f"{where}: not modelled: {', '.join(left)}", stacklevel=3)
    return engine


def find_engine(make: type[C], spec: str, **overrides: Any) -> C:
    """The engine that `--engine` names: a preset, or a file (with `/`, or in `.toml` or `.cfg`).

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


def read_toml(path: str | os.PathLike[str], what: str = "engine file") -> dict[str, Any]:
    """What a TOML file holds; TpeError naming the file and the line if it is none.

    what -- what errors call it
    """
    if not isinstance(path, str | os.PathLike):
        raise TpeError(f"{what} {path!r} is not legal: a path")
    where = f"{what} '{os.fspath(path)}'"
    text = read_text(path, what, MAX_BYTES)
    if bracket_depth(text) > MAX_DEPTH:
        raise TpeError(f"{where}: nested deeper than {MAX_DEPTH}; legal: up to that")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TpeError(f"{where}: not TOML: {one_line(error)}") from None
    except (ValueError, RecursionError) as error:  # an integer or a nest that Python refuses
        raise TpeError(f"{where}: not TOML that can be read: {one_line(error)}") from None


def _made(make: type[C], content: Mapping[str, Any], where: str, overrides: Mapping[str, Any]) -> C:
    """The engine that a file's content describes."""
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
