"""Lemmas on the finish chain behind an array, and what of chain and gating none speaks about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tpe.engine.choices import Gating
from tpe.hdl.emit import rtl_names
from tpe.hdl.formal.lemmas import Lemma, LemmaTemplate, query

if TYPE_CHECKING:
    from tpe.engine.config import Config

# The product of sum and multiplier is what limits a proof: widths that finish in seconds.
SUM_BITS, SCALE_BITS, SHIFT_BITS, OUT_BITS = 5, 4, 3, 4


def chain_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on an engine's narrowing and requantisation, if it has them."""
    chain, found = engine.chain, []
    if chain.narrow:
        found.append(LemmaTemplate("narrow", _narrow))
    if chain.requant != "off":
        found.append(LemmaTemplate("requant", _requant))
    return found


def _narrow(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    chain = engine.chain
    saturates = chain.narrow == rtl_names.number("Narrow", "saturate")
    widths = {"AccWidth": engine.widths.acc, "SumWidth": chain.acc_bits}
    made = query(engine, "tpe_prop_narrow", widths | {"Saturate": int(saturates)}, overrides)
    what = f"a sum that does not fit is told, and {'clamped' if saturates else 'wraps'}"
    return Lemma("narrow", what, f"{engine.widths.acc} to {chain.acc_bits}", made)


def _requant(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    chain = engine.chain
    parameters = {
        "SumWidth": SUM_BITS,
        "ScaleWidth": SCALE_BITS,
        "ShiftWidth": SHIFT_BITS,
        "Rounding": rtl_names.number("Rounding", chain.rounding),
        "Relu": int(chain.relu),
        "YWidth": OUT_BITS,
        "YSigned": int(chain.out.signed),
    }
    what = f"y = round(x * multiplier / 2**shift) + zero, {chain.rounding}, clamped"
    width = f"sum {SUM_BITS}, multiplier {SCALE_BITS}, shift to {(1 << SHIFT_BITS) - 1}"
    return Lemma("requant", what, width, query(engine, "tpe_prop_requant", parameters, overrides))


def uncovered_chain(engine: Config) -> list[str]:
    """What of an engine's finish chain and gating no lemma speaks about, a line each."""
    missing = []
    if engine.chain.staged:
        missing.append("finish chain: its additions, its register and its flag in sequence")
    if engine.choices.gating is Gating.CLOCK:
        missing.append("gating: the lemmas let every register have its clock, stopped or not")
    return missing
