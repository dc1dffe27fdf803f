"""Which operands of a workload are nobody's: a line that says so wherever results are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_NAMES = 3  # of layers in a line
_MARK = "assumed: "
_DRAWN = re.compile(r"(uniform|normal sigma \S+) seed \d+")


def assumed_part(operand_source: str) -> str | None:
    """What of a layer's operands is generated, by its `operand_source`; None if all are given.

    >>> assumed_part("activations assumed: uniform seed 0; weights the model's")
    'activations uniform seed 0'
    >>> assumed_part("normal sigma 20 seed 7"), assumed_part("digits test images")
    ('normal sigma 20 seed 7', None)
    """
    parts = [part.strip() for part in operand_source.split(";")]
    found = [p.replace(_MARK, "") for p in parts if _MARK in p or _DRAWN.fullmatch(p)]
    return ", ".join(found) or None


def assumed_line(layers: Iterable[tuple[str, str]]) -> str | None:
    """The line for (name, operand_source) of every layer; None if no operand is assumed.

    >>> assumed_line([("conv", "assumed: uniform seed 0"), ("fc", "assumed: uniform seed 0")])
    'Operands are assumed: all 2 layers uniform seed 0.'
    >>> assumed_line([("conv", "npz x.npz"), ("fc", "assumed: uniform seed 0")])
    'Operands are assumed: fc uniform seed 0; the other layer has its own.'
    """
    listed = list(layers)
    groups: dict[str, list[str]] = {}
    for name, source in listed:
        part = assumed_part(source)
        if part is not None:
            groups.setdefault(part, []).append(name)
    if not groups:
        return None
    texts = [f"{_names(names, len(listed))} {part}" for part, names in groups.items()]
    rest = len(listed) - sum(map(len, groups.values()))
    if rest:
        texts.append(
            "the other layer has its own" if rest == 1 else f"{rest} layers have their own"
        )
    return f"Operands are assumed: {'; '.join(texts)}."


def _names(names: list[str], total: int) -> str:
    """The layers as short as they can be told: all, or the first few by name."""
    if len(names) == total:
        return f"layer {names[0]}" if total == 1 else f"all {total} layers"
    shown = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
