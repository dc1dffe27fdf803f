"""What an engine is: a PE in an array of a size, with parameters; nothing here runs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, NoReturn, Self, TypeVar

from tpe import array as arrays
from tpe import pe as pes
from tpe.array.base import Array, Grid
from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.engine.choices import Overflow
from tpe.engine.groups import groups_conflict, no_unit
from tpe.engine.parameters import default_size, parse_size, resolve_parameters, size_text
from tpe.engine.sparsity import check_sparsity
from tpe.engine.spec import EngineSpec, remade
from tpe.engine.written import check_listed, engine_toml
from tpe.nest.notation import Nest, tile
from tpe.nest.readings import Unit
from tpe.numbers.arithmetic import Arithmetic
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe.base import PE
from tpe.pe.parameters import EncodeIn

C = TypeVar("C", bound="Config")

SELECT = "select"  # the primitive in front of cells whose other operand is sparse


class Config(EngineSpec):
    """A PE in an array of a size, with every parameter; frozen, and equal to one that behaves so.

    pe: a name or a record.
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
        pe: str | PE = pes.DEFAULT,
        array: str | Array | None = None,
        size: str | int | Sequence[int] | None = None,
        **parameters: Any,
    ) -> None:
        self.record = _record(pe)  # as it is found by name
        self.array = _array(array)
        arrays.require(self.array, self.record)
        params = resolve_parameters(self.record, parameters, self.array)
        place = parse_size(self._default_size(params) if size is None else size, self.array)
        grid = self.array.grid(place)
        if "lanes" in params:
            params["lanes"] = self._lanes(self.record, grid, parameters, params)
        self.pe = self._pe(params)  # for the parameters given
        lanes = self._lanes(self.pe, grid, parameters, params)
        super().__init__(place, grid, lanes, params)
        self._check_storage()
        formats = self.a_format, self.b_format
        check_sparsity(self.pe, self.params, formats, self.selection)
        conflict = groups_conflict(self.params, self.chain.valued)
        if conflict is not None:
            raise TpeError(conflict)

    def _default_size(self, params: Mapping[str, Any]) -> tuple[int, ...]:
        """The size where none is given; its side along K what a step takes, if that has to be."""
        size, side = default_size(self.array), self.array.lanes_side
        lanes = self._pe(params).pace.lanes if side else ()
        if len(lanes) != 1:
            return size
        along_k = self.array.sides.index(side)
        return tuple(lanes[0] if i == along_k else n for i, n in enumerate(size))

    def with_widths(self, **changes: int) -> Self:
        """The same at other widths than its formats give, such as proofs take.

        >>> Config("mac", "matrix2d", "2x2").with_widths(a=3, b=3, acc=8).widths.acc
        8
        """
        return remade(type(self), self._place(), dict(self.params), replace(self.widths, **changes))

    def made_as(self, kind: type[C]) -> C:
        """The same as another class of configuration, such as an engine that runs."""
        return remade(kind, self._place(), dict(self.params), self.widths)

    def wrapping(self) -> Self:
        """The same as its RTL is: without guard bits its accumulator wraps, it refuses nothing."""
        if (
            self.chain.narrow
            or self.choices.overflow is Overflow.WRAP
            or not self.arithmetic.integral
        ):
            return self
        return type(self)(*self._place(), **{**self.params, "overflow": str(Overflow.WRAP)})

    def _place(self) -> tuple[PE, Array, tuple[int, ...]]:
        return self.record, self.array, self.size

    def _lanes(
        self, pe: PE, grid: Grid, given: Mapping[str, Any], params: Mapping[str, Any]
    ) -> int:
        """Lanes of a cell: the array's where it unrolls K, else the PE's."""
        lanes = grid.lanes
        if lanes is None:
            lanes = int(params.get("lanes", pe.pace.lanes[0]))
        elif "lanes" in given and params.get("lanes") != lanes:
            side = f"{self.array.name} sets {lanes}"
            raise TpeError(f"lanes = {given['lanes']!r} is not legal: {side}")
        if lanes not in pe.pace.lanes:
            if len(pe.pace.lanes) == 1 and self.array.lanes_side is not None:
                self._refuse_side(lanes, params)
            legal = f"{pe.pace.lanes[0]} to {pe.pace.lanes[-1]}"
            raise TpeError(f"lanes = {lanes} is not legal for {pe.name}: {legal}")
        return lanes

    def _refuse_side(self, lanes: int, params: Mapping[str, Any]) -> NoReturn:
        """TpeError for a side along K that is not what a step takes, with what would be, and when.

        A step whose lanes are one sum has another result with other lanes.
        """
        (takes,) = self.pe.pace.lanes
        others = [
            f"{n} with {when}" for when, n in _lanes_elsewhere(self.record, params) if n != takes
        ]
        raise TpeError(
            f"{self.array.lanes_side} = {lanes} is not legal for {self.record.name} in "
            f"{self.array.name}, where it is the operands of K that a step takes: "
            f"{', '.join([str(takes), *others])}"
        )

    def _pe(self, params: Mapping[str, Any]) -> PE:
        """The record for these parameters; they may make it one that this array refuses."""
        pe, array, at = self.record, self.array, self.record.at
        conflict = pe.conflict(params)
        if conflict is not None:
            raise TpeError(f"pe {pe.name}: {conflict}")
        if at is None:
            return pe
        made = at(pe, params)
        reason = array.refuses(made)
        if reason is None:
            return made
        back = [
            p for p in pe.parameters if not array.refuses(at(pe, {**params, p.name: p.default}))
        ]
        chosen = ", ".join(f"{p.name} = {params[p.name]!r}" for p in back)
        raise TpeError(f"{chosen} is not legal for {pe.name} in {array.name}: {reason}")

    def _check_storage(self) -> None:
        """Stored digits are those of signed operands without zero points."""
        if self.choices.encode_in is not EncodeIn.STORED:
            return
        stored, _ = self.sides.pair(self.a_format, self.b_format)
        if not stored.signed or self.choices.zero_points is not ZeroPoints.NONE:
            raise TpeError(
                f"encode_in = 'stored' is not legal with {stored.name} and zero_points = "
                f"{self.params['zero_points']!r}: digits are stored of signed operands as they are"
            )

    def _named(self) -> dict[str, str | None]:
        return {"pe": self.pe.name, "array": self.array.name}

    @property
    def arithmetic(self) -> Arithmetic:
        """What its operands are, and what it makes of them."""
        return self.pe.arithmetic

    @property
    def pass_terms(self) -> int | None:
        """The most products that one pass takes, of a sparse PE `depth`; None: all of K is one."""
        return self.widths.depth if self.pe.sparse else None

    @property
    def stepped(self) -> bool:
        """Whether an operand takes a cell several cycles, and all cells wait for one another."""
        return self.pe.stepped or self.pe.serial

    @property
    def rtl_checked(self) -> str:
        """What was run on its RTL: the column of that name; see `tpe.pe.rtl_checked`."""
        if self.scale_group and no_unit(self.pe, self.array, self.params):
            return "model only"
        return pes.rtl_checked(self.record if self.pe.rtl else self.pe)

    @property
    def name(self) -> str:
        """A label: PE, array and size."""
        return f"{self.pe.name}_{self.array.name}_{size_text(self.size)}"

    def listed(self) -> tuple[PE, Array, tuple[int, ...]]:
        """What a file says of the engine besides its parameters; TpeError if none can hold it.

        One of a PE or array that is not among the listed ones is refused.
        """
        check_listed(self.record, self.array)
        return self.record, self.array, self.size

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the engine into a TOML file, whole or not at all; see `tpe.engine.file`.

        Raises TpeError if the file cannot be written, or could not be read again: see `listed`.
        """
        text = engine_toml(*self.listed(), self.params)
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    @cached_property
    def nest(self) -> Nest:
        """The loop nest of this engine, its time loops still unbound."""
        if self.pe.nest is None:
            raise TpeError(f"pe {self.pe.name} is not written as a nest: no inventory, no rewrites")
        grid, w = self.grid, self.widths
        return self.pe.nest(tile(grid.m, grid.n, w.digits, w.lanes, grid.chain), self.params)

    def inventory(self, m: int = 1, n: int = 1, k: int = 1) -> tuple[Unit, ...]:
        """Copies, fan-in, needed width and runs of every primitive, for a GEMM of M x N x K.

        With structured sparsity K is what is stored, and a select stands in every lane of a cell.
        Raises TpeError for a PE that is not written as a nest.
        """
        units = super().inventory(m, n, k)
        if self.selection is None:
            return units
        copies, fan_in = self.grid.m * self.grid.n * self.k_tile, self.selection.sparsity.m
        steps = -(-m // self.grid.m) * -(-n // self.grid.n) * -(-k // self.k_tile)
        runs = copies * steps * self.pe.planes(self.widths)
        return (Unit(SELECT, copies, fan_in, self.built_bits(SELECT, fan_in), runs), *units)

    def built_bits(self, op: str, fan_in: int) -> int:
        """Output width of a primitive that so many words enter, as built; 0 for a model only."""
        if op != SELECT or self.selection is None:
            return self.pe.built_bits(self.widths, op, fan_in)
        of_b = self.selection.encoded
        return self.widths.b if of_b else self.pe.code_bits(self.widths, self.params)

    @property
    def has_nest(self) -> bool:
        """Whether the engine is written as a nest; comparison PEs are not."""
        return self.pe.nest is not None


def _lanes_elsewhere(pe: PE, params: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Choices of a PE, one changed at a time, and the lanes that a step has with each."""
    if pe.at is None:
        return
    changes = [({"a_type": x, "b_type": x}, f"a_type = {x}") for x in pe.arithmetic.a_types]
    words = ((p.name, x) for p in pe.parameters if isinstance(p.legal, tuple) for x in p.legal)
    changes += [({name: x}, f"{name} = {x}") for name, x in words]
    for change, text in changes:
        changed = {**params, **change}
        if pe.conflict(changed) is None:
            yield text, pe.at(pe, changed).pace.lanes[0]


def _record(pe: object) -> PE:
    if isinstance(pe, PE):
        return pe
    if isinstance(pe, str):
        return pes.get(pe)
    other = {Nest: "; a nest runs as tpe.NestEngine", Config: "; tpe.Engine.of takes a Config"}
    hint = next((text for kind, text in other.items() if isinstance(pe, kind)), "")
    raise TpeError(f"pe is a {type(pe).__name__}; legal: a name or a PE{hint}")


def _array(array: str | Array | None) -> Array:
    if isinstance(array, Array):
        return array
    return arrays.get(arrays.DEFAULT if array is None else array)


def checked_config(engine: object) -> Config:
    """What a public function was given as its engine; TpeError for anything but a `Config`.

    >>> checked_config("opt1")
    Traceback (most recent call last):
    tpe.TpeError: engine is a str; legal: an Engine, a Config
    """
    if not isinstance(engine, Config):
        raise TpeError(f"engine is a {type(engine).__name__}; legal: an Engine, a Config")
    return engine
