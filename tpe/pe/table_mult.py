"""Any multiplier of up to 8 bits, by its table of products, with the accumulator of a MAC.

The table is a parameter: a multiplier that comes with tpe, or a file of products, or of Verilog
(`tpe.numbers.multipliers`). The encoded operand is the first one, the table's row: A, or B with
`encode` = weights. Products are summed exactly, modulo 2**acc_bits; that the accumulator may not
hold a sum is found from the table's own extremes, and does what `overflow` says. Multipliers of
tpe's have RTL, a file is model only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from tpe.base.jit import kernel
from tpe.numbers.arithmetic import NO_STAGES, Arithmetic
from tpe.numbers.formats import FORMATS
from tpe.numbers.multiplier_table import MOST_BITS, MultiplierTable
from tpe.numbers.multipliers import MULTIPLIERS, checked_name, legal_names, named_table
from tpe.numbers.table_gemm import TableProduct
from tpe.numbers.words import I64
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Facts, Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense
from tpe.pe.parameters import Parameter, lanes_parameter
from tpe.pe.widths import Params

_NARROW = [number.name for number in FORMATS.values() if number.bits <= MOST_BITS]
TYPES = ("int8", *(name for name in _NARROW if name != "int8"))


@kernel(step_type)
def step(codes: I64, b: I64, plane: int, psum: I64, facts: Facts) -> None:
    """Add what was looked up, lane by lane."""
    mask = (1 << facts.psum_bits) - 1
    for lane in range(codes.shape[0]):
        for n in range(codes.shape[1]):
            psum[0, n] = (psum[0, n] + codes[lane, n]) & mask


@kernel(resolve_type)
def resolve(psum: I64, plane: int, acc: I64, facts: Facts) -> None:
    """The word is the result."""
    acc[:] = psum[0]


@dataclass(frozen=True)
class TableParameter(Parameter):
    """A multiplier: the name of one that comes with tpe, or of a file, with its content's hash."""

    def check(self, value: Any) -> str:
        """The full name; TpeError for a file that is not there, or not as its hash says."""
        return checked_name(value)

    def describe(self) -> str:
        """What is legal, for a person."""
        return " | ".join(legal_names())


def arithmetic(table: MultiplierTable) -> Arithmetic:
    """What it computes with this table."""
    return Arithmetic(
        "looked-up products",
        a_types=TYPES,
        b_types=TYPES,
        product=TableProduct(table),
        products=table.extremes,
        pads_with_zeros=not (table.products[0].any() or table.products[:, 0].any()),
        choices=NO_STAGES,
    )


def at(record: PE, params: Params) -> PE:
    """The PE with the table that parameters name, for the formats of its operands."""
    types = [params.get(name, TYPES[0]) for name in ("a_type", "b_type")]
    first, second = reversed(types) if params.get("encode") == "weights" else types
    name = params["table"]
    return _at(name, named_table(name, FORMATS[first], FORMATS[second]))


@cache
def _at(name: str, table: MultiplierTable) -> PE:
    own = replace(RECORD.kernel, table=table)
    made = replace(RECORD, kernel=own, arithmetic=arithmetic(table))
    return (
        made if name in MULTIPLIERS else replace(made, hardware=None, model_only=f"table = {name}")
    )


DEFAULT = next(iter(MULTIPLIERS))
_USUAL = named_table(DEFAULT, FORMATS[TYPES[0]], FORMATS[TYPES[0]])

RECORD = PE(
    name="table_mult",
    title="multiplier as a table",
    source="docs/howto/multiplier.md",
    nest=None,  # a product that was looked up has no primitives
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve, table=_USUAL),
    pace=Dense(lanes=range(1, 1025)),
    ways=frozenset(Way),
    hardware=Hardware(cell="table_mult", finish="word"),
    arithmetic=arithmetic(_USUAL),
    parameters=(
        TableParameter(
            "table",
            DEFAULT,
            tuple(MULTIPLIERS),
            "products by operands' codes: a multiplier of tpe's, a .npy or .csv file, or Verilog",
            "Multiplier",
            trade="an approximate one costs accuracy; saves what its circuit saves",
        ),
        lanes_parameter(1, range(1, 1025)),
    ),
    at=at,
)
