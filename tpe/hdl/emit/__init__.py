"""The SystemVerilog of one engine: aliases that bind a PE to an array, renamed under one prefix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.engine.parameters import size_text
from tpe.hdl.emit import finish, ports, resets, rtl_names, sources
from tpe.hdl.emit.compressors import tree_modules
from tpe.hdl.emit.keywords import KEYWORDS
from tpe.hdl.emit.templates import template
from tpe.hdl.emit.widths import array_widths
from tpe.hdl.emit.widths import finish_bits as finish_bits
from tpe.hdl.emit.widths import hardware as hardware
from tpe.hdl.emit.widths import record as record
from tpe.hdl.emit.widths import rtl_size as rtl_size
from tpe.hdl.emit.widths import rtl_widths as rtl_widths
from tpe.hdl.emit.widths import widths_by_module as widths_by_module
from tpe.hdl.foreign import slang_ports
from tpe.hdl.foreign.drop_in import check_cell
from tpe.nest.render import render
from tpe.numbers.formats import Format
from tpe.numbers.operands import Ints
from tpe.numbers.zero_points import ZeroPoints
from tpe.pe import NOT_CHECKED, rtl_checked
from tpe.pe.parameters import EncodeIn, Parameter
from tpe.version import __version__

if TYPE_CHECKING:
    from tpe.engine.config import Config

_CELL = ("AWidth", "BWidth", "AccWidth", "Lanes", "CodeWidth", "PsumWidth", "PlaneWidth")
_SELECT = ("SelectN", "SelectM", "SelectFrom")
_FORMATS = ("AExpWidth", "BExpWidth", "ASpecial", "BSpecial")  # of floating point, where taken
_FINISH = ("AccWidth", "PsumWidth", "PlaneWidth", "FinishLatency")
_ROW = ("AWidth", "BWidth", "AccWidth", "Lanes", "CodeWidth", "PlaneWidth", "CellLatency")
_FRONT = ("AWidth", "Lanes", "Group", "Window", "CodeWidth", "IndexWidth", "PlaneWidth", "EnAhead")
_GATED = {"none": (), "isolate": ("code_i", "b_i"), "clock": ("clk_i",)}  # ports of a cell
_INSIDE = {"clk_i": "clk", "code_i": "code", "b_i": "b"}  # what a gated cell has of them
FINISH_PORTS = ("clk_i", "en_i", "psum_i", "plane_i", "acc_i", "c_o")
_PARAMETER = re.compile(r"(\bparameter +int unsigned (\w+) *= )([^,\n]*?)(?= *(?:,|//|\n|$))")
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def engine_modules(engine: Config, reset: str = "async") -> dict[str, str]:
    """Module name -> source of an engine: `tpe_engine` on top, prefix `tpe_` throughout.

    `reset`: "async" or "sync", how its registers are reset. Raises TpeError for another one.
    """
    top = {"tpe_engine": _top(engine, reset)}
    needed = sources.closure(top, {**pe_aliases(engine, reset), **compressor_trees(engine)})
    widths = widths_by_module(engine)
    modules = {name: with_defaults(x, widths(name)) for name, x in needed.items()}
    return resets.rewritten(modules, reset)


def compressor_trees(engine: Config) -> dict[str, str]:
    """What takes the place of the chain of compressors, if the engine's tree is another."""
    kind = engine.params.get("tree", "chain")
    built = hardware(engine)
    sizes = built.trees(engine.widths, engine.params)
    if kind == "chain" or not sizes:
        return {}
    return tree_modules(kind, sizes, built.shapes(engine.widths, engine.params))


def with_defaults(text: str, widths: Mapping[str, int]) -> str:
    """A module with the engine's widths as the defaults of its parameters.

    Yosys elaborates a module with its defaults before it derives the real one, and checks hold
    for defaults too. Where a module takes its defaults from a package by name, these have names.
    """
    if sources.is_package(text):
        return text
    if not sources.in_house_style(text):
        return slang_ports.with_defaults(text, widths)
    head, end, rest = text.partition("\n) (\n")
    return _PARAMETER.sub(partial(_default, widths), head) + end + rest


