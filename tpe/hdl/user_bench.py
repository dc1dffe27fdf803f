"""The simulator of a user's PE: a bench around it, stimulus in, results of every cycle out."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from tpe.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.build import BuildFailed, Design, build
from tpe.hdl.pack import to_hex
from tpe.hdl.user_model import Model
from tpe.hdl.user_ports import OUTPUTS, Module, Pin, first_error
from tpe.hdl.user_stimulus import Stimulus
from tpe.operands import Ints

FEWEST_WORDS = 1 << 17  # of the bench's memories: a power of two, so that builds are shared
TIMEOUT = 600  # seconds of simulation
_CHUNK = 1 << 15  # words of stimulus packed at a time
_BENCH = "tpe_user_bench"
TRACES = {
    "": (),
    ".fst": ("--trace-fst", "--trace-structs"),
    ".vcd": ("--trace", "--trace-structs"),
}


def bench(
    module: Module, pins: Mapping[str, Pin], ties: Mapping[str, int], cycles: int, waves: str
) -> Design:
    """The user's text and a bench around their top; `waves` is the ending of the wave file."""
    out = pins["out"].ports[0]
    connections = [(name, f"{module.ports[name].bits}'h{value:x}") for name, value in ties.items()]
    low = 0
    for pin in _inputs(pins):
        for port in pin.ports:
            connections.append((port.name, f"word[{low}+:{port.bits}]"))
            low += port.bits
    if "clk" in pins:
        connections.append((pins["clk"].ports[0].name, "clk"))
    connections.append((out.name, f"result[{out.bits - 1}:0]"))
    assigns = []
    if "out_valid" in pins:
        connections.append((pins["out_valid"].ports[0].name, f"result[{out.bits}]"))
    else:
        assigns.append(f"assign result[{out.bits}] = 1'b1;")
    text = emit.template(
        "user_bench.sv.j2",
        top=module.top,
        words=max(FEWEST_WORDS, 1 << (cycles - 1).bit_length()),
        in_bits=low,
        result_bits=out.bits,
        parameters=list(module.params.items()),
        connections=connections,
        assigns=assigns,
        traced=[waves] if waves else [],
    )
    flags = ("--x-initial", "unique", *TRACES[waves])
    return Design({"user_design": module.text, _BENCH: text}, _BENCH, flags, cocotb=False)


def _inputs(pins: Mapping[str, Pin]) -> Iterator[Pin]:
    """Pins that take a part of the stimulus's word, lowest first."""
    return (pin for role, pin in pins.items() if role not in ("clk", *OUTPUTS))


def play(
    design: Design,
    model: Model,
    pins: Mapping[str, Pin],
    given: Stimulus,
    seed: int,
    waves: Path | None,
) -> tuple[Ints, Ints]:
    """Build, run; what `out` and `out_valid` show in every cycle. Registers begin at random."""
    try:
        home = build(design)
    except BuildFailed as failed:
        if "%Error" not in str(failed):
            raise
        raise TpeError(f"Verilator refuses the design: {first_error(str(failed))}") from None
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        words, results = Path(folder) / "stimulus.hex", Path(folder) / "results.hex"
        with words.open("wb") as file:
            for begin in range(0, given.cycles, _CHUNK):
                file.write(to_hex(_bits(model, pins, given, slice(begin, begin + _CHUNK))))
        command = [str(home / design.top), f"+stimulus={words}", f"+results={results}"]
        command += [f"+cycles={given.cycles}", "+verilator+rand+reset+2"]
        command += [f"+verilator+seed+{seed % (2**31 - 1) + 1}"]
        command += [f"+waves={waves.resolve()}"] if waves else []
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=TIMEOUT
            )
        except subprocess.TimeoutExpired:
            raise TpeError(f"the simulation did not end within {TIMEOUT} s") from None
        if done.returncode or not results.exists():
            lines = (done.stdout + done.stderr).strip().splitlines() or ["nothing said"]
            raise TpeError(f"the simulation ended before its stimulus: {lines[0]}")
        return _recorded(results, given.cycles, pins)


def _bits(model: Model, pins: Mapping[str, Pin], given: Stimulus, part: slice) -> Ints:
    """Words of stimulus as bits, the lowest first, in the order of the bench's slices."""
    widths = {x.role: x.number.bits for x in model.operands}
    columns = []
    for pin in _inputs(pins):
        levels = given.levels[pin.role][part]
        if pin.role not in widths:
            columns.append((levels ^ int(pin.low)).astype(np.uint8))
            continue
        flags = (levels[:, :, None] >> np.arange(widths[pin.role])) & 1
        columns.append(flags.reshape(len(levels), -1).astype(np.uint8))
    return np.hstack(columns)


def _recorded(path: Path, cycles: int, pins: Mapping[str, Pin]) -> tuple[Ints, Ints]:
    bits = pins["out"].bits
    lines = [x for x in path.read_text().split("\n") if x and x[0] not in "/@"]
    if len(lines) != cycles:
        raise RuntimeError(f"{len(lines)} words recorded, {cycles} expected")
    words = [int(line, 16) for line in lines]
    out = np.fromiter((x & ((1 << bits) - 1) for x in words), np.uint64, cycles)
    valid = np.fromiter((x >> bits for x in words), np.uint8, cycles)
    low = "out_valid" in pins and pins["out_valid"].low
    return out, (valid ^ int(low)).astype(bool)
