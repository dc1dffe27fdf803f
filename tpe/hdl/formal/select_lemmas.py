"""Lemmas on selects: where one operand has structured sparsity, cells get what meets it.

- `select`: every lane of a cell gets its stored operand, and of its group of the other side the one
  at its place. What the cell does with these is the dense engine's lemmas' affair.
- `select sum`: stored operands times selected ones sum to the products of the whole group, of any
  operands and at any places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tpe.engine.sparsity import DENSE
from tpe.engine.spec import remade
from tpe.hdl.emit import rtl_widths
from tpe.hdl.formal.lemmas import Lemma, LemmaTemplate, properties, query

if TYPE_CHECKING:
    from tpe.engine.config import Config

_SELECT = ("SelectN", "SelectM", "SelectFrom")
_CELL = "tpe_dense_cell"


def select_claims(engine: Config) -> list[LemmaTemplate]:
    """The lemmas on selects of an engine; none where no operand is sparse."""
    if engine.selection is None:
        return []
    found = [LemmaTemplate("select", _select)]
    if engine.arithmetic.exact:
        found.append(LemmaTemplate("select sum", _sum, climbs=True))
    return found


def dense(engine: Config) -> Config:
    """The engine without sparsity, whose cells are those behind the selects, of the same widths."""
    params = {**engine.params, **DENSE}
    return remade(type(engine), engine._place(), params, engine.widths)


def of_dense(claim: LemmaTemplate) -> LemmaTemplate:
    """A lemma about the cells behind the selects of an engine, and the array around them."""

    def build(engine: Config, overrides: Mapping[str, str]) -> Lemma:
        return claim.build(dense(engine), overrides)

    return LemmaTemplate(claim.name, build, claim.climbs, claim.few)


def uncovered_selects(engine: Config) -> list[str]:
    """What of a selecting engine no lemma speaks about, a line each."""
    if engine.selection is None:
        return []
    return ["array: its lemmas are of operands as wide as without sparsity; it moves wider ones"]


def _select(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    widths = rtl_widths(engine)
    names = ("Lanes", "CodeWidth", "BWidth", *_SELECT)
    text = properties()["tpe_spec_operands"].read_text().replace("tpe_spec_operands", _CELL)
    parameters = {name: widths[name] for name in names}
    made = query(engine, "tpe_prop_select", parameters, {_CELL: text, **overrides})
    width = f"{widths['Lanes']} x ({widths['CodeWidth']}, {widths['BWidth']})"
    return Lemma("select", "a lane gets what is stored, and the word at its place", width, made)


def _sum(engine: Config, overrides: Mapping[str, str]) -> Lemma:
    assert engine.selection is not None
    pattern, w = engine.selection.sparsity, engine.widths
    a, b = (w.a, w.b) if engine.selection.encoded else (w.b, w.a)
    parameters = {"AWidth": a, "BWidth": b, "SelectN": pattern.n, "SelectM": pattern.m}
    made = query(engine, "tpe_prop_select_sum", parameters, overrides)
    what = f"{pattern.name}: stored times selected = a group's products"
    return Lemma("select sum", what, f"{a} x {b}", made)
