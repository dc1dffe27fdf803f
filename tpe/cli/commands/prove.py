"""`tpe prove`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.cli.command import Command
from tpe.cli.commands.emit import DEFAULT_SIZE, SmallSizeOption
from tpe.cli.options import (
    ArrayOption,
    EngineOption,
    JsonOption,
    Output,
    ParamOption,
    command_line,
    document,
    engine_of,
    plain_table,
    progress,
)

if TYPE_CHECKING:
    from tpe.hdl.formal.prove import Proof, ProofReport
    from tpe.model.engine import Engine


def prove(
    pe: Annotated[
        str | None,
        typer.Option("--pe", metavar="PE", help="Id of a PE. Default: every PE that has RTL."),
    ] = None,
    array: ArrayOption = None,
    size: SmallSizeOption = None,
    engine_file: EngineOption = None,
    param: ParamOption = None,
    limit: Annotated[
        float, typer.Option("--limit", metavar="SECONDS", help="Of the processor, for one proof.")
    ] = 120.0,
    json_file: JsonOption = None,
) -> None:
    """Prove an engine's cell, finish, encoder and control with Yosys, lemma by lemma.

    A PE of 8 bits takes half a minute at first, two with several lanes; what is proved is cached.
    Exit code 1 if a lemma is refuted, with the inputs that do it, or not decided.
    """
    from tpe.hdl.formal.prove import prove as check

    out = Output(json_file)
    engines = _engines(pe, array, size, engine_file, param)
    reports = []
    for engine in engines:
        command = _command(engine, limit)
        out.echo(command)
        report = _checked(check, engine, limit)
        reports.append((command, report))
        _print(out, report)
    out.json(_document(reports, limit))
    if not all(report.ok for _, report in reports):
        raise typer.Exit(1)


def _engines(
    pe: str | None,
    array: str | None,
    size: str | None,
    engine_file: str | None,
    param: list[str] | None,
) -> list[Engine]:
    from tpe import pe as pes

    chosen: list[str | None] = [pe]
    if not any((pe, array, engine_file, param)):
        chosen = [name for name in pes.of_integers() if pes.get(name).rtl]
    return [engine_of(name, array, size, param, engine_file, DEFAULT_SIZE) for name in chosen]


def _command(engine: Engine, limit: float) -> str:
    words = shlex.split(command_line("prove", engine, 0, limit=f"{limit:g}"))
    return shlex.join(words[:-2])  # nothing here is drawn from a seed


def _checked(check: Any, engine: Engine, limit: float) -> ProofReport:
    from tpe.hdl.formal.prove import lemmas

    with progress(len(lemmas(engine))) as begin:
        report: ProofReport = check(engine, limit, progress=begin)
    return report


def _print(out: Output, report: ProofReport) -> None:
    heads = ("lemma", "what", "widths", "method", "result", "s")
    table = plain_table(*heads, left=heads[:5])
    for proof in report.proofs:
        seconds = f"{proof.seconds:.1f}"
        table.add_row(proof.lemma, proof.what, proof.width, proof.method, proof.said, seconds)
    out.table(table)
    for proof in report.proofs:
        if proof.note:
            out.text(f"{proof.lemma}: {proof.result} at {proof.width}; {proof.note}")
        if proof.trace:
            out.text(_trace(proof))
    for line in report.uncovered:
        out.text(f"not covered: {line}")
    out.text(_verdict(report))


def _trace(proof: Proof) -> str:
    """The counterexample, a line per cycle."""
    lines = [f"{proof.lemma}: counterexample ({proof.what}; {proof.width})"]
    for cycle, inputs in enumerate(proof.trace):
        values = ", ".join(f"{name} = {value:#x}" for name, value in sorted(inputs.items()))
        lines.append(f"  cycle {cycle}: {values}")
    return "\n".join(lines)


def _verdict(report: ProofReport) -> str:
    counts = dict.fromkeys(("proved", "refuted", "open"), 0)
    for proof in report.proofs:
        counts[proof.result] += 1
    narrow = sum(1 for proof in report.proofs if proof.note and proof.result == "proved")
    text = f"{counts['proved']} lemmas proved"
    text += f", {narrow} of them at narrower widths than the engine's" if narrow else ""
    if counts["refuted"] or counts["open"]:
        text += f"; {counts['refuted']} REFUTED, {counts['open']} not decided"
    return text + "\n"


def _document(reports: list[tuple[str, ProofReport]], limit: float) -> dict[str, Any]:
    if len(reports) == 1:
        return reports[0][1].to_json(reports[0][0])
    parts = [report.to_json(command) for command, report in reports]
    command = f"tpe prove --limit {limit:g}"
    return document(command, ok=all(report.ok for _, report in reports), engines=parts)


RECORD = Command(prove, "tpe prove --pe opt1")
