"""Every width and count that the RTL of an engine takes, by parameter name and by module."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tpe.base.errors import TpeError
from tpe.engine.choices import Gating
from tpe.hdl.emit import finish, rtl_names, scales, sources
from tpe.numbers.floats import FloatFormat
from tpe.pe.base import PE, Hardware
from tpe.pe.lean import clock_holds
from tpe.pe.parameters import HOLD

if TYPE_CHECKING:
    from tpe.engine.config import Config


def record(engine: Config) -> PE:
    """The PE of an engine that has RTL; `TpeError` for a model-only PE."""
    if not engine.pe.rtl:
        what = f" with {engine.pe.model_only}" if engine.pe.model_only else ""
        raise TpeError(f"pe {engine.pe.name}{what} is model only: it has no RTL")
    scales.check_scaled(engine)
    for owner in (engine.pe.hardware, engine.array):
        if owner is not None and owner.folder is not None:
            sources.include(owner.folder)
    return engine.pe


def hardware(engine: Config) -> Hardware:
    """How the PE of an engine that has RTL is built; `TpeError` as `record`."""
    built = record(engine).hardware
    assert built is not None
    return built


def rtl_widths(engine: Config) -> dict[str, int]:
    """Every width and count that the RTL of an engine takes, by parameter name."""
    pe, w, params = record(engine), engine.widths, engine.params
    own = engine.array.parameters(pe)
    return {
        "AWidth": w.a,
        "BWidth": w.b,
        "AccWidth": w.acc,
        "Lanes": w.lanes,
        "Group": pe.group,
        "Window": pe.window,
        "Offered": pe.offered(w),
        "Depth": w.depth,
        "IndexWidth": max(1, (w.depth - 1).bit_length()),
        "CodeWidth": pe.code_bits(w, params),
        "PsumWidth": pe.kernel.psum.bits(w),
        "PlaneWidth": hardware(engine).plane_bits(w, params),
        "OwnFronts": int(pe.own_front),
        "MsbFirst": int(pe.falling),
        "Shadow": int(pe.shadow),
        "Coded": int(params.get("encode_in", "cell") != "cell"),
        "Planes": pe.planes(w),
        "BitPlanes": pe.bit_planes(w),
        "CellLatency": pe.latency(params),
        "FrontStages": 1 + pe.ahead,
        "FinishStages": params.get("finish_stages", 1),
        "FinishLatency": pe.finish_latency(params),
        "EnAhead": min(1, params.get("finish_stages", 1) - 1),
        "RowTerm": int(hardware(engine).row != "none"),
        "Stall": rtl_names.number("Stall", engine.choices.stall),
        "Hold": _hold(engine),
        "CarryEvery": params.get("carry_every", 1),
        **_formats(engine),
        **_select(engine),
        **hardware(engine).numbers(params),
        **finish.parameters(engine),
        **{p.rtl: p.rtl_value(params[p.name]) for p in own if p.rtl},
    }


def array_widths(engine: Config) -> dict[str, int]:
    """Of those the widths that are others around the cells, where cells select their operands."""
    selection = engine.selection
    if selection is None:
        return {}
    widths = rtl_widths(engine)
    code, b = selection.bits(widths["CodeWidth"], widths["BWidth"])
    return {"CodeWidth": code, "BWidth": b}


def _select(engine: Config) -> dict[str, int]:
    """What cells are told of structured sparsity; nothing where there is none."""
    selection = engine.selection
    if selection is None:
        return {}
    return {
        "SelectN": selection.sparsity.n,
        "SelectM": selection.sparsity.m,
        "SelectFrom": rtl_names.number("SelectFrom", "b" if selection.encoded else "a"),
    }


def _formats(engine: Config) -> dict[str, int]:
    """What a cell of floating point is told of its operands' formats; of integers nothing."""
    found = {}
    for side, number in zip("AB", engine.encoded_formats(), strict=True):
        if isinstance(number, FloatFormat):
            found[f"{side}ExpWidth"] = number.exponent_bits
            found[f"{side}Special"] = rtl_names.number("Special", number.nan)
    return found


def finish_bits(engine: Config) -> int:
    """Bits of the psum as a finish reads it.

    A sparse PE's sum that keeps few carries comes as a whole pair, through `tpe_kept_pair`.
    """
    psum = record(engine).kernel.psum
    kept = record(engine).sparse and engine.params.get("carry_every", 1) > 1
    return 2 * psum.word_bits(engine.widths) if kept else psum.bits(engine.widths)


def widths_by_module(engine: Config) -> Callable[[str], dict[str, int]]:
    """`rtl_widths` as a module of the engine, by name, has them."""
    pe, widths = record(engine), rtl_widths(engine)
    term = pe.kernel.psum.word_bits(engine.widths) if pe.sparse else widths["AccWidth"]
    own = {"finish": {"PsumWidth": finish_bits(engine)}, "row": {"AccWidth": term}}
    own["engine"] = {"Hold": array_hold(engine)}
    around = array_widths(engine)

    def of(module: str) -> dict[str, int]:
        outside = around if around and _around_cells(engine, module) else {}
        return widths | outside | own.get(module.split("_")[1], {})

    return of


def _around_cells(engine: Config, module: str) -> bool:
    """Whether a module stands around the cells, such as an array, or is what it takes for one."""
    home = sources.modules().get(module)
    if home is None:
        return module in ("tpe_engine", "tpe_cell", "tpe_row")
    return home.parent.name == "array" or home.parent == engine.array.folder


def array_hold(engine: Config) -> int:
    """How the array's cells hold; those with clock gates of their own are not behind the row's.

    A gate looks at its enable when its clock falls: behind a closed gate that is not at all.
    """
    own = engine.choices.gating is Gating.CLOCK and clock_holds(engine.params)
    return rtl_names.number("Hold", "gated") if own else _hold(engine)


def _hold(engine: Config) -> int:
    """How the cell holds, as it was chosen."""
    return HOLD.rtl_value(engine.params.get("hold", HOLD.default))


def rtl_size(engine: Config) -> tuple[int, int]:
    """Rows and Cols of the array's module: a chain has its rows along K."""
    grid = engine.grid
    return max(grid.m, grid.chain), grid.n
