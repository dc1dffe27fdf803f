"""A design as a folder for OpenROAD's flow: RTL, configuration and constraints; FPGA resources.

The flow is OpenROAD-flow-scripts: `make DESIGN_CONFIG=.../config.mk`. Nothing here runs it.
"""

from __future__ import annotations

import os
from pathlib import Path

from tpe.base.errors import TpeError, unknown
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit.package import emit_directory
from tpe.synth.area.timing import CLOCK
from tpe.synth.netlist.fpga import FAMILIES, fpga_counts
from tpe.synth.netlist.mapper import LARGEST_MEMORY

__all__ = ["FAMILIES", "PLATFORMS", "export_openroad", "fpga_counts"]

PLATFORMS = ("sky130hd", "sky130hs", "nangate45", "asap7", "gf180", "ihp-sg13g2")
_UTILISATION = 40  # per cent of the core that cells take: the flow's own examples, room to route
_SDC = """\
# Constraints of {name}: written by tpe. Times in {unit}.
current_design {name}
create_clock -name core_clock -period {period:g} [get_ports {clock}]
set_input_delay [expr {period:g} * 0.2] -clock core_clock \\
    [all_inputs -no_clocks]
set_output_delay [expr {period:g} * 0.2] -clock core_clock [all_outputs]
set_false_path -from [get_ports rst_ni]
"""


def export_openroad(
    engine: Config,
    folder: str | os.PathLike[str],
    clock_ns: float,
    platform: str = "sky130hd",
    prefix: str | None = None,
) -> list[Path]:
    """Write RTL, `config.mk` and `constraint.sdc` of an engine into `folder`; the files' paths.

    `prefix` as for `emit_directory`. Raises TpeError for a platform that the flow has not, for a
    clock of 0 or less, and if the folder cannot be written.
    """
    if platform not in PLATFORMS:
        raise unknown("platform", platform, PLATFORMS)
    if not 0 < clock_ns < 1e6:
        raise TpeError(f"clock_ns = {clock_ns!r} is not legal: above 0, in ns")
    emit.record(engine)
    files = emit_directory(engine, folder, prefix, clock_ns)
    home = Path(folder)
    top = next(f.stem for f in files if f.suffix == ".sdc")
    unit, scale = ("ps", 1000.0) if platform == "asap7" else ("ns", 1.0)
    listed = (home / f"{top}.f").read_text().split()  # without the assertions
    sources = " ".join(f"$(DESIGN_HOME)/{name}" for name in listed)
    config = [
        f"# {engine.name} for OpenROAD-flow-scripts: written by tpe.",
        "DESIGN_HOME := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))",
        f"export DESIGN_NAME = {top}",
        f"export PLATFORM = {platform}",
        f"export VERILOG_FILES = {sources}",
        "export SDC_FILE = $(DESIGN_HOME)/constraint.sdc",
        f"export CORE_UTILIZATION = {_UTILISATION}",
        "export SYNTH_HIERARCHICAL = 1",
        f"# Memories of more than {LARGEST_MEMORY} bits in the RTL need macros of your platform;",
        "# the areas of `tpe synth` leave them out.",
    ]
    written = {
        "config.mk": "\n".join(config) + "\n",
        "constraint.sdc": _SDC.format(name=top, unit=unit, period=clock_ns * scale, clock=CLOCK),
    }
    for name, text in written.items():
        (home / name).write_text(text)
    return [*files, *(home / name for name in written)]
