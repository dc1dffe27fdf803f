"""The RTL's speed: the model against bare Verilator, and operands in bulk against one by one."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import tpe
from benchmarks.timing import Figure, best
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.simulate.build import Design, build
from tpe.hdl.simulate.cosim import bench_design, harness_parameters, memory_words, simulate
from tpe.hdl.simulate.hex import unpack
from tpe.hdl.simulate.images import Case, counts, images

SIDE = 512  # the GEMM that both run, on a 16 x 16 array

BARE = """
module tpe_bare;
  logic clk = 1'b0;
  always #1 clk = ~clk;
  logic go = 1'b0;
  logic done;
  int unsigned cycles;
  initial begin #4 go = 1'b1; end
  always @(posedge clk) if (done) begin $display("cycles %0d", cycles); $finish; end
  {harness} #({parameters}) u_harness (
    .clk_i(clk), .go_i(go), {settings}, .done_o(done), .cycles_o(cycles));
endmodule
"""


def figures() -> Iterator[Figure]:
    """Model against RTL, and bulk against single signals."""
    yield model_against_rtl()
    yield bulk_against_signals()
    yield a_users_pe()


def a_users_pe() -> Figure:
    """`tpe.cosim` of a Verilog PE, all int8 pairs, from an empty cache."""
    text = "module pe (input clk, input signed [7:0] x, w, output reg signed [15:0] p);\n"
    ports = {"clk": "clk", "a": "x", "b": "w", "out": "p"}
    kept = os.environ.get("TPE_CACHE_DIR")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TPE_CACHE_DIR"] = folder
        file = Path(folder) / "pe.v"
        file.write_text(text + "  always @(posedge clk) p <= x * w;\nendmodule\n")
        start = time.perf_counter()
        report = tpe.cosim(str(file), "pe", "multiply", ports, latency=1)
        cold = time.perf_counter() - start
    os.environ.pop("TPE_CACHE_DIR") if kept is None else os.environ.update(TPE_CACHE_DIR=kept)
    assert report.ok
    name = f"co-simulation of a user's PE, exhaustive int8 ({report.vectors:,} results), cold"
    return Figure(name, f"{cold:.1f} s", "< 60 s", cold < 60)


def _case(engine: tpe.Engine, side: int) -> Case:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-128, 128, (side, side)).astype(np.int8) for _ in range(2))
    return Case(engine, a, b)


def model_against_rtl() -> Figure:
    """The same 16 x 16 opt1 GEMM: the model's run against bare Verilator without cocotb."""
    engine = tpe.Engine("opt1", "systolic_os", (16, 16))
    case = _case(engine, SIDE)
    image = images(case)
    words = memory_words([counts(case)])
    modules = {k: v for k, v in bench_design([engine], words).sources.items() if k != "tpe_bench"}
    parameters = ", ".join(f".{n}({v})" for n, v in harness_parameters(engine, words))
    settings = ", ".join(f".{name}_i({value})" for name, value in image.settings.items())
    modules["tpe_bare"] = BARE.format(
        harness="e0_harness", parameters=parameters, settings=settings
    )
    home = build(Design(modules, "tpe_bare", cocotb=False))
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.hex").write_bytes(image.a)
        (Path(folder) / "b.hex").write_bytes(image.b)
        start = time.perf_counter()
        subprocess.run([home / "tpe_bare"], cwd=folder, check=True, capture_output=True)
        rtl = time.perf_counter() - start
        c = unpack(Path(folder) / "c.hex", image.words, 16, 32)
    run = engine.run(case.a, case.b)
    assert c.sum() == run.C.sum()
    model = best(lambda: engine.run(case.a, case.b), 7)
    return Figure(
        f"model against bare Verilator, opt1 16x16, {SIDE}^3 ({run.cycles / rtl:,.0f} cycles/s)",
        f"{rtl / model:.0f} x",
        ">= 500 x",
        rtl / model >= 500,
    )


def bulk_against_signals() -> Figure:
    """Simulated cycles a second: memories filled in bulk, against a bench that writes each port."""
    engine = tpe.Engine("opt1", "systolic_os", (8, 8))
    case = _case(engine, 128)
    image = images(case)
    cycles = engine.run(case.a, case.b).cycles
    home = build(bench_design([engine], memory_words([counts(case)])))
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "0"
        job.mkdir()
        (job / "a.hex").write_bytes(image.a)
        (job / "b.hex").write_bytes(image.b)
        start = time.perf_counter()
        simulate(home, [{"folder": str(job), "sel": 0, **image.settings}], Path(folder))
        bulk = cycles / (time.perf_counter() - start)
    single = signals_rate(engine)
    return Figure(
        f"co-simulation in bulk, {bulk:,.0f} cycles/s, against port by port, {single:,.0f}",
        f"{bulk / single:.0f} x",
        "printed",
        True,
    )


def signals_rate(engine: tpe.Engine) -> float:
    """Cycles a second of a cocotb bench that writes every operand's port in every cycle."""
    modules = emit.engine_modules(engine)
    modules["tpe_bench"] = sources_of_ports(engine)
    home = build(Design(modules, "tpe_bench"))
    cycles = 2000
    os.environ["TPE_SIGNAL_CYCLES"] = str(cycles)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        simulate(home, [], Path(folder), module="benchmarks.signals")
        return cycles / (time.perf_counter() - start)


def sources_of_ports(engine: tpe.Engine) -> str:
    """A top with a variable for every operand of a beat."""
    rows, cols = engine.rows, engine.cols
    a = "\n".join(f"  logic [7:0] a{r} /*verilator public_flat_rw*/ = 0;" for r in range(rows))
    b = "\n".join(f"  logic [7:0] b{c} /*verilator public_flat_rw*/ = 0;" for c in range(cols))
    lists = [
        ", ".join(f"{x}{i}" for i in reversed(range(n))) for x, n in (("a", rows), ("b", cols))
    ]
    assert sources.port_names(modules_top(engine))[0] == "clk_i"
    return f"""
module tpe_bench;
  logic clk /*verilator public_flat_rw*/ = 0;
  logic rst_n /*verilator public_flat_rw*/ = 0;
  logic valid /*verilator public_flat_rw*/ = 0;
  logic last /*verilator public_flat_rw*/ = 0;
  logic ready /*verilator public_flat_rw*/;
  logic c_valid /*verilator public_flat_rw*/;
  logic [{cols * 32 - 1}:0] c /*verilator public_flat_rw*/;
{a}
{b}
  tpe_engine u_engine (
    .clk_i(clk), .rst_ni(rst_n), .a_valid_i(valid), .a_ready_o(ready), .a_last_i(last),
    .a_i({{{lists[0]}}}), .b_valid_i(valid), .b_ready_o(), .b_i({{{lists[1]}}}),
    .c_valid_o(c_valid), .c_ready_i(1'b1), .c_last_o(), .c_o(c));
endmodule
"""


def modules_top(engine: tpe.Engine) -> str:
    """The source of the engine's top module."""
    return emit.engine_modules(engine)["tpe_engine"]
