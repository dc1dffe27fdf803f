"""The cycle rules of all PEs, as their records have them."""

from __future__ import annotations

from functools import cache

from tpe import pe as pes
from tpe.pe.meetings import Rule


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule, those with a place first. A PE made of another's record has not the other's.

    >>> [rule.name for rule in rules()][:3]
    ['mac', 'opt4c', 'opt4c-plane']
    """
    every = [rule for name in pes.usable() for rule in pes.get(name).rules if rule.pe == name]
    return tuple(sorted(every, key=lambda rule: rule.place))
