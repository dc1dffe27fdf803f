"""What the signs of a drawing mean: operands, psums and results, line by line."""

from __future__ import annotations

import textwrap

from tpe.array.base import BSupply, Overlap
from tpe.engine.choices import Overflow
from tpe.engine.config import Config
from tpe.engine.spec import EngineSpec
from tpe.model.schedule import bandwidth_of, shape_job
from tpe.nest.notation import ADD, SYNC, K, M
from tpe.pe.paces import Planes
from tpe.pe.parameters import EncodeIn

WIDTH = 80
ENCODER_SIGN = "◆"


def one_row(engine: Config) -> bool:
    """Whether the array computes one row of C at a time: its rows are operands of K."""
    return M not in engine.array.dims and not engine.array.chained


def finish_ops(engine: Config) -> list[str]:
    """The primitives that were deferred past the sum over K and are shared, in order.

    Of a PE that is not written as a nest the name of its finish stands for them.
    """
    if not engine.has_nest:
        built = engine.pe.hardware
        return [] if built is None or built.finish == "word" else [built.finish]
    nest = engine.nest
    return [
        step.op.name
        for i, step in enumerate(nest.steps)
        if step.op != SYNC and not in_cell(engine, i)
    ]


def in_cell(engine: EngineSpec, index: int) -> bool:
    """Whether a step of the nest is made in a cell, if not in its front: not deferred to a finish.

    What folds bit weights in time into a total stays in the cell, behind its sum over K.
    """
    nest = engine.nest
    planes = isinstance(engine, Config) and isinstance(engine.pe.pace, Planes)
    folded = planes and nest.steps[index].op != ADD
    return K in nest.remaining(index) or folded


def legend(engine: Config) -> list[str]:
    """The lines below a drawing, 80 columns wide at most.

    >>> from tpe.model.engine import Engine
    >>> print(legend(Engine("mac", "matrix2d", "2x2"))[0])
    A[m, k]  activations, 16 bits a cycle: to every cell of a row at once
    """
    text = {**_operands(engine), **_psum(engine), **_chain(engine), **_signs(engine)}
    lines: list[str] = []
    for name, meaning in text.items():
        lines += textwrap.wrap(
            meaning,
            WIDTH,
            initial_indent=f"{name:<9}",
            subsequent_indent=" " * 9,
            break_on_hyphens=False,
        )
    return lines


def _operands(engine: Config) -> dict[str, str]:
    pe = engine.pe
    one_tile = shape_job(engine, engine.grid.m, engine.grid.n, 1)
    a_bits, b_bits = bandwidth_of(engine, one_tile)
    transposed = ", transposed" if engine.sides.turned else ""
    encoded, other = (f"{x}{transposed}" for x in engine.sides.pair("activations", "weights"))
    if engine.choices.encode_in is EncodeIn.STORED:
        bits = pe.code_bits(engine.widths, engine.params)
        encoded += f", stored as digits ({bits} bits for {engine.widths.a})"
    a_how, b_how = _moves(engine)
    return {
        "A[m, k]": f"{encoded}, {a_bits:,} bits a cycle: {a_how}",
        "B[k, n]": f"{other}, {b_bits:,} bits a cycle: {b_how}",
    }


def _moves(engine: Config) -> tuple[str, str]:
    """How A and B come to the cells."""
    pe, array, lanes = engine.pe, engine.array, engine.widths.lanes
    if pe.sparse:
        some = f"{pe.group * lanes} of k at a time"
        kept = "a copy" if engine.choices.b_supply is BSupply.COPIES else "the one there is"
        if pe.own_front:
            a_how = "to every cell of a row; the front in each finds the non-zero digits"
            return f"{some}, {a_how}", f"resident; every cell reads {kept} at its own index"
        reads = f"every row reads {kept} at its own index"
        if lanes > 1:
            reads = f"every row reads {kept} at {lanes} indices of its own"
        return f"{some}; the front sends non-zero digits along its row", f"resident; {reads}"
    if array.chained:
        plural = "s" if engine.rows > 1 else ""
        b_how = f"a tile is shifted in from the top in {engine.rows:,} cycle{plural}, then held"
        if engine.choices.overlap is not Overlap.NONE:
            b_how += "; that of the next pass shifts in behind a pass, in registers of its own"
        late = "row k of the array takes operand k of its tile k cycles late, and passes it right"
        if lanes > 1:
            late = (
                f"row r of the array takes L = {lanes:,} operands of its tile, from r L on, "
                "r cycles late, and passes them right"
            )
            b_how += f"; a cell keeps {lanes:,} of it"
        return f"{late}, one register per cell", b_how
    if array.skewed:
        late = "{0} {1} enters {1} cycles late and moves {2}, one register per cell"
        return late.format("row", "m", "right"), late.format("column", "n", "down")
    many = pe.beat(engine.widths)
    some = f"{many:,} of k " if many > 1 else ""
    again = ", once per bit weight" if pe.planes(engine.widths) > 1 else ""
    if pe.grouped:
        row, behind = "to the front of its row", f", {pe.window + 1} such groups at every cell"
        return f"{some}{row}, when all rows have room", f"{some}to its column{behind}"
    if pe.stepped:
        again = ", and the next when the slowest cell is done"
    row = "to every column at once" if one_row(engine) else "to every cell of a row at once"
    column = "to its column" if one_row(engine) else "to every cell of a column at once"
    return some + row + again, some + column + again


