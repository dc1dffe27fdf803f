"""Structured sparsity of an engine's operands: which side has it, and who can take it.

The other side's operands stand at every cell a group at a time, and a select in front of each lane
of a PE takes those that meet a stored value: docs/decisions/0044.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tpe import pe as pes
from tpe.base.errors import TpeError
from tpe.numbers.block_operands import BlockOperand
from tpe.numbers.formats import FORMATS, Format
from tpe.numbers.sparsity import PATTERNS, Selection, Sparsity
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.base import PE
from tpe.pe.paces import Dense, Planes
from tpe.pe.parameters import EncodeIn, Negate, Parameter

NONE = "none"
SPARSITY = Parameter(
    "sparsity",
    NONE,
    (NONE, *PATTERNS),
    "structured sparsity N:M of one operand: of M consecutive k at most N are not zero",
    trade="N:M costs selects in every cell, places, wires of the other side; saves steps",
    optional=True,
)
SPARSE_OPERAND = Parameter(
    "sparse_operand",
    "weights",
    ("weights", "activations"),
    "which tensor has that sparsity",
    optional=True,
)
PARAMETERS = (SPARSITY, SPARSE_OPERAND)
DENSE: Mapping[str, Any] = {p.name: p.default for p in PARAMETERS}  # an engine without sparsity


def pattern_of(params: Mapping[str, Any]) -> Sparsity | None:
    """The sparsity of one operand; None where neither has any.

    >>> pattern_of({}), pattern_of({"sparsity": "2:4"}).name
    (None, '2:4')
    """
    return PATTERNS.get(params.get(SPARSITY.name, NONE))


def of_weights(params: Mapping[str, Any]) -> bool:
    """Whether weights have it, where an operand has sparsity."""
    default = SPARSE_OPERAND.default
    return bool(params.get(SPARSE_OPERAND.name, default) == default)


def refused(pe: PE | None) -> str | None:
    """Why a PE, or with None a nest, takes no structured sparsity; None if it does."""
    if pe is None:
        return "a nest has no select"
    if not isinstance(pe.pace, Dense | Planes):
        return "its steps follow the digits of all operands of K, left out or not"
    if pe.arithmetic.valid_bit or (pe.arithmetic.integral and not pe.arithmetic.pads_with_zeros):
        return "products with its code 0 are not all 0, so that none may be left out"
    return None


def refuse_sparsity(pe: PE | None, values: Mapping[str, Any]) -> None:
    """TpeError for a sparsity that a PE, or a nest, does not take, with those that do."""
    chosen = values.get(SPARSITY.name, NONE)
    reason = None if chosen == NONE else refused(pe)
    if reason:
        takers = [other for other in pes.usable() if refused(pes.get(other)) is None]
        raise TpeError(
            f"sparsity = {chosen!r} is not legal for {f'pe {pe.name}' if pe else 'a nest'}: "
            f"{reason}; PEs that take it: {', '.join(takers)}"
        )


def check_sparsity(
    pe: PE, params: Mapping[str, Any], formats: tuple[Format, Format], selection: Selection | None
) -> None:
    """TpeError for what a selecting engine does not do, by the name of the parameter.

    pe: for these parameters. formats: of A and of B.
    """
    if selection is None:
        if not of_weights(params):
            raise TpeError(
                f"sparse_operand = {params[SPARSE_OPERAND.name]!r} is not legal with sparsity = "
                f"'none'; legal: {SPARSE_OPERAND.default}"
            )
        return
    refuse_sparsity(pe, params)
    for name, why in _conflicts(pe, params, formats, selection):
        raise TpeError(
            f"{name} = '{params[name]}' is not legal with sparsity = "
            f"'{selection.sparsity.name}': {why}"
        )


def _conflicts(
    pe: PE, params: Mapping[str, Any], formats: tuple[Format, Format], selection: Selection
) -> Iterator[tuple[str, str]]:
    """Parameters that do not go with sparsity, and why."""
    weights = of_weights(params)
    for name, number in zip(("a_type", "b_type"), formats, strict=True):
        if isinstance(number, BlockOperand):
            yield name, "a scale's block would be cut; legal: formats without blocks"
        elif not number.signed and weights is (name == "b_type"):
            signed = ", ".join(x for x in FORMATS if FORMATS[x].signed)
            yield name, f"stored values come as the array takes them; legal: {signed}"
    if params["zero_points"] != ZeroPoints.NONE:
        yield "zero_points", "what is left out is 0 as it is stored; legal: none"
    if selection.encoded and params.get("encode_in") == EncodeIn.EDGE:
        yield "encode_in", "stored values come with their places; legal: cell, stored"
    if pe.hardware and pe.hardware.row != "none":
        name = "negate" if params.get("negate") == Negate.ROW else "biased"
        yield name, "what cells leave to their row is of one A, and each selects its own"
