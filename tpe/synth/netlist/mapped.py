"""What is mapped and what comes of it: a piece of RTL, a netlist, the outcome of a job."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tpe.synth.netlist.netlist import Netlist, read_netlist


@dataclass(frozen=True)
class Part:
    """A piece of RTL to be mapped: modules by name, the top, and what stays a module.

    `keep` are modules that are not flattened, mapped once however often they stand in the top;
    None keeps every one, () none. `boxes` are modules that become black boxes: counted by name,
    and nothing in them. `variant` says, for a person, what was chosen in the RTL. `fits` are the
    choices of its PE with which a part goes together, see `tpe.synth.area.designs.BOUND`.
    """

    name: str
    top: str
    modules: Mapping[str, str]
    keep: tuple[str, ...] | None = ()
    variant: str = ""
    boxes: tuple[str, ...] = ()
    fits: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Mapped:
    """A netlist and what is known of it without timing.

    recipe, target  -- the recipe, and the delay it was driven to as a multiple of its fastest
    area_um2        -- the sum of its cells' areas
    flip_flops      -- of the netlist, equal to those of the elaborated RTL; `resets` of them have
                       a reset or preset pin that is driven; `constant_flip_flops` more are written
                       in the RTL whose value never changes or is never read: they are left out
    memories        -- memories that are left out as black boxes: (bits, copies) by module
    abc_delay_ns    -- the longest combinational path of its modules, as ABC's `stime` gives it
    folder, number  -- where it lies in the cache
    """

    part: str
    variant: str
    top: str
    recipe: str
    target: float
    cells: Mapping[str, int]
    area_um2: float
    flip_flops: int
    constant_flip_flops: int
    resets: int
    full_adders: int
    memories: Mapping[str, tuple[int, int]]
    abc_delay_ns: float
    folder: Path
    number: int

    @cached_property
    def text(self) -> str:
        """The netlist as Verilog."""
        return gzip.decompress(self.file.read_bytes()).decode()

    @cached_property
    def netlist(self) -> Netlist:
        """The netlist, read."""
        return read_netlist(self.text, self.top)

    @property
    def file(self) -> Path:
        """Its compressed Verilog in the cache."""
        return self.folder / f"{self.number}.v.gz"

    @property
    def label(self) -> str:
        """Variant, recipe and target in one word.

        The target is left out where the recipe was driven as fast as it comes.
        """
        driven = "" if self.target == 1.0 else f"@{self.target:g}"
        return f"{self.variant + ':' if self.variant else ''}{self.recipe}{driven}"


@dataclass(frozen=True)
class MappingResult:
    """What a job made.

    failed   -- (recipe, reason) of runs that Yosys or ABC gave up
    left_out -- (recipe, reason) of recipes that do not apply to the part
    """

    mapped: tuple[Mapped, ...]
    failed: tuple[tuple[str, str], ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