def _psum(engine: Config) -> dict[str, str]:
    pe, array = engine.pe, engine.array
    psum = _psum_words(engine)
    ops = finish_ops(engine)
    finish = f"through one finish per column ({', '.join(ops)})" if ops else "as they are"
    if not ops and (array.chained or one_row(engine)):
        finish = "as it is"
    if array.chained:
        depth = f"{engine.params['psum_depth']:,}"
        return {
            "psum": f"zero, or behind the first tile of K from the buffer: {depth} rows of M",
            "▼": f"{psum}, moves down, one register per cell",
            "C[m, n]": f"leaves the last row with the last tile of K, {finish}",
        }
    stays = {"↻": f"{psum}, stays in its cell"}
    if pe.sparse:
        turn = "in its slot" if pe.shadow else "as rows ask, the longest waiting first"
        leaves = f"a row leaves once per bit weight, {turn}, "
        if pe.falling:
            leaves = "a row leaves once per pass of K, when all rows are done, "
        kept = ", which keeps an accumulator for every row"
        return stays | {"C[m, n]": leaves + finish + kept}
    leaves = "one row at a time" if one_row(engine) else "rows leave in turn, one a cycle"
    behind = {
        Overlap.DRAIN: "; behind the last psum the next tile follows",
        Overlap.STREAM: "; the next tile follows without a gap",
    }.get(engine.choices.overlap, "")
    return stays | {"C[m, n]": f"{leaves}, {finish}{behind}"}


def _chain(engine: Config) -> dict[str, str]:
    """What is built and not drawn: the finish chain, FIFOs of bounded drift, gating."""
    chain, params = engine.chain, engine.params
    stages = [f"+ {name}" for name, there in (("C0", chain.c0), ("bias", chain.bias)) if there]
    if chain.narrow:
        how = "saturated" if params["overflow"] == Overflow.SATURATE else "wrapped"
        stages.append(f"{how} from {engine.widths.acc} to {chain.acc_bits} bits, overflow flag")
    if chain.requant != "off":
        stages.append(f"x multiplier / 2**shift per {chain.requant}, {chain.rounding}")
        stages.append(f"to {chain.out.name}")
    stages += ["ReLU"] if chain.relu else []
    found = {"chain": f"on C: {', '.join(stages)}; then a register"} if chain.staged else {}
    if params.get("drift"):
        fifo = f"a row leads the slowest by {params['drift']} groups at most: a FIFO per row"
        found["drift"] = fifo
    gated = {"clock": "a cell's clock stops", "isolate": "a cell's operands are zero"}
    if params["gating"] in gated:
        found["gating"] = f"{gated[params['gating']]} in cycles without a step"
    return found


def _psum_words(engine: Config) -> str:
    """What a psum is made of."""
    psum, widths = engine.pe.kernel.psum, engine.pe.kernel.psum.words(engine.widths)
    count, bits = len(widths), max(widths)
    name = f"psum, {psum.kind.replace('_', '-')}"
    if psum.kind == "bit_weights":
        size = f"{bits} to {min(widths)} bits" if count > 2 else f"{bits} bits"
        return f"{name}: a pair of words for each of {count // 2} bit weights, {size}"
    words = "a word" if count == 1 else f"{count} words"
    both = ", those of a bit weight and of the total" if psum.pairs > 1 else ""
    return f"{name}: {words} of {bits} bits{both}"


def lanes_sign(engine: Config) -> str:
    """How the operands of K that meet in a cell are written; boxes have no room for many digits."""
    lanes = engine.widths.lanes
    return f"x{lanes}" if lanes < 100 else "xL"


def _signs(engine: Config) -> dict[str, str]:
    """Signs that not every drawing has."""
    pe, lanes = engine.pe, engine.widths.lanes
    signs: dict[str, str] = {}
    if lanes > 1 and pe.sparse:
        signs[lanes_sign(engine)] = (
            f"lanes of a front: lane l has the groups of {pe.group} of k whose index modulo "
            f"{lanes} is l, and lanes meet at every bit weight; a cell adds {lanes} digits a step"
        )
    elif lanes > 1 and pe.grouped:
        signs[lanes_sign(engine)] = f"{lanes} digits of a group a step, merged into one psum"
    elif lanes > 1:
        many = "L = " if lanes >= 100 else ""
        text = f"{many}{lanes:,} operands of K a step, merged into one psum"
        signs[lanes_sign(engine)] = text
    if engine.choices.encode_in is EncodeIn.EDGE:
        bits = pe.code_bits(engine.widths, engine.params)
        signs[ENCODER_SIGN] = f"an encoder per row; digits go to the cells, {bits} bits an operand"
    if pe.grouped:
        signs[ENCODER_SIGN] = (
            f"a front per row: of {pe.group} of k it sends the digits that are not zero, of all "
            f"bit weights, {lanes} a cycle, with bit weight and k: a cell shifts by one and takes "
            f"its B by the other; it leads the slowest row by {pe.window} such groups at most"
        )
    if not pe.sparse:
        signs["▯"] = "a register"
    return signs