def _default(widths: Mapping[str, int], hit: re.Match[str]) -> str:
    """A parameter with its width in place of the default: by name if that is one, else a number."""
    start, name, default = hit.groups()
    if name not in widths:
        return hit.group()
    by_name = default.startswith(f"{rtl_names.PACKAGE}::")
    return f"{start}{rtl_names.reference(name, widths[name]) if by_name else widths[name]}"


def pe_aliases(engine: Config, reset: str = "async") -> dict[str, str]:
    """`tpe_cell`, `tpe_finish`, `tpe_row`, and `tpe_front` if there is one: those of the PE."""
    pe, built = record(engine), hardware(engine)
    cell = ("tpe_dense_cell" if engine.selection else "tpe_cell", built.module)
    parts: list[tuple[str, str, tuple[str, ...]]] = [
        (*cell, (*_CELL, "Offered") if pe.grouped else _CELL),
        ("tpe_finish", f"tpe_finish_{built.finish}", _FINISH),
        ("tpe_row", f"tpe_row_{built.row}", _ROW),
    ]
    if pe.front != "none":
        parts.append(("tpe_front", f"tpe_front_{pe.front}", _FRONT))
    if engine.selection:
        parts.append(("tpe_cell", "tpe_select_cell", (*_CELL, *_SELECT)))
    widths = widths_by_module(engine)
    beside = (*_FORMATS, *built.numbers(engine.params))
    aliases = {}
    for alias, target, names in parts:
        source = sources.text(target)
        taken = sources.parameters(source)
        chosen: list[tuple[str, str | int]] = [
            (p.rtl, _chosen(p, engine.params[p.name])) for p in pe.parameters if p.rtl in taken
        ]
        if "encode_in" in engine.params and "Coded" in taken:
            chosen.append(("Coded", int(engine.choices.encode_in is not EncodeIn.CELL)))
        if pe.falling and "MsbFirst" in taken:
            chosen.append(("MsbFirst", 1))
        note = f"{target} under the name that every array instantiates."
        parameters = [(n, widths(target)[n]) for n in (*names, *beside) if n in taken]
        if alias == cell[0]:
            listed, known = sources.ports(source), [n for n, _ in parameters]
            check_cell(target, listed, sources.port_names(source), known, pe.stepped, names)
        if alias == "tpe_finish":
            _check_finish(target, sources.port_names(source))
        kind = alias.removeprefix("tpe_")
        aliases[alias] = _alias(
            alias,
            f"the {kind} of {pe.name}",
            note,
            target,
            parameters,
            f"u_{kind}",
            chosen,
            source,
            _GATED[engine.params["gating"]] if alias == cell[0] else (),
            widths(target)["CellLatency"],
            reset == "sync",
        )
    return aliases


def _check_finish(target: str, names: Sequence[str]) -> None:
    """TpeError for a finish, of another package perhaps, that lacks ports which arrays connect."""
    missing = [name for name in FINISH_PORTS if name not in names]
    if missing:
        raise TpeError(
            f"module {target} has no port {missing[0]}; legal: the ports of tpe_finish_word: "
            f"{', '.join(FINISH_PORTS)}"
        )


def _chosen(parameter: Parameter, value: Any) -> str | int:
    """A PE's choice as its cell is given it: by name where the package has the word for it."""
    number = parameter.rtl_value(value)
    if rtl_names.named().get(parameter.rtl, {}).get(value) != number:
        return number
    return rtl_names.reference(parameter.rtl, number)


def _alias(
    module: str,
    title: str,
    note: str,
    target: str,
    parameters: list[tuple[str, int]],
    instance: str,
    chosen: Iterable[tuple[str, str | int]],
    target_source: str,
    gated: tuple[str, ...],
    latency: int,
    clocked_reset: bool,
) -> str:
    listed = sources.port_records(target_source)
    return template(
        "aliases.sv.j2",
        module=module,
        title=title,
        note=note,
        parameters=parameters,
        ports=ports.text(listed),
        target=target,
        bindings=[(n, n) for n, _ in parameters] + list(chosen),
        instance=instance,
        connections=[(p.name, _INSIDE[p.name] if p.name in gated else p.name) for p in listed],
        gated={name: ports.find(listed, name).dims for name in gated},
        latency=latency,
        clocked_reset=clocked_reset,
    )


