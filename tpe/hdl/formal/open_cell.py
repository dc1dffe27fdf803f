"""A cell apart from its arithmetic: registers around a step, which is a PE's own or none at all.

`tpe_spec_cell` leaves open what a step makes of a psum. Bound to the parts of a PE it says what
that PE's cell is. Bound to the list of its operands it stands in for the cell where an array is
proved: an array looks at no operand and no psum, so that one which makes the right list in the
right order makes the right psum of any step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.hdl.emit import hardware, record, rtl_widths, with_defaults
from tpe.hdl.formal.lemmas import at_widths, of_integers, properties

if TYPE_CHECKING:
    from tpe.engine.config import Config

PAIRS = 4  # that a list holds, the latest ones, of an operand of A and of B with a bit each
_NEXT = "tpe_spec_next"


def is_open(engine: Config) -> bool:
    """Whether the array of an engine is proved with lists: where psums are no integers."""
    return not of_integers(engine)


def has_step(engine: Config) -> bool:
    """Whether there is a specification of what a step of the engine's PE makes of a psum."""
    return _step_module(engine) in properties()


def step_text(engine: Config) -> dict[str, str]:
    """`tpe_spec_next`: what a step of the engine's PE makes of a psum, by the parts of its cell."""
    own = {p.rtl: p.rtl_value(engine.params[p.name]) for p in record(engine).parameters if p.rtl}
    text = _renamed(_step_module(engine), _NEXT)
    return {_NEXT: with_defaults(text, {**rtl_widths(engine), **own})}


def stand_ins(engine: Config) -> dict[str, str]:
    """What stands in for the cell and the finish of an engine whose psums are lists.

    >>> from tpe.model.engine import Engine
    >>> sorted(stand_ins(Engine("fma", "matrix2d", "2x2"))), stand_ins(Engine("mac"))
    (['tpe_cell', 'tpe_finish', 'tpe_spec_next'], {})
    """
    if not is_open(engine):
        return {}
    return {
        "tpe_cell": _renamed("tpe_spec_cell", "tpe_cell"),
        "tpe_finish": _renamed("tpe_spec_finish", "tpe_finish"),
        _NEXT: _renamed("tpe_spec_next_list", _NEXT),
    }


def array_widths(engine: Config, narrow: Config) -> tuple[Config, dict[str, int]]:
    """The engine whose array is proved, and its RTL's widths: `narrow`, or that of lists.

    A list is as wide as a word of C.
    """
    if not is_open(engine):
        return narrow, rtl_widths(narrow)
    small = at_widths(engine, 1, 1, 2 * PAIRS, 1)
    return small, rtl_widths(small) | {"PsumWidth": small.widths.acc, "InOrder": 1}


def _step_module(engine: Config) -> str:
    return f"{_NEXT}_{hardware(engine).cell}"


def _renamed(module: str, alias: str) -> str:
    return properties()[module].read_text().replace(f"module {module} ", f"module {alias} ")
