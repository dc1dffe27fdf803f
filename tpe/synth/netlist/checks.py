"""What every mapped netlist is checked for: registers, resets, latches, and how it is counted."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tpe.base.errors import TpeError
from tpe.synth.netlist.netlist import Netlist
from tpe.technology.technology import Technology

# Yosys's cells, one bit each, by what they are.
FLOP = re.compile(r"\$_(S?DFFE?|ALDFFE?|DFFSRE?|FF|SDFFCE)_")
ASYNC = re.compile(r"\$_(DFF_[PN]{2}[01]|DFFE_[PN]{2}[01][PN]|ALDFFE?_\w+|DFFSRE?_\w+)_$")
LATCH = re.compile(r"\$(_DLATCH|_SR_|dlatch|adlatch|dlatchsr|sr$)")


def count(modules: Mapping[str, Mapping[str, int]], top: str, kinds: re.Pattern[str]) -> int:
    """How many cells of these kinds stand in the design."""
    return sum(n for kind, n in cells_below(modules, top).items() if kinds.match(kind))


def cells_below(modules: Mapping[str, Mapping[str, int]], top: str) -> Counter[str]:
    """Cells of a design by type, every copy of a module counted."""
    total: Counter[str] = Counter()
    for kind, copies in modules[top].items():
        if kind in modules:
            for inner, count in cells_below(modules, kind).items():
                total[inner] += copies * count
        else:
            total[kind] += copies
    return total


def check(name: str, netlist: Netlist, tech: Technology, wanted: tuple[int, int]) -> None:
    """No latch, and flip-flops and reset pins as in the elaborated RTL; TpeError if not."""
    latches = netlist.latches(tech.library)
    if latches:
        raise TpeError(f"{name} has {latches} latches after mapping; legal: none")
    found = netlist.flip_flops(tech.library)
    if found != wanted:
        raise TpeError(
            f"{name} has {found[0]} flip-flops, {found[1]} of them with reset, after mapping to "
            f"{tech.name}, but {wanted[0]} and {wanted[1]} in the elaborated RTL"
        )


def check_statistics(
    name: str, netlist: Netlist, file: Path, area: float, memories: Mapping[str, Any]
) -> None:
    """Cells and area of the text are those that Yosys counts in its own design and adds up."""
    content = json.loads(file.read_text())
    counted = cells_below({m: c["num_cells_by_type"] for m, c in content.items()}, netlist.top)
    theirs = {k: n for k, n in counted.items() if n and k not in content}
    ours = netlist.cells
    if ours != theirs:
        differ = sorted(set(ours.items()) ^ set(theirs.items()))[:4]
        raise TpeError(f"{name}: netlist and Yosys's statistics differ in {differ}")
    if len(content) == 1 and not memories:
        total = float(content[netlist.top].get("area", 0.0) or 0.0)
        if abs(total - area) > 1e-6 * max(1.0, area):
            raise TpeError(f"{name}: {area} um2 by its cells, {total} um2 by Yosys")
