"""What every engine is, of a PE in an array or of a nest alone: operands, widths, and what C is."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from math import prod
from typing import Any, TypeVar

from tpe.array.base import Grid
from tpe.base.errors import TpeError
from tpe.base.units import short
from tpe.engine.choices import Choices, Overflow
from tpe.engine.finish import Added, Chain, chain_of, guard_bits
from tpe.engine.groups import group_of, scale_type_of
from tpe.engine.identity import identity_hash
from tpe.engine.parameters import Settings
from tpe.engine.sides import Sides, sides_of
from tpe.engine.sparsity import of_weights, pattern_of
from tpe.nest.notation import Nest
from tpe.nest.readings import Unit, bound_inventory
from tpe.numbers import zero_points
from tpe.numbers.arithmetic import INTEGER, Arithmetic
from tpe.numbers.formats import Format, number_format
from tpe.numbers.sparsity import Selection
from tpe.pe.widths import Widths

S = TypeVar("S", bound="EngineSpec")

_ACC_DEFAULT = ((4, 24), (8, 32), (16, 48))  # widest operand up to ... bits: accumulator bits


class EngineSpec(ABC):
    """Parameters with their values and what follows from them; frozen, equal to one that is alike.

    `Config` says a PE in an array, `tpe.NestEngine` a nest of your own.
    """

    def __init__(
        self, size: tuple[int, ...], grid: Grid, lanes: int, params: Mapping[str, Any]
    ) -> None:
        self.size, self.grid, self.lanes = size, grid, lanes
        self.a_format = number_format(params["a_type"], "a_type")
        self.b_format = number_format(params["b_type"], "b_type")
        self.widths = self._widths(params)
        self.params = Settings(params, acc_bits=self.widths.acc - guard_bits(params))
        self._frozen = True

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_frozen", False):
            raise TpeError(f"{name} of an engine cannot be changed; make another one: Engine(...)")
        super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        raise TpeError(f"{name} of an engine cannot be taken away; make another one: Engine(...)")

    def __repr__(self) -> str:
        types = f"{self.a_format.name} x {self.b_format.name}"
        name = short(self.name)
        return f"<{type(self).__name__} {name}: {types}, acc {self.widths.acc}, hash {self.hash}>"

    @abstractmethod
    def _place(self) -> tuple[Any, ...]:
        """What is given to make it again, besides its parameters."""

    def _facts(self) -> tuple[Any, ...]:
        """All that determines how the engine behaves."""
        return (*self._place(), self.params, self.widths)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EngineSpec) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __reduce__(self) -> tuple[Any, ...]:
        return remade, (type(self), self._place(), dict(self.params), self.widths)

    @property
    def rows(self) -> int:
        """Rows of the array."""
        return self.size[0]

    @property
    def cols(self) -> int:
        """Columns of the array."""
        return self.size[1]

    @property
    def depth(self) -> int | None:
        """Depth of the array, if it is a cube."""
        return self.size[2] if len(self.size) > 2 else None

    @property
    def k_tile(self) -> int:
        """Operands of K of an output that cells take at once: in their lanes, along a chain."""
        return self.grid.chain * self.widths.lanes

    def _widths(self, params: Mapping[str, Any]) -> Widths:
        encoded, other = self._encoded(params)
        widest = max(self.a_format.bits, self.b_format.bits)
        acc = params["acc_bits"] or next(acc for top, acc in _ACC_DEFAULT if widest <= top)
        if self.arithmetic.exact and acc < encoded.bits + other.bits:
            raise TpeError(
                f"acc_bits = {acc} is not legal: a product of {encoded.name} and {other.name} "
                f"needs {encoded.bits + other.bits}"
            )
        acc += guard_bits(params)
        depth = params.get("depth", 1)
        return Widths(encoded.bits, other.bits, acc, lanes=self.lanes, depth=depth)

    def describe(self) -> dict[str, Any]:
        """What identifies this engine: columns of the flat table."""
        return {
            **self._named(),
            "rows": self.rows,
            "cols": self.cols,
            "depth": self.depth,
            "pe_count": prod(self.size),
            "encoding": self.encoder,
            "encoded_operand": self.params["encode"],
            "a_type": self.a_format.name,
            "b_type": self.b_format.name,
            "acc_bits": self.params["acc_bits"],
            "params_json": json.dumps(self.params, sort_keys=True),
            "rtl_checked": self.rtl_checked,
        }

    @abstractmethod
    def _named(self) -> dict[str, str | None]:
        """The names of PE and array."""

    @property
    def arithmetic(self) -> Arithmetic:
        """What its operands are, and what it makes of them."""
        return INTEGER

    @property
    def pass_terms(self) -> int | None:
        """The most products that one pass takes; None if all of K is one."""
        return None

    @property
    def scale_group(self) -> int:
        """Operands of K that share a scale of weights; 0: K is one sum. See `tpe.engine.groups`."""
        return group_of(self.params)

    @property
    def scale_type(self) -> str:
        """The format that scales of groups are kept in."""
        return scale_type_of(self.params)

    @property
    def stepped(self) -> bool:
        """Whether an operand takes a cell several cycles, and all cells wait for one another."""
        return False

    @property
    def rtl_checked(self) -> str:
        """What was run on its RTL: the column of that name; "none" of a nest."""
        return "none"

    @property
    @abstractmethod
    def name(self) -> str:
        """A label."""

    @property
    @abstractmethod
    def nest(self) -> Nest:
        """The loop nest of this engine, its time loops still unbound."""

    @property
    @abstractmethod
    def has_nest(self) -> bool:
        """Whether the engine is written as a nest; comparison PEs are not."""

    @property
    def hash(self) -> str:
        """A short name for everything that determines behaviour; see `tpe.engine.identity`."""
        return identity_hash(self.describe(), self.params)

    @property
    def sides(self) -> Sides:
        """Which tensor is encoded, and what is turned for it."""
        return sides_of(self.params)

    @cached_property
    def selection(self) -> Selection | None:
        """How cells select operands where one side has structured sparsity; None: neither has."""
        pattern = pattern_of(self.params)
        if pattern is None:
            return None
        return Selection(pattern, of_weights(self.params) == self.sides.turned, self.widths.lanes)

    def stored_k(self, k: int) -> int:
        """Operands of the K of an output that cells take: all, or those that sparsity stores."""
        return k if self.selection is None else self.selection.sparsity.stored(k)

    def used_k(self, k: int) -> int:
        """Those of them that are none of the padding of the last group of a sparse operand."""
        return k if self.selection is None else self.selection.sparsity.used(k)

    def require_room(self, layer: str, k: int, added: Added | None) -> None:
        """TpeError if a sum over K, C0 and bias may leave the accumulator as built."""
        k = self.stored_k(k)
        if self.arithmetic.integral and self.choices.overflow is not Overflow.WRAP:
            formats, products = self.difference_formats(), self.arithmetic.products
            terms = min(k, self.scale_group) if self.scale_group else k
            self.chain.check_room(layer, terms, *formats, added, products)

    def encoded_formats(self) -> tuple[Format, Format]:
        """Formats, as the array sees them, of the encoded operand and of the other one."""
        return self._encoded(self.params)

    def _encoded(self, params: Mapping[str, Any]) -> tuple[Format, Format]:
        mode = params["zero_points"]
        code = zero_points.coded_format
        sides = sides_of(params)
        return sides.pair(code(self.a_format, mode), code(self.b_format, mode))

    @cached_property
    def choices(self) -> Choices:
        """Its parameters that are words, typed."""
        return Choices.of(self.params)

    @cached_property
    def chain(self) -> Chain:
        """What becomes of C between the array and the port; see `tpe.engine.finish`."""
        return chain_of(self.params)

    def difference_formats(self) -> tuple[Format, Format]:
        """Ranges of an operand less its zero point, of A and of B: what C is a sum of."""
        mode = self.params["zero_points"]
        take = zero_points.difference_format
        return take(self.a_format, mode), take(self.b_format, mode)

    @property
    def encoder(self) -> str:
        """The recoding of the encoded operand."""
        return str(self.params.get("encoder", "booth"))

    def inventory(self, m: int = 1, n: int = 1, k: int = 1) -> tuple[Unit, ...]:
        """Copies, fan-in, needed width and runs of every primitive, for a GEMM of M x N x K.

        Raises TpeError for a PE that is not written as a nest.
        """
        encoded, other = self.encoded_formats()
        bound = (m, n, k, self.encoder, encoded, other, self.widths.acc, self.pass_terms)
        return bound_inventory(self.nest, *bound)


def remade(kind: type[S], place: tuple[Any, ...], params: dict[str, Any], widths: Widths) -> S:
    """What `__reduce__` took apart; `widths` may be others than the parameters give."""
    made = kind(*place, **params)
    vars(made)["widths"] = widths
    return made
