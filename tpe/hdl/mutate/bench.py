"""The bench of mutants: one simulator holds all of an engine's; GEMMs judge them one by one.

A simulator is the engine's own bench with two changes: the engine's modules are the mutated
netlist under the same ports, and the top reads its jobs from a file instead of from cocotb, so
that thousands of runs cost no Python. For each GEMM, one process runs every mutant that is still
alive: first the unmutated engine, which leaves every register where a whole run leaves it, so
that no verdict depends on the order of mutants; then the mutant, cut short by a reset; then the
mutant, whole. A mutant is killed by an output or a cycle count that differs from the unmutated
run's, which equals the model's, or by a run that does not end.

Every run is cut short once, and some trials hold the streams back apart from one another; the
unmutated engine has to give the model's values there too.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tpe.base.processes import run
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit.sources import port_names
from tpe.hdl.mutate.netlist import SELECT_BITS, TOP, Mutant, MutatedNetlist
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.build import QUICK, Design, build
from tpe.hdl.simulate.images import Case, counts, images

_PACKAGE = f"""
package tpe_mutant;
  logic [{SELECT_BITS - 1}:0] mutsel = '0;  // 0: the engine as it was written
  logic apart = 1'b0;  // 1: every stream hesitates on its own
  localparam logic [31:0] Hesitant = 32'h5A14_C826;
endpackage
"""
_WRAPPER = """{head}
  logic [4:0] phase_q;
  always_ff @(posedge clk_i or negedge rst_ni) begin
    if (!rst_ni) phase_q <= '0;
    else phase_q <= phase_q + 1'b1;
  end
{streams}
  {top} u_mutated (
{connections},
      .mutsel(tpe_mutant::mutsel)
  );

