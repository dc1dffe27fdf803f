"""What an engine is made of, as data: `describe` and `picture` are what `tpe show` prints.

What there is to choose from, `catalogue` and `combinations`, stands here too, from
`tpe.report.catalogue`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tpe import pe as pes
from tpe.array.base import Array
from tpe.base.errors import TpeError
from tpe.engine.config import Config
from tpe.engine.parameters import choices_in, parameters_of
from tpe.engine.spec import EngineSpec
from tpe.nest.notation import BW, SPACE, SYNC, Loop, M, N, Nest, Place, Step, mac, tile
from tpe.nest.readings import Unit
from tpe.nest.render import render
from tpe.nest.rewrites import opt1, opt2, opt3, opt4, reachable
from tpe.nest.row_terms import has_term, row_units
from tpe.pe.base import PE
from tpe.pe.parameters import EncodeIn
from tpe.report.catalogue import (
    WAYS,
    catalogue,
    combinations,
    legal_arrays,
    operand_steps,
    trades,
    values_of,
    values_text,
)
from tpe.report.drawing import picture
from tpe.report.drawing_legend import in_cell

__all__ = ["catalogue", "combinations", "describe", "legal_arrays", "picture", "trades"]

NO_NEST = "not written as a nest"
NO_PICTURE = "A nest of your own has no array to draw."

# ---- what an engine is ----


def describe(engine: EngineSpec) -> dict[str, Any]:
    """Everything about an engine that is known before it runs, ready for JSON.

    engine (columns of the flat table), hash, title, source, evidence (of a PE that models real
    hardware: what its values were compared with), arrays (legal ones), array (title), pace,
    parameters, stages, psum, nest (lines), rewrites, inventory with the K that its widths
    are for, picture. What a nest of your own, or a PE not written as a nest, has not is None or
    empty; `nest_why` then says why there is no nest.

    >>> from tpe.model.engine import Engine
    >>> facts = describe(Engine("opt1", "os", "2x2"))
    >>> [(unit["op"], unit["copies"], unit["built_bits"]) for unit in facts["inventory"]][-1]
    ('add', 2, 32)
    """
    if not isinstance(engine, EngineSpec):
        raise TpeError(f"engine is a {type(engine).__name__}; legal: an Engine, a NestEngine")
    placed = _placed(engine) if isinstance(engine, Config) else _OF_A_NEST
    own = (engine.record, engine.array) if isinstance(engine, Config) else (None, None)
    terms, why = _inventory_terms(engine)
    return {
        "engine": engine.describe(),
        "hash": engine.hash,
        **placed,
        "parameters": _parameters(engine, *own),
        "stages": _stages(engine),
        "nest": render(engine.nest).splitlines() if engine.has_nest else [],
        "nest_why": None if engine.has_nest else NO_NEST,
        "rewrites": _rewrites(engine),
        "inventory": _inventory(engine, terms),
        "inventory_k": terms,
        "inventory_why": why,
        "picture": picture(engine) if isinstance(engine, Config) else NO_PICTURE,
    }


_OF_A_NEST: dict[str, Any] = {
    "title": "a nest of your own",
    "source": "given",
    "evidence": None,
    "arrays": [],
    "array": None,
    "pace": None,
    "psum": None,
}


def _placed(engine: Config) -> dict[str, Any]:
    """What is known of a PE in an array alone."""
    return {
        "title": engine.pe.title,
        "source": engine.pe.source,
        "evidence": engine.arithmetic.evidence or None,
        "arrays": legal_arrays(engine.pe),
        "array": engine.array.title,
        "pace": _pace(engine),
        "psum": _psum(engine),
    }


def _parameters(engine: EngineSpec, pe: PE | None, array: Array | None) -> list[dict[str, Any]]:
    """Every parameter with its value; `choice`: whether it says how the engine is built, freely."""
    free = {p.name for p in choices_in(array, pe)} if array and pe else set()
    return [
        {
            "name": p.name,
            "value": engine.params.get(p.name, p.default),
            "default": p.default,
            "legal": values_of(p.legal),
            "legal_text": values_text(p.legal),
            "doc": p.doc,
            "rtl": p.rtl or None,
            "choice": p.name in free,
            "trade": p.trade or None,
        }
        for p in parameters_of(pe, array)
    ]


def _pace(engine: Config) -> str:
    """Steps that an operand takes."""
    pe = engine.pe
    planes = pe.planes(engine.widths)
    return f"{planes}, one for each bit weight," if planes > 1 else operand_steps(pe.pace)


def _stages(engine: EngineSpec) -> list[dict[str, Any]]:
    """Which primitives are hoisted out, run at every step, or are deferred past the sum over K.

    Of a PE that is not written as a nest only the modules are known.
    """
    ops: dict[str, list[str]] = {"front": [], "cell": [], "finish": [], "array": []}
    if engine.has_nest and has_term(engine.nest):
        ops["row"] = [unit.op for unit in row_units(engine.nest) if unit.copies]
    for i, step in enumerate(engine.nest.steps if engine.has_nest else ()):
        ops[_stage(engine, i, step)].append(step.op.name)
    built = _modules(engine) if isinstance(engine, Config) else {}
    modules: dict[str, str | None] = dict.fromkeys(ops) | built
    stages = [{"stage": stage, "ops": ops[stage], "module": modules[stage]} for stage in ops]
    if engine.choices.encode_in is EncodeIn.STORED:  # ahead of all hardware
        ahead = {"stage": "stored", "ops": ops["front"], "module": None}
        stages = [ahead, {**stages[0], "ops": []}, *stages[1:]]
    return stages


def _stage(engine: EngineSpec, index: int, step: Step) -> str:
    if step.op == SYNC:
        return "array"
    hoisted = isinstance(engine, Config) and engine.pe.front != "none"
    if step.in_front and (hoisted or N not in step.over):
        return "front"
    return "cell" if in_cell(engine, index) else "finish"


def _modules(engine: Config) -> dict[str, str | None]:
    """The RTL of each stage."""
    pe, array = engine.pe, engine.array
    if pe.hardware is None:
        return {}
    front = None if pe.front == "none" else f"tpe_front_{pe.front}"
    return {
        "front": "tpe_encode_row" if engine.choices.encode_in is EncodeIn.EDGE else front,
        "cell": pe.hardware.module,
        "row": None if pe.hardware.row == "none" else f"tpe_row_{pe.hardware.row}",
        "finish": f"tpe_finish_{pe.hardware.finish}",
        "array": f"tpe_{array.rtl(pe)}",
    }


def _psum(engine: Config) -> dict[str, Any]:
    pe, array = engine.pe, engine.array
    widths = pe.kernel.psum.words(engine.widths)
    words, bits = len(widths), max(widths)
    plural = "s" if words > 1 else ""
    each = f"{bits}" if min(widths) == bits else f"{bits} to {min(widths)}"
    way = WAYS[array.way]
    return {
        "kind": pe.kernel.psum.kind,
        "words": words,
        "word_bits": bits,
        "bits": pe.kernel.psum.bits(engine.widths),
        "way": way,
        "text": f"{pe.kernel.psum.kind}: {words} word{plural} of {each} bits, {way}",
    }


def _inventory_terms(engine: EngineSpec) -> tuple[int | None, str]:
    """The K that needed widths are given for, and why that one; None if there is no inventory."""
    if not engine.has_nest:
        return None, NO_NEST
    if engine.pass_terms is not None:
        return engine.pass_terms, "the most that one pass takes"
    a, b = engine.encoded_formats()
    largest = max(a.low * b.low, a.high * b.high)
    smallest = min(a.low * b.high, a.high * b.low)
    half = 1 << (engine.widths.acc - 1)
    terms = min((half - 1) // largest, half // -smallest)
    return terms, f"the most that {engine.widths.acc} bits hold"


def _inventory(engine: EngineSpec, terms: int | None) -> list[dict[str, Any]]:
    if terms is None:
        return []
    return [
        {
            "op": unit.op,
            "copies": unit.copies,
            "fan_in": unit.fan_in,
            "needed_bits": unit.bits,
            "built_bits": _built_bits(engine, unit),
        }
        for unit in engine.inventory(engine.grid.m, engine.grid.n, terms)
    ]


def _built_bits(engine: EngineSpec, unit: Unit) -> int | None:
    if not isinstance(engine, Config):
        return None
    return engine.built_bits(unit.op, unit.fan_in) or None


# ---- rewrites ----

_STEPS = 3  # rewrites from one stage of the paper's chain to the next, at most
_CHAIN: tuple[tuple[str, Callable[[Nest], Nest]], ...] = (
    (pes.BASELINE, lambda nest: nest),
    *((rewrite.__name__, rewrite) for rewrite in (opt1, opt2, opt3, opt4)),
)


def chain(engine: EngineSpec) -> list[dict[str, Any]] | None:
    """The rewrites from the MAC nest to the engine's, by way of the paper's optimisations.

    Rows of `from`, `to`, `rewrites`; empty for the MAC itself; None if there is no nest, or no
    stage of the paper's chain lies within three rewrites. The route with the fewest rewrites,
    found by search.

    >>> from tpe.model.engine import Engine
    >>> chain(Engine("opt1"))[0]["rewrites"]
    ['defer(add, past=K)', 'share(add, along=M)']
    """
    if not engine.has_nest:
        return None
    target = engine.nest
    name = engine.pe.name if isinstance(engine, Config) else "this nest"
    start = mac(*_mac_loops(engine))
    stages = [(stage, rewrite(start)) for stage, rewrite in _CHAIN]
    routes: list[list[dict[str, Any]]] = []
    rows: list[dict[str, Any]] = []
    for i, (stage, nest) in enumerate(stages):
        near = reachable(nest, _STEPS)
        if target in near:
            routes.append(_joined(rows, stage, name, near[target]))
        if i + 1 < len(stages):
            after, following = stages[i + 1]
            rows = [*rows, {"from": stage, "to": after, "rewrites": list(near[following])}]
    # of equally short routes, the one that passes most stages
    return min(routes, key=lambda r: (_length(r), -len(r)), default=None)


def _joined(
    rows: list[dict[str, Any]], stage: str, name: str, rewrites: tuple[str, ...]
) -> list[dict[str, Any]]:
    """`rows`, which end in `stage`, continued to `name`; one row if both are the same stage."""
    if rows and (stage == name or not rewrites):
        last = rows[-1]
        return [*rows[:-1], {**last, "to": name, "rewrites": [*last["rewrites"], *rewrites]}]
    return [*rows, {"from": stage, "to": name, "rewrites": list(rewrites)}] if rewrites else []


def _length(route: list[dict[str, Any]]) -> int:
    return sum(len(row["rewrites"]) for row in route)


def _mac_loops(engine: EngineSpec) -> tuple[Loop, ...]:
    """The loops of the MAC nest of the same size, every bit weight in space."""
    if isinstance(engine, Config):
        grid, w = engine.grid, engine.widths
        return tile(grid.m, grid.n, w.digits, w.lanes, grid.chain)
    nest = engine.nest
    return tile(nest.trips({M}, SPACE), nest.trips({N}, SPACE), nest.trips({BW}, *Place))


def _rewrites(engine: EngineSpec) -> dict[str, Any]:
    """How the nest comes from the MAC's, and what is one rewrite away."""
    if not engine.has_nest:
        return {"chain": None, "reachable": []}
    return {"chain": chain(engine), "reachable": _next_rewrites(engine.nest)}


def _next_rewrites(nest: Nest) -> list[str]:
    return [path[0] for path in reachable(nest, 1).values() if path]
