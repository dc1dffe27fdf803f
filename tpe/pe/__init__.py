"""The PEs by name: `RECORD` of `tpe/pe/x.py` is `x`, and other packages have theirs."""

from __future__ import annotations

import copyreg
from collections.abc import Callable
from functools import cache

from tpe.base import registry
from tpe.base.errors import TpeError, pick
from tpe.numbers.arithmetic import INTEGER
from tpe.pe.base import PE

BASELINE = "mac"  # what others are compared to
DEFAULT = "opt1"
# The PEs whose RTL this package's contract tests run beside the model; a test holds the list to
# what they run. A record or an RTL file that was added is not of them by lying in the folder.
_IN_CONTRACT = frozenset(
    """
    mac opt1 opt2 opt3 opt4c opt4e stripes laconic bitlet lmul bipolar fma fma_approxnorm tensorcore
    table_mult mixpe lut_tc lut_tc_fp
    """.split()
)
NOT_CHECKED = "not checked"


@cache
def names() -> tuple[str, ...]:
    """The ids of all PEs, the baseline first, the rest by name; `usable` are those that load."""
    return tuple(sorted(registry.homes("tpe.pes"), key=lambda name: (name != BASELINE, name)))


@cache
def _found() -> tuple[dict[str, PE], dict[str, str]]:
    return registry.usable("tpe.pes", _load)


@cache
def usable() -> tuple[str, ...]:
    """The ids of all PEs but those of packages that cannot be used, in the order of `names`.

    >>> usable() == names()
    True
    """
    return tuple(name for name in names() if name in _found()[0])


def broken() -> dict[str, str]:
    """Why a PE of another package cannot be used, by its id."""
    return _found()[1]


@cache
def of_integers() -> tuple[str, ...]:
    """Those that compute in integers, and so take the same operands.

    >>> "lmul" in names(), "lmul" in of_integers()
    (True, False)
    """
    return tuple(name for name in usable() if get(name).arithmetic == INTEGER)


def get(name: str) -> PE:
    """The record of the PE called `name`, in upper or lower case.

    >>> get("opt1").title, get("OPT4C").name
    ('carry-save accumulate', 'opt4c')
    """
    return _load(pick("pe", name, names()))


def rtl_checked(pe: PE) -> str:
    """What was run on the RTL of a PE: the column `rtl_checked`.

    "contract tests" is said of this package's own records alone, "model only" of one without
    RTL, and "not checked" of any other RTL: `tpe verify` compares it.

    >>> rtl_checked(get("mac")), rtl_checked(get("sibia"))
    ('contract tests', 'model only')
    """
    if not pe.rtl:
        return "model only"
    own = pe.name in _IN_CONTRACT and _is_listed(pe)
    return "contract tests" if own else NOT_CHECKED


@cache
def _load(name: str) -> PE:
    return registry.record("tpe.pes", name, PE)


def _is_listed(record: PE) -> bool:
    """Whether a record is the one that is found by its name."""
    try:
        return record.name in names() and _load(record.name) is record
    except TpeError:  # somebody else's of that name, which cannot be used
        return False


def _reduced(record: PE) -> tuple[Callable[[str], PE], tuple[str]] | str | tuple[object, ...]:
    """How a record is pickled and copied: a listed one by its name, since it holds functions."""
    if _is_listed(record):
        return get, (record.name,)
    return object.__reduce_ex__(record, 2)


copyreg.pickle(PE, _reduced)  # type: ignore[arg-type]