endmodule
"""
_STREAM = """
  logic [$bits({name}_valid_i)-1:0] {name}_valid, {name}_ready, {name}_held;
  assign {name}_valid   = {name}_valid_i & ~{name}_held;
  assign {name}_ready_o = {name}_ready & ~{name}_held;
  for (genvar s = 0; s < $bits({name}_valid_i); s++) begin : gen_{name}
    assign {name}_held[s] = tpe_mutant::apart && tpe_mutant::Hesitant[5'(phase_q + {turn} + 11*s)];
  end
"""
# Settings come in the order of their names. `limit` bounds a run that would not end.
_DRIVER = """
  int    list, number, apart, limit, cut, waited, want, got, code;
  string expected, found;
  bit    same;

  task automatic attempt(input int bound);
    go = 1'b1;
    waited = 0;
    while (!done && waited < bound) begin
      @(posedge clk);
      #1;
      waited++;
    end
  endtask

  task automatic stop;
    go = 1'b0;
    repeat (3) @(posedge clk);
    #1;
  endtask

  task automatic compare;
    same = 1'b1;
    want = $fopen("golden.hex", "r");
    got  = $fopen("c.hex", "r");
    while (same && $fgets(expected, want) != 0) begin
      code = $fgets(found, got);
      same = code != 0 && expected == found;
    end
    same = same && $fgets(found, got) == 0;
    $fclose(want);
    $fclose(got);
  endtask

  initial begin
    list = $fopen("jobs.txt", "r");
    code = $fscanf(list, "{formats}", {settings}, apart, limit, cut);
    tpe_mutant::apart = apart != 0;
    stop;
    while ($fscanf(list, "%d", number) == 1) begin
      $display("begin %0d", number);
      $fflush;
      tpe_mutant::mutsel = '0;
      attempt(limit);
      stop;
      tpe_mutant::mutsel = {bits}'(number);
      attempt(cut);
      stop;
      attempt(limit);
      if (done) begin
        if (number != 0) compare;
        $display("end %0d %0d %0d", number, cycles, same);
      end else begin
        $display("hung %0d", number);
      end
      $fflush;
      stop;
    end
    $finish;
  end

endmodule
"""
_SECONDS = 0.5  # of a mutant's runs, at most, before its process is taken for hung ...
WAIT = 300  # ... of the unmutated engine's
_SLOWER = 20  # ... or so many times what the unmutated engine took alone, on a busy machine


@dataclass(frozen=True, eq=False)
class Trial:
    """A GEMM that judges; `apart`: the streams hesitate apart, and no model counts the cycles."""

    case: Case
    apart: bool = False


@dataclass(frozen=True)
class Kill:
    """How a mutant was found out."""

    trial: int  # which one of the bench's
    how: str  # value, cycles, hung, crashed


class MutantSimulator:
    """A simulator with an engine's mutants, and what they are judged by."""

    def __init__(self, engine: Config, netlist: MutatedNetlist, trials: Sequence[Trial]) -> None:
        self.trials = tuple(trials)
        words = cosim.memory_words(counts(trial.case) for trial in trials)
        prepared = [images(trial.case) for trial in trials]
        self.settings = sorted(prepared[0].settings)
        self.home = build(bench_of(engine, netlist, words, self.settings))
        self.prepared = prepared
        self.top = "tpe_bench"
        self.seconds = _SECONDS

    def kills(self, mutants: Sequence[Mutant]) -> dict[int, Kill]:
        """Mutant number -> how it was killed; survivors are absent.

        Raises RuntimeError if the unmutated netlist differs from the model.
        """
        found: dict[int, Kill] = {}
        for number in range(len(self.trials)):
            alive = [mutant.number for mutant in mutants if mutant.number not in found]
            if alive:
                with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
                    found |= self._judge(number, alive, Path(folder))
        return found

    def _judge(self, number: int, alive: list[int], folder: Path) -> dict[int, Kill]:
        """What one GEMM kills among the mutants that are alive."""
        self.prepared[number].write(folder)
        cycles = self._golden(number, folder)
        limit, found = 4 * cycles + 100, {}
        waiting = alive
        while waiting:
            printed, ended = self._run(number, folder, waiting, limit, cycles // 2 + 1)
            for mutant, line in _verdicts(printed).items():
                how = _how(line, cycles)
                if how:
                    found[mutant] = Kill(number, how)
            seen = [int(n) for n in re.findall(r"^begin (\d+)$", printed, re.MULTILINE)]
            if not ended and seen:  # the simulator gave up inside this mutant
                found[seen[-1]] = Kill(number, "crashed")
            if not seen:
                raise RuntimeError(f"the simulator of mutants does not start:\n{printed[-2000:]}")
            waiting = waiting[len(seen) :]
        return found

    def _golden(self, number: int, folder: Path) -> int:
        """Cycles of the unmutated engine, and golden.hex; RuntimeError if the model differs."""
        case, apart = self.trials[number].case, self.trials[number].apart
        model = cosim._model(case)
        self.seconds, begun = WAIT, time.monotonic()
        printed, _ = self._run(number, folder, [0], 8 * model.cycles + 1000, model.cycles // 2 + 1)
        self.seconds = max(_SECONDS, _SLOWER * (time.monotonic() - begun))
        verdict = _verdicts(printed).get(0, "hung").split()
        if verdict[0] != "end":
            raise RuntimeError(f"the unmutated netlist does not end:\n{printed[-2000:]}")
        cycles = int(verdict[1])
        outcome = cosim._outcome(case, self.prepared[number], folder, {"cycles": cycles}, model)
        if outcome.mismatches or not (apart or outcome.ok):
            raise RuntimeError(
                f"the unmutated netlist of {case.engine.name} differs from its model: "
                f"{outcome.first_mismatch()}, cycles {cycles}, model {model.cycles}"
            )
        (folder / "c.hex").rename(folder / "golden.hex")
        return cycles

    def _run(
        self, number: int, folder: Path, mutants: Sequence[int], limit: int, cut: int
    ) -> tuple[str, bool]:
        """What the simulator printed over these mutants, and whether it came to its end."""
        settings = {"sel": 0, **self.prepared[number].settings}
        values = [settings[name] for name in ("sel", *self.settings)]
        numbers = [*values, int(self.trials[number].apart), limit, cut, *mutants]
        (folder / "jobs.txt").write_text(" ".join(map(str, numbers)) + "\n")
        log = folder / "printed.txt"
        command, most = [str(self.home / self.top)], 10 + self.seconds * len(mutants)
        with log.open("w") as out:
            try:
                ran = run(command, cwd=folder, stdout=out, stderr=subprocess.STDOUT, timeout=most)
                ended = ran.returncode == 0
            except subprocess.TimeoutExpired:
                ended = False
        text = log.read_text()
        return text, ended and "$finish" in text


def bench_of(
    engine: Config, netlist: MutatedNetlist, words: int, settings: Sequence[str]
) -> Design:
    """The engine's own bench around the mutated netlist."""
    design = cosim.bench_design([engine], words)
    top = next(iter(emit.rename({"tpe_engine": ""}, "e0")))
    replaced = set(emit.rename(emit.engine_modules(engine), "e0"))
    kept = {name: text for name, text in design.sources.items() if name not in replaced}
    head, bench = _head(design.sources[top]), kept["tpe_bench"]
    ports = port_names(design.sources[top])
    streams = [p.removesuffix("_valid_i") for p in ports if p.endswith("_valid_i")]
    held = {f"{s}_{end}": f"{s}_{end[:5]}" for s in streams for end in ("valid_i", "ready_o")}
    connections = [f"      .{port}({held.get(port, port)})" for port in ports]
    names = ("sel", *settings)
    driver = _DRIVER.format(
        formats=" ".join(["%d"] * (len(names) + 3)), settings=", ".join(names), bits=SELECT_BITS
    )
    modules: Mapping[str, str] = {
        "tpe_mutant": _PACKAGE,
        TOP: netlist.verilog,
        top: _WRAPPER.format(
            head=head,
            top=TOP,
            streams="".join(_STREAM.format(name=s, turn=7 * i) for i, s in enumerate(streams)),
            connections=",\n".join(connections),
        ),
        **kept,
        "tpe_bench": bench[: bench.rindex("endmodule")] + driver,
    }
    return replace(design, sources=modules, flags=(), cocotb=False, compiler=QUICK)


def _head(source: str) -> str:
    """A module's text up to the end of its ports."""
    return source[: source.index("\n);\n") + len("\n);\n")]


def _verdicts(printed: str) -> dict[int, str]:
    """Mutant -> `end CYCLES SAME` or `hung`, of those that came to an end."""
    lines = re.findall(r"^(end|hung) (\d+)(?: (\d+) (\d))?$", printed, re.MULTILINE)
    return {int(number): f"{word} {cycles} {same}" for word, number, cycles, same in lines}


def _how(verdict: str, cycles: int) -> str:
    """Why a verdict kills, or nothing."""
    word, *rest = verdict.split()
    if word == "hung":
        return "hung"
    if rest[1] != "1":
        return "value"
    return "" if int(rest[0]) == cycles else "cycles"
