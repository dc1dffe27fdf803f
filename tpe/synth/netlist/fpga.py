"""FPGA resources of RTL, as Yosys maps it: look-up tables, flip-flops, carries, DSPs, memories.

No place and route: counts, no clock.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from tpe.base.errors import TpeError, unknown
from tpe.base.processes import run
from tpe.synth.netlist.mapped import Part
from tpe.synth.netlist.mapper import require_pyosys

FAMILIES = {
    "ice40": "synth_ice40 -top {top}",
    "xilinx": "synth_xilinx -family xc7 -top {top} -noiopad -noclkbuf",
}
_SCRIPT = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    libyosys.run_pass(command, design)
"""


def check_family(family: str) -> None:
    """TpeError unless Yosys is asked for a family that is known here."""
    if family not in FAMILIES:
        raise unknown("FPGA family", family, FAMILIES)


def fpga_counts(part: Part, family: str = "xilinx") -> dict[str, int]:
    """Cells of a part, flattened, by name, mapped to a family of FPGAs; TpeError if it fails."""
    check_family(family)
    require_pyosys()
    with tempfile.TemporaryDirectory(prefix="tpe-fpga-") as name:
        folder = Path(name)
        commands = []
        for module, text in part.modules.items():
            (folder / f"{module}.sv").write_text(text)
            commands.append(f"read_verilog -defer -sv {folder / module}.sv")
        commands += [f"hierarchy -check -top {part.top}", "flatten"]
        commands += [FAMILIES[family].format(top=part.top)]
        commands += [f"tee -q -o {folder / 'stat.json'} stat -json"]
        done = run(
            [sys.executable, "-P", "-c", _SCRIPT, *commands],
            cwd=folder,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).splitlines()
            errors = [line.strip() for line in said if "ERROR" in line] or [f"{done.returncode}"]
            raise TpeError(f"yosys could not map {part.name} to {family}: {errors[-1][:300]}")
        text = (folder / "stat.json").read_text()
    counts = json.loads(text[text.index("{") :])["design"]["num_cells_by_type"]
    return {kind: int(count) for kind, count in sorted(counts.items()) if kind != "$scopeinfo"}
