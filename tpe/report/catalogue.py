"""What there is to choose from, as data: what `tpe list` prints.

What another package has and cannot be used is in no list but `broken`, which says why.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tpe import array as arrays
from tpe import pe as pes
from tpe import workloads
from tpe.base import registry
from tpe.base.errors import TpeError, install
from tpe.engine.parameters import choices_in
from tpe.engine.presets import PRESETS
from tpe.model.columns import column_set
from tpe.numbers.digits import ENCODINGS
from tpe.numbers.formats import FORMATS, Format, number_format
from tpe.pe.base import PE, Way
from tpe.pe.paces import BitPlanes, Dense, LockStep, Pace, Planes
from tpe.pe.parameters import ENCODERS, Parameter

WAYS = {
    Way.KEEP: "kept in its cell",
    Way.PASS: "passed to the next cell",
    Way.REDUCE: "reduced over a spatial dimension",
}


def operand_steps(pace: Pace) -> str:
    """What the steps that an operand takes are a function of.

    >>> from tpe.pe import get
    >>> operand_steps(get("mac").pace), operand_steps(get("opt4c").pace)
    ('1', 'non-zero digits of A')
    """
    match pace:
        case Dense():
            return "1"
        case Planes() | LockStep(depends="nothing"):
            return "a fixed number"
        case BitPlanes():
            return "bits of B"
        case LockStep(depends="pairs"):
            return "non-zero digits of A, B"
        case _:
            return "non-zero digits of A"


def catalogue() -> dict[str, list[dict[str, Any]]]:
    """What there is, by kind, and `broken`: what there would be, and why it cannot be used.

    `pes`, `arrays`, `presets`, `workloads`, `formats`, `encodings`, `technologies`, `columns`,
    `commands`.

    >>> [row["name"] for row in catalogue()["pes"]][0]
    'mac'
    """
    others, no_formats = registry.usable("tpe.formats", _format)
    columns, no_columns = registry.usable("tpe.columns", column_set)
    taken = {kind: registry.homes(f"tpe.{kind}").taken for kind in ("technologies", "commands")}
    broken = {
        "pes": pes.broken(),
        "arrays": arrays.broken(),
        "workloads": workloads.broken(),
        "formats": no_formats,
        "columns": no_columns,
        **taken,
    }
    return {
        "pes": [_pe_row(pes.get(name)) for name in pes.usable()],
        "arrays": [_array_row(name) for name in arrays.usable()],
        "presets": [preset.describe() for preset in PRESETS.values()],
        "workloads": [{"name": name, "title": title} for name, title in _workloads().items()],
        "formats": [
            {"name": f.name, "bits": f.bits, "signed": f.signed, "low": f.low, "high": f.high}
            for f in (*FORMATS.values(), *others.values())
        ],
        "encodings": [
            {
                "name": e.name,
                "title": e.title,
                "source": e.source,
                "radix": 1 << e.radix_bits,
                "rtl": e.name in ENCODERS,
            }
            for e in ENCODINGS.values()
        ],
        "technologies": _by_name("technologies"),
        "columns": [
            {**row, "columns": [column.name for column in columns[row["name"]].columns]}
            for row in _by_name("columns")
            if row["name"] in columns
        ],
        "commands": _by_name("commands"),
        "broken": [
            {"kind": kind, "name": name, "reason": reason}
            for kind, reasons in broken.items()
            for name, reason in reasons.items()
        ],
    }


def list_pes() -> list[dict[str, Any]]:
    """The PEs: name, title, pace, source, what was checked, legal arrays; as `tpe list pes`.

    >>> [row["arrays"] for row in list_pes() if row["name"] == "opt4c"]
    [['matrix2d']]
    """
    return catalogue()["pes"]


def list_arrays() -> list[dict[str, Any]]:
    """The arrays: name, title, aliases, source, legal sizes, psum, legal PEs.

    >>> [row["name"] for row in list_arrays() if "os" in row["aliases"]]
    ['systolic_os']
    """
    return catalogue()["arrays"]


def list_workloads() -> list[dict[str, Any]]:
    """The workloads that have a name, or a form such as `gemm:`: name and title.

    >>> "digits_mlp" in [row["name"] for row in list_workloads()]
    True
    """
    return catalogue()["workloads"]


def list_formats() -> list[dict[str, Any]]:
    """The formats of operands: name, bits (of one in blocks an element's), sign, lowest, highest.

    >>> [(row["low"], row["high"]) for row in list_formats() if row["name"] == "int8"]
    [(-128, 127)]
    """
    return catalogue()["formats"]


def list_technologies() -> list[dict[str, Any]]:
    """The technologies that have a name, and the package of each.

    >>> "tpe130" in [row["name"] for row in list_technologies()]
    True
    """
    return catalogue()["technologies"]


def _format(name: str) -> Format:
    """A format by name; TpeError for a package's that is called as an integer of ours."""
    if name in FORMATS:
        package = registry.homes("tpe.formats")[name][0]
        raise TpeError(
            f"tpe.formats '{name}' of package {package}: tpe has integers of that name; "
            "legal: another one"
        )
    return number_format(name)


def _by_name(kind: str) -> list[dict[str, Any]]:
    """What has a name, of which package, and where in it: nothing is loaded for that."""
    found = registry.homes(f"tpe.{kind}")
    return [
        {"name": name, "package": package, "home": home}
        for name, (package, home) in found.items()
        if name not in found.taken
    ]


def _workloads() -> dict[str, str]:
    """Every workload with its title: networks by name, as far as the package onnx is there."""
    from tpe.workloads.onnx_file import light_networks

    networks = {
        f"onnx:{name}": f"{name.removeprefix('light_')} of ONNX, constant weights"
        for name in light_networks()
    }
    absent = {"onnx:NAME": f"ONNX networks by name, once onnx is there: {install('onnx')}"}
    return workloads.names() | (networks or absent)


def _pe_row(pe: PE) -> dict[str, Any]:
    return {
        "name": pe.name,
        "title": pe.title,
        "pace": operand_steps(pe.pace),
        "source": pe.source,
        "checked": pes.rtl_checked(pe),
        "arrays": legal_arrays(pe),
    }


def _array_row(name: str) -> dict[str, Any]:
    array = arrays.get(name)
    return {
        "name": array.name,
        "title": array.title,
        "aliases": list(array.aliases),
        "source": array.source,
        "size": steps_of(array.legal_size),
        "psum": WAYS[array.way],
        "pes": [pe for pe in pes.usable() if array.refuses(pes.get(pe)) is None],
    }


def legal_arrays(pe: PE) -> list[str]:
    """Names of the arrays in which a PE is legal."""
    return [name for name in arrays.usable() if arrays.get(name).refuses(pe) is None]


def combinations() -> list[dict[str, Any]]:
    """Every PE with every array: `pe`, `array`, `legal`, `reason`, `choices`.

    `reason` is None if they are legal; `choices` are then the parameters that say how such an
    engine is built, with the values that are legal there.

    >>> [row["array"] for row in combinations() if row["pe"] == "opt4c" and row["legal"]]
    ['matrix2d']
    """
    return [
        {
            "pe": pe.name,
            "array": array.name,
            "legal": reason is None,
            "reason": reason,
            "choices": [] if reason else [_choice_row(p) for p in choices_in(array, pe)],
        }
        for pe, array, reason in arrays.combinations()
    ]


def _choice_row(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "default": parameter.default,
        "legal": values_of(parameter.legal),
    }


def trades(pe_names: Collection[str]) -> list[dict[str, Any]]:
    """The choices of these PEs in any array, each once: `name`, `doc`, `trade`, None if unsaid.

    >>> [row["trade"] for row in trades(["mac"]) if row["name"] == "stages"]
    ['each costs registers in every cell and a later first result; saves period']
    """
    found = dict.fromkeys(
        (p.name, p.doc, p.trade or None)
        for pe, array, reason in arrays.combinations()
        if reason is None and pe.name in pe_names
        for p in choices_in(array, pe)
    )
    return [dict(zip(("name", "doc", "trade"), row, strict=True)) for row in found]


def steps_of(legal: range) -> dict[str, int]:
    """A range as data."""
    return {"first": legal[0], "last": legal[-1], "step": legal.step}


def values_of(legal: range | tuple[Any, ...]) -> dict[str, int] | list[Any]:
    """The legal values of a parameter as data."""
    return steps_of(legal) if isinstance(legal, range) else list(legal)


def values_text(legal: range | tuple[Any, ...]) -> str:
    """The same in a few words, for a table.

    >>> values_text(range(8, 17, 4)), values_text(("off", "on")), values_text(range(1, 2))
    ('8 to 16 in 4s', 'off | on', '1')
    """
    if isinstance(legal, range):
        step = f" in {legal.step}s" if legal.step != 1 else ""
        return f"{legal[0]} to {legal[-1]}{step}" if len(legal) > 1 else str(legal[0])
    counted = all(str(choice)[-1].isdigit() for choice in legal)  # such as int2, int3, ...
    short = len(legal) > 4 and counted
    return f"{legal[0]} to {legal[-1]}" if short else " | ".join(map(str, legal))
