"""Extensions by name: those that come with tpe, and entry points of installed packages.

A group is a kind of extension. Whatever is of one is found by name. A name taken twice, and what
cannot be loaded, is refused when it is asked for and noted in lists: it concerns nobody else.

    tpe.pes           a `tpe.pe.base.PE`; of ours, a file of `tpe/pe`
    tpe.arrays        a `tpe.array.base.Array`; of ours, a file of `tpe/array`
    tpe.formats       a `tpe.numbers.formats.Format`; the integers have theirs without it
    tpe.technologies  the path of a Liberty file, or several
    tpe.workloads     a `tpe.workloads.base.Source`, by a name, a prefix `x:` or an ending `.x`
    tpe.multipliers   what reads a table of products from a file, by its ending `.x`
    tpe.columns       a `tpe.model.columns.ColumnSet`: columns that a run's table gets more of
    tpe.prices        by a library: (engine, clock) -> columns of cost, `tpe.explore.prices`
    tpe.figures       what draws a comparison
    tpe.commands      a `tpe.cli.command.Command`; of ours, a file of `tpe/cli/commands`

A lower room finds here what a higher one does, without importing it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, wraps
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, TypeVar

from tpe.base.errors import TpeError, unknown

T = TypeVar("T")

# Of tpe itself, so that a checkout needs no installation: group, name, module:attribute.
_OWN = (
    ("tpe.columns", "energy", "tpe.synth.power.annotate:ENERGY"),
    ("tpe.columns", "operands", "tpe.model.operand_types:OPERANDS"),
    ("tpe.columns", "sparsity", "tpe.model.sparse_columns:SPARSITY"),
    ("tpe.columns", "storage", "tpe.model.storage:STORAGE"),
    ("tpe.figures", "cycles", "tpe.report.cycles_figure:figure"),
    ("tpe.figures", "save", "tpe.report.cycles_figure:save_figure"),
    ("tpe.formats", "bf16", "tpe.numbers.floats:BF16"),
    *(
        ("tpe.formats", name, "tpe.numbers.bipolar:" + name.upper())
        for name in (
            *("bipolar1", "bipolar2", "bipolar3", "bipolar4"),
            *("bipolar5", "bipolar6", "bipolar7", "bipolar8"),
        )
    ),
    ("tpe.formats", "e2m1", "tpe.numbers.floats:E2M1"),
    ("tpe.formats", "e2m3", "tpe.numbers.floats:E2M3"),
    ("tpe.formats", "e3m2", "tpe.numbers.floats:E3M2"),
    ("tpe.formats", "e4m3fn", "tpe.numbers.floats:E4M3FN"),
    ("tpe.formats", "e5m2", "tpe.numbers.floats:E5M2"),
    ("tpe.formats", "e8m0", "tpe.numbers.floats:E8M0"),
    ("tpe.formats", "fp16", "tpe.numbers.floats:FP16"),
    ("tpe.formats", "fp32", "tpe.numbers.floats:FP32"),
    ("tpe.prices", "tpe130", "tpe.study.price_table:shipped"),
    *(
        ("tpe.formats", name, f"tpe.numbers.block_operands:{name.upper()}")
        for name in ("mx_e4m3fn", "mx_e5m2", "mx_e3m2", "mx_e2m3", "mx_e2m1", "nvfp4")
    ),
    ("tpe.formats", "ternary", "tpe.numbers.lookup_tables:TERNARY"),
    ("tpe.formats", "tf32", "tpe.numbers.floats:TF32"),
    ("tpe.multipliers", ".csv", "tpe.numbers.multipliers:read_csv"),
    ("tpe.multipliers", ".npy", "tpe.numbers.multipliers:read_npy"),
    ("tpe.multipliers", ".sv", "tpe.hdl.foreign.multiplier:read_verilog"),
    ("tpe.multipliers", ".v", "tpe.hdl.foreign.multiplier:read_verilog"),
    ("tpe.technologies", "tpe130", "tpe.technology.technology:TPE130"),
    ("tpe.workloads", "digits_mlp", "tpe.workloads.sources:DIGITS_MLP"),
    ("tpe.workloads", "gemm:", "tpe.workloads.sources:GEMM"),
    ("tpe.workloads", "npz:", "tpe.workloads.sources:NPZ"),
    ("tpe.workloads", "onnx:", "tpe.workloads.sources:ONNX_OWN"),
    ("tpe.workloads", ".onnx", "tpe.workloads.sources:ONNX"),
    ("tpe.workloads", ".gguf", "tpe.workloads.sources:GGUF"),
    ("tpe.workloads", ".safetensors", "tpe.workloads.sources:SAFETENSORS"),
    ("tpe.workloads", ".safetensors.index.json", "tpe.workloads.sources:SAFETENSORS_INDEX"),
    ("tpe.workloads", ".csv", "tpe.workloads.sources:SCALESIM"),
    ("tpe.workloads", ".tsv", "tpe.workloads.sources:SCALESIM"),
    ("tpe.workloads", ".yaml", "tpe.workloads.sources:ZIGZAG"),
    ("tpe.workloads", ".yml", "tpe.workloads.sources:ZIGZAG"),
    ("tpe.workloads", "pruned:", "tpe.workloads.pruned:PRUNED"),
)
# Groups with a file each, `RECORD` in it: the package, and its files that are none.
_FOLDERS = {
    "tpe.pes": (
        "tpe.pe",
        {
            "__init__",
            "base",
            "falling",
            "floating",
            "lean_digits",
            "staged_front",
            "inner",
            "kernel",
            "lean",
            "meetings",
            "paces",
            "parameters",
            "widths",
        },
    ),
    "tpe.arrays": (
        "tpe.array",
        {
            "__init__",
            "base",
            "closed",
            "sampled",
            "dense",
            "kept",
            "free_rows",
            "free_rows_walk",
            "lockstep",
            "serial",
            "windowed",
        },
    ),
    "tpe.commands": ("tpe.cli.commands", {"__init__"}),
}
_IN_PARTS = frozenset(
    {"tpe.commands"}
)  # a verb is one word: compare_iso.py is a part of compare.py
# Functions of a record that run when a user uses it: an error in one of another package is named.
_CALLED = {"tpe.columns": ("annotate", "measure"), "tpe.workloads": ("load",)}
_PACKAGE = Path(__file__).resolve().parents[1]


def built_in(group: str) -> dict[str, str]:
    """module:attribute of every extension of a group that comes with tpe, by its name.

    >>> built_in("tpe.commands")["run"]
    'tpe.cli.commands.run:RECORD'
    """
    listed = {name: home for own, name, home in _OWN if own == group}
    if group not in _FOLDERS:
        return listed
    package, apart = _FOLDERS[group]
    folder = _PACKAGE.joinpath(*package.split(".")[1:])
    stems = sorted({path.stem for path in folder.glob("*.py")} - apart)
    if group in _IN_PARTS:
        stems = [stem for stem in stems if "_" not in stem]
    return listed | {stem: f"{package}.{stem}:RECORD" for stem in stems}


def load(home: str) -> Any:
    """What stands at module:attribute."""
    module, _, attribute = home.partition(":")
    return getattr(import_module(module), attribute)


class Homes(dict[str, tuple[str, str]]):
    """(package, module:attribute) by name; `taken` has, of a name that two have, what is wrong."""

    def __init__(self, first: dict[str, tuple[str, str]]) -> None:
        super().__init__(first)
        self.taken: dict[str, str] = {}


@cache
def homes(group: str) -> Homes:
    """(package, module:attribute) of every extension of a group, by its name.

    >>> homes("tpe.columns")["energy"]
    ('tpe', 'tpe.synth.power.annotate:ENERGY')
    >>> homes("tpe.pes")["opt1"]
    ('tpe', 'tpe.pe.opt1:RECORD')
    """
    found = Homes({name: ("tpe", home) for name, home in built_in(group).items()})
    for point in entry_points(group=group):
        package = _package(point)
        if point.name in found:
            found.taken[point.name] = (
                f"two packages have {group} '{point.name}': {found[point.name][0]} and {package}; "
                "legal: one of a name"
            )
        else:
            found[point.name] = (package, point.value)
    return found


def find(group: str, name: str) -> Any:
    """The extension of a group that is called `name`; TpeError, with the legal ones, if none is.

    TpeError as well if two packages have the name, and if another package's cannot be loaded: what
    that package is, and why. A package that ends the process when it is imported is one of those.
    """
    known = homes(group)
    if name not in known:
        raise unknown(group, name, known)
    if name in known.taken:
        raise TpeError(known.taken[name])
    package, home = known[name]
    try:
        return load(home)
    except (Exception, SystemExit) as error:
        if package == "tpe":
            raise
        raise TpeError(
            f"{group} '{name}' of package {package} cannot be loaded: {_reason(error)}"
        ) from error


def usable(group: str, get: Callable[[str], T]) -> tuple[dict[str, T], dict[str, str]]:
    """What `get` makes of every name of a group, and of those that it refuses, why, in a line.

    >>> found, broken = usable("tpe.columns", lambda name: find("tpe.columns", name).name)
    >>> found["energy"], broken
    ('energy', {})
    """
    found, broken = {}, {}
    for name in homes(group):
        try:
            found[name] = get(name)
        except TpeError as error:
            broken[name] = str(error)
    return found, broken


def record(group: str, name: str, kind: type[T]) -> T:
    """The extension of a group that is a `kind`, and is called `name` if it says its own name.

    What another package's does wrong when it is used is a TpeError that names it.
    """
    found = find(group, name)
    package, home = homes(group)[name]
    if isinstance(found, kind) and getattr(found, "name", name) == name:
        if package == "tpe" or group not in _CALLED:
            return found
        own = {part: getattr(found, part) for part in _CALLED[group]}
        where = f"{group} '{name}' of package {package}"
        called = {part: _named(call, where, part) for part, call in own.items() if callable(call)}
        return replace(found, **called)  # type: ignore[type-var]
    raise TpeError(
        f"{group} '{name}' of package {package}: {home} is no such record; "
        f"legal: a {kind.__module__}.{kind.__qualname__} whose name is '{name}'"
    )


def _named(call: Callable[..., Any], where: str, part: str) -> Callable[..., Any]:
    """A package's function whose errors say whose they are; the cause stays with them."""

    @wraps(call)
    def named(*args: Any, **options: Any) -> Any:
        try:
            return call(*args, **options)
        except (TpeError, MemoryError):
            raise
        except (Exception, SystemExit) as error:
            raise TpeError(f"{where}: {part} failed: {_reason(error)}") from error

    return named


def _reason(error: BaseException) -> str:
    """An error in one line; one of ours says enough without its type."""
    text = " ".join(str(error).split("\n")[0].split())
    kind = "" if isinstance(error, TpeError) else type(error).__name__
    return ": ".join(part for part in (kind, text) if part)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
