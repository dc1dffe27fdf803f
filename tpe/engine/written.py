"""An engine as the text of a file, which `tpe.engine.file` reads again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import Array
from tpe.base.errors import TpeError
from tpe.engine.parameters import parameters_of, size_text
from tpe.pe.base import PE
from tpe.version import __version__


def engine_toml(pe: PE, array: Array, size: tuple[int, ...], parameters: Mapping[str, Any]) -> str:
    """The text of an engine's file: every parameter, with what it is for.

    >>> text = engine_toml(pes.get("mac"), arrays.get("os"), (2, 4), {"acc_bits": 32})
    >>> print("\\n".join(text.splitlines()[1:4]))
    pe = "mac"  # multiply-accumulate
    array = "systolic_os"  # output-stationary systolic array
    size = "2x4"  # rows x columns of PEs
    """
    lines = [
        f"# A tensor engine, written by tpe {__version__}: tpe run --engine FILE",
        f"pe = {_literal(pe.name)}  # {pe.title}",
        f"array = {_literal(array.name)}  # {array.title}",
        f"size = {_literal(size_text(size))}  # rows x columns of PEs",
        "",
        "[parameters]",
    ]
    docs = {p.name: p.doc for p in parameters_of(pe, array)}
    lines += [f"{name} = {_literal(v)}  # {docs[name]}" for name, v in parameters.items()]
    return "\n".join(lines) + "\n"


def check_listed(pe: PE, array: Array) -> None:
    """TpeError for a record that is not found by its name: an engine of it cannot be saved."""
    for kind, record, known in (("pe", pe, pes), ("array", array, arrays)):
        if record.name not in known.names() or known.get(record.name) != record:
            raise TpeError(
                f"{kind} {record.name} is a record of your own: the engine cannot be saved; "
                f"legal: {', '.join(known.names())}"
            )


def _literal(value: Any) -> str:
    """A TOML literal; what JSON writes for text, integers and flags is TOML too."""
    assert isinstance(value, str | int), f"{value!r} is no text, integer or flag"
    return json.dumps(value)
