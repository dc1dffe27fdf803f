"""Units of a Liberty file, and what each is in ours: ns, fF, fJ, nW, V."""

from __future__ import annotations

import re

from tpe.technology.grammar import Group, Text, arguments
from tpe.technology.library import (
    Units,
)

_EXPONENT = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6}
_UNIT = re.compile(r"\s*([\d.eE+-]*)\s*([fpnumkM]?)([a-zA-Z]+)\s*\Z")


def units_of(source: Text, tree: Group) -> Units:
    """The units of a file: time and voltage are 1 ns and 1 V unless said, capacitance must be."""

    def unit(name: str, base: str, ours: str, default: float | None) -> float | None:
        written = tree.attributes.get(name)
        if written is None:
            return default
        match = _UNIT.match(written)
        if not match or match[3].lower() != base or not _positive(match[1] or "1"):
            where = _attribute_offset(source, name)
            raise source.error(where, f"{name} {written!r}: not a number and a unit of {base}")
        return _in(ours, match)

    load = tree.lists.get("capacitive_load_unit")
    if not load:
        raise source.error(tree.offset, "capacitive_load_unit is missing: units are unknown")
    parts = arguments(load[-1])
    match = _UNIT.match("".join(parts)) if len(parts) == 2 else None
    if not match or match[3].lower() != "f" or not _positive(match[1]):
        where = _attribute_offset(source, "capacitive_load_unit")
        legal = "a number and a unit of farad, such as (1, pf)"
        raise source.error(where, f"capacitive_load_unit ({load[-1]}): not {legal}")
    return Units(
        time_ns=unit("time_unit", "s", "n", 1.0) or 1.0,
        capacitance_ff=_in("f", match),
        voltage_v=unit("voltage_unit", "v", "", 1.0) or 1.0,
        leakage_nw=unit("leakage_power_unit", "w", "n", None),
        resistance_kohm=unit("pulling_resistance_unit", "ohm", "k", None),
    )


def _in(ours: str, match: re.Match[str]) -> float:
    """A matched unit in terms of ours, a prefix; powers of ten above one are exact."""
    shift = _EXPONENT[match[2]] - _EXPONENT[ours]
    number = float(match[1] or 1)
    return number * 10.0**shift if shift >= 0 else number / 10.0**-shift


def _positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def _attribute_offset(source: Text, name: str) -> int:
    match = re.search(rf"\b{name}\b", source.text)
    return match.start() if match else 0
