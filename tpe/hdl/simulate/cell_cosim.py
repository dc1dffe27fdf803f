"""Co-simulation of one cell and its finish, step by step, against the PE's kernels."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tpe.base.jit import compiled
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.emit.templates import template
from tpe.hdl.simulate.build import COMPILER_OPTIONS, QUICK, Design, build
from tpe.hdl.simulate.cosim import simulate
from tpe.hdl.simulate.hex import Ints, to_hex, unpack
from tpe.hdl.simulate.images import cycle_limit
from tpe.model import kernels
from tpe.numbers.digits import encoding, pack_digits, select
from tpe.numbers.words import wrap
from tpe.pe.paces import Planes
from tpe.pe.parameters import ENCODERS

WORDS = 1 << 19  # steps a bench memory holds
SETTINGS = ["a_len", "freeze", "cycle_limit"]
FREEZE = 0x1248_0A90  # cycles in which a cell stands still in the midst of a step
# What the harness of a cell has more where a step lasts several cycles: start_i and ready_o; and as
# a latency is of cycles, the psum is shown so many enabled ones behind the begin of a step.
_STEPPED = (
    (
        "  assign ready = 1'b1;  // replaced by the ready_o of a cell that has one\n",
        """  logic [CellLatency:0] begins;  // [i]: a step, i enabled cycles ago
  assign begins[0] = word_en && !begun_q;
  for (genvar i = 0; i < CellLatency; i++) begin : gen_begins
    logic begins_q;
    always_ff @(posedge clk_i or negedge go_i) begin
      if (!go_i) begins_q <= 1'b0;
      else if (en) begins_q <= begins[i];
    end
    assign begins[i+1] = begins_q;
  end
