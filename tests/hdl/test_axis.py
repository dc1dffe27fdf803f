"""The AXI4-Stream wrapper: lint of all, and GEMMs through the stream models of cocotbext-axi."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.combos import WITH_RTL, combo_id, engine, variants
from tpe.engine.finish import ChainInputs, Requant
from tpe.hdl import emit
from tpe.hdl.emit.package_files.axis import axis_modules
from tpe.hdl.emit.package_files.facts import Elements, Interface, facts
from tpe.hdl.emit.package_files.order import in_bytes, order
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.build import QUICK, Design, build, lint
from tpe.hdl.simulate.images import Case, images

RNG = np.random.default_rng(20)


def drawn(e: tpe.Engine, m: int, n: int, k: int) -> tuple[Any, Any]:
    a, b = e.a_format, e.b_format
    return RNG.integers(a.low, a.high + 1, (m, k)), RNG.integers(b.low, b.high + 1, (k, n))


@dataclass(frozen=True)
class Wrapped:
    """A GEMM for a wrapper, and C by arithmetic that shares nothing with the engine."""

    case: Case
    c: Any


def plain(pe: str, array: str, size: tuple[int, ...], shape: Any, **params: Any):
    e = tpe.Engine(pe, array, size, **params)
    a, b = drawn(e, *shape)
    if pe.startswith("opt") or pe == "stripes":
        a[RNG.random(a.shape) < 0.4] = 0  # empty groups, rows that run apart
    return Wrapped(Case(e, a, b), a.astype(np.int64) @ b)


def finished(pe: str, array: str, size: tuple[int, ...], shape: Any, **params: Any):
    """With everything that a word may take: C0, a bias, a scale per column, an output zero."""
    e = tpe.Engine(pe, array, size, c0="on", bias="on", requant="column", relu="on", **params)
    a, b = drawn(e, *shape)
    m, n, _ = shape
    c0, bias = RNG.integers(-5000, 5000, (m, n)), RNG.integers(-900, 900, n)
    scale, shift = RNG.integers(1, 1 << 16, n), RNG.integers(18, 30, n)
    case = Case(e, a, b, chain_inputs=ChainInputs(c0, bias, Requant(scale, shift, -7)))
    exact = (a.astype(object) @ b + c0 + bias) * scale.astype(object)
    c = np.empty((m, n), np.int64)
    for (i, j), value in np.ndenumerate(exact):
        whole, rest = divmod(value, 2 ** int(shift[j]))
        half = 2 ** int(shift[j]) // 2
        whole += rest > half or (rest == half and whole % 2)
        c[i, j] = np.clip(max(whole, 0) - 7, -128, 127)
    return Wrapped(case, c)


def zeroed(pe: str, array: str, size: tuple[int, ...], shape: Any, **params: Any):
    e = tpe.Engine(pe, array, size, **params)
    a, b = drawn(e, *shape)
    z_a, z_b = int(e.a_format.low + 3), int(e.b_format.high - 2)
    return Wrapped(Case(e, a, b, a_zero=z_a, b_zero=z_b), (a - z_a) @ (b - z_b))


def gemms() -> Iterator[Wrapped]:
    yield plain("mac", "systolic_os", (3, 2), (7, 5, 9))
    yield plain("opt1", "matrix2d", (2, 3), (5, 7, 1), a_type="int3", b_type="int5", acc_bits=17)
    yield plain("opt4c", "matrix2d", (3, 2), (7, 5, 33), depth=16)
    yield plain("opt4e", "matrix2d", (2, 2), (5, 3, 20), depth=32, drift=2, encode="weights")
    yield plain("opt3", "matrix2d", (2, 2), (5, 4, 23), depth=8, overlap="load")
    yield plain("mac", "systolic_ws", (3, 2), (8, 5, 10), psum_depth=3, stages=2)
    yield plain("opt1", "systolic_ws", (2, 3), (6, 7, 5), overlap="load", lanes=2)
    yield plain("mac", "systolic_ws", (2, 2), (9, 3, 7), overlap="stream", psum_depth=4)
    yield plain("opt2", "matrix2d", (2, 2), (3, 3, 5), bw="time", encode="weights")
    yield plain("stripes", "matrix2d", (2, 2), (3, 3, 5), lanes=2)
    yield plain("mac", "cube3d", (2, 2, 3), (3, 5, 7), encode="weights", overlap="stream")
    yield plain("opt1", "systolic_os", (2, 2), (5, 3, 6), encode_in="stored", encoder="ent")
    yield finished("mac", "systolic_os", (3, 2), (7, 5, 9), overflow="saturate")
    yield finished("mac", "systolic_os", (2, 3), (7, 5, 3), overlap="stream")
    yield finished("opt2", "matrix2d", (2, 2), (3, 5, 1), bw="time", overlap="stream")
    yield finished("mac", "matrix2d", (1, 2), (5, 5, 1), overlap="drain", a_type="int3")
    yield finished("opt4c", "matrix2d", (2, 2), (5, 3, 20), depth=16)
    yield finished("mac", "systolic_ws", (2, 3), (7, 5, 9), psum_depth=2)
    yield finished("mac", "systolic_ws", (1, 2), (5, 3, 2), psum_depth=2, overlap="stream")
    yield finished("opt1", "adder_tree", (2, 3), (4, 5, 7), encode="weights")
    yield zeroed("mac", "matrix2d", (2, 2), (3, 5, 7), a_type="uint8", zero_points="subtract")
    yield zeroed("opt4c", "matrix2d", (2, 2), (3, 5, 9), b_type="uint5", zero_points="subtract")
    yield zeroed(
        "mac",
        "systolic_os",
        (3, 2),
        (7, 5, 2),
        a_type="uint8",
        zero_points="offset",
        overlap="stream",
    )
    yield zeroed("mac", "systolic_ws", (2, 2), (3, 5, 7), a_type="uint8", zero_points="offset")


def beats(image: bytes, part: Elements, wanted: Any) -> list[tuple[str, bool]]:
    lines = image.decode().split()
    return [(in_bytes(lines[beat.word], part).hex(), beat.last) for beat in wanted]


# Shares of cycles in which a stream pauses. What goes with the words comes late, C leaves late.
PAUSES = [{"other": 0.3}, {"other": 0.05, "d": 0.95}, {"other": 0.3, "c": 0.9, "b": 0.0}]


def job(given: Wrapped, known: Interface, seed: int) -> dict[str, Any]:
    image = images(given.case)
    sent = order(image.settings, known)
    streams = {"a": beats(image.a, known.a, sent.a), "b": beats(image.b, known.b, sent.b)}
    if known.passes:
        streams["p"] = [(f"{one.byte:02x}", False) for one in sent.passes]
    if known.taken:
        streams["d"] = [(taken(line, known), False) for line in image.d.decode().split()]
    zeros = {"a_zero_i": image.settings["a_zero"], "b_zero_i": image.settings["b_zero"]}
    widths = dict(
        zip(("a_zero_i", "b_zero_i"), emit.stored_formats(given.case.engine), strict=True)
    )
    ports = {p: zeros[p] & ((1 << widths[p].bits) - 1) for p in known.zeros}
    if "overflow_o" in known.ports:
        ports["overflow_clear_i"] = 0
    return {
        "streams": streams,
        "ports": ports,
        "pauses": PAUSES[seed],
        "seed": seed,
        "frames": tiles(image, known),
    }


def tiles(image: Any, known: Interface) -> int:
    """Frames of C: a tile each; of a chain, a block of M each."""
    s = image.settings
    if known.chained:
        return s["n_count"] * s["m_count"]
    return image.m_tiles * image.n_tiles


def taken(line: str, known: Interface) -> str:
    value, found = int(line, 16), ""
    for _, part in known.taken:
        found += in_bytes(f"{value & ((1 << part.width) - 1):x}", part).hex()
        value >>= part.width
    return found


def bench(all_known: list[Interface], engines: list[tpe.Engine]) -> Design:
    modules: dict[str, str] = {}
    ports, instances = ["input wire logic aclk", "input wire logic aresetn"], []
    for i, e in enumerate(engines):
        own = emit.rename({**emit.engine_modules(e), **axis_modules(e)}, f"e{i}")
        modules |= own
        head = re.search(r"\) ?\(\n(.*?)\n\);|_axis \(\n(.*?)\n\);", own[f"e{i}_axis"], re.S)
        lines = [x.split("//")[0].strip().rstrip(",") for x in (head[1] or head[2]).splitlines()]
        names = []
        for line in filter(None, lines):
            name = line.split()[-1]
            names.append(name)
            if name not in ("aclk", "aresetn"):
                ports.append(re.sub(rf"\b{name}$", f"e{i}_{name}", line))
        wires = [f".{x}({x if x in ('aclk', 'aresetn') else f'e{i}_{x}'})" for x in names]
        instances.append(f"  e{i}_axis u_{i} ({', '.join(wires)});")
    public = ",\n".join(f"{port} /*verilator public_flat_rw*/" for port in ports)
    top = f"module axis_bench (\n{public}\n);\n" + "\n".join(instances)
    modules["axis_bench"] = top + "\nendmodule\n"
    return Design(modules, "axis_bench", compiler=QUICK)


def run(work: list[Wrapped], seed: int) -> list[dict[str, Any]]:
    engines = [given.case.engine for given in work]
    known = [facts(e) for e in engines]
    home = build(bench(known, engines))
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        jobs = [job(x, y, seed) for x, y in zip(work, known, strict=True)]
        return cosim.simulate(
            home, jobs, Path(folder), module="tests.hdl.axis_bench", top="axis_bench"
        )


def c_of(given: Wrapped, result: dict[str, Any]) -> Any:
    known, image = facts(given.case.engine), images(given.case)
    data = bytes.fromhex("".join(result["frames"]))
    step, words = known.c.slot // 8, []
    for at in range(0, len(data), step):
        words.append(int.from_bytes(data[at : at + step], "little", signed=known.c.signed))
    return image.untiled(np.array(words).reshape(-1, known.c.count), given.case)


@pytest.mark.parametrize("half", [0, pytest.param(1, marks=pytest.mark.full)])
def test_gemms_through_the_stream_models_with_pauses_everywhere(half):
    work = list(gemms())[half::2]
    for seed in range(len(PAUSES)):
        results = run(work, seed)
        for given, result in zip(work, results, strict=True):
            name = given.case.engine.name, given.case.engine.params
            assert "hangs" not in result, name
            assert result["left"] == [] and result["more"] == 0, name
            assert (c_of(given, result) == given.c).all(), name


@pytest.mark.parametrize("combo", WITH_RTL[::4], ids=combo_id)
def test_the_wrapper_lints(combo):
    lint_wrapper(combo, {})


@pytest.mark.full
@pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
def test_the_wrapper_lints_in_every_variant(combo):
    for params in [*variants(*combo), *RICH]:
        lint_wrapper(combo, params)


RICH: list[dict[str, Any]] = [
    {"overflow": "flag", "bias": "on", "requant": "column", "acc_bits": 20},
    {"a_type": "uint5", "zero_points": "offset"},
    {"a_type": "int3", "zero_points": "subtract", "encode": "weights"},
]


def lint_wrapper(combo: Any, params: dict[str, Any]) -> None:
    e = engine(*combo, (2, 3), **params)
    assert lint({**emit.engine_modules(e), **axis_modules(e)}, "tpe_axis") == "", params


YOSYS = """
import sys
from pyosys import libyosys as ys
design = ys.Design()
for line in sys.stdin.read().splitlines():
    ys.run_pass(line, design)
