"""Co-simulation of one cell and its finish, step by step, against the PE's kernels."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tpe import kernels
from tpe.digits import encoding, select
from tpe.engine import Engine
from tpe.hdl import emit, sources
from tpe.hdl.build import Design, build
from tpe.hdl.cosim import simulate
from tpe.hdl.pack import Ints, to_hex, unpack
from tpe.jit import compiled
from tpe.pe.base import ENCODERS
from tpe.values import wrap

UNUSED = ("m_tiles", "n_tiles", "b_beats", "pass_beats", "a_zero", "b_zero", "idle", "busy")
WORDS = 1 << 19  # steps a bench memory holds


@dataclass(frozen=True)
class Steps:
    """Steps of one cell: equal arrays. `en` 0 freezes it, `valid` 0 leaves its psum alone."""

    first: Ints
    code: Ints  # an operand, or a digit of -2..2 for a digit-serial PE
    b: Ints
    plane: Ints
    en: Ints
    valid: Ints

    def __len__(self) -> int:
        return len(self.code)


def steps_of_pairs(engine: Engine, a: Ints, b: Ints) -> tuple[Steps, Ints]:
    """Every pair (a[i], b[i]) as a sum of its own, and the index of each pair's step or planes.

    The index (pairs, planes) says after which step to read; the product is the sum over planes
    of what is read there, each already weighed by the finish.
    """
    pe, w = emit.record(engine), engine.widths
    planes = w.digits if pe.sparse else 1
    count = len(a) * planes
    if pe.sparse:
        code = encoding(engine.encoder).encode(a, w.a).astype(np.int64).reshape(-1)
    else:
        code = np.asarray(a, np.int64)
    ones = np.ones(count, np.int64)
    plane = np.tile(np.arange(planes), len(a))
    steps = Steps(ones, code, np.repeat(b, planes), plane, ones, ones)
    return steps, np.arange(count).reshape(-1, planes)


def model_steps(engine: Engine, steps: Steps) -> Ints:
    """What the finish shows after each step, by the PE's kernels: words of acc_bits, signed."""
    pe, w = emit.record(engine), engine.widths
    taken = np.flatnonzero(steps.en & steps.valid)
    rows = np.stack([steps.first, steps.code, steps.b, steps.plane], axis=1)[taken]
    shown = compiled(kernels.trace)(
        compiled(pe.step),
        compiled(pe.resolve),
        np.ascontiguousarray(rows, np.int64),
        pe.psum.word_bits(w),
        w.a,
        w.acc,
        ENCODERS[engine.encoder],
    )
    words = np.zeros(len(steps), np.int64)
    words[taken] = wrap(np.asarray(shown), w.acc)
    return words


def rtl_steps(engine: Engine, steps: Steps) -> Ints:
    """The same of the RTL in Verilator; meaningful where a step was taken."""
    pe, w = emit.record(engine), engine.widths
    latency = pe.cell_latency(engine.params)
    flush = latency + 1
    memory = _memory(engine, steps, flush)
    enabled = np.flatnonzero(np.append(steps.en, np.ones(flush, np.int64)))
    home = build(design(engine))
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        job = Path(folder) / "0"
        job.mkdir()
        (job / "a.hex").write_bytes(memory)
        settings = dict.fromkeys(UNUSED, 0)
        simulate(
            home,
            [{"folder": str(job), "sel": 0, "a_beats": len(steps) + flush, **settings}],
            Path(folder),
        )
        words = unpack(job / "c.hex", len(enabled), 1, w.acc)[:, 0]
    # Word i of the enabled cycles shows the psum before the step of cycle i - latency.
    position = np.cumsum(steps.en) - 1
    shown: Ints = words[position + 1 + latency]
    return shown


def design(engine: Engine) -> Design:
    """A simulator with one cell of the engine's PE."""
    w = emit.rtl_widths(engine)
    names = ("AWidth", "BWidth", "AccWidth", "CodeWidth", "PsumWidth", "PlaneWidth", "CellLatency")
    parameters = [(name, w[name]) for name in names] + [("MemWords", WORDS)]
    modules = sources.closure(
        {"tpe_pe_harness": sources.bench_text("tpe_pe_harness"), **emit.pe_aliases(engine)}
    )
    harness = {"module": "tpe_pe_harness", "parameters": parameters, "cell_only": True}
    modules["tpe_bench"] = emit.template("bench.sv.j2", harnesses=[harness])
    return Design(modules, "tpe_bench")


def _memory(engine: Engine, steps: Steps, flush: int) -> bytes:
    """Words {en, valid, first, plane, code, b}; the last `flush` are enabled but not valid."""
    w = emit.rtl_widths(engine)
    code = _code_words(engine, steps.code)
    fields = (
        (steps.b, w["BWidth"]),
        (code, w["CodeWidth"]),
        (steps.plane, w["PlaneWidth"]),
        (steps.first, 1),
        (steps.valid, 1),
        (steps.en, 1),
    )
    flags = [(x[:, None] >> np.arange(bits)) & 1 for x, bits in fields]
    body = np.hstack(flags).astype(np.uint8)
    tail = np.zeros((flush, body.shape[1]), np.uint8)
    tail[:, -1] = 1
    return to_hex(np.vstack([body, tail]))


def _code_words(engine: Engine, code: Ints) -> Ints:
    """Digits as the select {neg, two, one}; operands as they are."""
    if not emit.record(engine).sparse:
        return code
    return select(code)
