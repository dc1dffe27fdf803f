"""README.md of a package: the protocol of exactly that engine's ports."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from tpe.engine.parameters import size_text
from tpe.hdl import emit
from tpe.hdl.emit import finish, sources
from tpe.hdl.emit.package_files import words
from tpe.hdl.emit.package_files.axis import axis_text, lasts, taken_bytes
from tpe.hdl.emit.package_files.example import Example, example, span
from tpe.hdl.emit.package_files.facts import Interface
from tpe.hdl.emit.templates import template
from tpe.hdl.simulate.build import CONFIGURED
from tpe.hdl.simulate.images import Case
from tpe.model.selected import as_sparse
from tpe.version import __version__

if TYPE_CHECKING:
    from tpe.engine.config import Config

SHOWN_BEATS = 4
TIMED_K = (1, 16, 64)


def readme(engine: Config, prefix: str, reset: str = "async") -> str:
    """The text of README.md; `reset` as in `emit.engine_modules`.

    Raises TpeError for an engine without RTL.
    """
    pe, array, params = emit.record(engine), engine.array, engine.params
    shown = example(engine)
    known = shown.known
    case = shown.case
    (low_a, span_a, step_a), (low_b, span_b, step_b) = map(span, (engine.a_format, engine.b_format))
    return template(
        "readme.md.j2",
        prefix=prefix,
        title=engine.name,
        pe_title=pe.title,
        source=pe.source,
        array_title=array.title,
        size=size_text(engine.size),
        version=__version__,
        settings=[(name, value) for name, value in params.items() if value is not None]
        + ([("reset", reset)] if reset != "async" else []),
        ports=list(_ports(engine, known, reset)),
        reset_note=words.RESETS[reset],
        a=known.a,
        b=known.b,
        c=known.c,
        passes=known.passes,
        makeflags=" ".join(CONFIGURED),
        **words.texts(engine, known),
        timings=_timings(engine, known),
        ex_m=case.a.shape[0],
        ex_n=case.b.shape[1],
        ex_k=case.a.shape[1],
        low_a=low_a,
        span_a=span_a,
        low_b=low_b,
        span_b=span_b,
        step_a=step_a,
        step_b=step_b,
        ex_given=words.example_inputs(case),
        ex_beats=list(_beats(shown)),
        ex_taken=shown.d[:1],
        ex_word=shown.c[0],
        ex_word_last=int(len(shown.c) == 1),
        ex_counts=_counts(shown),
        ex_cycles=shown.cycles,
        ex_first=_first_word(shown),
        axis=_axis(known),
        axis_text=axis_text(known, prefix),
    )


def _ports(engine: Config, known: Interface, reset: str) -> Iterator[tuple[str, str, int, str]]:
    bits = port_bits(engine, known)
    for port in sources.port_records(emit.engine_modules(engine)["tpe_engine"]):
        text = words.PORTS[port.name].format(reset=f"{reset}hronous")
        yield port.name, port.direction, bits.get(port.name, 1), text


def port_bits(engine: Config, known: Interface) -> dict[str, int]:
    """Bits of every port of the top that is wider than one bit, and of the streams of A."""
    formats = emit.stored_formats(engine)
    wide = {"a_i": known.a.width, "b_i": known.b.width, "c_o": known.c.width}
    wide |= dict.fromkeys(("a_valid_i", "a_ready_o", "a_last_i"), known.streams)
    wide |= {f"{x}_zero_i": number.bits for x, number in zip("ab", formats, strict=True)}
    return wide | {port: part.width for port, part in known.taken}


def _timings(engine: Config, known: Interface) -> list[tuple[str, str]]:
    """Cycles of one tile (of a chain: of as many rows of A as there are of cells), several K.

    Where they depend on operands: those of zeros, or the lowest ones where there is no zero,
    and of operands over the whole range.
    """
    engine = engine.wrapping()
    m, n = (known.rows if known.chained else engine.grid.m), engine.grid.n
    m, n = engine.sides.pair(m, n)
    rows = []
    for k in TIMED_K:
        if engine.chain.narrow and not finish.has_room(engine, k):
            continue
        rng = np.random.Generator(np.random.Philox(k))
        given = finish.drawn(engine, rng, m, n)
        sides = ((engine.a_format, (m, k)), (engine.b_format, (k, n)))
        drawn = [number.drawn(rng, shape) for number, shape in sides]
        zeros = [np.full(shape, 0 if number.step == 1 else number.low) for number, shape in sides]
        pairs = (as_sparse(engine, *x) for x in (zeros, drawn))
        both = [Case(engine, a, b, chain_inputs=given) for a, b in pairs]
        rows.append((f"{m} x {n} x {k}", " to ".join(f"{x:,}" for x in _cycles(both))))
    return rows


def _cycles(cases: list[Case]) -> list[int]:
    return sorted({case.run().cycles for case in cases})


def _beats(shown: Example) -> Iterator[tuple[str, int, str, str]]:
    known = shown.known
    for side, beats, image in (("A", shown.order.a, shown.a), ("B", shown.order.b, shown.b)):
        flagged = f"{side.lower()}_last_i" in known.ports
        for number, beat in enumerate(beats[:SHOWN_BEATS]):
            yield (
                f"`{side.lower()}_i`",
                number,
                image[beat.word],
                str(int(beat.last)) if flagged else "",
            )


def _counts(shown: Example) -> str:
    a, b, c = len(shown.order.a), len(shown.order.b), len(shown.c)
    streams = " on each stream" if shown.known.streams > 1 else ""
    text = f"In all {a} beats of A{streams}, {b} of B and {c} words of C"
    passes = len(shown.order.passes)
    many = f", in {passes} pass{'es' if passes > 1 else ''}" if shown.known.passes else ""
    return f"{text}{many}."


def _first_word(shown: Example) -> str:
    """The first outputs of the first word by name, and their values as the format reads them."""
    turned = shown.case.engine.sides.turned
    part, word = shown.known.c, int(shown.c[0], 16)
    names, values = [], []
    for i in range(min(part.count, shown.case.b.shape[1] if not turned else part.count, 4)):
        names.append(f"C[{i}, 0]" if turned else f"C[0, {i}]")
        value = word >> (i * part.bits) & ((1 << part.bits) - 1)
        negative = part.signed and value >> (part.bits - 1)
        values.append(str(value - (1 << part.bits) if negative else value))
    more = ", ..." if part.count > len(names) else ""
    return f"The first word begins with {', '.join(names)}{more} = {', '.join(values)}{more}."


def _axis(known: Interface) -> list[tuple[str, int, str, str]]:
    """The wrapper's streams: name, bytes of a beat, what it holds, what tlast ends."""
    ends = lasts(known)
    rows = [
        ("s_axis_a", known.a.bytes, "a beat of A", ends["a"]),
        ("s_axis_b", known.b.bytes, "a beat of B", ends["b"]),
    ]
    if known.passes:
        rows.append(("s_axis_p", 1, "a pass: bit 0 load, bit 1 clear, bit 2 flush", "no tlast"))
    if known.taken:
        parts = [
            f"{part.count} of `{port}`, {part.slot // 8} bytes each" for port, part in known.taken
        ]
        text = "what a word of C takes with it, in this order: " + "; ".join(parts)
        rows.append(("s_axis_d", taken_bytes(known), text, "no tlast"))
    return [*rows, ("m_axis_c", known.c.bytes, "a word of C", ends["c"])]
