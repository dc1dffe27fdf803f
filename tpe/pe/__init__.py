"""The PEs, found by file name: `tpe/pe/x.py` defines `RECORD`, whose name is `x`."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pathlib import Path

from tpe.errors import unknown
from tpe.pe.base import PE

_NOT_PES = {"__init__", "base"}


@cache
def names() -> tuple[str, ...]:
    """The ids of all PEs, `mac` first (it is the baseline), the rest by name."""
    stems = {path.stem for path in Path(__file__).parent.glob("*.py")} - _NOT_PES
    return tuple(sorted(stems, key=lambda stem: (stem != "mac", stem)))


def get(name: str) -> PE:
    """The record of the PE called `name`.

    >>> get("opt1").title
    'carry-save accumulate'
    """
    if name not in names():
        raise unknown("pe", name, names())
    return _load(name)


@cache
def _load(name: str) -> PE:
    record = import_module(f"tpe.pe.{name}").RECORD
    assert isinstance(record, PE) and record.name == name, f"tpe/pe/{name}.py: RECORD.name differs"
    return record
