"""What of an engine is mapped: the parts of its PE, and variants of them that compute the same.

A PE is cell, front and finish: what an array places, what a row shares, what a column shares. Its
area is the cell's; the other two are told beside it, and its clock is the slowest part's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.hdl import emit
from tpe.hdl.emit import rtl_names, sources
from tpe.synth.netlist.mapped import Part

Size: TypeAlias = tuple[int, ...]
KINDS = ("cell", "front", "finish")
FREE_BITS = "negate=free_bits"  # the modules of `data/rtl` in place of their namesakes
BEHAVIOURAL = "multiplier=behavioural"  # `tpe_pe_mac_behavioural` in place of `tpe_pe_mac`
STAND_INS = (FREE_BITS, BEHAVIOURAL)
# What changes how a PE is built and neither what it computes nor its throughput: parameters, and
# `negate` and `multiplier`, whose other value is a stand-in. A portfolio tries their values, one
# parameter at a time, and the stand-ins with each.
VARIED = ("tree", "stages", "negate", "multiplier")
_MULTIPLIER = "tpe_pe_mac"  # what has a behavioural stand-in


def sized(engine: Config, size: Size | None = None, **params: Any) -> Config:
    """The same engine at another size, `params` replaced.

    >>> from tpe.model.engine import Engine
    >>> sized(Engine("opt1", "os", "16x16"), (4, 2), acc_bits=24).size
    (4, 2)
    """
    own = {**engine.params, **params}
    return Config(emit.record(engine), engine.array, size or engine.size, **own)


@dataclass(frozen=True)
class Variant:
    """An engine that differs from the asked one in `chosen` alone; the first is that one."""

    engine: Config
    chosen: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What differs, as a word; empty if nothing does."""
        return ",".join(f"{name}={value}" for name, value in self.chosen.items())


def variants(engine: Config, vary: Sequence[str] = VARIED) -> list[Variant]:
    """The engine, then one for every other value of each varied parameter that its PE has."""
    found = [Variant(engine, {})]
    pe = emit.record(engine)
    for name in vary:
        parameter = pe.parameter(name)
        if parameter is None:
            continue
        for value in parameter.legal:
            if value != engine.params[name]:
                found.append(Variant(sized(engine, None, **{name: value}), {name: value}))
    return found


def pe_parts(engine: Config, vary: Sequence[str] = VARIED) -> dict[str, list[Part]]:
    """Parts of the engine's PE by kind, each with its variants; equal RTL stands there once."""
    pe = emit.record(engine)
    found: dict[str, list[Part]] = {}
    for variant in variants(engine, vary):
        modules = emit.engine_modules(variant.engine)
        for kind in KINDS:
            top = f"tpe_{kind}"
            if top not in modules:
                continue
            needed = reachable(modules, top)
            known = found.setdefault(kind, [])
            if all(part.modules != needed for part in known):
                known.append(Part(f"{pe.name}.{kind}", top, needed, (), variant.name))
    words = [word for word in STAND_INS if word.partition("=")[0] in vary]
    for parts in found.values():
        written = list(parts)
        for word in words:
            _add_rebuilt(parts, written, word)
    return found


def cell_part(engine: Config, variant: str = "") -> Part:
    """The cell of an engine as a variant builds it; TpeError if there is none of that name."""
    modules = emit.engine_modules(variant_engine(engine, variant))
    needed = rebuilt(modules, "tpe_cell", variant)
    return Part(f"{emit.record(engine).name}.cell", "tpe_cell", needed, (), variant)


def share_of(kind: str, engine: Config, small: Config) -> tuple[float, float]:
    """(dynamic, leakage) of a part by which a PE of the engine has less than one of the small.

    A front is shared by the columns. A finish is shared by the rows; it works once per output,
    or in every cycle if the PE is digit-serial.
    """
    pe = emit.record(engine)
    if kind == "front" and not pe.own_front:
        share = small.grid.n / engine.grid.n
        return share, share
    if kind == "finish":
        rows = _rows(small) / _rows(engine)
        return (rows if pe.sparse else 1.0), rows
    return 1.0, 1.0


def _rows(engine: Config) -> int:
    return engine.grid.m * engine.grid.chain


@cache
def drop_ins() -> dict[str, str]:
    """Modules that stand in for those of `rtl` of the same name and compute the same, by name.

    Those of `rtl` follow the notation, a primitive a module; a multiplier that is not, and is
    smaller, must not be missing from a comparison. A test proves each equal to its namesake.
    """
    folder = Path(__file__).parents[1] / "data" / "rtl"
    return {file.stem: file.read_text() for file in sorted(folder.glob("*.sv"))}


def _add_rebuilt(parts: list[Part], written: Sequence[Part], word: str) -> None:
    """Behind the parts, those `written` again with the stand-ins of a word, if they have one."""
    for part in written:
        modules = rebuilt(part.modules, part.top, word)
        if all(modules != known.modules for known in parts):
            words = [part.variant, word] if part.variant else [word]
            parts.append(replace(part, modules=modules, variant=",".join(words)))


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
    keep = tuple(f"tpe_{kind}" for kind in KINDS if f"tpe_{kind}" in modules)
    return Part(engine.name, "tpe_engine", modules, keep)


def around_part(engine: Config) -> Part:
    """What an engine has around the parts of its PE, which are black boxes there."""
    whole = array_part(engine)
    assert whole.keep is not None
    return replace(whole, keep=(), boxes=whole.keep)


def parameters_of(name: str) -> str:
    """A variant's name without what is no parameter of an engine.

    >>> parameters_of("stages=2,negate=free_bits")
    'stages=2'
    """
    return ",".join(word for word in name.split(",") if word not in STAND_INS)


def rebuilt(modules: Mapping[str, str], top: str, variant: str) -> dict[str, str]:
    """The modules that `top` needs, with the stand-ins that a variant of this name has.

    `negate=free_bits`: those of `drop_ins` in place of their namesakes; `multiplier=behavioural`:
    `tpe_pe_mac_behavioural` where a cell of operands, not of digits, has `tpe_pe_mac`.
    """
    words, found = variant.split(","), dict(modules)
    if FREE_BITS in words:
        found |= drop_ins()
    if BEHAVIOURAL in words and _MULTIPLIER in modules:
        found |= _behavioural(modules)
    return reachable(found, top)


def _behavioural(modules: Mapping[str, str]) -> dict[str, str]:
    """The cell of a MAC whose multiplier is an expression, and that multiplier."""
    name, cell = f"{_MULTIPLIER}_behavioural", modules["tpe_cell"]
    if not re.search(r"\.Coded\s*\(0\)", cell):
        return {}
    none = f".Encoder({rtl_names.reference('Encoder', 'booth')})"  # it encodes nothing: one variant
    cell = re.sub(r"\.Encoder\([^)]*\)", none, cell)
    text = re.sub(rf"^  {_MULTIPLIER} #\(", f"  {name} #(", cell, flags=re.MULTILINE)
    return {"tpe_cell": text, name: sources.text(name)}


def variant_engine(engine: Config, name: str) -> Config:
    """The engine that a variant of this one is of, by `Variant.name`; TpeError if there is none.

    `STAND_INS` are no parameters of an engine and are left out.
    """
    name = parameters_of(name)
    changed = [text.partition("=")[0] for text in name.split(",") if text]
    for variant in variants(engine, changed):
        if variant.name == name:
            return variant.engine
    raise TpeError(f"{engine.name} has no variant '{name}'")
