"""The arrays by name: `RECORD` of `tpe/array/x.py` is `x`, and other packages have theirs."""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from functools import cache

from tpe.array.base import Array
from tpe.base import registry
from tpe.base.errors import TpeError, pick
from tpe.pe import get as get_pe
from tpe.pe import usable as usable_pes
from tpe.pe.base import PE

DEFAULT = "matrix2d"


@cache
def names() -> tuple[str, ...]:
    """The names of all arrays; `usable` are those that load."""
    return tuple(sorted(registry.homes("tpe.arrays")))


@cache
def _found() -> tuple[dict[str, Array], dict[str, str]]:
    return registry.usable("tpe.arrays", _load)


@cache
def usable() -> tuple[str, ...]:
    """The names of all arrays but those of packages that cannot be used."""
    return tuple(sorted(_found()[0]))


def broken() -> dict[str, str]:
    """Why an array of another package cannot be used, by its name."""
    return _found()[1]


def get(name: str) -> Array:
    """The record of the array called `name`, or by one of its aliases, in upper or lower case.

    >>> get("os").name, get("Matrix2D").name
    ('systolic_os', 'matrix2d')
    """
    full = _aliases().get(name.lower(), name) if isinstance(name, str) else name
    return _load(pick("array", full, names()))


@cache
def _load(name: str) -> Array:
    return registry.record("tpe.arrays", name, Array)


@cache
def _aliases() -> dict[str, str]:
    return {alias: name for name in usable() for alias in _load(name).aliases}


def default_for(pe: PE) -> str:
    """The array for a PE when none is named: `DEFAULT` if legal, else the first that leaves most.

    >>> default_for(get_pe("opt4c"))
    'matrix2d'
    """
    legal = [name for name in usable() if _load(name).refuses(pe) is None]
    legal.sort(key=lambda name: len(_load(name).fixed))  # those that leave the choice come first
    return DEFAULT if DEFAULT in legal else next(iter(legal), DEFAULT)


def require(array: Array, pe: PE) -> None:
    """Raise if the PE cannot stand in the array; the message names the legal choices."""
    reason = array.refuses(pe)
    if reason is None:
        return
    arrays = [name for name in usable() if not _load(name).refuses(pe)]
    pes = [name for name in usable_pes() if not array.refuses(get_pe(name))]
    raise TpeError(
        f"pe {pe.name} is not legal in array {array.name}: {reason}; "
        f"legal arrays for {pe.name}: {', '.join(arrays) or 'none'}; "
        f"legal PEs in {array.name}: {', '.join(pes) or 'none'}"
    )


def combinations() -> list[tuple[PE, Array, str | None]]:
    """Every usable PE with every usable array, and why it is refused (None: legal)."""
    return [
        (get_pe(pe), _load(array), _load(array).refuses(get_pe(pe)))
        for pe in usable_pes()
        for array in usable()
    ]


def _is_listed(record: Array) -> bool:
    """Whether a record is the one that is found by its name."""
    try:
        return record.name in names() and _load(record.name) is record
    except TpeError:  # somebody else's of that name, which cannot be used
        return False


def _reduced(record: Array) -> tuple[Callable[[str], Array], tuple[str]] | str | tuple[object, ...]:
    """How a record is pickled and copied: a listed one by its name, since it holds functions."""
    if _is_listed(record):
        return get, (record.name,)
    return object.__reduce_ex__(record, 2)


copyreg.pickle(Array, _reduced)  # type: ignore[arg-type]
