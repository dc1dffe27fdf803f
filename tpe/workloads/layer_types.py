"""Formats of single layers' operands, apart from those of the engine, which may be wider.

An engine's `a_type` and `b_type` say what its hardware takes, and what operands are made in where
nothing else is said. Types of layers say what the operands of single ones are made in: 4-bit
weights on an 8-bit engine are legal, and cost what the engine makes of them.
"""

from __future__ import annotations

import csv
import difflib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.base.files import read_text
from tpe.numbers.formats import Array, Format, number_format
from tpe.workloads.base import Layer, Workload
from tpe.workloads.imported import ImportedWorkload
from tpe.workloads.lazy import LazyLayer, Operand, clean

SIDES = ("a_type", "b_type")
HEADER = ("layer", *SIDES)
LEGAL = "LAYER:b_type=int4, LAYER:a_type=int8,b_type=int4, or a .csv of layer,a_type,b_type"
MAX_BYTES = 16 << 20
_WHAT = {"a_type": "activations", "b_type": "weights"}
_TEXT = re.compile(r"(.+?):((?:a_type|b_type)=.*)", re.DOTALL)

LayerTypes: TypeAlias = Mapping[str, Mapping[str, str]]
"""{name of a layer, * and ? standing for any: {a_type, b_type or both: format}}."""


def layer_types(*texts: str | os.PathLike[str]) -> dict[str, dict[str, str]]:
    """Formats of layers' operands, from texts and CSV files; of two for one layer the later holds.

    texts  LAYER:a_type=int8,b_type=int4, either alone too; or the path of a .csv with the columns
           layer, a_type, b_type, of which an empty cell leaves the engine's format. In names *
           stands for any characters and ? for one, where no layer is called so
    Result what `tpe.workload(types=)` takes. Names of layers are looked at there.

    Raises TpeError with the text, or file and line: not of this form, a format that there is not.

    >>> layer_types("fc1:b_type=int4", "conv*:a_type=uint8,b_type=int2")
    {'fc1': {'b_type': 'int4'}, 'conv*': {'a_type': 'uint8', 'b_type': 'int2'}}
    >>> layer_types("fc1:b_type=int5,b_type=int4")
    Traceback (most recent call last):
    tpe.TpeError: layer types 'fc1:b_type=int5,b_type=int4': b_type is there twice; legal: once
    """
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        path = os.fspath(text)
        rows = _rows(path) if path.lower().endswith(".csv") else [_parsed(path)]
        for name, types in rows:
            kept = {**found.pop(name, {}), **types}  # at the end: what is said later holds
            found[name] = kept
    return found


def _parsed(text: str) -> tuple[str, dict[str, str]]:
    """LAYER:key=value,key=value."""
    where = f"layer types '{clean(text)}'"
    match = _TEXT.fullmatch(text)
    if match is None:
        raise TpeError(f"{where}: not of the form; legal: {LEGAL}")
    name, rest = match.groups()
    types: dict[str, str] = {}
    for part in rest.split(","):
        key, _, value = part.partition("=")
        if key not in SIDES:
            raise TpeError(f"{where}: {unknown('key', clean(key), SIDES)}")
        if key in types:
            raise TpeError(f"{where}: {key} is there twice; legal: once")
        types[key] = _format(value, f"{where}: {key}").name
    return name, types


