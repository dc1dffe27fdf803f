"""`tpe evaluate`: what an engine does to a model's output."""

from __future__ import annotations

from typing import Annotated

import typer

from tpe.cli.command import Command
from tpe.cli.options import (
    DEFAULT_SIZE,
    ArrayOption,
    EngineOption,
    JsonOption,
    Output,
    ParamOption,
    PeOption,
    SeedOption,
    SizeOption,
    command_line,
    document,
    engine_of,
    plain_table,
    working,
)

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="digits_mlp or minilm.")]
SamplesOption = Annotated[
    int | None,
    typer.Option("--samples", metavar="N", help="Images, or pairs of sentences. Default: all."),
]


def evaluate(
    model: ModelArgument,
    pe: PeOption = None,
    array: ArrayOption = None,
    size: SizeOption = None,
    engine_file: EngineOption = None,
    param: ParamOption = None,
    samples: SamplesOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Run a model with every GEMM on an engine, and compare its output with float32's.

    Operands are rounded to the engine's formats; for integers each row and column has a scale.
    """
    from tpe.study.evaluate import MEANINGS, evaluate_model, models

    out = Output(json_file)
    engine = engine_of(pe, array, size, param, engine_file)
    with working(f"evaluating {model}") as begin:
        result = evaluate_model(model, engine, samples, begin)
    words = {"default_size": DEFAULT_SIZE, "samples": samples}
    command = command_line("evaluate", engine, seed, result.model, **words)
    out.echo(command)
    out.text(f"{models()[result.model]}: {result.samples} samples on {engine.name}")
    table = plain_table("metric", "value", "meaning", left=("metric", "meaning"))
    for name, value in result.metrics.items():
        table.add_row(name, "-" if value is None else f"{value:.4f}", MEANINGS[name])
    out.table(table)
    out.json(document(command, **result.to_json()))


RECORD = Command(evaluate, "tpe evaluate minilm --pe opt1 -p a_type=int4 --samples 20")