"""
# Inputs in the cone of an output, up to the registers and memories.
CONE = "select -set cone o:* %ci*:-$dff:-$adff:-$dffe:-$adffe:-$mem_v2 i:* %i @clocks %d"


def paths(e: tpe.Engine, top: str, folder: Path) -> bool:
    """Whether any input but clock and reset reaches an output without a register between."""
    modules = {**emit.engine_modules(e), **axis_modules(e)}
    for name, text in modules.items():
        (folder / f"{name}.sv").write_text(text)
    lines = [f"read_verilog -sv {name}.sv" for name in modules]
    lines += [f"hierarchy -top {top}", "proc", "flatten", "memory", "opt_clean"]
    lines += ["select -set clocks i:aclk i:aresetn i:clk_i i:rst_ni", CONE]
    lines += ["select -assert-min 1 t:$adff*", "select -assert-none @cone"]
    command = [sys.executable, "-c", YOSYS]
    done = subprocess.run(
        command, cwd=folder, input="\n".join(lines), capture_output=True, text=True
    )
    assert done.returncode == 0 or "Assertion failed: selection is not empty" in (
        done.stdout + done.stderr
    ), (done.stdout + done.stderr)[-2000:]
    return done.returncode != 0


@pytest.mark.parametrize(
    ("pe", "array", "params"),
    [
        ("mac", "systolic_os", {"c0": "on", "overflow": "flag"}),
        ("mac", "matrix2d", {"a_type": "uint8", "zero_points": "offset"}),
        ("opt4c", "matrix2d", {"depth": 8}),
        ("mac", "systolic_ws", {"relu": "on"}),
    ],
)
def test_no_path_leads_through_the_wrapper_without_a_register(pe, array, params, tmp_path):
    e = tpe.Engine(pe, array, (2, 2), **params)
    assert not paths(e, "tpe_axis", tmp_path)
    assert paths(e, "tpe_engine", tmp_path)  # the bare engine has some: the check sees them
