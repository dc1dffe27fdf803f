"""`tpe predict`: what a nest, or a PE, costs before it is mapped or run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.options import (
    DEFAULT_SIZE,
    ArrayOption,
    JsonOption,
    Output,
    ParamOption,
    PeOption,
    SizeOption,
    document,
    engine_of,
    option_words,
    plain_table,
)

if TYPE_CHECKING:
    from tpe.model.engine import Engine
    from tpe.nest.notation import Nest
    from tpe.predict.cost import PredictedCycles, Prediction

SHOWN = 30  # rows that a terminal shows
DIGITS = 4  # of int8 operands, radix 4
GUESS = "outside of what was mapped: a guess"

RewriteOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rewrite",
        metavar="REWRITE",
        help="Of the MAC's nest, in turn, such as 'defer(add, past=K)'; in place of --pe.",
    ),
]
DepthOption = Annotated[
    int | None,
    typer.Option("--depth", metavar="N", help="Every nest that N more rewrites lead to; up to 5."),
]
GemmOption = Annotated[
    str | None,
    typer.Option("--gemm", metavar="MxNxK", help="Cycles too, of a PE on a GEMM."),
]
ClockOption = Annotated[
    float | None,
    typer.Option("--clock-ns", metavar="NS", help="Areas at this clock. Default: the shortest."),
]
ModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="NAME", help="Default: the best on held-out groups."),
]


def predict(
    pe: PeOption = None,
    array: ArrayOption = None,
    size: SizeOption = None,
    param: ParamOption = None,
    rewrite: RewriteOption = None,
    depth: DepthOption = None,
    gemm: GemmOption = None,
    clock_ns: ClockOption = None,
    model: ModelOption = None,
    json_file: JsonOption = None,
) -> None:
    """Predict the area and clock of a PE or of loop nests, and cycles, without synthesis.

    The model learned from parts that were mapped onto tpe130; models/CARD.md holds its scores. An
    interval holds nine of ten new designs that are like those; what is not like them is marked.
    Cycles that do not depend on operands are computed.
    """
    from tpe.predict.cost import predict_cost, predict_cycles

    out = Output(json_file)
    words = [w for text in rewrite or () for w in ("--rewrite", text)]
    words += [w for text in param or () for w in ("-p", text)]
    more = {"depth": depth, "gemm": gemm, "clock-ns": clock_ns, "model": model}
    subjects: list[Nest] | list[Engine]
    if rewrite is not None or depth is not None:
        _refuse(pe=pe, array=array, param=param or None, gemm=gemm)
        names, subjects = _reachable(size or "4x4", rewrite or (), depth or 0)
        place: dict[str, Any] = {"size": size}
        cycles = None
    else:
        engine = engine_of(pe, array, size or DEFAULT_SIZE, param)
        names, subjects = [engine.name], [engine]
        place = {"pe": pe, "array": array, "size": size}
        m, n, k = (0, 0, 0) if gemm is None else _sides("gemm", gemm, 3)
        cycles = predict_cycles(engine, m, n, k, model=model) if gemm else None
    found = predict_cost(subjects, clock_ns, model)
    command = shlex.join(["tpe", "predict", *option_words({**place, **more}), *words])
    out.echo(command)
    _print(out, names, found, cycles)
    rows = [{**row, "name": name} for row, name in zip(found.rows(), names, strict=True)]
    out.json(document(command, model=found.model, rows=rows, **_cycles_json(cycles, found)))


def _refuse(**options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise TpeError(f"--{name} is given beside nests; legal: --size, --rewrite and --depth")


def _reachable(size: str, rewrites: Sequence[str], depth: int) -> tuple[list[str], list[Nest]]:
    """Nests by their rewrites from the MAC of a size."""
    from tpe.nest.notation import mac, tile
    from tpe.nest.rewrites import reachable, rewritten

    if not 0 <= depth <= 5:
        raise TpeError(f"--depth {depth} is not legal: 0 to 5")
    rows, cols = _sides("size", size, 2)
    start = rewritten(mac(*tile(rows, cols, DIGITS)), rewrites)
    paths = {nest: (*rewrites, *path) for nest, path in reachable(start, depth).items()}
    return ["; ".join(path) or "MAC" for path in paths.values()], list(paths)


def _sides(option: str, text: str, count: int) -> list[int]:
    parts = text.lower().split("x")
    if len(parts) != count or not all(part.isdecimal() and int(part) > 0 for part in parts):
        form = "M x N x K, such as 128x128x512" if count == 3 else "ROWSxCOLS, such as 4x4"
        raise TpeError(f"--{option} {text} is not legal: {form}")
    return list(map(int, parts))


def _print(
    out: Output, names: Sequence[str], found: Prediction, cycles: PredictedCycles | None
) -> None:
    rows = found.rows()
    order = sorted(range(len(rows)), key=lambda i: rows[i]["area_um2"] * rows[i]["period_ns"])
    table = plain_table(
        *("", "shortest\nns", "90 %\n", "um2 a PE\nat clock", "90 %\n", "clock\nns", "note"),
        left=("", "note"),
    )
    for i in order[:SHOWN]:
        row = rows[i]
        table.add_row(
            names[i],
            f"{row['period_ns']:.2f}",
            _span(row, "period_ns", ".2f"),
            f"{row['area_um2']:,.0f}",
            _span(row, "area_um2", ",.0f"),
            f"{row['clock_ns']:.2f}",
            "guess" if row["outside"] else "",
        )
    out.table(table)
    if len(order) > SHOWN:
        out.text(f"{len(order) - SHOWN:,} more, of more area times period; all: --json FILE")
    guesses = {row["outside"] for row in rows if row["outside"]}
    if guesses:
        first = sorted(guesses, key=len)[0]
        out.text(f"guess: {GUESS} (of one: {first})")
    out.text(f"predicted by {found.model}; models/CARD.md says how well")
    if cycles is not None:
        _print_cycles(out, cycles, float(found.clock_ns[0]))


def _print_cycles(out: Output, cycles: PredictedCycles, clock_ns: float) -> None:
    span = "" if cycles.low == cycles.high else f", {cycles.low:,.0f} to {cycles.high:,.0f}"
    note = f"; {GUESS} ({cycles.outside})" if cycles.outside else ""
    runtime = cycles.cycles * clock_ns / 1000
    out.text(f"{cycles.cycles:,.0f} cycles{span} ({cycles.source}{note}): {runtime:,.1f} us")


def _span(row: dict[str, Any], name: str, form: str) -> str:
    return f"{row[f'{name}_low']:{form}}..{row[f'{name}_high']:{form}}"


def _cycles_json(cycles: PredictedCycles | None, found: Prediction) -> dict[str, Any]:
    from dataclasses import asdict

    if cycles is None:
        return {"cycles": None, "runtime_us": None}
    runtime = cycles.cycles * float(found.clock_ns[0]) / 1000
    return {"cycles": asdict(cycles), "runtime_us": runtime}


RECORD = Command(
    predict, "tpe predict --pe opt4c --gemm 128x128x512; tpe predict --depth 3 --clock-ns 4"
)