""",
    ),
    ("if (word_en && !begun_q) begin", "if (en && begins[CellLatency]) begin"),
    (".code_i (step_code),\n", ".start_i(!begun_q),\n      .code_i (step_code),\n"),
    (".psum_o (psum)\n", ".psum_o (psum),\n      .ready_o(ready)\n"),
)
# ... where it chooses among operands of B.
_GROUPED = (
    (
        "    parameter int unsigned CellLatency",
        "    parameter int unsigned Offered     = 1,\n    parameter int unsigned CellLatency",
    ),
    ("Lanes * (CodeWidth + BWidth)", "Lanes * CodeWidth + Offered * BWidth"),
    ("  logic [Lanes*BWidth-1:0]    b;", "  logic [Offered*BWidth-1:0]  b;"),
    (
        "      .CodeWidth (CodeWidth),\n      .PsumWidth (PsumWidth),\n",
        "      .CodeWidth (CodeWidth),\n      .Offered   (Offered),\n"
        "      .PsumWidth (PsumWidth),\n",
    ),
)
# ... where its finish has a register inside: it shows here what it does without.
_CUT = (
    (
        ".PlaneWidth(PlaneWidth)\n  ) u_finish",
        ".PlaneWidth(PlaneWidth),\n      .FinishLatency(0)\n  ) u_finish",
    ),
)
# ... where its row counts, or its sum keeps few carries: what an array has ahead of its finish.
_COUNTED = (
    (
        "  tpe_finish #(\n",
        """  localparam int unsigned PairWidth = (CarryEvery == 1)
      ? PsumWidth / 2 : PsumWidth - (PsumWidth - 1) / (CarryEvery + 1);
  logic [2*PairWidth-1:0] pair;

  tpe_kept_pair #(
      .PsumWidth(PsumWidth),
      .Every    (CarryEvery),
      .RowTerm  (RowTerm)
  ) u_pair (
      .psum_i(psum),
      .term_i(PairWidth'(term)),
      .pair_o(pair)
  );

  tpe_finish #(
""",
    ),
    (".PsumWidth (PsumWidth),\n      .PlaneWidth(PlaneWidth)\n  ) u_finish",
     ".PsumWidth (2 * PairWidth),\n      .PlaneWidth(PlaneWidth)\n  ) u_finish"),
    (".psum_i (psum),\n      .plane_i(plane_q", ".psum_i (pair),\n      .plane_i(plane_q"),
    (".acc_i  (term)", ".acc_i  ('0)"),
    (".term_i (term)", ".term_i ((MsbFirst != 0 && plane[0]) ? term << 2 : term)"),
    (
        "    parameter int unsigned MemWords",
        "    parameter int unsigned RowTerm     = 0,\n"
        "    parameter int unsigned CarryEvery  = 1,\n"
        "    parameter int unsigned MsbFirst    = 0,\n    parameter int unsigned MemWords",
    ),
)  # fmt: skip
# ... where B comes in planes: its row has the code with the first alone.
_SERIAL = ((".code_i (code),\n      .term_i", ".code_i (plane == '0 ? code : '0),\n      .term_i"),)
_OF_COUNTED = ("RowTerm", "CarryEvery", "MsbFirst")


@dataclass(frozen=True)
class CellStimulus:
    """Steps of one cell: equal arrays. `en` 0 freezes it, `valid` 0 leaves its psum alone.

    `code` and `b` are (steps, lanes), or (steps,) for one lane.
    """

    first: Ints
    code: Ints  # operands, or digits of -2..2 for a digit-serial PE
    b: Ints
    plane: Ints
    en: Ints
    valid: Ints

    def __len__(self) -> int:
        return len(self.code)


def steps_of_pairs(engine: Config, a: Ints, b: Ints, lane: int = 0) -> tuple[CellStimulus, Ints]:
    """Every pair (a[i], b[i]) on one lane as a sum of its own; the other lanes hold zeros.

    Returns what `steps_of_dots` does.
    """
    sides = np.zeros((2, len(a), engine.widths.lanes), np.int64)
    sides[0, :, lane], sides[1, :, lane] = a, b
    return steps_of_dots(engine, sides[0], sides[1])


def steps_of_dots(engine: Config, a: Ints, b: Ints) -> tuple[CellStimulus, Ints]:
    """Every dot product over the lanes, a (count, lanes) by b, as a sum of its own.

    The second result, (count, reads), says after which steps to read: the dot product is the sum
    of what is shown there. A PE that takes selected digits shows plane after plane, each at its
    weight; one that takes them from the top down into one psum, one whose K is streamed once per
    plane, and one that takes planes of B, show the total after the step that brings or closes the
    last.
    """
    pe, w = emit.record(engine), engine.widths
    count, lanes = a.shape
    if pe.falling:
        return _falling_dots(engine, a, b)
    if pe.sparse or pe.grouped:
        taken = w.digits
        digits = encoding(engine.encoder).encode(a, w.a).astype(np.int64)
        code = digits.transpose(0, 2, 1).reshape(-1, lanes)
        first = np.ones(count * taken, np.int64)
        index = np.arange(count * taken).reshape(-1, taken)
    else:
        planes = pe.planes(w)
        taken = pe.bit_planes(w) if pe.serial else planes + int(planes > 1)
        code = np.repeat(np.asarray(a, np.int64), taken, axis=0)
        first = np.tile(np.arange(taken) == 0, count).astype(np.int64)
        index = np.arange(count)[:, None] * taken + taken - 1
    plane = np.tile(np.arange(taken), count)
    ones = np.ones(count * taken, np.int64)
    return CellStimulus(first, code, np.repeat(b, taken, axis=0), plane, ones, ones), index


def _falling_dots(engine: Config, a: Ints, b: Ints) -> tuple[CellStimulus, Ints]:
    """The same in digits from the top down: `plane` says that the psum moves up before the step."""
    count, taken = len(a), engine.widths.digits
    digits = encoding(engine.encoder).encode(a, engine.widths.a).astype(np.int64)[..., ::-1]
    code = digits.transpose(0, 2, 1).reshape(count * taken, -1)
    top = np.tile(np.arange(taken) == 0, count).astype(np.int64)
    ones = np.ones(count * taken, np.int64)
    steps = CellStimulus(top, code, np.repeat(b, taken, axis=0), 1 - top, ones, ones)
    return steps, np.arange(count)[:, None] * taken + taken - 1


def model_steps(engine: Config, steps: CellStimulus) -> Ints:
    """What the finish shows after each step, by the PE's kernels: words of acc_bits, signed."""
    pe, w = emit.record(engine), engine.widths
    taken = np.flatnonzero(steps.en & steps.valid)
    first, plane = steps.first[taken], steps.plane[taken]
    code, b = _by_lane(steps.code)[taken], _by_lane(steps.b)[taken]
    if isinstance(pe.pace, Planes):
        digits = encoding(engine.encoder).encode(code, w.a).astype(np.int64)
        shown = _folded(engine, first, plane, digits, b)
    else:
        shown = _traced(engine, first, plane + 1 if pe.serial else plane, code, b)
    words = np.zeros(len(steps), np.int64)
    words[taken] = wrap(np.asarray(shown), w.acc)
    return words


def _traced(engine: Config, first: Ints, plane: Ints, code: Ints, b: Ints) -> Ints:
    """What the finish shows of one pair or word after each step."""
    pe, w = emit.record(engine), engine.widths
    traced: Ints = compiled(kernels.trace)(
        compiled(pe.kernel.step),
        compiled(pe.kernel.resolve),
        *(np.array(x, np.int64, order="C") for x in (first, plane, code, b)),
        pe.kernel.products,
        len(pe.kernel.psum.words(w)),
        pe.kernel.facts(w, ENCODERS[engine.encoder]),
    )
    return traced


def _folded(engine: Config, first: Ints, plane: Ints, digits: Ints, b: Ints) -> Ints:
    """The total of the planes that are over, after each step; digits (steps, lanes, planes).

    A step of another plane, or of plane `planes`, which has no digits, ends the one before it.
    """
    without = np.concatenate([digits, np.zeros_like(digits[..., :1])], axis=2)
    chosen = np.take_along_axis(without, plane[:, None, None], axis=2)[..., 0]
    other = np.append(True, plane[1:] != plane[:-1])
    value = _traced(engine, np.where(other, 1, first), plane, chosen, b)
    ended = np.where(other & (first == 0), np.roll(value, 1), 0)
    total = np.cumsum(ended)
    start = np.maximum.accumulate(np.where(first == 1, np.arange(len(first)), 0))
    kept: Ints = total - total[start]
    return kept


def _by_lane(x: Ints) -> Ints:
    return np.reshape(x, (len(x), -1))


def rtl_steps(engine: Config, steps: CellStimulus) -> Ints:
    """The same of the RTL in Verilator; meaningful where a step was taken.

    Raises RuntimeError if the cell does not end its steps in twice their longest time.
    """
    pe, w = emit.record(engine), engine.widths
    latency = pe.latency(engine.params)
    flush = latency + 1
    memory = _memory(engine, steps, flush)
    enabled = np.flatnonzero(np.append(steps.en, np.ones(flush, np.int64)))
    home = build(design(engine))
    with tempfile.TemporaryDirectory(prefix="tpe-") as folder:
        job = Path(folder) / "0"
        job.mkdir()
        (job / "a.hex").write_bytes(memory)
        count = len(steps) + flush
        settings = {"sel": 0, "a_len": count, "freeze": FREEZE}
        settings["cycle_limit"] = cycle_limit(count * pe.longest(w))  # FREEZE takes a third of them
        (measured,) = simulate(home, [{"folder": str(job), **settings}], Path(folder))
        if "deadlock" in measured:
            raise RuntimeError(f"the cell of {pe.name} hangs: {measured['deadlock']}")
        late = latency if pe.stepped else 0  # the last words, which nobody reads, are not shown
        words = unpack(job / "c.hex", len(enabled) - late, 1, w.acc)[:, 0]
    # Word i of the enabled cycles shows the psum before the step of cycle i - latency; or, where
    # steps last several cycles, before that of cycle i.
    position = np.cumsum(steps.en) - 1
    shown: Ints = words[position + 1 + latency - late]
    return shown


def design(engine: Config) -> Design:
    """A simulator with one cell of the engine's PE."""
    w = emit.rtl_widths(engine)
    widths = ("AWidth", "BWidth", "AccWidth", "CodeWidth", "PsumWidth", "PlaneWidth")
    names = [*widths, "Lanes", "CellLatency", "Hold"]
    names += ["Offered"] if emit.record(engine).grouped else []
    names += _OF_COUNTED if _counted(engine) else []
    parameters = [(name, w[name]) for name in names] + [("MemWords", _words(engine))]
    modules = sources.closure({"tpe_pe_harness": _harness(engine), **emit.pe_aliases(engine)})
    harness = {"module": "tpe_pe_harness", "parameters": parameters, "settings": SETTINGS}
    modules["tpe_bench"] = template("bench.sv.j2", harnesses=[harness], settings=SETTINGS)
    # A step is a cycle of few operations, or many cycles.
    options = COMPILER_OPTIONS if emit.record(engine).stepped else QUICK
    return Design(modules, "tpe_bench", compiler=options)


def _words(engine: Config) -> int:
    """Steps that a bench memory holds: of planes of B twice as many, since all bytes are 2**19."""
    return 2 * WORDS if emit.record(engine).serial else WORDS


def _harness(engine: Config) -> str:
    """The harness of a cell: as it is, or as what its PE has more changes it."""
    text, pe = sources.bench_text("tpe_pe_harness"), emit.record(engine)
    changes = (
        (pe.stepped, _STEPPED),
        (pe.grouped, _GROUPED),
        (_counted(engine), _COUNTED),
        (pe.serial, _SERIAL),
        (pe.finish_latency(engine.params) > 0, _CUT),
    )
    for old, new in (change for needed, own in changes if needed for change in own):
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


def _counted(engine: Config) -> bool:
    """Whether a digit's cell leaves something to its row, or its sum keeps few carries."""
    w = emit.rtl_widths(engine)
    return emit.record(engine).sparse and bool(w["RowTerm"] or w["CarryEvery"] > 1)


def _offered(steps: CellStimulus, count: int) -> tuple[Ints, Ints]:
    """Which of `count` operands of B each lane's code says, (steps, lanes), and all of them.

    The others differ from the right one in every bit.
    """
    b = _by_lane(steps.b)
    number, lanes = b.shape
    index = (5 * np.arange(number)[:, None] + np.arange(lanes)) % count
    offered = np.repeat(~b[:, :1], count, axis=1)
    np.put_along_axis(offered, index, b, axis=1)
    return index, offered


def _memory(engine: Config, steps: CellStimulus, flush: int) -> bytes:
    """Words {en, valid, first, plane, code, b}; the last `flush` are enabled but not valid."""
    w = emit.rtl_widths(engine)
    if emit.record(engine).serial:
        return _serial_memory(engine, steps, flush)
    code, b = _code_words(engine, steps.code), steps.b
    if emit.record(engine).grouped:
        index, b = _offered(steps, w["Offered"])
        code = (index << w["PlaneWidth"] | steps.plane[:, None]) << 3 | _by_lane(code)
    fields = (
        (b, w["BWidth"]),
        (code, w["CodeWidth"]),
        (steps.plane, w["PlaneWidth"]),
        (steps.first, 1),
        (steps.valid, 1),
        (steps.en, 1),
    )
    return _hex_of(np.hstack([_bits(x, bits) for x, bits in fields]), flush)


def _serial_memory(engine: Config, steps: CellStimulus, flush: int) -> bytes:
    """The same of a cell that takes planes of stored B, and one code of all lanes from its front.

    The planes below the step's are gone from B.
    """
    w, built = emit.rtl_widths(engine), emit.hardware(engine)
    assert built.front_bits is not None
    b = emit.stored_b(engine, _by_lane(steps.b)) >> steps.plane[:, None]
    made = built.front_bits(engine.widths, _by_lane(steps.code))
    code = np.zeros((len(steps), w["Lanes"] * w["CodeWidth"]), np.uint8)
    code[:, : made.shape[1]] = made
    fields = ((steps.plane, w["PlaneWidth"]), (steps.first, 1), (steps.valid, 1), (steps.en, 1))
    rest = [_bits(x, bits) for x, bits in fields]
    return _hex_of(np.hstack([_bits(b, w["BWidth"]), code, *rest]), flush)


def _hex_of(body: np.ndarray[Any, np.dtype[np.uint8]], flush: int) -> bytes:
    """A memory of steps, (steps, bits), and behind them `flush` that are enabled but not valid."""
    tail = np.zeros((flush, body.shape[1]), np.uint8)
    tail[:, -1] = 1
    return to_hex(np.vstack([body, tail]))


def _bits(x: Ints, bits: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bits of every step, lowest first, lane 0 lowest."""
    flags = (_by_lane(x)[..., None] >> np.arange(bits)) & 1
    return flags.astype(np.uint8).reshape(len(x), -1)


def _code_words(engine: Config, code: Ints) -> Ints:
    """Digits as the select {neg, two, one}; operands as they are, or coded if they travel so."""
    pe = emit.record(engine)
    if pe.sparse or pe.grouped:
        return select(code)
    if engine.params.get("encode_in", "cell") != "cell":
        return pack_digits(engine.encoder, code, engine.widths.a)
    return code