def stored_formats(engine: Config) -> tuple[Format, Format]:
    """Formats of the RTL's A and B as they are stored: A is the encoded side.

    Where B is stored in words of the PE's own, it has entered the array already.
    """
    a, b = engine.sides.pair(engine.a_format, engine.b_format)
    return a, b if hardware(engine).stored_b is None else engine.encoded_formats()[1]


def _top(engine: Config, reset: str) -> str:
    """`tpe_engine`: the array, behind what widens operands and takes zero points out."""
    widths, array = rtl_widths(engine) | array_widths(engine), _array_module(engine)
    names = _array_parameters(array)
    if widths["Lanes"] > 1 and "Lanes" not in names:
        raise TpeError(
            f"lanes = {widths['Lanes']} is not legal in {engine.array.name}: its RTL, tpe_{array}, "
            "has no parameter Lanes; legal: 1"
        )
    mode = engine.params["zero_points"]
    listed = sources.port_records(sources.text(f"tpe_{array}"))
    connections = {port.name: port.name for port in listed}
    parameters = list(zip(("Rows", "Cols"), rtl_size(engine), strict=True))
    parameters += [(name, widths[name]) for name in names if name not in ("Rows", "Cols")]
    conversions = []
    encoder, times = _edge_encoder(engine, listed), port_lanes(engine)
    if encoder:
        connections["a_i"] = "a_code"
        listed = ports.resized(listed, "a_i", "AWidth", times[0])
        parameters += [("AWidth", widths["AWidth"])] if "AWidth" not in names else []
    for side, number, many in zip("ab", stored_formats(engine), times, strict=True):
        if number.signed and mode != ZeroPoints.SUBTRACT:
            continue
        part = _conversion(engine, side, number, listed, 1 if encoder and side == "a" else many)
        conversions.append(part)
        parameters.append((part["in_width"], number.bits))
        listed = _operand_ports(listed, part, mode, 1 if encoder and side == "a" else many)
        if encoder and side == "a":
            encoder = {**encoder, "source": part["signal"]}
        else:
            connections[f"{side}_i"] = part["signal"]
    post = finish.post(engine)
    listed = ports.inserted(listed, "c_ready_i", *finish.port_lines(engine))
    if post or mode == ZeroPoints.OFFSET:
        connections["c_o"] = "c_array"
    if post:
        connections |= {
            f"c_{x}": f"array_{x.split('_')[0]}" for x in ("valid_o", "ready_i", "last_o")
        }
        listed = ports.resized(listed, "c_o", "YWidth")
        parameters += finish.top_parameters(engine).items()
    return template(
        "engine.sv.j2",
        title=engine.name,
        note=header(engine, reset),
        parameters=parameters,
        ports=ports.text(listed),
        conversions=conversions,
        encoder=encoder,
        post=post,
        corrected=post is None and mode == ZeroPoints.OFFSET,
        target=f"tpe_{array}",
        bindings=names,
        connections=list(connections.items()),
    )


def stored_b(engine: Config, b: Ints) -> Ints:
    """Operands of B as they enter the array, (..., columns x lanes), as words of their storage."""
    store = hardware(engine).stored_b
    if store is None:
        return b
    groups = b.reshape(*b.shape[:-1], -1, engine.widths.lanes)
    return store(engine.encoded_formats()[1], groups).reshape(b.shape)


def port_bits(engine: Config) -> tuple[int, int]:
    """Bits of an operand of A and of B at the ports of an engine, a place with it if it has one."""
    a, b = stored_formats(engine)
    bits = a.bits + engine.arithmetic.valid_bit
    if engine.choices.encode_in is EncodeIn.STORED:
        bits = record(engine).code_bits(engine.widths, engine.params)
    if engine.selection is None:
        return bits, b.bits
    places = engine.selection.sparsity.place_bits
    return (bits + places, b.bits) if engine.selection.encoded else (bits, b.bits + places)


