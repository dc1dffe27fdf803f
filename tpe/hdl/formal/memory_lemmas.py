"""Which properties the memories of an array must have: what is read is what was written.

They are decided at few words of few bits. What an array may ask of a memory is in its own lemma:
there a word that is read at the edge that writes it is a wrong one, so that none is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tpe.array.base import Overlap
from tpe.hdl.emit import record, rtl_widths, sources
from tpe.hdl.formal.lemmas import Lemma, LemmaTemplate, at_widths, query

if TYPE_CHECKING:
    from tpe.engine.config import Config

WORD_BITS = 2
WORDS = 4  # of a memory by itself
GROUP, ROUNDS = 2, 2  # operands of a group, and groups of a lane, where B is supplied
ROWS = COLS = 2
CYCLES = 8  # the reset, a write, a read, and the same once more behind them
_READ = "data_q <= mem_q[read_addr_i];"
_MISREAD = "data_q <= (write_i && write_addr_i == read_addr_i) ? ~write_data_i : " + _READ[10:]


def memory_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemma on an engine's memories, if it has any."""
    inside = query(engine, f"tpe_{engine.array.rtl(record(engine))}", {}, {}).modules
    if "tpe_b_supply" in inside:
        return [LemmaTemplate("memory", _b_supply)]
    return [LemmaTemplate("memory", _memory)] if "tpe_ram" in inside else []


def misread(overrides: Mapping[str, str]) -> dict[str, str]:
    """`tpe_ram`, or what `overrides` has in its place, which tells no word that is being written.

    >>> "~write_data_i" in misread({})["tpe_ram"]
    True
    """
    return {
        "tpe_ram": (overrides.get("tpe_ram") or sources.text("tpe_ram")).replace(_READ, _MISREAD)
    }


def _memory(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    parameters = {"Words": WORDS, "Width": WORD_BITS}
    made = query(engine, "tpe_prop_ram", parameters, overrides, CYCLES, "reset")
    what = "a word that is read is the one written last, and stays"
    return Lemma("memory", what, f"{WORDS} words of {WORD_BITS} bits", made)


def _b_supply(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    lanes = engine.widths.lanes
    depth = GROUP * lanes * ROUNDS
    small = at_widths(engine, WORD_BITS, WORD_BITS, 2 * WORD_BITS + 1, lanes)
    small = small.with_widths(depth=depth)
    parameters = {name: rtl_widths(small)[name] for name in ("BWidth", "Lanes", "Depth", "BSupply")}
    parameters |= {"Rows": ROWS, "Cols": COLS, "Group": GROUP}
    parameters["Banks"] = 1 if engine.choices.overlap is Overlap.NONE else 2
    made = query(small, "tpe_prop_b_supply", parameters, overrides, CYCLES, "reset")
    what = "every cell reads the B that was loaded, a cycle later, and keeps it"
    return Lemma("memory", what, f"{ROWS} x {COLS}, {depth} words of {WORD_BITS} bits", made)
