"""`tpe evaluate`: what an engine does to a model's output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.command_line import CommandLine
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
    engine_with,
    option_words,
    plain_table,
    working,
)
from tpe.cli.paths import READS
from tpe.cli.type_options import TypesOption, types_of, types_words

if TYPE_CHECKING:
    from tpe.model.engine import Engine

ModelArgument = Annotated[str, typer.Argument(metavar="MODEL", help="digits_mlp or minilm.")]
OutliersOption = Annotated[
    str | None,
    typer.Option(
        "--outliers",
        metavar="PE|FILE|PRESET",
        help="A second engine, of floating point, for the columns of activations with outliers: "
        "a PE in the size of the first one, of fp16, or an engine.toml or a preset.",
    ),
    READS,
]
ThresholdOption = Annotated[
    float | None,
    typer.Option("--threshold", metavar="X", help="Magnitude beyond which one is an outlier [6]."),
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="TYPE,...",
        help="Quantise the weights to each of int2 to int8, ternary, bipolar1, in place of an "
        "engine; a table.",
    ),
]
ActivationsOption = Annotated[
    str | None,
    typer.Option(
        "--activations",
        metavar="TYPE,...",
        help="With --weights: int2 to int16, or float32 as they are [int8,int16].",
    ),
]
PerOption = Annotated[
    str | None,
    typer.Option("--per", metavar="channel,group", help="With --weights: what has a scale [both]."),
]
GroupOption = Annotated[
    int | None, typer.Option("--group", metavar="N", help="Weights of a group along K [128].")
]
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
    types: TypesOption = None,
    outliers: OutliersOption = None,
    threshold: ThresholdOption = None,
    weights: WeightsOption = None,
    activations: ActivationsOption = None,
    per: PerOption = None,
    group: GroupOption = None,
    seed: SeedOption = 0,
    json_file: JsonOption = None,
) -> None:
    """Run a model with every GEMM on an engine, and compare its output with float32's.

    Operands are rounded to the engine's formats; for integers each row and column has a scale.
    With --weights no engine is named: the model's weights are quantised in every one of the ways
    that are listed, and products are exact.
    """
    from tpe.study.evaluate import MEANINGS, evaluate_model, models

    out = Output(json_file)
    ways = {"weights": weights, "activations": activations, "per": per, "group": group}
    if weights is not None:
        engine_words = {"pe": pe, "array": array, "size": size, "engine": engine_file}
        _refuse({**engine_words, "param": param, "types": types, "outliers": outliers})
        _evaluate_weights(out, model, ways, samples, seed)
        return
    _refuse(ways, "with --weights")
    engine = engine_of(pe, array, size, param, engine_file)
    apart = _outliers(outliers, threshold, engine)
    with working(f"evaluating {model}") as begin:
        result = evaluate_model(model, engine, samples, begin, **types_of(types), **apart)
    words = {"default_size": DEFAULT_SIZE, "samples": samples, "outliers": outliers}
    words |= {"threshold": apart.get("threshold")}
    command = command_line("evaluate", engine, seed, result.model, *types_words(types), **words)
    out.echo(command)
    out.text(f"{models()[result.model]}: {result.samples} samples on {engine.name}")
    if result.types:
        out.text(f"Products with operands of formats of their own: {len(result.types)}")
    if result.outliers:
        out.text(f"Columns with magnitudes beyond {apart['threshold']} on {result.outliers.name}")
    table = plain_table("metric", "value", "meaning", left=("metric", "meaning"))
    for name, value in result.metrics.items():
        table.add_row(name, _shown(value), MEANINGS[name])
    out.table(table)
    out.json(document(command, **result.to_json()))


def _refuse(options: Mapping[str, object], legal: str = "without --weights") -> None:
    """TpeError for the first of these options that is given."""
    for name, value in options.items():
        if value not in (None, []):
            text = value[0] if isinstance(value, list) else value
            raise TpeError(f"--{name} {text} is given; legal: {legal}")


def _evaluate_weights(
    out: Output, model: str, ways: Mapping[str, Any], samples: int | None, seed: int
) -> None:
    """Print a row for every way to quantise the weights."""
    from tpe.study.evaluate import MEANINGS, models
    from tpe.study.few_bits import EXACT, evaluate_weights

    said: dict[str, Any] = {name: way for name, way in ways.items() if way is not None}
    lists: dict[str, Any] = {
        name: x.split(",") if isinstance(x, str) else x for name, x in said.items()
    }
    with working(f"evaluating {model}") as begin:
        result = evaluate_weights(model, **lists, samples=samples, progress=begin)
    options = option_words({**ways, "samples": samples})
    words = ["tpe", "evaluate", result.model, *options, "--seed", str(seed)]
    command = CommandLine(words, words)
    out.echo(command)
    out.text(f"{models()[result.model]}: {result.samples} samples; {EXACT}")
    metrics = [name for name in MEANINGS if name in result.rows[0]]
    heads = [name.replace("_", "\n") for name in metrics]
    first = ("weights", "per", "activations")
    table = plain_table(*first, "bits/\nweight", *heads, left=first)
    for row in result.rows:
        lines = f"{row['group']}" if row["per"] == "group" else row["per"]
        cells = [row["weights"], lines, row["activations"], f"{row['bits_per_weight']:.2f}"]
        table.add_row(*cells, *(_shown(row[name]) for name in metrics))
    out.table(table)
    out.text("; ".join(f"{name}: {MEANINGS[name]}" for name in metrics))
    out.json(document(command, **result.to_json()))


def _shown(value: float | None) -> str:
    """A metric: counts are whole numbers.

    >>> _shown(None), _shown(0.5), _shown(12345)
    ('-', '0.5000', '12,345')
    """
    return "-" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.4f}"


def _outliers(spec: str | None, threshold: float | None, engine: Engine) -> dict[str, Any]:
    """The engine of outliers and the threshold, as `evaluate_model` takes them; {} without."""
    from tpe import pe as pes
    from tpe.model.engine import Engine
    from tpe.model.outliers import THRESHOLD

    if spec is None:
        if threshold is not None:
            raise TpeError(f"--threshold {threshold:g} is given; legal: with --outliers")
        return {}
    size = engine.size if len(engine.array.sides) == 2 else None
    if spec.casefold() in pes.names():
        second = Engine(spec, None, size, a_type="fp16")
    else:
        second = engine_with(spec, None)
    return {"outliers": second, "threshold": THRESHOLD if threshold is None else threshold}


RECORD = Command(evaluate, "tpe evaluate minilm --pe opt1 -p a_type=int4 --samples 20")
