"""The SystemVerilog of one engine: aliases that bind a PE to an array, renamed under one prefix."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tpe.base.errors import TpeError
from tpe.engine.parameters import size_text
from tpe.hdl.emit import finish, sources
from tpe.hdl.emit.compressors import tree_modules
from tpe.hdl.emit.keywords import KEYWORDS
from tpe.hdl.emit.templates import template
from tpe.hdl.foreign import slang_ports
from tpe.hdl.foreign.drop_in import check_cell
from tpe.nest.render import render
from tpe.numbers.formats import Format
from tpe.numbers.zero_points import MODES
from tpe.pe import NOT_CHECKED, rtl_checked
from tpe.pe.base import PE, Hardware
from tpe.version import __version__

if TYPE_CHECKING:
    from tpe.engine.config import Config

_CELL = ("AWidth", "BWidth", "AccWidth", "Lanes", "CodeWidth", "PsumWidth", "PlaneWidth")
_FINISH = ("AccWidth", "PsumWidth", "PlaneWidth")
_FRONT = ("AWidth", "Lanes", "Group", "CodeWidth", "IndexWidth", "PlaneWidth")
_GATED = {"none": (), "isolate": ("code_i", "b_i"), "clock": ("clk_i",)}  # ports of a cell
_PREFIX = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


def rtl_widths(engine: Config) -> dict[str, int]:
    """Every width and count that the RTL of an engine takes, by parameter name."""
    pe, w, params = record(engine), engine.widths, engine.params
    assert engine.array is not None
    own = engine.array.parameters(pe)
    return {
        "AWidth": w.a,
        "BWidth": w.b,
        "AccWidth": w.acc,
        "Lanes": w.lanes,
        "Group": pe.group,
        "Depth": w.depth,
        "IndexWidth": max(1, (w.depth - 1).bit_length()),
        "CodeWidth": pe.code_bits(w, params),
        "PsumWidth": pe.kernel.psum.bits(w),
        "PlaneWidth": hardware(engine).plane_bits(w, params),
        "OwnFronts": int(pe.own_front),
        "Coded": int(params.get("encode_in", "cell") != "cell"),
        "Planes": pe.planes(w),
        "CellLatency": pe.latency(params),
        **finish.parameters(engine),
        **{p.rtl: p.rtl_value(params[p.name]) for p in own if p.rtl},
    }


def rtl_size(engine: Config) -> tuple[int, int]:
    """Rows and Cols of the array's module: a chain has its rows along K."""
    grid = engine.grid
    return max(grid.m, grid.chain), grid.n


def record(engine: Config) -> PE:
    """The PE of an engine that has RTL; `TpeError` for a bare nest or a model-only PE."""
    if engine.pe is None:
        raise TpeError("an engine from a bare nest has no RTL; choose a PE by name")
    if not engine.pe.rtl:
        raise TpeError(f"pe {engine.pe.name} is model only: it has no RTL")
    for owner in (engine.pe.hardware, engine.array):
        if owner is not None and owner.folder is not None:
            sources.include(owner.folder)
    return engine.pe


def hardware(engine: Config) -> Hardware:
    """How the PE of an engine that has RTL is built; `TpeError` as `record`."""
    built = record(engine).hardware
    assert built is not None
    return built


def engine_modules(engine: Config) -> dict[str, str]:
    """Module name -> source of an engine: `tpe_engine` on top, prefix `tpe_` throughout."""
    own = {"tpe_engine": _top(engine), **pe_aliases(engine), **_trees(engine)}
    modules = sources.closure(own)
    return {name: with_defaults(text, rtl_widths(engine)) for name, text in modules.items()}


def _trees(engine: Config) -> dict[str, str]:
    """What takes the place of the chain of compressors, if the engine's tree is another."""
    kind = engine.params.get("tree", "chain")
    if kind == "chain":
        return {}
    return tree_modules(kind, hardware(engine).trees(engine.widths, engine.params))


def with_defaults(text: str, widths: Mapping[str, int]) -> str:
    """A module with the engine's widths as the defaults of its parameters.

    Yosys elaborates a module with its defaults before it derives the real one, and checks hold
    for defaults too.
    """
    if not sources.in_house_style(text):
        return slang_ports.with_defaults(text, widths)
    head, end, rest = text.partition("\n) (\n")
    for name, value in widths.items():
        pattern = rf"(\bparameter +int unsigned {name} *= )[^,\n]*?(?= *(,|//|\n|$))"
        head = re.sub(pattern, rf"\g<1>{value}", head)
    return head + end + rest


