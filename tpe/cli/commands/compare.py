"""`tpe compare`: PEs side by side on one workload."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tpe.base.errors import TpeError, unknown
from tpe.cli.command import Command
from tpe.cli.command_line import CommandLine, chosen_params
from tpe.cli.commands.compare_iso import (
    DEFAULT_PES,
    check_options,
    chosen_by_pricing,
    finish_iso,
    iso_words,
    run_iso,
)
from tpe.cli.commands.compare_text import print_comparison
from tpe.cli.commands.reproduce import EnergyOption
from tpe.cli.commands.run import ValuesOption, WorkloadOption, values_words
from tpe.cli.commands.synth import CostOption, LibertyOption
from tpe.cli.options import (
    DEFAULT_SIZE,
    AllLayersOption,
    BatchOption,
    DimOption,
    InputsOption,
    JsonOption,
    LoopIterationsOption,
    LoopSecondsOption,
    Output,
    SeedOption,
    TableOption,
    check_figure,
    model_options,
    model_words,
    option_words,
    parameter_names,
    parse_params,
    progress,
    refuse_beside_engine,
)
from tpe.cli.paths import READS, WRITES

if TYPE_CHECKING:
    from tpe.model.engine import Engine
    from tpe.study.candidates import Candidate, Choice
    from tpe.study.compare import Plan

PesOption = Annotated[
    str | None,
    typer.Option(
        "--pe",
        metavar="PE,...",
        help="Ids of PEs: see `tpe list`. Default: all of integers; mac,opt1,opt4c with --iso.",
    ),
]
ArraysOption = Annotated[
    str | None,
    typer.Option(
        "--array",
        metavar="[PE:]ARRAY,...",
        help="An array for all, or PE:ARRAY for one. Default: matrix2d, or else the PE's first.",
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option("--size", metavar="RxC", help=f"Rows x columns of PEs. Default: {DEFAULT_SIZE}."),
]
EnginesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--engine",
        metavar="FILE|PRESET",
        help="An engine.toml or a preset, in place of --pe, --array and --size; may be repeated.",
    ),
    READS,
]
ParamsOption = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="[PE:]KEY=VALUE",
        help="A parameter of every PE that has it, or of one PE; may be repeated.",
    ),
]
BaselineOption = Annotated[
    str | None,
    typer.Option(
        "--baseline", metavar="PE", help="What ratios are to. Default: mac, or else the first."
    ),
]
LayersOption = Annotated[bool, typer.Option("--layers", help="Every layer too.")]
FigureOption = Annotated[
    str | None,
    typer.Option(
        "--figure",
        metavar="FILE",
        help="Draw the cycles, or with --iso areas and energies: a .png, .svg or .pdf file.",
    ),
    WRITES,
]
IsoOption = Annotated[
    str | None,
    typer.Option(
        "--iso",
        metavar="area|throughput|power|clock|bandwidth",
        help="What is equal: areas, times and energies of arrays with as many columns as that "
        "takes. Default: cycles alone; area beside --liberty, --cost, --clock-ns or --recipe.",
    ),
]
IsoClockOption = Annotated[
    float | None,
    typer.Option(
        "--clock-ns", metavar="NS", help="One clock for all. Default: each PE's best per area."
    ),
]
IsoRecipeOption = Annotated[
    str | None,
    typer.Option(
        "--recipe", metavar="NAME,...", help="portfolio, quick, or names. Default: quick."
    ),
]
LeanOption = Annotated[
    bool,
    typer.Option(
        "--lean",
        help="Price other forms of every PE too, and take the best: row terms, stages, orders of "
        "digits; what -p gives stays. Twice the time, or more.",
    ),
]


def compare(
    pe: PesOption = None,
    array: ArraysOption = None,
    size: SizeOption = None,
    engine: EnginesOption = None,
    workload: WorkloadOption = "digits_mlp",
    baseline: BaselineOption = None,
    layers: LayersOption = False,
    all_layers: AllLayersOption = False,
    param: ParamsOption = None,
    inputs: InputsOption = None,
    batch: BatchOption = None,
    dim: DimOption = None,
    loop_seconds: LoopSecondsOption = None,
    loop_iterations: LoopIterationsOption = None,
    seed: SeedOption = 0,
    iso: IsoOption = None,
    liberty: LibertyOption = None,
    cost: CostOption = None,
    clock_ns: IsoClockOption = None,
    recipe: IsoRecipeOption = None,
    lean: LeanOption = False,
    energy: EnergyOption = True,
    values: ValuesOption = "auto",
    figure: FigureOption = None,
    json_file: JsonOption = None,
    table_file: TableOption = None,
) -> None:
    """Compare PEs on one workload: cycles and where they went, operands, ratios to a baseline.

    The table of --table has the columns of `tpe run` and then those of the comparison; with
    --layers it has a row per layer and PE. With --iso every PE is priced by synthesis, or by your
    own numbers, and gets as many columns as make it equal to the baseline.
    """
    from tpe.study.candidates import Choice
    from tpe.study.compare import prepare

    out = Output(json_file, table_file)
    iso = check_options(iso, liberty, cost, clock_ns, recipe, lean, layers or all_layers)
    check_figure(figure)
    engines: Mapping[str, Engine] | Sequence[str]
    if engine:
        refuse_beside_engine(pe=pe, array=array, size=size)
        engines, choice = _engines(engine, param), Choice()
    else:
        engines = _pes(pe, iso, cost)
        choice = _choice(engines, array, size, param)
    model = model_options(inputs, batch, dim, loop_seconds, loop_iterations)
    plan = prepare(engines, workload, choice, baseline, seed, model, values)
    words = model_words(inputs, batch, dim, loop_seconds, loop_iterations)
    words += values_words(values)
    if iso is not None:
        words += iso_words(iso, liberty, cost, clock_ns, recipe, lean, energy)
        priced = run_iso(plan, iso, liberty, cost, clock_ns, recipe, lean, energy)
        left, usual = chosen_by_pricing(lean), _pes(None, iso, cost)
        command = _command(plan, engine, param, layers, words, usual, left)
        finish_iso(out, priced, command, figure)
        return
    command = _command(plan, engine, param, layers or all_layers, words, _pes(None, None, None))
    _by_cycles(out, plan, command, layers or all_layers, all_layers, figure)


def _by_cycles(
    out: Output, plan: Plan, command: str, layers: bool, all_layers: bool, figure: str | None
) -> None:
    """Run the plan, print, draw and write it."""
    from tpe.study.record import EXTRA

    with progress(plan.steps) as step:
        result = replace(plan.run(step), command=str(command))
    if figure is not None:
        result.save_figure(figure, layers)
    out.echo(command)
    rows, of_layers = result.rows(), result.layer_rows() if layers or out.json_file else []
    print_comparison(out, result, rows, of_layers if layers else None, figure, all_layers)
    out.rows(of_layers if layers else rows, EXTRA)
    if out.json_file is not None:
        out.json(result.to_json(rows, of_layers))


# ---- from options to engines ----


def _pes(text: str | None, iso: str | None, cost: str | None) -> list[str]:
    """The PEs asked for; by default all, or with `--iso` a few, or those of the user's file."""
    from tpe import pe as pes

    if text is None and cost is not None:
        from tpe.study.cost_file import read_cost

        return list(dict.fromkeys(row.pe for row in read_cost(cost).costs))
    if text is None and iso is not None:
        return list(DEFAULT_PES)
    return list(pes.of_integers()) if text is None else [n.strip() for n in text.split(",")]


