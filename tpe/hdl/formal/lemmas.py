"""A lemma: a property of `rtl/formal` bound to the widths of an engine, and what looks for its RTL.

The properties and the specifications they refer to are written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tpe.base.files import data_folder
from tpe.hdl.emit import (
    compressor_trees,
    pe_aliases,
    record,
    rtl_widths,
    sources,
    widths_by_module,
    with_defaults,
)
from tpe.hdl.formal.solve import Query
from tpe.numbers.arithmetic import exact_product
from tpe.numbers.bipolar import BipolarFormat

if TYPE_CHECKING:
    from tpe.engine.config import Config


@dataclass(frozen=True)
class Lemma:
    """A property bound to widths: `query` decides it, `width` says for which widths it speaks."""

    name: str
    what: str
    width: str
    query: Query


Build = Callable[["Config", Mapping[str, str]], Lemma]


@dataclass(frozen=True)
class LemmaTemplate:
    """A lemma for any engine. `climbs`: its widths are the engine's own.

    Where these do not finish, the largest ones that do are looked for; `few`: of two lanes.
    """

    name: str
    build: Build
    climbs: bool = False
    few: bool = False


@cache
def properties() -> dict[str, Path]:
    """The modules of `rtl/formal` by name: specifications (tpe_spec_) and properties (tpe_prop_).

    >>> "tpe_prop_product" in properties()
    True
    """
    return {path.stem: path for path in sorted((data_folder("rtl") / "formal").glob("*.sv"))}


def at_widths(engine: Config, a: int, b: int, acc: int, lanes: int | None = None) -> Config:
    """The same engine with operands of a and b bits and an accumulator of acc bits.

    >>> from tpe.model.engine import Engine
    >>> at_widths(Engine("mac", "matrix2d", "2x2"), 3, 3, 8).widths.acc
    8
    """
    return engine.with_widths(a=a, b=b, acc=acc, **({"lanes": lanes} if lanes else {}))


def of_integers(engine: Config) -> bool:
    """Whether a product is one that `tpe_spec_product` knows.

    Of two's complement, exact or by a multiplier that has RTL, or bipolar.

    >>> from tpe.model.engine import Engine
    >>> [of_integers(Engine(pe)) for pe in ("mac", "mixpe", "bipolar", "table_mult", "fma")]
    [True, True, True, True, False]
    """
    plain = record(engine).arithmetic.product is exact_product
    return plain or is_bipolar(engine) or multiplier(engine) is not None


def multiplier(engine: Config) -> int | None:
    """The multiplier that products are by, as the parameter of the RTL has it; None: none."""
    chosen = (p for p in record(engine).parameters if p.rtl == "Multiplier")
    return next((p.rtl_value(engine.params[p.name]) for p in chosen), None)


def is_bipolar(engine: Config) -> bool:
    """Whether bits of operands stand for plus or minus their weights."""
    return all(isinstance(number, BipolarFormat) for number in engine.encoded_formats())


def query(
    engine: Config,
    top: str,
    parameters: Mapping[str, int],
    overrides: Mapping[str, str],
    cycles: int = 1,
    start: Literal["any", "reset"] = "any",
) -> Query:
    """A property with these parameters, and every module under it at the widths of the engine.

    `overrides` (module -> text) takes the place of modules of `rtl/`.
    """
    texts = {**own_modules(engine), **overrides}
    found: dict[str, str] = {}
    waiting = [top]
    widths = rtl_widths(engine)
    of = widths_by_module(engine) if engine.selection else lambda module: widths
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name in sources.packages():
            found[name] = sources.text(name)
        elif name in properties():
            text = texts.get(name) or properties()[name].read_text()
            found[name] = with_defaults(text, parameters)
        else:
            found[name] = with_defaults(texts.get(name) or sources.text(name), of(name))
        waiting += sources.needs(found[name])
    return Query(top, sources.packages_first(found), cycles, start)


def own_modules(engine: Config) -> dict[str, str]:
    """What an engine has beside the modules of `rtl/`: aliases, and compressors rewired."""
    return pe_aliases(engine) | compressor_trees(engine)


def encoder(engine: Config) -> int:
    """The recoding of an engine's A as the RTL's parameter; 0 if there is none to choose."""
    chosen = record(engine).parameter("encoder")
    return chosen.rtl_value(engine.params["encoder"]) if chosen else 0
