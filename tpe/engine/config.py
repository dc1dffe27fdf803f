"""What an engine is: a PE in an array of a size, with parameters; nothing here runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from math import prod
from typing import Any, Self, TypeVar

from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import Array, Grid
from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.engine.finish import Added, Chain, chain_of, guard_bits
from tpe.engine.identity import identity_hash
from tpe.engine.parameters import (
    Settings,
    default_size,
    parse_size,
    resolve_parameters,
    size_text,
)
from tpe.engine.sides import Sides, sides_of
from tpe.engine.written import check_listed, engine_toml
from tpe.nest.notation import SPACE, M, N, Nest, tile
from tpe.nest.readings import Unit, bound_inventory
from tpe.numbers import zero_points
from tpe.numbers.arithmetic import INTEGER, Arithmetic
from tpe.numbers.formats import Format, number_format
from tpe.pe.base import PE
from tpe.pe.widths import Widths

C = TypeVar("C", bound="Config")

_ACC_DEFAULT = ((4, 24), (8, 32), (16, 48))  # widest operand up to ... bits: accumulator bits


class Config:
    """A PE in an array of a size, with every parameter; frozen, and equal to one that behaves so.

    pe: a name or a record, or a `Nest` of your own (then `array` and `size` stay out: values,
    cycles and inventory are the nest's, and nothing is checked against RTL).
    array: a name or an alias. size: (rows, cols) or "ROWSxCOLS", of a cube with its depth; one
    number for every side, 16 is 16x16. Names are taken in upper or lower case.
    Parameters: those of `COMMON`, of the PE and of the array. True and False are `on` and `off`.
    Raises TpeError with the legal choices for anything that does not fit. `tpe.Engine` is one that
    runs.

    >>> config = Config("opt4c", "matrix2d", "4x8", depth=64)
    >>> config.name, config.widths.depth, config == Config("OPT4C", size=(4, 8), depth=64)
    ('opt4c_matrix2d_4x8', 64, True)
    """

    def __init__(
        self,
        pe: str | PE | Nest = pes.DEFAULT,
        array: str | Array | None = None,
        size: str | int | Sequence[int] | None = None,
        **parameters: Any,
    ) -> None:
        self.own_nest = pe if isinstance(pe, Nest) else None
        self.pe: PE | None = None  # for the parameters given
        self.record: PE | None = None  # as it is found by name
        self.array: Array | None = None
        self.lanes = 1
        if isinstance(pe, Nest):
            if array is not None or size is not None:
                raise TpeError("a nest takes no array and no size: its loops say both")
            rows, cols = pe.trips({M}, SPACE), pe.trips({N}, SPACE)
            self.size: tuple[int, ...] = (rows, cols)
            self.grid = Grid(rows, cols, lanes=1, chain=1)
        else:
            self.pe = self.record = pe if isinstance(pe, PE) else pes.get(pe)
            chosen = arrays.DEFAULT if array is None else array
            self.array = chosen if isinstance(chosen, Array) else arrays.get(chosen)
            arrays.require(self.array, self.pe)
            self.size = parse_size(default_size(self.array) if size is None else size, self.array)
            self.grid = self.array.grid(self.size)
        params = self._resolve(parameters)
        self.a_format = number_format(params["a_type"], "a_type")
        self.b_format = number_format(params["b_type"], "b_type")
        self.widths = self._widths(params)
        self.params = Settings(params, acc_bits=self.widths.acc - guard_bits(params))
        self._check_storage()
        self._frozen = True

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_frozen", False):
            raise TpeError(f"{name} of an engine cannot be changed; make another one: Engine(...)")
        super().__setattr__(name, value)

    def with_widths(self, **changes: int) -> Self:
        """The same at other widths than its formats give, such as proofs take.

        >>> Config("mac", "matrix2d", "2x2").with_widths(a=3, b=3, acc=8).widths.acc
        8
        """
        return _remade(type(self), *self._given(), replace(self.widths, **changes))

    def made_as(self, kind: type[C]) -> C:
        """The same as another class of configuration, such as an engine that runs."""
        return _remade(kind, *self._given(), self.widths)

    def wrapping(self) -> Self:
        """The same as its RTL is: without guard bits its accumulator wraps, it refuses nothing."""
        if self.chain.narrow or self.params["overflow"] == "wrap" or not self.arithmetic.exact:
            return self
        place, params = self._given()
        return type(self)(*place, **{**params, "overflow": "wrap"})

    def _given(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What makes it again: where it stands, and its parameters."""
        place = (self.own_nest,) if self.own_nest else (self.record, self.array, self.size)
        return place, dict(self.params)

    def _facts(self) -> tuple[Any, ...]:
        """All that determines how the engine behaves."""
        return (self.own_nest, self.record, self.array, self.size, self.params, self.widths)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), *self._given(), self.widths)

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

    def _resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Every parameter with its value; lanes are the array's where it unrolls K."""
        params = resolve_parameters(self.pe, given, self.array)
        if self.pe is None or self.array is None:
            return params
        lanes = self.grid.lanes
        if lanes is None:
            lanes = params.get("lanes", self.pe.pace.lanes[0])
        elif "lanes" in given and params.get("lanes") != lanes:
            side = "a chain has 1" if self.grid.chain > 1 else f"{self.array.name} sets {lanes}"
            raise TpeError(f"lanes = {given['lanes']!r} is not legal: {side}")
        if lanes not in self.pe.pace.lanes:
            legal = f"{self.pe.pace.lanes[0]} to {self.pe.pace.lanes[-1]}"
            raise TpeError(f"lanes = {lanes} is not legal for {self.pe.name}: {legal}")
        if "lanes" in params:
            params["lanes"] = lanes
        if self.pe.at is not None:
            self._check_choices(self.pe, self.array, params)
            self.pe = self.pe.at(params)
        self.lanes = lanes
        return params

    @staticmethod
    def _check_choices(pe: PE, array: Array, params: Mapping[str, Any]) -> None:
        """Parameters may make a PE one that this array refuses."""
        assert pe.at is not None
        reason = array.refuses(pe.at(params))
        if reason is None:
            return
        back = [p for p in pe.parameters if not array.refuses(pe.at({**params, p.name: p.default}))]
        chosen = ", ".join(f"{p.name} = {params[p.name]!r}" for p in back)
        raise TpeError(f"{chosen} is not legal for {pe.name} in {array.name}: {reason}")

    def _check_storage(self) -> None:
        """Stored digits are those of signed operands without zero points."""
        if self.params.get("encode_in") != "stored":
            return
        stored, _ = self.sides.pair(self.a_format, self.b_format)
        if not stored.signed or self.params["zero_points"] != "none":
            raise TpeError(
                f"encode_in = 'stored' is not legal with {stored.name} and zero_points = "
                f"{self.params['zero_points']!r}: digits are stored of signed operands as they are"
            )

    def _widths(self, params: Mapping[str, Any]) -> Widths:
        encoded, other = self._encoded(params)
        widest = max(self.a_format.bits, self.b_format.bits)
        acc = params["acc_bits"] or next(acc for top, acc in _ACC_DEFAULT if widest <= top)
        if acc < encoded.bits + other.bits:
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
            "pe": self.pe.name if self.pe else "nest",
            "array": self.array.name if self.array else None,
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
            "rtl_checked": pes.rtl_checked(self.record),
        }

    @property
    def sides(self) -> Sides:
        """Which tensor is encoded, and what is turned for it."""
        return sides_of(self.params)

    @property
    def arithmetic(self) -> Arithmetic:
        """What its operands are, and what it makes of them."""
        return self.pe.arithmetic if self.pe else INTEGER

    def require_room(self, layer: str, k: int, added: Added | None) -> None:
        """TpeError if a sum of `k` products, C0 and bias may leave the accumulator as built."""
        if self.arithmetic.exact and self.params["overflow"] != "wrap":
            self.chain.check_room(layer, k, *self.difference_formats(), added)

    def encoded_formats(self) -> tuple[Format, Format]:
        """Formats, as the array sees them, of the encoded operand and of the other one."""
        return self._encoded(self.params)

    def _encoded(self, params: Mapping[str, Any]) -> tuple[Format, Format]:
        mode = params["zero_points"]
        code = zero_points.coded_format
        sides = sides_of(params)
        return sides.pair(code(self.a_format, mode), code(self.b_format, mode))

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
    def name(self) -> str:
        """A label: PE, array and size."""
        if self.pe is None or self.array is None:
            return f"nest_{size_text(self.size)}"
        return f"{self.pe.name}_{self.array.name}_{size_text(self.size)}"

    @property
    def hash(self) -> str:
        """A short name for everything that determines behaviour; see `tpe.engine.identity`."""
        return identity_hash(self.describe(), self.params, self.own_nest)

    def listed(self) -> tuple[PE, Array, tuple[int, ...]]:
        """What a file says of the engine besides its parameters; TpeError if none can hold it.

        One from a nest is refused, and one of a PE or array that is not among the listed ones.
        """
        if self.record is None or self.array is None:
            raise TpeError("an engine from a nest cannot be saved; legal: a PE in an array")
        check_listed(self.record, self.array)
        return self.record, self.array, self.size

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the engine into a TOML file, whole or not at all; see `tpe.engine.file`.

        Raises TpeError if the file cannot be written, or could not be read again: see `listed`.
        """
        text = engine_toml(*self.listed(), self.params)
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    @property
    def encoder(self) -> str:
        """The recoding of the encoded operand."""
        return str(self.params.get("encoder", "booth"))

    @cached_property
    def nest(self) -> Nest:
        """The loop nest of this engine, its time loops still unbound."""
        if self.own_nest is not None:
            return self.own_nest
        assert self.pe is not None
        if self.pe.nest is None:
            raise TpeError(f"pe {self.pe.name} is not written as a nest: no inventory, no rewrites")
        grid, w = self.grid, self.widths
        return self.pe.nest(tile(grid.m, grid.n, w.digits, w.lanes, grid.chain), self.params)

    @property
    def has_nest(self) -> bool:
        """Whether the engine is written as a nest; comparison PEs are not."""
        return self.own_nest is not None or (self.pe is not None and self.pe.nest is not None)

    def inventory(self, m: int = 1, n: int = 1, k: int = 1) -> tuple[Unit, ...]:
        """Copies, fan-in, needed width and runs of every primitive, for a GEMM of M x N x K.

        Raises TpeError for a PE that is not written as a nest.
        """
        encoded, other = self.encoded_formats()
        depth = self.widths.depth if self.pe and self.pe.sparse else None
        acc = self.widths.acc
        return bound_inventory(self.nest, m, n, k, self.encoder, encoded, other, acc, depth)


def _remade(kind: type[C], place: tuple[Any, ...], params: dict[str, Any], widths: Widths) -> C:
    """What `Config.__reduce__` took apart; `widths` may be others than it would have."""
    made = kind(*place, **params)
    vars(made)["widths"] = widths
    return made