def _engines(specs: Sequence[str], param: Iterable[str] | None) -> dict[str, Engine]:
    """The engines of files and presets, by what they were called, with `-p` applied."""
    from tpe.engine.file import find_engine
    from tpe.model.engine import Engine

    found = {spec: find_engine(Engine, spec) for spec in specs}
    if len(found) != len(specs):
        twice = next(spec for spec in specs if list(specs).count(spec) > 1)
        raise TpeError(f"--engine {twice} is given twice; legal: each engine once")
    legal = {spec: parameter_names(engine) for spec, engine in found.items()}
    known = dict.fromkeys(name for names in legal.values() for name in names)
    params = parse_params(param, known, "any of these engines")
    if not params:
        return found
    return {
        spec: find_engine(Engine, spec, **{k: v for k, v in params.items() if k in legal[spec]})
        for spec in found
    }


def _choice(
    names: Sequence[str], array: str | None, size: str | None, param: Iterable[str] | None
) -> Choice:
    """What `--array`, `--size` and `-p` choose for all PEs, and for single ones."""
    from tpe import pe as pes
    from tpe.engine.parameters import parameters_of
    from tpe.study.candidates import Choice

    known = {name: [p.name for p in parameters_of(pes.get(name))] for name in names}
    shared: list[str] = []
    single: dict[str, list[str]] = {}
    for text in param or ():
        owner, colon, rest = text.partition(":")
        if not colon or "=" in owner:
            shared.append(text)
        elif owner not in known:
            raise TpeError(f"-p {text}: {unknown('pe of the comparison', owner, known)}")
        else:
            single.setdefault(owner, []).append(rest)
    every = dict.fromkeys(key for keys in known.values() for key in keys)
    return Choice(
        _arrays(array, known),
        size,
        parse_params(shared, every, f"any of {', '.join(names)}"),
        {name: parse_params(texts, known[name], name) for name, texts in single.items()},
    )