def _rows(path: str) -> list[tuple[str, dict[str, str]]]:
    """The rows of a CSV file."""
    name = clean(path)
    lines = csv.reader(read_text(path, "layer types", MAX_BYTES).splitlines())
    try:
        table = [(lines.line_num, row) for row in lines if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise TpeError(f"{name}: line {lines.line_num} is no CSV ({clean(error)})") from None
    head = [cell.strip() for cell in table[0][1]] if table else []
    if "layer" not in head or len(set(head)) < len(head) or not {*head} <= {*HEADER}:
        raise TpeError(
            f"{name}: the header is '{clean(','.join(head))}'; legal: {','.join(HEADER)}, layer "
            "and one of the others at least"
        )
    found = []
    for number, row in table[1:]:
        where = f"{name}: line {number}"
        if len(row) != len(head):
            raise TpeError(f"{where} has {len(row)} cells; legal: {len(head)}, as the header")
        cells = dict(zip(head, (cell.strip() for cell in row), strict=True))
        types = {
            key: _format(cells[key], f"{where}: {key}").name for key in SIDES if cells.get(key)
        }
        if not cells["layer"] or not types:
            raise TpeError(f"{where} names no {'type' if cells['layer'] else 'layer'}; legal: both")
        found.append((cells["layer"], types))
    return found


def _format(name: object, where: str) -> Format:
    if not isinstance(name, str):
        raise TpeError(f"{where} is {name!r}; legal: the name of a format, such as int4")
    return number_format(name, where)


def resolved(types: object, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """{layer: types} of the layers that are spoken of; TpeError for a name of none.

    >>> resolved({"fc*": {"b_type": "int4"}, "fc2": {"b_type": "int8"}}, ["fc1", "fc2", "out"])
    {'fc1': {'b_type': 'int4'}, 'fc2': {'b_type': 'int8'}}
    >>> resolved({"fc9": {"b_type": "int4"}}, ["fc1", "fc2"])
    Traceback (most recent call last):
    tpe.TpeError: layer types speak of 'fc9' (did you mean 'fc2'?); legal: the 2 layers of the \
workload, or a pattern of them
    """
    every = list(names)
    if not isinstance(types, Mapping):
        raise TpeError(f"types is a {type(types).__name__}; legal: {{layer: {{'b_type': 'int4'}}}}")
    found: dict[str, dict[str, str]] = {}
    for pattern, given in types.items():
        if not isinstance(pattern, str) or not isinstance(given, Mapping) or not given:
            raise TpeError(f"types of {pattern!r} are {given!r}; legal: {{'b_type': 'int4'}}")
        for key, name in given.items():
            if key not in SIDES:
                raise TpeError(f"types of '{clean(pattern)}': {unknown('key', clean(key), SIDES)}")
            _format(name, f"types of '{clean(pattern)}': {key}")
        chosen = [pattern] if pattern in every else _matching(pattern, every)
        if not chosen:
            near = difflib.get_close_matches(pattern, every, n=1, cutoff=0.0)
            hint = f" (did you mean '{near[0]}'?)" if near else ""
            raise TpeError(
                f"layer types speak of '{clean(pattern)}'{hint}; legal: the {len(every)} layers "
                "of the workload, or a pattern of them"
            )
        for name in chosen:
            found[name] = {**found.get(name, {}), **given}
    return found


def _matching(pattern: str, names: list[str]) -> list[str]:
    """Names that a pattern of * and ? matches; brackets stand for themselves, groups have them."""
    text = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    wild = re.compile(text, re.DOTALL)
    return [name for name in names if wild.fullmatch(name)]


def typed(
    base: Workload,
    types: LayerTypes,
    load: Callable[[str | None, str | None], Workload],
) -> Workload:
    """A workload with the operands of some layers in formats of their own.

    load  the same workload with other formats, None of a side being those of `base`
    Operands that are generated or quantised are made in the formats said; those that are given,
    or stored as integers, stay, and must be of them.
    Raises TpeError: unknown layers, operands that are stored otherwise or do not fit.
    """
    chosen = resolved(types, [layer.name for layer in base.layers])
    pairs = {name: (own.get("a_type"), own.get("b_type")) for name, own in chosen.items()}
    variants = {pair: load(*pair) for pair in dict.fromkeys(pairs.values())}
    layers = []
    lists = type(base) in (Workload, ImportedWorkload)
    for place, layer in enumerate(base.layers):
        if layer.name in pairs:
            pair = pairs[layer.name]
            layer = _typed_layer(variants[pair].layers[place], *pair, lists)
        layers.append(layer)
    return replace(base, layers=tuple(layers))


def _typed_layer(layer: Layer, a_type: str | None, b_type: str | None, lists: bool) -> Layer:
    """A layer whose operands are of these formats; of a network that computes its own layers from
    each other (not `lists`) the same object, looked at."""
    where = f"layer '{layer.name}'"
    lazy = isinstance(layer, LazyLayer)
    sides = layer.sides if isinstance(layer, LazyLayer) else (layer.activations, layer.weights)
    stored = (layer.a_type, layer.b_type) if isinstance(layer, LazyLayer) else (None, None)
    made: list[Operand | Array] = []
    for key, operand, own, asked in zip(SIDES, sides, stored, (a_type, b_type), strict=True):
        at = f"{where}: {_WHAT[key]}"
        if asked is None:
            made.append(operand)
            continue
        if own not in (None, asked):
            raise TpeError(f"{at} are stored as {own}, {key} = {asked}; legal: {own}")
        number = number_format(asked, key)
        if isinstance(operand, Operand):
            drawn = own is not None or operand.drawn is not None
            make = operand.make if drawn else partial(fitting, operand.make, number, at, key)
            made.append(replace(operand, make=make))
        else:
            made.append(_checked(operand, number, at, key))
    if not lists and not lazy:
        return layer
    extra = {"a_zero": 0, "b_zero": 0, "bits_per_weight": None}
    own_facts: dict[str, Any] = {key: getattr(layer, key, value) for key, value in extra.items()}
    a_own, b_own = a_type or stored[0], b_type or stored[1]
    source = layer.operand_source
    return LazyLayer(
        layer.name, layer.op, made[0], made[1], layer.repeat, source, a_own, b_own, **own_facts
    )


def fitting(make: Callable[[], Array], number: Format, where: str, key: str) -> Array:
    """What `make` returns; TpeError unless it is of a format."""
    return _checked(make(), number, where, key)


def _checked(values: Array, number: Format, where: str, key: str) -> Array:
    low, high = values.min(initial=0), values.max(initial=0)
    if low < number.low or high > number.high or not np.isfinite([low, high]).all():
        raise TpeError(
            f"{where} are given and hold {low} to {high}; legal for {key} = {number.name}: "
            f"{number.low} to {number.high}"
        )
    return values