def pe_aliases(engine: Config) -> dict[str, str]:
    """`tpe_cell`, `tpe_finish` and, where there is one, `tpe_front`, bound to the engine's PE."""
    pe, built = record(engine), hardware(engine)
    parts = [
        ("tpe_cell", built.module, _CELL),
        ("tpe_finish", f"tpe_finish_{built.finish}", _FINISH),
    ]
    if pe.front != "none":
        parts.append(("tpe_front", f"tpe_front_{pe.front}", _FRONT))
    widths = rtl_widths(engine)
    aliases = {}
    for alias, target, names in parts:
        source = sources.text(target)
        taken = sources.parameters(source)
        chosen = [
            (p.rtl, p.rtl_value(engine.params[p.name])) for p in pe.parameters if p.rtl in taken
        ]
        if "encode_in" in engine.params and "Coded" in taken:
            chosen.append(("Coded", int(engine.params["encode_in"] != "cell")))
        note = f"{target} under the name that every array instantiates."
        parameters = [(n, widths[n]) for n in names if n in taken]
        if alias == "tpe_cell":
            ports, known = sources.ports(source), [n for n, _ in parameters]
            check_cell(target, ports, sources.port_names(source), known, pe.stepped, names)
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
            _GATED[engine.params["gating"]] if alias == "tpe_cell" else (),
            widths["CellLatency"],
        )
    return aliases


def _alias(
    module: str,
    title: str,
    note: str,
    target: str,
    parameters: list[tuple[str, int]],
    instance: str,
    chosen: Iterable[tuple[str, int]],
    target_source: str,
    gated: tuple[str, ...],
    latency: int,
) -> str:
    ports = sources.port_names(target_source)
    return template(
        "aliases.sv.j2",
        module=module,
        title=title,
        note=note,
        parameters=parameters,
        ports=sources.ports(target_source),
        target=target,
        bindings=[(n, n) for n, _ in parameters] + list(chosen),
        instance=instance,
        connections=[
            (port, {"clk_i": "clk", "code_i": "code", "b_i": "b"}[port] if port in gated else port)
            for port in ports
        ],
        gated={port: _vector(target_source, port) for port in gated},
        latency=latency,
    )


def _vector(source: str, port: str) -> str:
    """The packed range of a port, as its module declares it."""
    match = re.search(rf"(\[[^\]]*\])?\s+{port}\b", sources.ports(source))
    assert match, f"the cell has a port {port}"
    return match.group(1) or ""


def stored_formats(engine: Config) -> tuple[Format, Format]:
    """Formats of the RTL's A and B as they are stored: A is the encoded side."""
    transposed = engine.params["encode"] == "weights"
    sides = (engine.a_format, engine.b_format)
    return (sides[1], sides[0]) if transposed else sides


def _top(engine: Config) -> str:
    """`tpe_engine`: the array, behind what widens operands and takes zero points out."""
    widths, array = rtl_widths(engine), _array_module(engine)
    names = _array_parameters(array)
    mode = MODES.index(engine.params["zero_points"])
    text = sources.text(f"tpe_{array}")
    ports, connections = sources.ports(text), {name: name for name in sources.port_names(text)}
    parameters = list(zip(("Rows", "Cols"), rtl_size(engine), strict=True))
    parameters += [(name, widths[name]) for name in names if name not in ("Rows", "Cols")]
    conversions = []
    encoder = _edge_encoder(engine, ports)
    if encoder:
        connections["a_i"] = "a_code"
        ports = ports.replace("*CodeWidth-1:0]", "*AWidth-1:0]")
        parameters += [("AWidth", widths["AWidth"])] if "AWidth" not in names else []
    for side, number in zip("ab", stored_formats(engine), strict=True):
        if number.signed and mode != 1:
            continue
        part = _conversion(side, number, mode, ports)
        conversions.append(part)
        parameters.append((part["in_width"], number.bits))
        ports = _operand_ports(ports, part, mode)
        if encoder and side == "a":
            encoder = {**encoder, "source": part["signal"]}
        else:
            connections[f"{side}_i"] = part["signal"]
    post, behind = finish.post(engine), "c_ready_i"
    for line in finish.port_lines(engine):
        ports = _after(ports, behind, line)
        behind = line.split("//")[0].split()[-1].rstrip(",")
    if post or mode == MODES.index("offset"):
        connections["c_o"] = "c_array"
    if post:
        connections |= {
            f"c_{x}": f"array_{x.split('_')[0]}" for x in ("valid_o", "ready_i", "last_o")
        }
        ports = re.sub(r"\[Cols\*AccWidth-1:0\](?= +c_o\b)", "[Cols*YWidth-1:0]  ", ports)
        parameters += finish.top_parameters(engine).items()
    return template(
        "engine.sv.j2",
        title=engine.name,
        note=header(engine),
        parameters=parameters,
        ports=ports,
        conversions=conversions,
        encoder=encoder,
        post=post,
        corrected=post is None and mode == MODES.index("offset"),
        target=f"tpe_{array}",
        bindings=names,
        connections=list(connections.items()),
    )


