"""Runs in files: JSON that says everything of a run, exactly, and no code.

A file says what it is (`format`), in which version of the format, and by which tpe it was written.
The engine stands in it by PE, array, size and every parameter, with its hash beside them; fractions
of cycles as "p/q". C is left out unless it is asked for: then it is packed, 64 bits a value.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields, replace
from fractions import Fraction
from math import isfinite
from typing import Any, TypeVar

import numpy as np

from tpe.array.base import TERMS, Cycles
from tpe.base.columns import Column
from tpe.base.errors import TpeError
from tpe.base.files import read_text, whole_file
from tpe.engine.config import Config
from tpe.engine.parameters import size_text
from tpe.engine.spec import EngineSpec
from tpe.model.columns import AddedColumns, ColumnSet
from tpe.model.layer_run import Error, LayerRun
from tpe.model.result import RunRecord
from tpe.numbers.arithmetic import Arithmetic
from tpe.numbers.operands import Ints
from tpe.version import __version__

FORMAT, VERSION = "tpe run", 1
LARGEST = 256 << 20  # bytes of a file that is read
_Made = TypeVar("_Made")
_Engine = TypeVar("_Engine", bound=Config)
_Run = TypeVar("_Run", bound=RunRecord)


def save_run(run: RunRecord, path: str | os.PathLike[str], values: bool = False) -> None:
    """Write a run, whole or not at all; see `tpe.Run.save`."""
    write_saved(FORMAT, run_content(run, values), path)


# ---- files ----


def write_saved(kind: str, content: Mapping[str, Any], path: str | os.PathLike[str]) -> None:
    """`content` under a head that says what it is."""
    _check_path(path)
    head = {"format": kind, "version": VERSION, "tpe_version": __version__}
    text = json.dumps(_finite({**head, **content}), allow_nan=False)
    with whole_file(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _finite(content: Any) -> Any:
    """Content with "inf", "-inf" and "nan" for the numbers that JSON has not.

    >>> _finite({"largest": float("inf"), "sizes": (1, float("nan"))})
    {'largest': 'inf', 'sizes': [1, 'nan']}
    """
    if isinstance(content, Mapping):
        return {key: _finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_finite(value) for value in content]
    return str(content) if isinstance(content, float) and not isfinite(content) else content


def _number(value: object) -> int | float:
    """A number as `_finite` wrote it, or as tpe did before: a number whatever it is."""
    if value in ("inf", "-inf", "nan"):
        return float(str(value))
    if type(value) not in (int, float):
        raise ValueError(f"{value!r} is no number")
    return value  # type: ignore[return-value]


def _check_path(path: object) -> None:
    if not isinstance(path, str | os.PathLike):
        raise TpeError(f"file {path!r} is not legal: a path")


def read_saved(
    kind: str, path: str | os.PathLike[str], make: Callable[[Mapping[str, Any]], _Made]
) -> _Made:
    """What `make` makes of the content; TpeError for any file that `write_saved` did not write."""
    _check_path(path)
    where = os.fspath(path)
    what = kind.removeprefix("tpe ")
    text = read_text(path, f"saved {what}", LARGEST)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != kind:
        raise TpeError(f"{where}: no saved {what}; legal: a file that the save of a {what} wrote")
    if content.get("version") != VERSION:
        by = content.get("tpe_version")
        raise TpeError(
            f"{where}: format version {content.get('version')!r}, written by tpe {by!r}; legal: "
            f"{VERSION}, by tpe {__version__} or earlier"
        )
    try:
        return make(content)
    except TpeError as error:
        raise TpeError(f"{where}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        said = " ".join(str(error).split())[:100]
        raise TpeError(f"{where}: damaged: {type(error).__name__} {said}") from None


# ---- engines ----


def engine_content(engine: EngineSpec) -> dict[str, Any]:
    """What an engine is made from again; TpeError for one that `Engine.save` refuses."""
    if not isinstance(engine, Config):
        raise TpeError("an engine from a nest cannot be saved; legal: a PE in an array")
    pe, array, size = engine.listed()
    names = {"pe": pe.name, "array": array.name, "size": size_text(size)}
    return {**names, "parameters": dict(engine.params), "hash": engine.hash}


def engine_of(make: type[_Engine], content: Mapping[str, Any]) -> _Engine:
    """The engine, as a `make`, which must have the hash that it was saved with."""
    places = (content["pe"], content["array"], content["size"])
    engine = make(*places, **content["parameters"])
    if engine.hash != content["hash"]:
        raise TpeError(f"the engine's hash is {engine.hash}; saved was {content['hash']}")
    return engine


# ---- runs ----


def run_content(run: RunRecord, values: bool = False) -> dict[str, Any]:
    """A run as JSON can hold it."""
    own = {"workload": run.workload, "seed": run.seed, "metrics": dict(run.metrics)}
    return {
        "engine": engine_content(run.engine),
        **own,
        "command": str(run.command),
        "run_by": run.version,
        "layers": [_layer_content(layer, values, run.engine.arithmetic) for layer in run.layers],
        "columns": [_added_content(one) for one in run.added],
    }


def run_of(make: type[_Run], kind: type[Config], content: Mapping[str, Any]) -> _Run:
    """The run that `run_content` described, as a `make`; its engine is a `kind`."""
    engine = engine_of(kind, content["engine"])
    layers = tuple(_layer_of(layer, engine.arithmetic) for layer in content["layers"])
    if not layers:
        raise TpeError("a run without layers")
    run = make(
        engine,
        _text(content["workload"]),
        int(content["seed"]),
        layers,
        {name: float(_number(value)) for name, value in content["metrics"].items()},
        _text(content["command"]),
        _text(content["run_by"]),
    )
    for one in content.get("columns", ()):
        columns = tuple(Column(**column) for column in one["columns"])
        run = run.with_columns(ColumnSet(_text(one["by"]), columns, one["values"]))
    return run


def _added_content(one: AddedColumns) -> dict[str, Any]:
    columns = [{f.name: getattr(c, f.name) for f in fields(c)} for c in one.columns]
    return {"by": one.by, "columns": columns, "values": {k: list(v) for k, v in one.values.items()}}


def _layer_content(layer: LayerRun, values: bool, arithmetic: Arithmetic) -> dict[str, Any]:
    content = {f.name: getattr(layer, f.name) for f in fields(layer) if f.name != "C"}
    content["terms"] = {term: str(getattr(layer.terms, term)) for term in TERMS}
    content["error"] = asdict(layer.error) if layer.error else None
    content["firings"] = dict(layer.firings)
    if values and layer.C is not None:
        content["C"] = _packed(arithmetic.words(layer.C))
    return content


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _may_be_count(value: object) -> bool:
    return value is None or _is_count(value)


def _is_amount(value: object) -> bool:
    return type(value) in (int, float) and 0 <= value < float("inf")  # type: ignore[operator]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


# Fields of a layer: what each must be, and whether it may be None.
_FIELDS: tuple[tuple[str, Callable[[Any], bool], bool], ...] = (
    *((name, lambda v: _is_count(v) and v > 0, False) for name in "m n k repeat tiles".split()),
    *((name, _is_text, False) for name in "name op operand_source fingerprint".split()),
    *((name, _is_count, True) for name in ("nonzero_digits", "row_steps")),
    *((name, _is_amount, True) for name in ("pe_pj", "standard_error", "bits_per_weight")),
    *((name, _is_text, True) for name in ("no_energy", "library", "cost_source")),
    *((name, _is_text, True) for name in ("a_type", "b_type")),
    ("overflowed", lambda v: isinstance(v, bool), True),
    (
        "bandwidth",
        lambda v: isinstance(v, list) and len(v) == 2 and all(map(_may_be_count, v)),
        False,
    ),
    ("firings", lambda v: isinstance(v, dict) and all(map(_may_be_count, v.values())), False),
    ("error", lambda v: isinstance(v, dict) and v.keys() == {f.name for f in fields(Error)}, True),
)


def _layer_of(content: Mapping[str, Any], arithmetic: Arithmetic) -> LayerRun:
    packed = content.get("C")
    for name, legal, may_miss in _FIELDS:
        value = content.get(name) if may_miss else content[name]
        if not (may_miss if value is None else legal(value)):
            raise ValueError(f"{name} is {value!r}")
    made = LayerRun(
        **{
            **content,
            "C": None,
            "terms": Cycles(**{term: Fraction(content["terms"][term]) for term in TERMS}),
            "error": _error_of(content["error"]),
            "bandwidth": tuple(content["bandwidth"]),
        }
    )
    if packed is None:
        return made
    return replace(made, C=arithmetic.values(_unpacked(packed, (made.m, made.n))))


def _error_of(content: Mapping[str, Any] | None) -> Error | None:
    return Error(**{name: _number(value) for name, value in content.items()}) if content else None


def _packed(c: Ints) -> str:
    raw = np.ascontiguousarray(c, "<i8").tobytes()
    return base64.b64encode(zlib.compress(raw, 1)).decode()


def _unpacked(text: str, shape: tuple[int, int]) -> Ints:
    """C of this shape; no more is unpacked than it takes."""
    size = 8 * shape[0] * shape[1]
    unpacking = zlib.decompressobj()
    try:
        raw = unpacking.decompress(base64.b64decode(text, validate=True), size + 1)
    except zlib.error as error:
        raise TpeError(f"C is damaged: {error}") from None
    if len(raw) != size:
        raise TpeError(f"C has {len(raw)} bytes or more; legal: {size}, {shape[0]} x {shape[1]}")
    return np.frombuffer(raw, "<i8").astype(np.int64).reshape(shape)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
