"""What elaborated RTL consists of: instances of every primitive, their fan-in and width."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tpe.base.processes import run
from tpe.hdl.emit.sources import refusal
from tpe.hdl.simulate.build import BuildFailed
from tpe.hdl.simulate.toolchain import verilator

# Primitive -> the modules that are one, and the parameter that says how wide its result is.
# An encoder's result is counted per digit: the three select lines.
_PRIMITIVES = {
    "tpe_encode": ("encode", None),
    "tpe_select": ("select", "Width"),
    "tpe_sparse": ("sparse", "IndexWidth"),
    "tpe_map": ("map", "Width"),
    "tpe_map_complement": ("map", "Width"),
    "tpe_shift": ("shift", "Width"),
    "tpe_shift_plane": ("shift", "Width"),
    "tpe_shift_pair": ("shift", "Width"),
    "tpe_shift_pair_plane": ("shift", "Width"),
    "tpe_half_reduce": ("half_reduce", "Width"),
    "tpe_half_reduce_ones": ("half_reduce", "Width"),
    "tpe_accumulate_pair": ("half_reduce", "CarryWidth"),
    "tpe_accumulate_kept": ("half_reduce", "Width"),
    "tpe_row_digits": ("row_term", "AccWidth"),
    "tpe_row_inner": ("row_term", "AccWidth"),
    "tpe_add": ("add", "Width"),
    "tpe_add_cut": ("add", "Width"),
    "tpe_accumulate": ("accumulate", "Width"),
}
_DIGIT_BITS = 3


@dataclass(frozen=True)
class ElaboratedPrimitive:
    """Primitives of one kind in elaborated RTL: `copies` with this fan-in and result width.

    A `tpe_sparse` searches a whole group: it counts once per operand of the group.
    """

    op: str
    copies: int
    fan_in: int
    bits: int


def elaborated(sources: Mapping[str, str], top: str) -> tuple[ElaboratedPrimitive, ...]:
    """The primitives of an elaborated design (module name -> text), by op."""
    modules = {module["addr"]: module for module in tree(sources, top)["modulesp"]}
    root = next(m for m in modules.values() if m["origName"] == top)
    found: Counter[tuple[str, int, int]] = Counter()
    _count(root, 1, modules, found)
    return tuple(
        ElaboratedPrimitive(op, n, fan_in, bits) for (op, fan_in, bits), n in sorted(found.items())
    )


def tree(sources: Mapping[str, str], top: str, flags: Sequence[str] = ()) -> dict[str, Any]:
    """Verilator's tree of an elaborated design; BuildFailed with its text if it refuses."""
    tool = verilator()
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        files = []
        for module, text in sources.items():
            files.append(str(Path(folder) / f"{module}.sv"))
            Path(files[-1]).write_text(text)
        command = [tool.executable, "--json-only", "-Mdir", folder, "--top-module", top]
        done = run(
            [*command, "-Wno-fatal", *flags, *files],
            cwd=folder,  # a module must be named: nothing is found by lying about
            env=tool.environment,
        )
        if done.returncode:
            error = BuildFailed(f"verilator refused {top}:\n{done.stderr}")
            raise refusal("verilator", done.stderr) or error
        tree: dict[str, Any] = json.loads((Path(folder) / f"V{top}.tree.json").read_text())
    return tree


def _count(
    module: Mapping[str, Any],
    copies: int,
    modules: Mapping[str, Mapping[str, Any]],
    found: Counter[tuple[str, int, int]],
) -> None:
    name = module["origName"]
    if name in _PRIMITIVES:
        op, width = _PRIMITIVES[name]
        parameters = _parameters(module)
        bits = parameters[width] if width else _DIGIT_BITS
        found[op, parameters.get("NumOps", 1), bits] += copies * parameters.get("Group", 1)
    for cell in _cells(module):
        _count(modules[cell["modp"]], copies, modules, found)


def _cells(node: Any) -> Iterator[Mapping[str, Any]]:
    """Every instance in a module, one per copy: generate loops are unrolled already."""
    if isinstance(node, list):
        for child in node:
            yield from _cells(child)
    elif isinstance(node, dict):
        if node.get("type") == "CELL":
            yield node
        for child in node.values():
            if isinstance(child, list | dict):
                yield from _cells(child)


def _parameters(module: Mapping[str, Any]) -> dict[str, int]:
    values = {}
    for variable in module["stmtsp"]:
        if variable.get("isParam") and variable.get("valuep"):
            values[variable["name"]] = constant(variable["valuep"][0]["name"])
    return values


def constant(text: str) -> int:
    """An integer from Verilator's notation, such as 32'sh3 or 32'h16.

    >>> constant("32'h16")
    22
    """
    return int(text.split("'")[1].lstrip("s")[1:], 16) if "'" in text else int(text)