def _arrays(text: str | None, known: Iterable[str]) -> str | dict[str, str] | None:
    """`--array`: one name for all PEs, or {PE: array} of `PE:ARRAY,...`."""
    if text is None or ":" not in text:
        return text
    chosen: dict[str, str] = {}
    for part in text.split(","):
        name, colon, array = part.strip().partition(":")
        if not colon or name in chosen:
            raise TpeError(f"--array {text} is not legal: ARRAY, or PE:ARRAY,... with each PE once")
        if name not in known:
            raise TpeError(f"--array {text}: {unknown('pe of the comparison', name, known)}")
        chosen[name] = array
    return chosen


def _command(
    plan: Plan,
    engine: Sequence[str] | None,
    param: Sequence[str] | None,
    layers: bool,
    model: Sequence[str],
    usual: Sequence[str],
    left: Container[str] = (),
) -> CommandLine:
    """The full command: every choice of every PE, or the engines' files and presets.

    `usual` are the PEs that are compared if none is named. Parameters of `left`, which pricing
    chooses, stay out unless they were given.
    """
    from tpe.study.compare import default_baseline

    base = None if plan.baseline == default_baseline(plan.candidates) else plan.baseline
    tail = ["--seed", str(plan.seed)]
    options = {"workload": plan.workload, "baseline": plan.baseline, "layers": layers}
    full = [*option_words(options), *model]
    short = [*option_words({**options, "baseline": base}), *model]
    if engine:
        words = [word for spec in engine for word in ("--engine", spec)]
        params = [word for text in param or () for word in ("-p", text)]
        full, short = [*words, *full, *params], [*words, *short, *params]
    else:
        place = _place(plan.candidates)
        keys = dict.fromkeys(key for c in plan.candidates for key in c.params)
        chosen = dict.fromkeys(key for c in plan.candidates for key in _chosen(c))
        differs = {
            "pe": None if place["pe"] == ",".join(usual) else place["pe"],
            "array": None if _default_arrays(plan.candidates) else place["array"],
            "size": None if place["size"] == DEFAULT_SIZE else place["size"],
        }
        full = [*option_words(place), *full, *_param_words(plan.candidates, left, keys)]
        short = [*option_words(differs), *short, *_param_words(plan.candidates, left, chosen)]
    return CommandLine(["tpe", "compare", *full, *tail], ["tpe", "compare", *short, *tail])


def _place(candidates: Sequence[Candidate]) -> dict[str, str]:
    """`--pe`, `--array` and `--size` of a comparison."""
    arrays = {c.pe: str(c.array) for c in candidates}
    one = len(set(arrays.values())) == 1
    text = ",".join(f"{name}:{value}" for name, value in arrays.items())
    return {
        "pe": ",".join(c.pe for c in candidates),
        "array": str(candidates[0].array) if one else text,
        "size": candidates[0].size,
    }


def _default_arrays(candidates: Sequence[Candidate]) -> bool:
    """Whether every PE stands in the array that it has when none is named."""
    from tpe import array as arrays
    from tpe import pe as pes

    return all(c.array == arrays.default_for(pes.get(c.pe)) for c in candidates)


def _chosen(candidate: Candidate) -> Mapping[str, object]:
    """The parameters of a candidate that a comparison does not choose by itself."""
    from tpe.study.candidates import unasked_overlap

    if not candidate.engine:
        return candidate.asked
    own = {k: v for k, v in chosen_params(candidate.built).items() if k != "overlap"}
    overlap = candidate.params.get("overlap")
    return own if overlap == unasked_overlap(candidate) else own | {"overlap": overlap}


def _param_words(
    candidates: Sequence[Candidate], left: Container[str], keys: Iterable[str]
) -> list[str]:
    """`-p` for these parameters: once if it is the same everywhere, else for each PE."""
    words: list[str] = []
    for key in keys:
        values = {
            c.pe: c.params[key]
            for c in candidates
            if key in c.params and (key not in left or key in c.asked)
        }
        if not values:
            continue
        others = [c for c in candidates if c.engine is not None and key not in c.params]
        alike = len({str(value) for value in values.values()}) == 1
        if alike and not any(key in parameter_names(c.built) for c in others):
            words += ["-p", f"{key}={next(iter(values.values()))}"]
        else:
            words += [w for pe, value in values.items() for w in ("-p", f"{pe}:{key}={value}")]
    return words


RECORD = Command(
    compare,
    "tpe compare --pe mac,opt1,opt4c --size 32x32 --figure cycles.png; "
    "tpe compare --pe mac,opt1 --iso area --clock-ns 4",
)
