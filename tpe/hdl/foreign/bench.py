"""The simulator of a user's PE: a bench around it, stimulus in, results of every cycle out."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tpe.base.errors import TpeError
from tpe.hdl.emit.templates import template
from tpe.hdl.foreign import limited
from tpe.hdl.foreign.model import Model
from tpe.hdl.foreign.read import UserModule, first_error, identifier
from tpe.hdl.foreign.roles import OUTPUTS, RESULTS, Connection, PartSelect
from tpe.hdl.foreign.stimulus import LEAD, PACES, QUIET, Stimulus, pace
from tpe.hdl.simulate.build import BuildFailed, Design, build
from tpe.hdl.simulate.hex import to_hex
from tpe.numbers.operands import Ints

FEWEST_WORDS = 1 << 17  # of the bench's memories: a power of two, so that builds are shared
_CHUNK = 1 << 15  # words of stimulus packed at a time
_BENCH = "tpe_user_bench"
BUILD_SHARE = 10  # a build may take so many times what a simulation may
TRACES = {
    "": (),
    ".fst": ("--trace-fst", "--trace-structs"),
    ".vcd": ("--trace", "--trace-structs"),
}
_SHOWN = (*RESULTS, "out_valid", "ready")  # of a recorded word, the lowest first
Flags = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True, eq=False)
class Recorded:
    """What the PE showed in each cycle; None for a flag that is not mapped.

    `out` is the result, resolved if it comes as sum and carry. `offered` and `taken` are the
    bench's side of `ready`: operands are there, and the sink takes what comes.
    """

    out: Ints
    valid: Flags | None
    ready: Flags | None = None
    offered: Flags | None = None
    taken: Flags | None = None


def bench(
    module: UserModule,
    pins: Mapping[str, Connection],
    ties: Sequence[tuple[PartSelect, int]],
    cycles: int,
    waves: str,
    paced: bool = False,
) -> Design:
    """The user's text and a bench around their top; `waves` is the ending of the wave file."""
    sources = _inputs_of(pins, ties, paced)
    shown = [(role, pins[role].parts[0]) for role in _SHOWN if role in pins]
    wires, connections, assigns = [], [], []
    driven = {part.port for part, _ in sources}
    for i, port in enumerate(module.ports.values()):
        if port.name not in driven and port.name not in {part.port for _, part in shown}:
            continue
        wires.append(f"wire [{port.bits - 1}:0] port_{i};  // {port.name}")
        connections.append((identifier(port.name), f"port_{i}"))
        assigns += [
            f"assign port_{i}[{part.low}+:{part.bits}] = {source};"
            for part, source in sources
            if part.port == port.name
        ]
    places = {port.name: i for i, port in enumerate(module.ports.values())}
    low, field = 0, {}
    for role, part in shown:
        field[role] = f"result[{low}]"
        source = f"port_{places[part.port]}[{part.low}+:{part.bits}]"
        assigns.append(f"assign result[{low}+:{part.bits}] = {_level(source, pins[role])};")
        low += part.bits
    if paced:
        assigns.append(f"assign result[{low}+:2] = {{sink, offer}};")
        low += 2
    text = template(
        "user_bench.sv.j2",
        top=identifier(module.top),
        words=max(FEWEST_WORDS, 1 << (cycles - 1).bit_length()),
        in_bits=sum(part.bits for pin in _played(pins, paced) for part in pin.parts) or 1,
        result_bits=low,
        fields=", ".join([role for role, _ in shown] + (["offer", "sink"] if paced else [])),
        wires=wires,
        parameters=[(identifier(name), value) for name, value in module.params.items()],
        connections=connections,
        assigns=assigns,
        traced=[waves] if waves else [],
        paced=paced,
        paces=PACES,
        lead=LEAD,
        reset=LEAD - 3,
        quiet=QUIET,
        ready=field.get("ready", ""),
        arrival=f"(sink && {field['out_valid']})" if "out_valid" in field else "1'b0",
    )
    flags = ("--x-initial", "unique", *TRACES[waves])
    return Design({"user_design": module.text, _BENCH: text}, _BENCH, flags, cocotb=False)


def _level(source: str, pin: Connection) -> str:
    return f"~{source}" if pin.low else source


def _inputs_of(
    pins: Mapping[str, Connection], ties: Sequence[tuple[PartSelect, int]], paced: bool
) -> list[tuple[PartSelect, str]]:
    """What drives each part of the inputs."""
    sources = [(part, f"{part.bits}'h{value:x}") for part, value in ties]
    low = 0
    for pin in _played(pins, paced):
        for part in pin.parts:
            sources.append((part, f"word[{low}+:{part.bits}]"))
            low += part.bits
    own = {"clk": "clk"}
    if paced:
        own |= {"valid": "offer", "out_ready": "sink", "rst": "reset"}
    for role, signal in own.items():
        if role in pins:
            sources.append((pins[role].parts[0], _level(signal, pins[role])))
    return sources


