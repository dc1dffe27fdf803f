"""An array for a clock whose parts have budgets of their own: each as slow as its paths allow.

A path from part to part is longer than any inside one, so that modules that meet a clock by
themselves need not meet it together, resized or not. To choose all of them for a shorter one makes
those faster, too, that no such path goes through, and these may be most of the area.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

from tpe.synth.area.compose import Composed, Registers, Version, compose, timed
from tpe.technology.technology import Technology

_TRIES = 10  # compositions that are timed for one clock


def composed_by_part(
    tech: Technology,
    top: str,
    versions: Mapping[str, Sequence[Version]],
    bases: Mapping[str, Registers],
    clock_ns: float,
) -> list[Composed]:
    """Compositions for a clock, timed, each with one module faster than in the one before.

    It is the module on whose library cells the longest path spends most, of those that have a
    faster version. The last composition meets the clock, or no module on its longest path can be
    faster, or there have been enough.
    """
    legal = {name: list(found) for name, found in versions.items()}
    made: list[Composed] = []
    for tried in count(1):
        made.append(timed(tech, compose(tech, top, legal, bases, clock_ns), None, clock_ns))
        if made[-1].period_ns <= clock_ns or tried == _TRIES:
            return made
        spent = spent_ns(made[-1])
        for name in sorted(spent, key=lambda name: -spent[name]):
            now = made[-1].versions[name].period_ns
            faster = [version for version in legal[name] if version.period_ns < now]
            if faster:
                legal[name] = faster
                break
        else:
            return made
    raise AssertionError("it ends")


def spent_ns(composed: Composed) -> dict[str, float]:
    """Nanoseconds of the longest path by module: of the library cells that stand in each."""
    assert composed.timing is not None
    modules = composed.netlist.modules
    inside = {name: {x.name: x.cell for x in own.instances} for name, own in modules.items()}
    found: dict[str, float] = {}
    for stage in composed.timing.path:
        module = composed.top
        for instance in stage.instance.split("/")[:-1]:
            module = inside[module][instance]
        found[module] = found.get(module, 0.0) + stage.delay_ns
    return found
