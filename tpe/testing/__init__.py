"""The contract for everybody: a PE of another package is held to what the PEs here are held to.

With pytest, in a package that has a PE called `mine`:

    from tpe.testing import contract

    @contract("mine")
    def test_contract(check):
        check()

Every legal array is taken, with every choice of the PE. Checks of RTL need the `rtl` extra.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tpe import array as arrays
from tpe import pe as pes
from tpe.pe.base import PE
from tpe.testing import model, rtl
from tpe.testing.check import Check

if TYPE_CHECKING:
    from tpe.array.base import Array

__all__ = ["Check", "checks", "contract"]


def contract(*names: str | PE) -> Callable[[Any], Any]:
    """Parametrise a test over the checks of PEs, by their names or records: `check` is one.

    >>> mark = contract("opt1")
    >>> mark.name, mark.args[0]
    ('parametrize', 'check')
    """
    import pytest

    found = [check for name in names for check in checks(name)]
    return pytest.mark.parametrize("check", found, ids=str)


def checks(pe: str | PE, array: str | Array | None = None) -> Iterator[Check]:
    """The checks of a PE in every array that takes it, or in one.

    A check raises AssertionError with what differs. TpeError for a name that is none, and for an
    array that refuses the PE.

    >>> [str(check) for check in checks("sibia")][:3]
    ['sibia: record', 'sibia: lanes', 'sibia-matrix2d: values']
    """
    record = pe if isinstance(pe, PE) else pes.get(pe)
    yield from model.of_pe(record)
    for taken in _arrays(record, array):
        yield from model.of_array(record, taken)
        if record.rtl:
            yield from rtl.of_array(record, taken)


def _arrays(pe: PE, array: str | Array | None) -> list[Array]:
    if array is None:
        every = [arrays.get(name) for name in arrays.usable()]
        return [found for found in every if found.refuses(pe) is None and not found.fixed]
    found = arrays.get(array) if isinstance(array, str) else array
    arrays.require(found, pe)
    return [found]
