"""The sentences of a package's README, each chosen by what the engine's ports are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tpe.array.base import Overlap
from tpe.engine.choices import Overflow
from tpe.hdl import emit
from tpe.hdl.emit.package_files import example, sparse_words
from tpe.hdl.emit.package_files.facts import Interface
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.paces import LockStep
from tpe.pe.parameters import EncodeIn

if TYPE_CHECKING:
    from tpe.engine.config import Config
    from tpe.hdl.simulate.images import Case

_CODES = {
    "ent": "stored digits, EN-T: the sign above two bits a digit, which are digit times sign mod 4",
    "booth": "stored digits, Booth: select lines {neg, two, one} of each digit, the lowest first",
}
_VALID = " (the highest says that it is an operand: 0 where there is none)"
RESETS = {
    "async": "an asynchronous\nreset, low when active: it may fall at any time and must rise "
    "synchronously to `clk_i` (with\nrecovery and removal time kept).",
    "sync": "a synchronous\nreset, low when active, taken at the edges: hold it low over two of "
    "them at least; before the\nfirst, registers hold anything.",
}
PORTS = {
    "clk_i": "clock",
    "rst_ni": "reset, {reset}, active low",
    "load_i": "the pass loads B first",
    "clear_i": "the pass starts its sums from zero",
    "flush_i": "C leaves at the end of the pass",
    "done_o": "the pass ends with this cycle",
    "a_valid_i": "a beat of A is offered",
    "a_ready_o": "... and taken",
    "a_last_i": "it is a last one: see below",
    "a_i": "the beat",
    "a_zero_i": "zero point of A, in the stored format of A",
    "b_valid_i": "a beat of B is offered",
    "b_ready_o": "... and taken",
    "b_last_i": "it is the last of its load",
    "b_i": "the beat",
    "b_zero_i": "zero point of B, in the stored format of B",
    "c_valid_o": "a word of C is offered",
    "c_ready_i": "... and taken",
    "c_last_o": "it is a last one: see below",
    "c_o": "the word",
    "c_add_i": "added to the word, an output each",
    "bias_i": "bias, added to the word",
    "scale_i": "multiplier of the requantisation, unsigned",
    "group_scale_i": "scales of the word's columns in its group of K, floats: see the finish chain",
    "group_i": "bit 0: the word is of the first group of K, bit 1: of the last",
    "shift_i": "its shift to the right, 0 to 63",
    "out_zero_i": "zero point of the output, in its format",
    "c_take_o": "a word enters the finish chain with this cycle, and what goes with it is read",
    "overflow_clear_i": "lowers `overflow_o`, unless a word overflows in the same cycle",
    "overflow_o": "a word did not fit the accumulator; stays high",
}


def texts(engine: Config, known: Interface) -> dict[str, str]:
    """What README's template puts between its tables, by the template's names."""
    return {
        "offsets": ", less their zero points"
        if engine.choices.zero_points is not ZeroPoints.NONE
        else "",
        "ready_note": _ready_note(known),
        "stall_note": _stall_note(known),
        "c_kind": "fp32"
        if engine.scale_group
        else "two's complement"
        if known.c.signed
        else "unsigned",
        "encoded": _encoded(engine.sides.turned),
        "padding": _padding(engine),
        "order_text": _order(engine, known),
        **_layouts(engine, known),
        **sparse_words.layouts(engine, known),
        "planes_text": _planes(known),
        "passes_text": _passes(engine, known),
        "zeros_text": _zeros(engine),
        "finish_text": _finish(engine, known),
        "cycles_text": _cycles(engine, known),
    }


def example_inputs(case: Case) -> list[str]:
    """What the worked example is given beside its operands, a line each."""
    engine, stages = case.engine, case.engine.chain
    lines = sparse_words.example_lines(engine)
    if engine.choices.zero_points is not ZeroPoints.NONE:
        lines.append(f"zero points of A and B = {example.OPERAND_ZERO}")
    if stages.c0:
        lines.append(f"C0[m, n] = {example.GIVEN_C0}")
    if stages.bias:
        lines.append(f"bias[n] = {example.GIVEN_BIAS}")
    if stages.requant != "off":
        lines.append(
            f"multiplier = {example.MULTIPLIER}, shift = {example.SHIFT}, "
            f"output zero point = {example.OUT_ZERO}"
        )
    return lines


def _ready_note(known: Interface) -> str:
    if known.paired:
        together = (
            "a beat of A and one of B are taken together: `a_ready_o` waits for `b_valid_i`, and\n"
            "`b_ready_o` for `a_valid_i`"
        )
        late = "; a tile's last beat waits for rows that leave: both ask `a_last_i`"
        return together + (late if known.streamed else "")
    if known.chained:
        both = "here both depend on `c_ready_i`, through the one enable of the array"
        return both + (", and\n`a_ready_o` on `clear_i`" if known.streamed else "")
    return "here on `load_i` and on registers alone"


def _stall_note(known: Interface) -> str:
    if known.sparse:
        return "nothing\nmore leaves and nothing is lost; rows go on until they need the finish"
    return "the whole\narray stands still"


def _encoded(turned: bool) -> str:
    if not turned:
        return ""
    return (
        "This engine encodes weights: **port A carries B**, column n of B as row m of what "
        "follows,\n"
        "and port B carries A. It computes C transposed: a word of C is a part of a column. In "
        "this\n"
        "section and below, A, B, C, M and N are those of the ports, but for the worked example.\n"
        "\n"
    )


def _padding(engine: Config) -> str:
    return {
        "none": "zeros",
        "subtract": "the zero point",
        "offset": "what enters the array as zero (half the range of an unsigned format, else 0)",
    }[str(engine.params["zero_points"])]


def _order(engine: Config, known: Interface) -> str:
    grid = engine.grid
    if known.chained:
        depth = engine.params["psum_depth"]
        return (
            f"N is cut into tiles of {grid.n}, K into tiles of {known.per_beat}. Tiles of N come "
            "outermost, then blocks of M,\nthen tiles of K; in each of these passes a tile of B is "
            "loaded and the rows of the block\nstream. If K takes one tile, the block is all of M; "
            f"else at most {depth} rows, and their sums\nwait in the psum buffer between passes. M "
            "need not be padded."
        )
    text = (
        f"M is cut into tiles of {grid.m}, N into tiles of {grid.n}. Tiles of N come outermost, "
        f"then tiles of M, and all\nof K inside: {_overlapped(engine)}."
    )
    if known.sparse:
        depth = engine.widths.depth
        text += (
            f" K is done in passes of at most {depth}\noperands, whose B is resident; if K takes "
            f"one pass,"
            " B is loaded once for all tiles of M of\na tile of N, else in every pass. Below, k "
            "counts"
            " from the start of the pass."
        )
    return text


def _overlapped(engine: Config) -> str:
    """How a tile follows another."""
    return {
        Overlap.DRAIN: "the beats of a tile are taken once the sums of the one before have left\n"
        "their cells, while its words leave",
        Overlap.STREAM: "the beats of a tile follow those of the one before without a gap, and\n"
        "words leave behind them",
    }.get(engine.choices.overlap, "a tile is finished before the next")


def _layouts(engine: Config, known: Interface) -> dict[str, str]:
    stored = engine.choices.encode_in is EncodeIn.STORED
    coded = _VALID if engine.arithmetic.valid_bit else ""
    texts = {"a_coded": f" ({_CODES[engine.encoder]})" if stored else coded}
    note = emit.hardware(engine).stored_note
    texts["b_coded"] = f", stored for their look-ups ({note})" if note else ""
    if known.chained:
        return texts | {
            "a_layout": "element r is A[m, r] of the tile of K. A beat is a row m; rows in order.",
            "a_last": "the last row of a pass",
            "b_layout": _weights(known, engine.widths.lanes),
            "b_last": "`b_last_i` is high with the last of them. A tile of B may be loaded "
            "before its pass.",
            "c_layout": "Rows in the order of those of A; `c_last_o` is high with the last of a "
            "pass.",
        }
    many = known.per_beat
    k = "k = beat" if many == 1 else f"k = {many} x beat + i"
    element = "r" if many == 1 else f"{many} r + i"
    texts["a_layout"] = f"element {element} is A[r, k] of the tile, {k}."
    texts["c_layout"] = (
        "A word is a row of the tile, row 0 first; `c_last_o` is high with the last."
    )
    if known.sparse:
        texts["a_last"] = "the last beat of each plane of a pass"
        if known.streams > 1:
            lanes = known.streams // known.rows
            texts["a_layout"] += (
                f"\nEach of the {known.streams} streams (bit s of `a_valid_i`, `a_ready_o`, "
                f"`a_last_i`) is one row"
                + ("" if lanes == 1 else f" and\none of {lanes} lanes, s = {lanes} x row + lane")
                + f", with its own {many * known.rows // known.streams}\noperands of the beat; "
                f"streams run apart."
            )
        return texts | {
            "b_layout": "element c is B[k, c] of the tile, a beat for each k of the pass, k "
            "rising, no padding.",
            "b_last": "`b_last_i` is high with the last of them.",
        }
    element = "c" if many == 1 else f"{many} c + i"
    return texts | {
        "a_last": "the last beat of K" + (" in each plane" if known.planes > 1 else ""),
        "b_layout": f"element {element} is B[k, c] of the tile, {k}.",
        "b_last": "It has no `b_last_i`: it is taken with the beat of A.",
    }


def _weights(known: Interface, lanes: int) -> str:
    """How a tile of B comes to the cells that keep it."""
    moves = "each moves those before down by a row."
    if lanes == 1:
        return (
            "element c is B[k, c] of the tile. The last k of the tile comes first: "
            f"{known.rows}\nbeats, k falling; {moves}"
        )
    return (
        f"element {lanes} c + i is B[k, c] of the tile, k = {lanes} x row + i: the weights of a "
        f"row of cells.\nThe last row comes first, {known.rows} beats; {moves}"
    )


def _planes(known: Interface) -> str:
    if known.planes == 1:
        return "One: every beat is sent once in a tile."
    both = "A and B" if known.b_planes > 1 else "A"
    order = "most" if known.falling else "least"
    return (
        f"{known.planes}, one for each digit of A, {order} significant first: the {both} of a"
        f" {'pass' if known.sparse else 'tile'}\n"
        f"is sent {known.planes} times, the same beats in the same order, each time with its "
        f"`a_last_i`."
    )


def _passes(engine: Config, known: Interface) -> str:
    if not known.passes:
        return ""
    controls = (
        "`load_i`, `clear_i`, `flush_i`" if "load_i" in known.ports else "`clear_i`, `flush_i`"
    )
    lines = [
        f"{controls} say what a pass does. Set them before its first beat of A"
        + (" (and of B)" if "load_i" in known.ports else ""),
        "and hold them until `done_o` is high; the next pass begins with the cycle after that.",
        "`clear_i`: the first pass of K; sums of before are dropped. `flush_i`: the last; C "
        "leaves. A",
        "GEMM of one pass has both; of more, the first has clear, the last flush, those between "
        "none.",
    ]
    if "load_i" in known.ports:
        lines += [
            "`load_i`: B of this pass is new; without it the B of the pass before is used again.",
        ]
    else:
        lines += ["Every pass loads a tile of B."]
    if known.overlapped:
        how = f"`overlap` = {engine.choices.overlap}"
        lines += [f"B of the next pass is taken while this one works ({how})."]
    if known.streamed:
        lines += [
            "`done_o` comes with the last beat of A: its words leave later, behind those of the",
            "pass before, and the next pass's first beat may come in the next cycle.",
        ]
    return "\n".join(lines)


def _zeros(engine: Config) -> str:
    mode = engine.params["zero_points"]
    if mode == ZeroPoints.NONE:
        return "None: operands are what they are. An unsigned operand is widened by a zero."
    if mode == ZeroPoints.SUBTRACT:
        return (
            "`a_zero_i` and `b_zero_i`, where they are, are subtracted from every operand as it "
            "enters.\n"
            "Hold them from the first beat to the last of a GEMM."
        )
    return (
        "An unsigned operand a of W bits enters as a' = a - 2^(W-1), a signed one as a' = a. "
        "What that\n"
        "and the zero points leave out comes in by `c_add_i` with every word of C: where\n"
        "a_rest = a - a' - zero point of A, likewise of B,\n\n"
        "    c_add[m, n] = a_rest sum_k b'[k, n] + b_rest sum_k a'[m, k] + K a_rest b_rest."
    )


def _finish(engine: Config, known: Interface) -> str:
    stages = engine.chain
    if engine.scale_group:
        return (
            f"Groups of {engine.scale_group} operands of K have scales: each is a tile of the "
            "array of its own, with\n"
            "its `a_last_i`, the groups of one tile of C one after another, the last one perhaps "
            "shorter.\n"
            "`group_scale_i` and `group_i` go with every word of the array and are read while "
            "`c_take_o` is\nhigh. "
            f"A sum times its scale, {engine.scale_type}, is rounded to fp32 and added in fp32; a "
            "row of C, words\nof fp32, leaves with its last group, two cycles later."
        )
    if not stages.staged:
        if known.taken:
            return (
                "`c_add_i` is added to the word that leaves, modulo 2^width: hold it with the "
                "word from\n"
                "`c_valid_o` until `c_ready_i`. There is no register behind the array."
            )
        return _overflow(engine) + " There is no finish chain."
    done = ["`c_add_i`"] if any(p == "c_add_i" for p, _ in known.taken) else []
    done += ["`bias_i`"] if stages.bias else []
    lines = ["One register, one cycle. " + (f"{' and '.join(done)} added; " if done else "")]
    if stages.narrow:
        what = "saturates at" if engine.choices.overflow is Overflow.SATURATE else "wraps to"
        lines[0] += f"the sum {what} {stages.acc_bits} bits; "
    if stages.requant != "off":
        lines[0] += (
            f"\ny = round(x * scale / 2^shift) + zero point, {stages.rounding}, "
            f"saturated to {stages.out.name}; "
        )
    lines[0] += (
        "\nwhat is below zero (the zero point) becomes that." if stages.relu else "\nno ReLU."
    )
    if known.staged:
        lines.append(
            "`c_take_o` is high in the cycle in which a word enters the register and the ports "
            "that go\n"
            f"with it are read; it is not the cycle in which the word leaves. {_hold(known)}"
        )
    lines.append(_overflow(engine))
    return "\n".join(lines)


def _hold(known: Interface) -> str:
    """For how long the values of a word have to stand at their ports."""
    if known.streamed:
        return (
            "Have the values of\na word at these ports from the cycle behind the `c_take_o` of the "
            "one before (those of the\nfirst, from before its tile's last beat) until its own: "
            "words of two tiles may follow each other\nwithout a gap."
        )
    return (
        "Hold the values of the next\n"
        "word at these ports from before its tile's last beat until `c_take_o`."
    )


def _overflow(engine: Config) -> str:
    if engine.chain.narrow:
        return (
            "`overflow_o` rises with the first word that does not fit, in the cycle in which "
            "that word is\n"
            "first offered, and stays until reset or `overflow_clear_i`."
        )
    return "The accumulator wraps modulo 2^(its width); nothing says so."


def _cycles(engine: Config, known: Interface) -> str:
    pe = emit.record(engine)
    stepped = isinstance(pe.pace, LockStep) and pe.pace.depends != "nothing"
    if pe.sparse or pe.grouped or stepped:
        return "they depend on the operands: those of zeros, and of operands over the whole range."
    return "they depend on M, N and K alone."
