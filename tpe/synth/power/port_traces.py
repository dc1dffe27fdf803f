"""What enters and leaves the parts of a PE in its array, cycle by cycle: from the RTL in Verilator.

The bench is that of `tpe vectors`, which checks every output; each part whose trace is asked for
writes its ports before every clock edge.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tpe.base.errors import TpeError
from tpe.base.processes import run
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.simulate.build import QUICK, Design, build
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.vectors import bench_memories, bench_source
from tpe.pe.lean import clock_holds
from tpe.synth.area.timing import CLOCK
from tpe.synth.netlist.netlist import NetlistPort
from tpe.synth.power.activity import RECORDING, PortTrace, untraced

_PREFIX = "tpe_x"
_BENCH = f"{_PREFIX}_tb"
_MOST_FILES = 900  # that one process may hold open
WHOLE = "engine"  # the kind of the engine's own ports

Instances = Mapping[str, tuple[str, ...]]  # by kind
Ports = Mapping[str, Sequence[NetlistPort]]  # by kind: cell, front, finish, engine


@dataclass(frozen=True, eq=False)
class Traces:
    """Port traces of a case: `by_kind` of those chosen, `instances` of all there are, by kind."""

    by_kind: Mapping[str, tuple[PortTrace, ...]]
    instances: Instances
    cycles: int  # of the model, from the first beat to the last output


def port_traces(
    case: Case,
    ports: Ports,
    choose: Callable[[Instances], Instances] = lambda every: every,
) -> Traces:
    """Run a case in its engine's RTL and keep the ports of instances.

    ports  -- of the modules `tpe_{kind}`, by kind
    choose -- which of the instances, by kind; default: all
    TpeError if an output of the RTL is not the model's, or too many instances are asked for.
    """
    engine = case.engine
    memories, words = bench_memories([case])
    home = build(_design(engine, ports, words))
    with tempfile.TemporaryDirectory(prefix="tpe-") as name:
        folder = Path(name)
        for file, text in memories.items():
            (folder / file).write_text(text)
        instances = _instances(_said(home, folder, "+list"), ports)
        wanted = choose(instances)
        files = [instance for kind in wanted.values() for instance in kind]
        if len(files) > _MOST_FILES:
            raise TpeError(f"{len(files)} traces are too many; legal: up to {_MOST_FILES}")
        for instance in files:
            (folder / f"{instance}.trace").touch()
        said = _said(home, folder)
        if "PASS" not in said:
            raise TpeError(f"the RTL of {engine.name} fails: {said.strip().splitlines()[-1]}")
        found = {
            kind: tuple(
                _trace(folder / f"{i}.trace", i, ports[kind], _clock_gate(engine, kind))
                for i in names
            )
            for kind, names in wanted.items()
        }
    return Traces(found, instances, case.run().cycles)


def _said(home: Path, folder: Path, *arguments: str) -> str:
    command = [str(home / _BENCH), *arguments]
    done = run(command, cwd=folder)
    return done.stdout + done.stderr


def _instances(said: str, ports: Ports) -> dict[str, tuple[str, ...]]:
    found = re.findall(r"^TRACE (\w+) (\S+)$", said, re.MULTILINE)
    return {kind: tuple(name for x, name in found if x == kind) for kind in ports}


def _design(engine: Config, ports: Ports, words: dict[str, int]) -> Design:
    found = emit.engine_modules(engine)
    top = found["tpe_engine"]
    benches = {name: sources.bench_text(name) for name in ("tpe_source", "tpe_walk")}
    modules = emit.rename(found | benches, _PREFIX)
    for kind, own in ports.items():
        module = _PREFIX if kind == WHOLE else f"{_PREFIX}_{kind}"
        modules[module] = _writing(modules[module], kind, own)
    modules[_BENCH] = bench_source(engine, _PREFIX, top, 1, words)
    # Records nothing, but shares what is compiled of Verilator with the bench that does.
    silent = {name: untraced(text) for name, text in modules.items()}
    return Design(silent, _BENCH, RECORDING, cocotb=False, compiler=QUICK)


def _writing(text: str, kind: str, ports: Sequence[NetlistPort]) -> str:
    """A module that writes its ports before every clock edge, where its file is there."""
    sides = [
        ", ".join(p.name for p in ports if p.direction == way and p.name != CLOCK)
        for way in ("input", "output")
    ]
    lines = f"""
  int    tpe_file;
  string tpe_name;

  initial begin
    tpe_name = $sformatf("%m");
    if ($test$plusargs("list")) begin
      $display("TRACE {kind} %s", tpe_name);
      $finish;
    end
    tpe_file = $fopen({{tpe_name, ".trace"}}, "r");
    if (tpe_file != 0) begin
      $fclose(tpe_file);
      tpe_file = $fopen({{tpe_name, ".trace"}}, "w");
    end
  end

  always @(posedge {_BENCH}.clk) begin
    if (tpe_file != 0)
      $fwrite(tpe_file, "%b %h %h\\n", {_BENCH}.running_q, {{{sides[0]}}}, {{{sides[1]}}});
  end
"""
    at = text.rindex("endmodule")
    return text[:at] + lines + text[at:]


def _clock_gate(engine: Config, kind: str) -> str:
    """The port of a part without which its clock stands still; "": none."""
    return "en_i" if kind == "cell" and clock_holds(engine.params) else ""


def _trace(file: Path, instance: str, ports: Sequence[NetlistPort], gate: str) -> PortTrace:
    rows = [line.split() for line in file.read_text().splitlines()]
    sides = [
        tuple((p.name, p.width) for p in ports if p.direction == way and p.name != CLOCK)
        for way in ("input", "output")
    ]
    start = next(i for i, row in enumerate(rows) if row[0] == "1")
    ins, outs = tuple(row[1] for row in rows), tuple(row[2] for row in rows)
    name = instance.removeprefix(f"{_BENCH}.u_dut.")
    return PortTrace(name, sides[0], sides[1], ins, outs, start, gate)
