"""A technology as data: its libraries, corner, node, and which cells synthesis may take.

`technology()` is the built-in one, `tpe130`; `technology(paths)` any Liberty file, or several
that belong together. What a file does not state comes from `tpe.technology.published`, from the
caller, or stays None.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path

from tpe.base import registry
from tpe.base.cache import cache_dir
from tpe.base.errors import TpeError, unknown
from tpe.technology import grammar, roles
from tpe.technology.fo4 import fanout_of_four
from tpe.technology.library import Cell, Library
from tpe.technology.published import known
from tpe.technology.read import read_liberty
from tpe.technology.roles import FlipFlop

_DATA = Path(__file__).resolve().parent / "data"
TPE130 = _DATA / "tpe130.lib"
DEFAULT = "tpe130"
ALL_RESET = "all its flip-flops have a reset or preset: tied off where the RTL has none"
_FASTEST_NS, _SLOWEST_NS = 0.001, 1.0  # of a fan-out of four


@dataclass(frozen=True)
class Technology:
    """What a design is mapped to and priced with.

    name      -- as given, or the library's own
    files     -- Liberty files as given, perhaps gzipped; `tool_files` are what tools take
    library   -- what these files hold together
    corner    -- operating conditions, process, voltage and temperature in words
    node_nm   -- the node; None where nothing states it: then it is never compared across nodes
    dont_use  -- patterns of cells that synthesis must not take, beside the files' own flags
    wire_load -- the library's wire load that nets are priced with; None: wires cost nothing
    source    -- where the numbers come from, in words; "the user's" if only the caller knows
    """

    name: str
    files: tuple[Path, ...]
    library: Library
    corner: str
    node_nm: int | None
    dont_use: tuple[str, ...]
    wire_load: str | None
    source: str

    def usable(self, cell: Cell) -> bool:
        """Whether synthesis may take a cell."""
        refused = cell.dont_use or any(fnmatchcase(cell.name, p) for p in self.dont_use)
        return not refused

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells that synthesis may take."""
        return tuple(filter(self.usable, self.library.cells))

    @cached_property
    def refused(self) -> tuple[str, ...]:
        """Names of the cells that synthesis must not take: every one, no pattern."""
        return tuple(cell.name for cell in self.library.cells if not self.usable(cell))

    @cached_property
    def flip_flops(self) -> tuple[FlipFlop, ...]:
        """Plain flip-flops that may be taken, smallest first."""
        return roles.flip_flops(self.cells)

    @cached_property
    def inverters(self) -> tuple[str, ...]:
        """Inverters, smallest first."""
        return roles.having(self.cells, roles.INVERTER)

    @cached_property
    def fo4(self) -> tuple[float, float]:
        """(delay, slew), ns, of the smallest inverter driving four of itself in a chain of such."""
        return fanout_of_four(self.library, self.inverters[0])

    @cached_property
    def buffers(self) -> tuple[str, ...]:
        """Buffers, smallest first."""
        return roles.having(self.cells, roles.BUFFER)

    @cached_property
    def tie_low(self) -> tuple[str, str] | None:
        """(cell, pin) of a constant 0, None where the library has none."""
        return roles.tie(self.cells, 0)

    @cached_property
    def tie_high(self) -> tuple[str, str] | None:
        """(cell, pin) of a constant 1, None where the library has none."""
        return roles.tie(self.cells, 1)

    @cached_property
    def tool_files(self) -> tuple[Path, ...]:
        """The Liberty files as plain text, for tools: gzipped ones are unpacked in the cache."""
        return tuple(map(_plain, self.files))

    def opensta(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tcl for OpenSTA: (lines that read the libraries, lines after `link_design`).

        OpenSTA applies a library's default wire load unasked; the second part sets the one of
        this technology instead, which is none unless `wire_load` names one.
        """
        files = [*self.tool_files, *([] if self.wire_load else [_DATA / "no_wires.lib"])]
        model = self.wire_load or "tpe_none"
        read = tuple(f"read_liberty {{{file}}}" for file in files)
        return read, (f"set_wire_load_model -name {{{model}}}",)


def names() -> tuple[str, ...]:
    """The technologies that have a name: the built-in one, and those of other packages.

    >>> DEFAULT in names()
    True
    """
    return tuple(registry.homes("tpe.technologies"))


def technology(
    liberty: str | Path | Sequence[str | Path] = DEFAULT,
    *,
    name: str | None = None,
    node_nm: int | None = None,
    dont_use: Sequence[str] | None = None,
    wire_load: str | None = None,
    source: str | None = None,
    any_speed: bool = False,
) -> Technology:
    """The technology of a built-in name, of a Liberty file, or of several that belong together.

    `node_nm`, `dont_use` and `source` default to what is known of a library of that name, or to
    None, no cell and "the user's". TpeError for a file that is none, and for a library without an
    inverter, a buffer, a 2-input nand or a rising-edge flip-flop, one with a reset among them, or
    without areas, delays and pin capacitances: nothing could be mapped to it. Also for one whose
    inverter takes less than 1 ps or more than 1 ns for a fan-out of four, since its `time_unit`
    is then most likely wrong; `any_speed` takes it as it is.

    Where every flip-flop has a reset or a preset, it is tied off for registers without one, which
    `source` then says.

    >>> t = technology()
    >>> t.name, t.node_nm, t.flip_flops[0].cell
    ('tpe130', 130, 'sky130_fd_sc_hd__dfxtp_1')
    """
    if not isinstance(liberty, str | Path):
        liberty = _listed(liberty)
    files = _files(liberty)
    library = read_liberty(files)
    facts = known(library.name)
    refused = (facts.dont_use if facts else ()) if dont_use is None else tuple(dont_use)
    if wire_load is not None:
        library.wire_load(wire_load)
    made = Technology(
        name=name or (liberty if isinstance(liberty, str) and liberty in names() else library.name),
        files=files,
        library=library,
        corner=_corner(library),
        node_nm=node_nm or (facts.node_nm if facts else None),
        dont_use=refused,
        wire_load=wire_load,
        source=source or (facts.source if facts and _is_own(files, library) else "the user's"),
    )
    _check(made)
    if not any_speed:
        _check_speed(made)
    flops = [flop for flop in made.flip_flops if flop.rising]
    if all(flop.clear or flop.preset for flop in flops):
        return replace(made, source=f"{made.source}; {ALL_RESET}")
    return made


def _is_own(files: Sequence[Path], library: Library) -> bool:
    """Whether a library is what its name says, where we have that one; a changed copy is not."""
    if library.name != DEFAULT or tuple(files) == (TPE130,):
        return True
    return library.sha256 == (hashlib.sha256(TPE130.read_bytes()).hexdigest(),)


def _listed(liberty: object) -> str | Path | Sequence[str | Path]:
    """Several files, or the only one."""
    paths = list(liberty) if isinstance(liberty, Sequence) else []
    if not paths or not all(isinstance(path, str | Path) for path in paths):
        raise TpeError(f"liberty = {liberty!r} is not legal: a technology's name, Liberty files")
    return paths[0] if len(paths) == 1 else paths


def _files(given: str | Path | Sequence[str | Path]) -> tuple[Path, ...]:
    if isinstance(given, str) and given in names():
        named = registry.find("tpe.technologies", given)
        return tuple(map(Path, [named] if isinstance(named, str | Path) else named))
    paths = [given] if isinstance(given, str | Path) else list(given)
    if len(paths) == 1 and isinstance(given, str) and not Path(given).exists():
        if Path(given).name == given and "." not in given:
            raise unknown("technology", given, [*names(), "a Liberty file"])
        raise TpeError(f"{given}: no such Liberty file, and no technology (built in: {DEFAULT})")
    return tuple(Path(path).expanduser() for path in paths)


def _corner(library: Library) -> str:
    """Operating conditions in words; what the files do not state is left out."""
    parts = (
        ("{}", library.operating_conditions),
        ("process {:g}", library.process),
        ("{:g} V", library.voltage_v),
        ("{:g} C", library.temperature_c),
    )
    return ", ".join(form.format(value) for form, value in parts if value is not None)


def _check(made: Technology) -> None:
    """Refuse a library that ABC and dfflibmap could not map to, saying what it lacks."""
    lacks = []
    if not made.inverters:
        lacks.append("inverter")
    if not roles.having(made.cells, roles.NAND2):
        lacks.append("2-input nand")
    if not made.buffers:
        lacks.append("buffer")
    if not any(flop.rising for flop in made.flip_flops):
        lacks.append("rising-edge flip-flop")
    elif not any(flop.rising and (flop.clear or flop.preset) for flop in made.flip_flops):
        lacks.append("flip-flop with an asynchronous reset")
    files = ", ".join(map(str, made.files))
    if lacks:
        barred = f" beside dont_use {', '.join(made.dont_use)}" if made.dont_use else ""
        total = len(made.library.cells)
        raise TpeError(f"{files}: no {', no '.join(lacks)} among {total} cells{barred}")
    flops = {flop.cell for flop in made.flip_flops}
    for cell in made.cells:
        if not cell.area_um2 and (cell.name in flops or roles.combinational(cell)):
            raise TpeError(f"{files}: cell {cell.name} has area 0; legal: above 0, or dont_use")
    inverter = made.library.cell(made.inverters[0])
    if inverter.inputs[0].capacitance_ff is None:
        raise TpeError(f"{files}: cell {inverter.name} has no pin capacitance")
    if all(arc.cell_rise is None for arc in inverter.outputs[0].arcs):
        raise TpeError(f"{files}: cell {inverter.name} has no delay tables")


def _check_speed(made: Technology) -> None:
    """Question a library whose delays are those of no silicon: `time_unit` may be wrong."""
    fo4, unit = made.fo4[0], made.library.units.time_ns
    if not _FASTEST_NS <= fo4 <= _SLOWEST_NS:
        raise TpeError(
            f"{made.files[0]}: is time_unit, {unit:g} ns, right? An inverter driving four of its "
            f"kind takes {fo4:.3g} ns; legal: {_FASTEST_NS:g} to {_SLOWEST_NS:g} ns "
            "(technology(..., any_speed=True) of the API takes it)"
        )


def _plain(path: Path) -> Path:
    """The file itself, or its unpacked form in the cache, under a name made of its content."""
    raw, gzipped = grammar.load(path)
    if not gzipped:
        return path.resolve()
    folder = cache_dir() / "liberty"
    plain = folder / f"{hashlib.sha256(raw).hexdigest()[:32]}.lib"
    if plain.exists():
        return plain
    content = grammar.unpack(path, raw)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(content)
        os.replace(file.name, plain)
    except OSError as error:
        reason = error.strerror or error
        raise TpeError(f"cannot unpack {path} to {folder} ({reason}); set TPE_CACHE_DIR") from None
    return plain