def port_bits(engine: Config) -> tuple[int, int]:
    """Bits of an operand of A and of B at the ports of an engine."""
    a, b = stored_formats(engine)
    if engine.params.get("encode_in") == "stored":
        return record(engine).code_bits(engine.widths, engine.params), b.bits
    return a.bits, b.bits


def _edge_encoder(engine: Config, ports: str) -> dict[str, Any] | None:
    """The encoders at the array's edge, as the template reads them; None if there are none."""
    if engine.params.get("encode_in") != "edge":
        return None
    return {"count": _count("a", "CodeWidth", ports), "source": "a_i", "kind": engine.encoder}


def _count(side: str, width: str, ports: str) -> str:
    """How many operands of `width` bits the port of a side has, as the port list says it."""
    line = next(x for x in ports.splitlines() if re.search(rf"\b{side}_i\b", x))
    match = re.search(rf"\[(.*)\*{width}-1:0\]", line)
    assert match, f"the port {side}_i counts operands of {width} bits"
    return match.group(1)


def _conversion(side: str, number: Format, mode: int, ports: str) -> dict[str, Any]:
    """How one side's operands become the array's, as the template reads it."""
    own, width = side.upper() + "Operand", side.upper() + "Width"
    if side == "a" and "*CodeWidth-1:0]" in ports:
        ports, width = ports.replace("*CodeWidth-1:0]", "*AWidth-1:0]"), "AWidth"
    return {
        "side": side,
        "count": _count(side, width, ports),
        "in_width": own,
        "out_width": width,
        "signed": int(number.signed),
        "zero": mode,
        "signal": f"{side}_coded",
        "zero_signal": f"{side}_zero_i" if mode == 1 else "'0",
    }


def _operand_ports(ports: str, part: Mapping[str, Any], mode: int) -> str:
    """The port of one side in its stored width, and its zero point if that is subtracted."""
    side, width = part["side"], part["out_width"]
    if side == "a":
        ports = ports.replace("*CodeWidth-1:0]", "*AWidth-1:0]")
    ports = ports.replace(f"*{width}-1:0]", f"*{part['in_width']}-1:0]")
    if mode != MODES.index("subtract"):
        return ports
    line = f"input  wire  logic [{part['in_width']}-1:0]            {side}_zero_i,  // subtracted"
    return _after(ports, f"{side}_i", line)


def _after(ports: str, name: str, line: str) -> str:
    """Insert a port behind the one called `name`."""
    lines = ports.splitlines()
    at = next(i for i, text in enumerate(lines) if re.search(rf"\b{name}\b", text.split("//")[0]))
    return "\n".join([*lines[: at + 1], f"    {line}", *lines[at + 1 :]])


def _array_module(engine: Config) -> str:
    assert engine.array is not None
    return engine.array.rtl(record(engine))


def _array_parameters(array: str) -> list[str]:
    return list(sources.parameters(sources.text(f"tpe_{array}")))


def header(engine: Config) -> str:
    """What stands at the head of an emitted top: configuration and nest."""
    lines = [
        f"Generated by tpe {__version__}. {record(engine).source}",
        f"pe {record(engine).name}, array {engine.array.name if engine.array else ''}, "
        f"{size_text(engine.size)}",
        *(f"{name} = {value}" for name, value in engine.params.items() if value is not None),
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
    if not _PREFIX.fullmatch(prefix):
        raise TpeError(f"prefix = {prefix!r} is not legal: letters, digits, _; a letter first")
    if prefix in KEYWORDS:
        raise TpeError(f"prefix = {prefix!r} is not legal: a keyword of SystemVerilog")

    def new(name: str) -> str:
        return prefix if name == "tpe_engine" else f"{prefix}_{name.removeprefix('tpe_')}"

    known = sorted({*modules, *sources.modules()}, key=len, reverse=True)
    names = re.compile("|".join(rf"\b{name}\b" for name in known))
    return {new(m): names.sub(lambda hit: new(hit.group()), t) for m, t in modules.items()}