def port_lanes(engine: Config) -> tuple[int, int]:
    """Operands of A and of B at a port for each lane: more than 1 of what cells select from."""
    selection = engine.selection
    if selection is None:
        return 1, 1
    return (1, selection.widening) if selection.encoded else (selection.widening, 1)


def _edge_encoder(engine: Config, listed: ports.Ports) -> dict[str, Any] | None:
    """The encoders at the array's edge, as the template reads them; None if there are none."""
    if engine.choices.encode_in is not EncodeIn.EDGE:
        return None
    count, _ = ports.find(listed, "a_i").elements
    kind = rtl_names.reference("Encoder", engine.encoder)
    many, bits = port_lanes(engine)[0], rtl_widths(engine)["CodeWidth"]
    if many > 1:
        return {"count": f"{count}*{many}", "source": "a_i", "kind": kind, "bits": bits}
    return {"count": count, "source": "a_i", "kind": kind, "bits": "CodeWidth"}


def _conversion(
    engine: Config, side: str, number: Format, listed: ports.Ports, many: int
) -> dict[str, Any]:
    """How one side's operands, `many` a lane, become the array's, as the template reads it."""
    count, _ = ports.find(listed, f"{side}_i").elements
    mode, width = engine.params["zero_points"], side.upper() + "Width"
    return {
        "side": side,
        "count": count if many == 1 else f"{count}*{many}",
        "in_width": side.upper() + "Operand",
        "out_width": rtl_widths(engine)[width] if engine.selection else width,
        "signed": int(number.signed),
        "zero": rtl_names.reference("Zero", mode),
        "signal": f"{side}_coded",
        "zero_signal": f"{side}_zero_i" if mode == ZeroPoints.SUBTRACT else "'0",
    }


def _operand_ports(
    listed: ports.Ports, part: Mapping[str, Any], mode: str, many: int
) -> ports.Ports:
    """The port of one side in its stored width, and its zero point if that is subtracted."""
    side, width = part["side"], part["in_width"]
    listed = ports.resized(listed, f"{side}_i", width, many)
    if mode != ZeroPoints.SUBTRACT:
        return listed
    zero = ports.input_port(f"{side}_zero_i", f"[{width}-1:0]", "subtracted")
    return ports.inserted(listed, f"{side}_i", zero)


def _array_module(engine: Config) -> str:
    return engine.array.rtl(record(engine))


def _array_parameters(array: str) -> list[str]:
    return list(sources.parameters(sources.text(f"tpe_{array}")))


def header(engine: Config, reset: str = "async") -> str:
    """What stands at the head of an emitted top: configuration and nest."""
    lines = [
        f"Generated by tpe {__version__}. {record(engine).source}",
        f"pe {record(engine).name}, array {engine.array.name if engine.array else ''}, "
        f"{size_text(engine.size)}",
        *(f"{name} = {value}" for name, value in engine.params.items() if value is not None),
        *([f"reset = {reset}"] if reset != "async" else []),
        *_warning(engine),
        "",
        *(render(engine.nest).splitlines() if engine.has_nest else []),
    ]
    return "\n// ".join(lines).replace("// \n", "//\n")


def _warning(engine: Config) -> list[str]:
    if rtl_checked(engine.record) != NOT_CHECKED:
        return []
    return [f"The RTL of pe {record(engine).name} is not checked against its model: tpe verify."]


def rename(modules: Mapping[str, str], prefix: str) -> dict[str, str]:
    """The same modules with `tpe_` replaced by `prefix_`, the top becoming `prefix` itself.

    Raises TpeError if the prefix is no identifier, so that two engines fit one design.
    """
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise TpeError(f"prefix = {prefix!r} is not legal: letters, digits, _; a letter first")
    if prefix in KEYWORDS:
        raise TpeError(f"prefix = {prefix!r} is not legal: a keyword of SystemVerilog")

    def new(name: str) -> str:
        return prefix if name == "tpe_engine" else f"{prefix}_{name.removeprefix('tpe_')}"

    known = sorted({*modules, *sources.modules(), *sources.packages()}, key=len, reverse=True)
    names = re.compile("|".join(rf"\b{name}\b" for name in known))
    return {new(m): names.sub(lambda hit: new(hit.group()), t) for m, t in modules.items()}
