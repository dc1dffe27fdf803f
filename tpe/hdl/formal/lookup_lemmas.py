"""Lemmas on cells that look planes of weights up in tables of activations.

Together they say that C is the sum of a * b, for any operands:

- `table`: every entry that the front builds is the sum that its index says.
- `planes`: what the planes of stored weights have in such a table adds up to the dot product of a
  group; of half tables and two's complement to twice that, and the sum of a.
- `step`: a step of the cell adds what its plane has, once, with its own flags.
- `row`: of psums that are twice a number and the sum of a, term and finish make the number.

Of activations of floating point there are `table`, of aligned significands as wide as those of
bytes, and `sum`, of a look-up and a psum in a narrow format.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tpe.hdl.emit import hardware, record, rtl_widths
from tpe.hdl.formal.cell_lemmas import cell_ports, finish_claim
from tpe.hdl.formal.float_cell_lemmas import sum_claims
from tpe.hdl.formal.lemmas import Lemma, LemmaTemplate, query
from tpe.numbers.bipolar import BipolarFormat
from tpe.numbers.lookup_tables import TableKind, entries, entry_bits

if TYPE_CHECKING:
    from tpe.engine.config import Config

ALIGNED_BITS = 8  # of activations of floating point, once aligned; integers have no more
SLACK = 2  # cycles behind the second step, in which it may be held


def lookup_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on the table, the cell and the finish of an engine; none if nothing is looked up.

    >>> from tpe.model.engine import Engine
    >>> [claim.name for claim in lookup_claims(Engine("lut_tc"))], lookup_claims(Engine("mac"))
    (['table', 'planes', 'step', 'row'], [])
    """
    if not record(engine).serial:
        return []
    if not record(engine).arithmetic.integral:
        return [LemmaTemplate("table", _table), *sum_claims({"tpe_fp_fused_add"}), finish_claim()]
    found = [
        LemmaTemplate("table", _table, climbs=True),
        LemmaTemplate("planes", _planes, climbs=True, few=True),
        LemmaTemplate("step", _step, climbs=True, few=True),
    ]
    halved = hardware(engine).row != "none"
    return [*found, LemmaTemplate("row", _row, climbs=True, few=True) if halved else finish_claim()]


def uncovered_lookup(engine: Config) -> list[str]:
    """What of a cell and its front no lemma speaks about, a line each: of integers nothing."""
    if record(engine).arithmetic.integral:
        return []
    name = record(engine).name
    return [
        f"front of {name}: how its parts go together, and entries rounded; tpe verify simulates it",
        f"cell of {name}: how its parts go together; tpe verify simulates it",
    ]


def plain_weights(engine: Config) -> bool:
    """Whether the weights that an engine looks up are in two's complement, each bit a plane."""
    bits = rtl_widths(engine)["BitPlanes"] == engine.widths.b
    return (
        record(engine).arithmetic.integral
        and bits
        and not isinstance(engine.encoded_formats()[1], BipolarFormat)
    )


def lookup_kind(engine: Config) -> dict[str, int]:
    """The table of an engine and what is inverted where, as the RTL's parameters."""
    own = record(engine).parameters
    names = ("table", "inversion")
    return {p.rtl: p.rtl_value(engine.params[p.name]) for p in own if p.name in names}


def _text(engine: Config) -> str:
    w, kind = engine.widths, engine.params["table"]
    table = "no" if kind == TableKind.NONE else kind
    return f"{w.lanes} activations of {w.a} bits, weights of {w.b}, {table} table"


def _table(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    w, kind = engine.widths, engine.params["table"]
    bits = min(w.a, ALIGNED_BITS)
    parameters = {"AWidth": bits, "Lanes": w.lanes, "Table": lookup_kind(engine)["Table"]}
    parameters |= {"Entries": entries(kind, w.lanes)}
    parameters |= {"EntryWidth": entry_bits(kind, bits, w.lanes)}
    made = query(engine, "tpe_prop_lut_table", parameters, overrides)
    integral = record(engine).arithmetic.integral
    text = _text(engine) if integral else f"{w.lanes} aligned activations of {bits} bits"
    return Lemma("table", "every entry is the sum of its index", text, made)


def _planes(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    widths = rtl_widths(engine)
    names = ("AWidth", "BWidth", "Lanes", "CodeWidth", "PlaneWidth", "BitPlanes")
    parameters = {name: widths[name] for name in names} | lookup_kind(engine)
    bipolar = isinstance(engine.encoded_formats()[1], BipolarFormat)
    parameters["Bipolar"] = int(bipolar)
    made = query(engine, "tpe_prop_lut_dot", parameters, overrides, 2)
    halved = hardware(engine).row != "none"
    what = "what planes look up adds up to the sum of a * b"
    return Lemma("planes", what + (", twice, and of a" if halved else ""), _text(engine), made)


def _cell_parameters(engine: Config) -> dict[str, int]:
    return {**cell_ports(engine), "Latency": rtl_widths(engine)["CellLatency"]}


def _step(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = {**_cell_parameters(engine), **lookup_kind(engine)}
    least = 1 + 2 * (parameters["Latency"] + 1) + SLACK
    made = query(engine, "tpe_prop_lut_step", parameters, overrides, least, "reset")
    made = replace(made, least=least)
    what = "a step adds what its plane looks up, once, to psum or to 0"
    return Lemma("step", what, _text(engine), made)


def _row(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = _cell_parameters(engine)
    least = 1 + 3 * (parameters["Latency"] + 1) + SLACK
    made = query(engine, "tpe_prop_lut_row", parameters, overrides, least, "reset")
    made = replace(made, least=least)
    return Lemma("row", "c = half of psum less the sum of a", _text(engine), made)
