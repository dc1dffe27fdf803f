"""Extensions by name: those that come with tpe, and entry points of installed packages.

A group is a kind of extension, such as `tpe.columns`: functions (engine, layer's run, operands) to
the run with more columns. A lower room finds here what a higher one does, without importing it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tpe.base.errors import TpeError, unknown

# Of tpe itself, so that a checkout needs no installation: group, name, module:attribute.
_OWN = (
    ("tpe.columns", "energy", "tpe.synth.power.annotate:energy"),
    ("tpe.figures", "cycles", "tpe.report.cycles_figure:figure"),
    ("tpe.figures", "save", "tpe.report.cycles_figure:save_figure"),
)


@cache
def homes(group: str) -> dict[str, tuple[str, str]]:
    """(package, module:attribute) of every extension of a group, by its name.

    TpeError, naming both packages, if two have one name.

    >>> homes("tpe.columns")["energy"]
    ('tpe', 'tpe.synth.power.annotate:energy')
    """
    found = {name: ("tpe", home) for own, name, home in _OWN if own == group}
    for point in entry_points(group=group):
        package = _package(point)
        if point.name in found:
            raise TpeError(
                f"two packages have {group} '{point.name}': {found[point.name][0]} and {package}; "
                "legal: one of a name"
            )
        found[point.name] = (package, point.value)
    return found


def find(group: str, name: str) -> Any:
    """The extension of a group that is called `name`; TpeError, with the legal ones, if none is."""
    known = homes(group)
    if name not in known:
        raise unknown(group, name, known)
    module, _, attribute = known[name][1].partition(":")
    return getattr(import_module(module), attribute)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
