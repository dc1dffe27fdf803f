"""What of an engine is mapped: the parts of its PE, and variants of them that compute the same.

A PE is cell, row, front and finish: what an array places, two things that a row shares, what a
column shares. Its area is the cell's; the others are told beside it, and its clock is the slowest
part's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tpe.array.base import BSupply
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.synth.netlist.mapped import Part

Size: TypeAlias = tuple[int, ...]
KINDS = ("cell", "row", "front", "finish")
# What changes how a PE is built and neither what it computes nor its throughput. A portfolio tries
# their values: of trees and stages one parameter at a time, and each with each of `REBUILT`,
# which leave every register of the array where it is.
VARIED = ("tree", "stages", "cell_stages", "negate", "multiplier")
REBUILT = ("negate", "multiplier")
# Those that a row's term is made for: when a cell's sum is there, and what it leaves to its row.
BOUND = ("stages", "cell_stages", "negate")


def sized(engine: Config, size: Size | None = None, **params: Any) -> Config:
    """The same engine at another size, `params` replaced.

    >>> from tpe.model.engine import Engine
    >>> sized(Engine("opt1", "os", "16x16"), (4, 2), acc_bits=24).size
    (4, 2)
    """
    own = {**engine.params, **params}
    emit.record(engine)  # which a PE without RTL has none of
    return Config(engine.record, engine.array, size or engine.size, **own)


def require_built(engine: Config) -> None:
    """TpeError for an engine that can be simulated and not built, so that it has no price.

    >>> require_built(Config("opt4c", "matrix2d", "2x2", b_supply="ported"))
    Traceback (most recent call last):
    tpe.TpeError: b_supply = 'ported' has no price: no memory has a read port for every row; \
legal: copies
    """
    if engine.choices.b_supply is BSupply.PORTED:
        raise TpeError(
            f"b_supply = {engine.params['b_supply']!r} has no price: no memory has a read port for "
            f"every row; legal: {BSupply.COPIES}"
        )


@dataclass(frozen=True)
class Variant:
    """An engine that differs from the asked one in `chosen` alone; the first is that one."""

    engine: Config
    chosen: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What differs, as a word; empty if nothing does."""
        return _words(self.chosen)

    @property
    def bound(self) -> str:
        """What of it all parts of a PE have to share."""
        return _words({name: value for name, value in self.chosen.items() if name in BOUND})


