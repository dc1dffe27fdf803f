"""Mutants that no stimulus can tell from the engine: shown equivalent by ABC.

The mutant and the engine stand side by side under the same inputs; a signal `bad` rises when what
a user of the ports can see differs: an accepted operand, a valid word and its flags, `done`. ABC
proves that `bad` never rises, from any state a reset leaves and over any number of cycles (signal
correspondence, then property-directed reachability). Every input is free in every cycle, so a
mutant that only an environment breaking the ports' rules can tell counts as not equivalent.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path

from tpe.base.errors import missing_extra
from tpe.base.processes import run
from tpe.hdl.mutate.netlist import Mutant, MutatedNetlist, run_yosys

EQUIVALENT, DIFFERENT, OPEN = "equivalent", "different", "open"
# Merges what is equal: by induction over one frame, then over more, for what holds only while a
# word is on its way (where a tile is one row every word is the last, three registers later).
_MERGE = "scorr; dc2; scorr -F 2; scorr -F 4"
_ELABORATION = 6  # times the limit of a proof, for what comes before it


def judge(netlist: MutatedNetlist, top: str, mutant: Mutant, limit: float) -> str:
    """`equivalent`, `different` (a trace exists) or `open` (not decided in `limit` seconds)."""
    with tempfile.TemporaryDirectory(prefix="tpe-") as name:
        folder = Path(name)
        (folder / "flat.il").write_text(netlist.rtlil)
        (folder / "miter.sv").write_text(_miter(netlist.rtlil))
        try:
            run_yosys(_commands(top, mutant), folder, _ELABORATION * limit)
        except subprocess.TimeoutExpired:
            return OPEN
        return _prove(folder, limit)


def _commands(top: str, mutant: Mutant) -> list[str]:
    return [
        "read_rtlil flat.il",
        f"copy {top} whole",
        f"rename {top} {top}_broken",
        mutant.command.replace(f"-module {top} ", f"-module {top}_broken "),
        f"rename {top}_broken broken",
        "read_verilog -sv miter.sv",
        "hierarchy -check -top miter",
        "proc",
        "flatten -noscopeinfo",
        "memory_map",
        "async2sync",
        "setundef -zero -init",  # the same unknown in both
        "setundef -zero",
        "opt -full",
        "techmap",
        "opt",
        "setundef -zero",
        "dffunmap",
        "aigmap",
        "opt_clean",
        "write_aiger miter.aig",
    ]


def _prove(folder: Path, limit: float) -> str:
    _abc(f"read_aiger miter.aig; {_MERGE}; write_aiger less.aig", folder, limit)
    if not (folder / "less.aig").exists():
        return OPEN
    head, *lines = (folder / "less.aig").read_bytes().split(b"\n")
    _, _, latches, _, gates = (int(x) for x in head.split()[1:6])
    if latches == gates == 0:  # all that is left is what `bad` is tied to
        return EQUIVALENT if lines[0] == b"0" else DIFFERENT
    printed = _abc(f"read_aiger less.aig; pdr -T {int(limit)}", folder, limit)
    if "Property proved" in printed:
        return EQUIVALENT
    return DIFFERENT if "was asserted in frame" in printed else OPEN


def _abc(script: str, folder: Path, limit: float) -> str:
    """What ABC prints; as far as it came if it takes longer than the limit and some."""
    spec = find_spec("pyosys")
    if spec is None or not spec.submodule_search_locations:
        raise missing_extra("pyosys", "synth")
    abc = Path(spec.submodule_search_locations[0]) / "yosys-abc"
    try:
        done = run(
            [str(abc), "-c", script],
            cwd=folder,
            timeout=limit + 10,
        )
    except subprocess.TimeoutExpired:
        return ""
    if done.returncode:
        raise RuntimeError(f"yosys-abc failed:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def _miter(rtlil: str) -> str:
    """Both engines under the same inputs; `bad_o` when what their ports show differs."""
    inputs, outputs = _declared(rtlil)
    lines = [f"  input wire [{width - 1}:0] {port}," for port, width in inputs.items()]
    nets = [f"  wire [{w - 1}:0] {side}_{port};" for side in "xy" for port, w in outputs.items()]
    instances = []
    for module, side in (("whole", "x"), ("broken", "y")):
        pins = [f".{port}({port})" for port in inputs]
        pins += [f".{port}({side}_{port})" for port in outputs]
        instances.append(f"  {module} u_{module} (" + ", ".join(pins) + ");")
    differ = [f"    || {_differs(port, {*inputs, *outputs})}" for port in outputs]
    head = ["module miter (", *lines, "  output wire bad_o", ");"]
    tail = ["  assign bad_o = 1'b0", *differ, "  ;", "endmodule", ""]
    return "\n".join([*head, *nets, *instances, *tail])


def _differs(port: str, names: set[str]) -> str:
    """When an output differs to whoever keeps to the handshake."""
    different = f"(x_{port} != y_{port})"
    stem = port.split("_")[0]
    if port.endswith("_ready_o") and f"{stem}_valid_i" in names:
        return f"(|((x_{port} ^ y_{port}) & {stem}_valid_i))"
    if not port.endswith("_valid_o") and f"{stem}_valid_o" in names:
        return f"(x_{stem}_valid_o && {different})"
    return different


def _declared(rtlil: str) -> tuple[dict[str, int], dict[str, int]]:
    """Width of every input and of every output of a design in RTLIL that has one module."""
    found: dict[str, dict[str, int]] = {"input": {}, "output": {}}
    for width, kind, name in re.findall(
        r"^  wire (?:width (\d+) )?(input|output) \d+ \\(\w+)$", rtlil, re.MULTILINE
    ):
        found[kind][name] = int(width or 1)
    return found["input"], found["output"]
