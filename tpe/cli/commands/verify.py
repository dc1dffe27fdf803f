"""`tpe verify`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tpe.cli.command import Command
from tpe.cli.commands.emit import DEFAULT_SIZE, ResetOption, SmallSizeOption, unless_async
from tpe.cli.options import (
    ArrayOption,
    EngineOption,
    JsonOption,
    Output,
    ParamOption,
    PeOption,
    SeedOption,
    command_line,
    engine_of,
    plain_table,
    working,
)
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from tpe.hdl.simulate.cosim import Outcome
    from tpe.hdl.simulate.verify import VerificationReport


def verify(
    pe: PeOption = None,
    array: ArrayOption = None,
    size: SmallSizeOption = None,
    engine_file: EngineOption = None,
    workload: Annotated[
        str,
        typer.Option("--workload", metavar="NAME", help="Default: a battery of GEMMs."),
        READS,
    ] = "",
    param: ParamOption = None,
    waves: Annotated[
        str | None,
        typer.Option("--waves", metavar="FILE", help="Leave waveforms: a .fst or .vcd file."),
        WRITES,
    ] = None,
    reset: ResetOption = "async",
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Run an engine's RTL in Verilator beside its model: every output and every cycle count."""
    from tpe.hdl.emit.resets import checked
    from tpe.hdl.simulate.verify import verify as check

    out = Output(json_file)
    engine = engine_of(pe, array, size, param, engine_file, DEFAULT_SIZE)
    reset = checked(reset)
    chosen = {"workload": workload or None, "waves": waves and Path(waves)}
    command = command_line("verify", engine, seed, **chosen, reset=unless_async(reset))
    with working("building and running the RTL in Verilator"):
        report = check(engine, workload, seed, waves, reset)
    out.echo(command)
    _print(out, report)
    if waves:
        out.text(f"waveforms in {waves}")
    out.json(report.to_json(command))
    if not report.ok:
        raise typer.Exit(1)


def _shape(outcome: Outcome) -> tuple[str, str]:
    case = outcome.case
    hesitant = case.handshake.idle or case.handshake.busy
    shape = f"{case.a.shape[0]} x {case.b.shape[1]} x {case.a.shape[1]}"
    return shape, "hesitant" if hesitant else "always ready"


def _print(out: Output, report: VerificationReport) -> None:
    heads = ("M x N x K", "source, sink", "GEMMs", "outputs", "wrong", "model", "RTL cycles")
    table = plain_table(*heads, left=heads[:2])
    for (shape, pace), group in groupby(report.outcomes, _shape):
        outcomes = list(group)
        counts = (
            len(outcomes),
            sum(outcome.C.size for outcome in outcomes),
            sum(outcome.mismatches for outcome in outcomes),
            sum(outcome.cycles_model for outcome in outcomes),
            sum(outcome.cycles_rtl for outcome in outcomes),
        )
        table.add_row(shape, pace, *(f"{count:,}" for count in counts))
    out.table(table)
    _print_faults(out, report)
    verdict = "equal" if report.ok else "NOT EQUAL"
    out.text(
        f"model and RTL are {verdict}: {report.vectors:,} outputs, {report.mismatches:,} wrong; "
        f"cycles {report.cycles_model:,} in the model, {report.cycles_rtl:,} in RTL"
    )


def _print_faults(out: Output, report: VerificationReport) -> None:
    """The first GEMM that does not end, and the first output that differs."""
    hung = [(i, x) for i, x in enumerate(report.outcomes) if x.deadlock]
    if hung:
        number, outcome = hung[0]
        shape, pace = _shape(outcome)
        out.text(f"{len(hung)} GEMMs do not end; the first is number {number}, {shape}, {pace}:")
        for line in outcome.deadlock.split("; "):
            out.text(f"  {line}")
    wrong = [x for x in report.outcomes if not x.deadlock and x.first_mismatch()]
    if wrong:
        out.text(f"first mismatch: {wrong[0].first_mismatch()}")


RECORD = Command(verify, "tpe verify --pe opt1 --array systolic_os --size 8x8")