def _played(pins: Mapping[str, Connection], paced: bool) -> Iterator[Connection]:
    """Pins that take a part of the stimulus's word, lowest first."""
    others = {"clk", "out_ready", *OUTPUTS, *(("valid", "rst") if paced else ())}
    return (pin for role, pin in pins.items() if role not in others)


def play(
    design: Design,
    model: Model,
    pins: Mapping[str, Connection],
    stimulus: Stimulus,
    seed: int,
    waves: Path | None,
    limit_s: float,
) -> Recorded:
    """Build, run; what the PE shows in every cycle. Registers begin at random."""
    try:
        home = build(design, limit_s * BUILD_SHARE)
    except BuildFailed as failed:
        if "%Error" not in str(failed):
            raise
        raise TpeError(f"Verilator refuses the design: {first_error(str(failed))}") from None
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        words, results = Path(folder) / "stimulus.hex", Path(folder) / "results.hex"
        count = len(stimulus.at) if stimulus.paced else stimulus.cycles
        with words.open("wb") as file:
            for begin in range(0, count, _CHUNK):
                part = slice(begin, min(count, begin + _CHUNK))
                file.write(to_hex(_bits(model, pins, stimulus, part)))
        command = [str(home / design.top), f"+stimulus={words}", f"+results={results}"]
        command += [f"+cycles={stimulus.cycles}", "+verilator+rand+reset+2"]
        command += [f"+verilator+seed+{seed % (2**31 - 1) + 1}"]
        command += [f"+waves={waves.resolve()}"] if waves else []
        if stimulus.paced:
            paces = Path(folder) / "pace.bin"
            rows = pace(seed, "out_ready" in pins)
            paces.write_text("".join(f"{sink}{offer}\n" for offer, sink in rows.tolist()))
            command += [f"+pace={paces}", f"+count={count}"]
        more = "; one that only takes longer needs a higher limit_s (--limit-s)"
        done = limited.run(command, limit_s, "the simulation", cwd=folder, advice=more)
        if done.returncode or not results.exists():
            lines = (done.stdout + done.stderr).strip().splitlines() or ["nothing said"]
            raise TpeError(f"the simulation ended before its stimulus: {_reason(lines)}")
        return _recorded(results, stimulus, pins)


def _reason(lines: list[str]) -> str:
    """The line that says most: an error of Verilator's, else the first one."""
    if any("DIDNOTCONVERGE" in x for x in lines):
        return "a loop never settles: a signal depends on itself without a register or a delay"
    return next((x for x in lines if "%Error" in x or "rror:" in x), lines[0])


def _bits(model: Model, pins: Mapping[str, Connection], stimulus: Stimulus, part: slice) -> Ints:
    """Words of stimulus as bits, the lowest first, in the order of the bench's slices."""
    widths = {x.role: x.number.bits for x in model.operands}
    columns = []
    for pin in _played(pins, stimulus.paced):
        levels = stimulus.levels[pin.role][part]
        if pin.role not in widths:
            columns.append((levels ^ int(pin.low)).astype(np.uint8))
            continue
        flags = (levels[:, :, None] >> np.arange(widths[pin.role])) & 1
        columns.append(flags.reshape(len(levels), -1).astype(np.uint8))
    if not columns:
        return np.zeros((part.stop - part.start, 1), np.uint8)
    return np.hstack(columns)


def _recorded(path: Path, stimulus: Stimulus, pins: Mapping[str, Connection]) -> Recorded:
    lines = [x for x in path.read_text().split("\n") if x and x[0] not in "/@"]
    if not stimulus.paced and len(lines) != stimulus.cycles:
        raise RuntimeError(f"{len(lines)} words recorded, {stimulus.cycles} expected")
    words = [int(line, 16) for line in lines]
    low, fields = 0, {}
    wanted = [(role, pins[role].bits) for role in _SHOWN if role in pins]
    for role, bits in [*wanted, *([("offer", 1), ("sink", 1)] if stimulus.paced else [])]:
        mask, shift = (1 << bits) - 1, low
        field = np.fromiter(((x >> shift) & mask for x in words), np.uint64, len(words))
        fields[role] = _earlier(field, pins[role].delay if role in pins else 0)
        low += bits
    out = fields["out"] if "out" in fields else fields["sum"] + fields["carry"]
    flags = {role: fields[role].astype(bool) for role in fields if role not in RESULTS}
    return Recorded(out, *(flags.get(role) for role in ("out_valid", "ready", "offer", "sink")))


def _earlier(shown: Ints, delay: int) -> Ints:
    """What was shown `delay` cycles later, in the place of the cycle that it belongs to."""
    if not delay:
        return shown
    moved = np.roll(shown, -delay)
    if delay > 0:
        moved[-delay:] = shown[-1]
    else:
        moved[:-delay] = shown[0]
    return moved