def _words(chosen: Mapping[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in chosen.items())


def variants(engine: Config, vary: Sequence[str] = VARIED) -> list[Variant]:
    """The engine, then one for every other value of each varied parameter that its PE has.

    Those of `REBUILT` come with each value of the others. What its PE does not take is left out.

    >>> [x.name for x in variants(Config("opt1", "os", "2x2"), ("tree", "negate"))][3:6]
    ['tree=three_greedy', 'negate=free_bits', 'tree=wallace,negate=free_bits']
    """
    alone = _others(engine, [name for name in vary if name not in REBUILT])
    found = []
    for rebuilt in _others(engine, [name for name in vary if name in REBUILT]):
        for chosen in ({**one, **rebuilt} for one in alone):
            with suppress(TpeError):  # the two do not go together
                found.append(Variant(sized(engine, None, **chosen), chosen))
    return [one for one in found if _interface(one.engine) == _interface(engine)]


def _interface(engine: Config) -> tuple[str, int]:
    """What of a cell the rest of its array is built for: the term of a row, the psum's bits."""
    return emit.hardware(engine).row, engine.pe.kernel.psum.bits(engine.widths)


def _kinds(engine: Config, modules: Mapping[str, str]) -> list[str]:
    """The parts that an engine's PE has; a row term that is always zero is none."""
    nothing = {"row"} if emit.hardware(engine).row == "none" else set()
    return [kind for kind in KINDS if f"tpe_{kind}" in modules and kind not in nothing]


def _others(engine: Config, names: Sequence[str]) -> list[dict[str, Any]]:
    """No change, and every other value of each of these parameters."""
    found: list[dict[str, Any]] = [{}]
    for parameter in filter(None, map(emit.record(engine).parameter, names)):
        others = (x for x in parameter.legal if x != engine.params[parameter.name])
        found += [{parameter.name: value} for value in others]
    return found


def pe_parts(engine: Config, vary: Sequence[str] = VARIED) -> dict[str, list[Part]]:
    """Parts of the engine's PE by kind, each with its variants; equal RTL stands there once."""
    pe = emit.record(engine)
    found: dict[str, list[Part]] = {}
    for variant in variants(engine, vary):
        modules = emit.engine_modules(variant.engine)
        for kind in _kinds(engine, modules):
            top = f"tpe_{kind}"
            part = Part(f"{pe.name}.{kind}", top, reachable(modules, top), (), variant.name)
            _known(found.setdefault(kind, []), replace(part, fits=frozenset({variant.bound})))
    return found


def _known(parts: list[Part], part: Part) -> None:
    """Put a part with the others, or say of the one with the same RTL what else it fits."""
    for i, other in enumerate(parts):
        if other.modules == part.modules:
            parts[i] = replace(other, fits=other.fits | part.fits)
            return
    parts.append(part)


def cell_part(engine: Config, variant: str = "") -> Part:
    """The cell of an engine as a variant builds it; TpeError if there is none of that name."""
    needed = reachable(emit.engine_modules(variant_engine(engine, variant)), "tpe_cell")
    return Part(f"{emit.record(engine).name}.cell", "tpe_cell", needed, (), variant)


def module_part(engine: Config, module: str, defaults: Mapping[str, int] | None = None) -> Part:
    """A module of an engine's RTL by itself; TpeError if it has none of that name.

    Its parameters have the engine's widths and formats for defaults, and `defaults` beside them:
    what the module that instantiates it says.

    >>> engine = Config("fma", "matrix2d", "2x2", a_type="e4m3fn")
    >>> module_part(engine, "tpe_fp_multiply").name
    'fma.tpe_fp_multiply'
    """
    modules = reachable(emit.engine_modules(engine), module)
    modules[module] = emit.with_defaults(modules[module], defaults or {})
    return Part(f"{emit.record(engine).name}.{module}", module, modules)


def share_of(kind: str, engine: Config, small: Config) -> tuple[float, float]:
    """(dynamic, leakage) of a part by which a PE of the engine has less than one of the small.

    A front, or the term of a row, is shared by the columns. A finish is shared by the rows; it
    works once per output, or in every cycle if the PE is digit-serial.
    """
    pe = emit.record(engine)
    if kind == "row" or (kind == "front" and not pe.own_front):
        share = small.grid.n / engine.grid.n
        return share, share
    if kind == "finish":
        rows = _rows(small) / _rows(engine)
        return (rows if pe.sparse else 1.0), rows
    return 1.0, 1.0


def _rows(engine: Config) -> int:
    return engine.grid.m * engine.grid.chain


def reachable(modules: Mapping[str, str], top: str) -> dict[str, str]:
    """The modules and packages that `top` needs."""
    found: dict[str, str] = {}
    waiting = [top]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in modules:
            raise TpeError(f"module {name} is not in the RTL of {top}")
        found[name] = modules[name]
        waiting.extend(sorted(sources.needs(modules[name])))
    return sources.packages_first(found)


def array_part(engine: Config) -> Part:
    """The whole engine: the parts of its PE stay modules, everything else is flattened."""
    modules = emit.engine_modules(engine)
    keep = tuple(f"tpe_{kind}" for kind in _kinds(engine, modules))
    return Part(engine.name, "tpe_engine", modules, keep)


def around_part(engine: Config) -> Part:
    """What an engine has around the parts of its PE, which are black boxes there."""
    whole = array_part(engine)
    assert whole.keep is not None
    return replace(whole, keep=(), boxes=whole.keep)


def variant_engine(engine: Config, name: str) -> Config:
    """The engine that a variant of this one is of, by `Variant.name`; TpeError if there is none.

    >>> variant_engine(Config("mac"), "stages=2,negate=free_bits").params["stages"]
    2
    """
    words = changed(name)
    if any(emit.record(engine).parameter(parameter) is None for parameter in words):
        raise TpeError(f"{engine.name} has no variant '{name}'")
    return sized(engine, None, **words)


def changed(name: str) -> dict[str, str]:
    """What a variant of this name has changed.

    >>> changed("stages=2,negate=free_bits")
    {'stages': '2', 'negate': 'free_bits'}
    """
    words = (text.partition("=") for text in name.split(",") if text)
    return {parameter: value for parameter, _, value in words}
