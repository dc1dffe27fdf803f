"""`tpe synth`: area and timing of PEs and arrays from synthesis."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tpe.base.errors import TpeError
from tpe.cli.command import Command
from tpe.cli.commands.synth_path import print_paths
from tpe.cli.commands.synth_power import (
    OperandsOption,
    PowerOption,
    SaifOption,
    WiresOption,
    check_power,
)
from tpe.cli.commands.synth_shares import print_shares
from tpe.cli.commands.synth_text import number, print_result
from tpe.cli.options import (
    JsonOption,
    Output,
    ParamOption,
    SeedOption,
    TableOption,
    document,
    option_words,
    parse_params,
    plain_table,
    progress,
)
from tpe.cli.paths import FILLS, READS

if TYPE_CHECKING:
    from tpe.engine.config import Config
    from tpe.study.cost_file import CostTable
    from tpe.synth.area.synthesis import Result

_MOST_CLOCKS = 1000

PesOption = Annotated[
    str, typer.Option("--pe", metavar="PE,...", help="Ids of PEs: see `tpe list`.")
]
ArrayOption = Annotated[
    str | None,
    typer.Option(
        "--array",
        metavar="ARRAY",
        help="Map whole arrays, as -p says (no other stages or trees are tried). Default: PEs.",
    ),
]
SizeOption = Annotated[
    str | None, typer.Option("--size", metavar="RxC", help="Size of the arrays. Default: 4x4.")
]
LibertyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--liberty",
        metavar="FILE",
        help="A Liberty file, gzipped or not; may be repeated for files that belong together. "
        "Default: the built-in tpe130.",
    ),
    READS,
]
ClockOption = Annotated[
    str | None,
    typer.Option(
        "--clock-ns", metavar="A:B:STEP|A,B,...", help="Clock periods. Default: the fastest of all."
    ),
]
CostOption = Annotated[
    str | None,
    typer.Option(
        "--cost",
        metavar="CSV",
        help="Your own numbers in place of synthesis: columns pe, clock_ns, area_um2, "
        "energy_fj_per_mac, leakage_uw.",
    ),
    READS,
]
RecipeOption = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME,...",
        help="portfolio, quick, or names of recipes. Default: portfolio; quick for arrays.",
    ),
]
TimerOption = Annotated[
    str | None,
    typer.Option("--timer", metavar="own|sta", help="Default: own. sta: OpenSTA, if on PATH."),
]
WireLoadOption = Annotated[
    str | None,
    typer.Option("--wire-load", metavar="NAME", help="A wire load of the library. Default: none."),
]
SharesOption = Annotated[
    bool,
    typer.Option(
        "--shares",
        help="Which primitive takes which area of the cell; with --power which energy too.",
    ),
]
FpgaOption = Annotated[
    str | None,
    typer.Option("--fpga", metavar="xilinx|ice40", help="FPGA resources of the cells too."),
]
ExportOption = Annotated[
    str | None,
    typer.Option("--export", metavar="DIR", help="Write an array for OpenROAD-flow-scripts too."),
    FILLS,
]
PathOption = Annotated[
    bool,
    typer.Option("--critical-path", help="The longest path of each design, cell by cell."),
]
FrontOption = Annotated[bool, typer.Option("--front", help="Every point of the fronts too.")]


def synth(
    pe: PesOption = "mac,opt1",
    array: ArrayOption = None,
    size: SizeOption = None,
    liberty: LibertyOption = None,
    clock_ns: ClockOption = None,
    cost: CostOption = None,
    recipe: RecipeOption = None,
    timer: TimerOption = None,
    wire_load: WireLoadOption = None,
    front: FrontOption = False,
    critical_path: PathOption = False,
    shares: SharesOption = False,
    fpga: FpgaOption = None,
    export: ExportOption = None,
    power: PowerOption = False,
    workload: OperandsOption = None,
    wires: WiresOption = None,
    saif: SaifOption = None,
    seed: SeedOption = 0,
    param: ParamOption = None,
    json_file: JsonOption = None,
    table_file: TableOption = None,
) -> None:
    """Map PEs or whole arrays to a Liberty library: area, timing, power; every recipe tried.

    For each clock the row is the smallest area that meets it. Without a clock: the fastest that
    all designs meet. A PE's area is its cell's; front and finish, which an array shares, stand
    beside it.
    """
    out = Output(json_file, table_file)
    clocks = parse_clocks(clock_ns)
    names = [name.strip() for name in pe.split(",")]
    _check_fpga(fpga)
    if cost is not None:
        _refuse_beside_cost(array=array, liberty=liberty, recipe=recipe, timer=timer, param=param)
        _refuse_beside_cost(power=power, shares=shares, front=front, fpga=fpga, export=export)
        more = {"critical-path": critical_path, "saif": saif, "workload": workload, "wires": wires}
        _refuse_beside_cost(**more)
        _from_cost(out, names, clocks, cost)
        return
    engines = _engines(names, array, size, param)
    if export is not None and (array is None or len(names) != 1):
        raise TpeError(f"--export {export} needs --array and one PE")
    chosen = recipe or ("portfolio" if array is None else "quick")
    options = {"recipe": chosen, "timer": timer, "wire-load": wire_load, "front": front}
    activity = check_power(power, workload, wires, saif, seed, array)
    options |= activity.options
    options["critical-path"] = critical_path
    words = option_words({**options, "shares": shares, "fpga": fpga, "export": export})
    command = _command(names, engines, array, liberty, clock_ns, words, param)
    out.echo(command)
    result = _run(engines, liberty, wire_load, clocks, chosen, array is not None, timer, param)
    result = activity.add(out, result)
    print_result(out, result, front)
    extra = print_shares(out, result, activity) if shares else {}
    extra |= print_paths(out, result) if critical_path else {}
    extra |= _extras(out, result, fpga, export)
    _write(out, result, command, front, extra)


def _check_fpga(family: str | None) -> None:
    if family is not None:
        from tpe.synth.netlist.fpga import check_family

        check_family(family)


def _write(
    out: Output, result: Result, command: str, front: bool, extra: Mapping[str, Any]
) -> None:
    """The rows, and with what else was asked for the document."""
    from tpe.synth.area.rows import EXTRA

    out.rows([{**row, "command": command} for row in _rows(result, front)], EXTRA)
    content = result.to_json()
    content["rows"] = [{**row, "command": command} for row in content["rows"]]
    out.json(document(command, **content, **extra))


def _extras(out: Output, result: Result, fpga: str | None, export: str | None) -> dict[str, Any]:
    """What `--fpga` and `--export` add: printed, and as parts of the JSON document."""
    from tpe.synth.area.designs import pe_parts
    from tpe.synth.area.openroad import export_openroad
    from tpe.synth.netlist.fpga import fpga_counts

    found: dict[str, Any] = {}
    for design in result.designs:
        if fpga is not None:
            counts = fpga_counts(pe_parts(design.engine, ())["cell"][0], fpga)
            text = ", ".join(f"{count} {kind}" for kind, count in counts.items())
            out.text(f"\n{design.name} cell on {fpga}: {text}")
            found.setdefault("fpga", {})[design.name] = counts
    if export is not None:
        clock = result.clocks_ns[0] if result.clocks_ns else result.common_clock_ns
        files = export_openroad(result.designs[0].engine, export, round(clock, 3))
        out.text(f"\n{len(files)} files for OpenROAD-flow-scripts in {export}")
        found["exported"] = [str(file) for file in files]
    return found


def _rows(result: Result, front: bool) -> list[dict[str, Any]]:
    return result.rows() + (result.front_rows() if front else [])


def _run(
    engines: Sequence[Config],
    liberty: Sequence[str] | None,
    wire_load: str | None,
    clocks: Sequence[float],
    recipes: str,
    array: bool,
    timer: str | None,
    param: Iterable[str] | None,
) -> Result:
    from tpe.synth.area.designs import VARIED
    from tpe.synth.area.synthesis import compare, count_steps
    from tpe.technology.technology import technology

    tech = technology(list(liberty or ("tpe130",)), wire_load=wire_load)
    pinned = {text.partition("=")[0] for text in param or ()}
    vary = [name for name in VARIED if name not in pinned]
    total = count_steps(engines, recipes, array, vary)
    with progress(total) as step:
        return compare(
            engines,
            liberty=tech,
            clocks_ns=clocks,
            recipes=recipes,
            array=array,
            vary=vary,
            timer=timer,
            step=step,
        )


def parse_clocks(text: str | None) -> tuple[float, ...]:
    """Clock periods of `A`, `A,B,...` or `A:B:STEP`, both ends included; () for None.

    >>> parse_clocks("2:3:0.5"), parse_clocks("4,2")
    ((2.0, 2.5, 3.0), (4.0, 2.0))
    """
    if text is None:
        return ()
    legal = "A, A,B,... or A:B:STEP in ns, all above 0 and below 1e6"
    try:
        if ":" not in text:
            numbers = tuple(float(part) for part in text.split(","))
        else:
            first, last, step = (float(part) for part in text.split(":"))
            if not (0 < first <= last < 1e6 and step > 0):
                raise ValueError
            count = int((last - first) / step + 1e-9) + 1
            if count > _MOST_CLOCKS:
                raise TpeError(f"--clock-ns {text} are {count} clocks; legal: {_MOST_CLOCKS}")
            numbers = tuple(round(first + i * step, 9) for i in range(count))
    except TpeError:
        raise
    except ValueError:
        raise TpeError(f"--clock-ns {text} is not legal: {legal}") from None
    if not all(0 < number < 1e6 for number in numbers):
        raise TpeError(f"--clock-ns {text} is not legal: {legal}")
    return numbers


def _settable(engine: Config) -> list[str]:
    """Names of all parameters that `-p` may give, those that an engine leaves out too."""
    from tpe.engine.parameters import parameters_of

    return [p.name for p in parameters_of(engine.record, engine.array)]


def _engines(
    names: Sequence[str], array: str | None, size: str | None, param: Sequence[str] | None
) -> list[Config]:
    """An engine for each PE: of the array asked for, or of its first; `-p` where it is known."""
    from tpe.cli.options import engine_of
    from tpe.synth.area.synthesis import default_engine

    if len(set(names)) != len(names):
        raise TpeError(f"--pe {','.join(names)}: a PE stands there twice; legal: each once")
    if size is not None and array is None:
        raise TpeError(f"--size {size} needs --array: a PE has no size")
    plain = {name: default_engine(name) for name in names}
    known = dict.fromkeys(key for engine in plain.values() for key in _settable(engine))
    parse_params(param, known, f"any of {', '.join(names)}")
    made = []
    for name, engine in plain.items():
        mine = [text for text in param or () if text.partition("=")[0] in _settable(engine)]
        if array is None and not mine:
            made.append(engine)
            continue
        made.append(engine_of(name, array or engine.array.name, size or "4x4", mine))
    return made


def _command(
    names: Sequence[str],
    engines: Sequence[Config],
    array: str | None,
    liberty: Sequence[str] | None,
    clock_ns: str | None,
    words: Sequence[str],
    param: Iterable[str] | None,
) -> str:
    all_words = ["tpe", "synth", "--pe", ",".join(names)]
    if array is not None:
        engine = engines[0]
        size = "x".join(map(str, getattr(engine, "size", (engine.rows, engine.cols))))
        all_words += ["--array", engine.array.name, "--size", size]
    for file in liberty or ():
        all_words += ["--liberty", file]
    all_words += option_words({"clock-ns": clock_ns})
    all_words += [*words, *(word for text in param or () for word in ("-p", text))]
    return shlex.join(all_words)


# ---- the user's own numbers ----


def _refuse_beside_cost(**options: object) -> None:
    for name, value in options.items():
        if value is not None and value is not False:
            raise TpeError(f"--{name} and --cost are both given; --cost replaces synthesis")


def _from_cost(out: Output, names: Sequence[str], clocks: Sequence[float], file: str) -> None:
    from tpe.study.cost_file import read_cost

    words = option_words({"clock-ns": ",".join(f"{c:g}" for c in clocks) or None})
    command = shlex.join(["tpe", "synth", "--pe", ",".join(names), "--cost", file, *words])
    costs = read_cost(file)
    rows = [{**row, "command": command} for row in cost_rows(costs, names, clocks)]
    out.echo(command)
    out.text(f"Numbers of {costs.source}: not from synthesis here.")
    others = sorted({cost.pe for cost in costs.costs} - set(names))
    if others:
        out.text(f"Rows of {', '.join(others)} are not asked for.")
    table = plain_table(
        "pe", "clock ns", "area um2", "fJ per MAC", "leakage uW", left=("pe", "clock ns")
    )
    for row in rows:
        leakage = row.get("leakage_mw")
        table.add_row(
            row["pe"],
            f"{row['clock_ns']:g}" + ("" if row["clock_met"] else " not met"),
            number(row.get("area_um2"), 1),
            number(row.get("energy_fj_per_mac"), 1),
            number(None if leakage is None else leakage * 1000, 3),
        )
    out.table(table)
    out.rows(rows)
    out.json(document(command, rows=rows))


def cost_rows(
    costs: CostTable, names: Sequence[str], clocks: Sequence[float]
) -> list[dict[str, Any]]:
    """Rows of the flat table from a user's numbers: at the clocks asked for, or all there are."""
    rows: list[dict[str, Any]] = []
    for name in names:
        own = costs.of(name)
        for clock in clocks or [cost.clock_ns for cost in own]:
            cost = costs.at(name, clock)
            found = (
                cost.row(costs.source, clock) if cost else {"clock_ns": clock, "clock_met": False}
            )
            best = 1000 / own[0].clock_ns
            rows.append({"pe": name, "status": "ok", "fmax_mhz": best, **found})
            rows[-1]["cost_source"] = costs.source
    if not any(row["clock_met"] for row in rows):
        best_ns = ", ".join(f"{name} {costs.of(name)[0].clock_ns:g} ns" for name in names)
        raise TpeError(f"no row of {costs.source} meets these clocks; fastest: {best_ns}")
    return rows


RECORD = Command(synth, "tpe synth --pe mac,opt1 --clock-ns 3:6:1")
