"""What of an engine is mapped: the parts of its PE, and variants of them that compute the same.

A PE is cell, front and finish: what an array places, what a row shares, what a column shares. Its
area is the cell's; the other two are told beside it, and its clock is the slowest part's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from tpe.engine import Engine
from tpe.errors import TpeError
from tpe.hdl import emit, sources
from tpe.synth.mapper import Part

Size: TypeAlias = tuple[int, ...]
KINDS = ("cell", "front", "finish")
FREE_BITS = "negate=free_bits"  # the modules of `data/rtl` in place of their namesakes
# Parameters that change how a PE is built and neither what it computes nor its throughput: a
# portfolio tries their values, one at a time.
VARIED = ("tree", "stages", "negate")


def sized(engine: Engine, size: Size | None = None, **params: Any) -> Engine:
    """The same engine at another size, `params` replaced.

    >>> sized(Engine("opt1", "os", "16x16"), (4, 2), acc_bits=24).size
    (4, 2)
    """
    own = {**engine.params, **params}
    return Engine(emit.record(engine), engine.array, size or engine.size, **own)


@dataclass(frozen=True)
class Variant:
    """An engine that differs from the asked one in `chosen` alone; the first is that one."""

    engine: Engine
    chosen: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What differs, as a word; empty if nothing does."""
        return ",".join(f"{name}={value}" for name, value in self.chosen.items())


def variants(engine: Engine, vary: Sequence[str] = VARIED) -> list[Variant]:
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


def pe_parts(engine: Engine, vary: Sequence[str] = VARIED) -> dict[str, list[Part]]:
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
    if "negate" in vary:
        for parts in found.values():
            _add_rebuilt(parts)
    return found


def cell_part(engine: Engine, variant: str = "") -> Part:
    """The cell of an engine as a variant builds it; TpeError if there is none of that name."""
    modules = emit.engine_modules(variant_engine(engine, variant))
    needed = (rebuilt if has_stand_ins(variant) else reachable)(modules, "tpe_cell")
    return Part(f"{emit.record(engine).name}.cell", "tpe_cell", needed, (), variant)


def share_of(kind: str, engine: Engine, small: Engine) -> tuple[float, float]:
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


def _rows(engine: Engine) -> int:
    return engine.grid.m * engine.grid.chain


@cache
def drop_ins() -> dict[str, str]:
    """Modules that stand in for those of `rtl` of the same name and compute the same, by name.

    Those of `rtl` follow the notation, a primitive a module; a multiplier that is not, and is
    smaller, must not be missing from a comparison. A test proves each equal to its namesake.
    """
    folder = Path(__file__).parent / "data" / "rtl"
    return {file.stem: file.read_text() for file in sorted(folder.glob("*.sv"))}


def _add_rebuilt(parts: list[Part]) -> None:
    """Behind the parts, each again with the modules that have a stand-in replaced, if one has."""
    for part in list(parts):
        modules = rebuilt(part.modules, part.top)
        if all(modules != known.modules for known in parts):
            words = [part.variant, FREE_BITS] if part.variant else [FREE_BITS]
            parts.append(replace(part, modules=modules, variant=",".join(words)))


def reachable(modules: Mapping[str, str], top: str) -> dict[str, str]:
    """The modules that `top` needs, itself first."""
    found: dict[str, str] = {}
    waiting = [top]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        if name not in modules:
            raise TpeError(f"module {name} is not in the RTL of {top}")
        found[name] = modules[name]
        waiting.extend(sorted(sources.instances(modules[name])))
    return found


def array_part(engine: Engine) -> Part:
    """The whole engine: the parts of its PE stay modules, everything else is flattened."""
    modules = emit.engine_modules(engine)
    keep = tuple(f"tpe_{kind}" for kind in KINDS if f"tpe_{kind}" in modules)
    return Part(engine.name, "tpe_engine", modules, keep)


def parameters_of(name: str) -> str:
    """A variant's name without what is no parameter of an engine.

    >>> parameters_of("stages=2,negate=free_bits")
    'stages=2'
    """
    return ",".join(word for word in name.split(",") if word != FREE_BITS)


def has_stand_ins(variant: str) -> bool:
    """Whether a variant was mapped with modules of `drop_ins`.

    >>> has_stand_ins("stages=2,negate=free_bits"), has_stand_ins("")
    (True, False)
    """
    return FREE_BITS in variant.split(",")


def rebuilt(modules: Mapping[str, str], top: str) -> dict[str, str]:
    """The modules that `top` needs, stand-ins in place of their namesakes."""
    return reachable({**modules, **drop_ins()}, top)


def variant_engine(engine: Engine, name: str) -> Engine:
    """The engine that a variant of this one is of, by `Variant.name`; TpeError if there is none.

    Stand-ins of modules, `FREE_BITS`, are no parameter of an engine and are left out.
    """
    name = parameters_of(name)
    changed = [text.partition("=")[0] for text in name.split(",") if text]
    for variant in variants(engine, changed):
        if variant.name == name:
            return variant.engine
    raise TpeError(f"{engine.name} has no variant '{name}'")
