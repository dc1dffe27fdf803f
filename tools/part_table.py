"""The table of parts that ships: reports/parts_tpe130.jsonl, packed into tpe/synth/data.

    python -m tools.part_table            # makes lines that are missing or stale, until stopped
    python -m tools.part_table --pack     # packs what there is
    python -m tools.part_table --list     # how many lines there are, and are to be
    python -m tools.part_table --prices mac,opt1    # prices of PEs in arrays, with energies

A line is a PE in an array with parameters of its own: each of its parts mapped by a few recipes
and timed, the front kept. Days on two cores, so that lines are appended as they are made: one is
made anew when the RTL of one of its parts is another text, and a run that is stopped loses the one
it was at. Sets stand in an order of their own hashes, so that the first hundred are a sample.
"""

from __future__ import annotations

import argparse
import itertools
import json
import lzma
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tools.kept_lines import Row, keep_line, kept_lines
from tools.revision import commit
from tpe import array as arrays
from tpe import pe as pes
from tpe.base.cache import digest
from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.engine.config import Config
from tpe.pe.base import PE, Way
from tpe.study.candidates import Choice
from tpe.study.compare import prepare
from tpe.study.forms import formed, forms
from tpe.study.price import price as price_of
from tpe.study.price import varied
from tpe.study.price_table import FILE as PRICES
from tpe.study.price_table import energies_of, entry_of, key_of
from tpe.study.price_table import packed as packed_prices
from tpe.study.pricer import DEFAULT_RECIPES
from tpe.synth.area.designs import pe_parts, sized, variants
from tpe.synth.area.part_table import FILE, LIBRARY, RECIPES, made_from, packed
from tpe.synth.area.scaling import reference
from tpe.synth.area.synthesis import compare
from tpe.synth.netlist.mapper import is_kept
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import Technology, technology

LINES = Path("reports/parts_tpe130.jsonl")
TYPES = ((8, 8), (4, 4), (6, 6), (12, 12), (8, 4), (4, 8), (5, 7), (3, 6), (16, 16), (10, 6))
ACC_BITS = (24, 32, 40)
SHARE = 7  # of the combinations of two choices one in so many
MOST = 64  # lines of one PE in one array


def parameter_sets() -> list[tuple[str, str, Row]]:
    """(PE, array, parameters) of every line: one choice at a time, widths, and some of two."""
    ranked: list[tuple[int, str, tuple[str, str, Row]]] = []
    for record in map(pes.get, pes.usable()):
        for array in _arrays(record) if record.rtl else ():
            every = itertools.chain(_choices(record), _compared(record, array))
            some = {_named(record.name, array, x): x for x in every}
            order = sorted(some, key=lambda key: (bool(some[key]), digest(key)))
            legal = (key for key in order if built(record.name, array, some[key]))
            for rank, key in enumerate(itertools.islice(legal, MOST)):
                ranked.append((rank, digest(key), (record.name, array, some[key])))
    return [one for *_, one in sorted(ranked, key=lambda x: x[:2])]


def _named(pe: str, array: str, params: Row) -> str:
    return json.dumps([pe, array, params], sort_keys=True)


def _arrays(record: PE) -> list[str]:
    """The PE's usual array, and one through which psums pass where it can stand in one."""
    names = [arrays.default_for(record)]
    if Way.PASS in record.ways:
        every = map(arrays.get, arrays.usable())
        names.append([a.name for a in every if a.way is Way.PASS][-1])
    return names


def _choices(record: PE) -> Iterator[Row]:
    """Parameters that differ from the defaults."""
    yield {}
    one = [
        {p.name: value} for p in record.parameters for value in _some(p.legal) if value != p.default
    ]
    names = [(f"int{a}", f"int{b}") for a, b in TYPES]
    if record.arithmetic.a_types:
        kind = record.arithmetic
        names = list(itertools.product(kind.a_types, kind.b_types or kind.a_types))
    widths = [{"a_type": a, "b_type": b} for a, b in names]
    accumulators = [{"acc_bits": bits} for bits in ACC_BITS]
    yield from itertools.chain(one, widths[1:], accumulators)
    pairs = itertools.chain(
        itertools.product(one, widths),
        itertools.product(widths, accumulators),
        itertools.combinations(one, 2),
    )
    for x, y in pairs:
        both = {**x, **y}
        taken = int(digest([record.name, both]), 16) % SHARE == 0
        if taken and len(both) == len(x) + len(y):
            yield both


def _compared(record: PE, array: str) -> Iterator[Row]:
    """What a comparison at equal area tries of the PE: variants of it and of its lean forms."""
    engine = built(record.name, array, {})
    if engine is None:
        return
    for form in ({}, *forms(engine)):
        own = formed(engine, form)
        yield from ({**form, **one.chosen} for one in variants(own, varied(own)))


def _some(legal: Any) -> list[Any]:
    """The values of a parameter, of a long range powers of 2."""
    values = list(legal)
    return values if len(values) <= 6 else [v for v in values if v in (1, 2, 4, 8)]


def built(pe: str, array: str, params: Row) -> Config | None:
    """The engine of a line, at the size at which arrays are timed; None if it has no RTL."""
    with suppress(TpeError):
        sides = (4,) * len(arrays.get(array).sides)
        one = Config(pe, array, sides, **params)
        return sized(one, reference(one))
    return None


def facts(engine: Config, tech: Technology) -> dict[str, str]:
    """What each part of an engine's PE is made from."""
    recipes = find_recipes(RECIPES)
    return {k: made_from(own[0], tech, recipes) for k, own in pe_parts(engine, ()).items()}


def line(pe: str, array: str, params: Row, engine: Config, tech: Technology) -> Row:
    """A line: every part mapped and timed, or why it cannot be."""
    began = time.perf_counter()
    row: Row = {"pe": pe, "array": array, "params": params, "library": LIBRARY}
    keys = facts(engine, tech)
    try:
        design = compare([engine], liberty=tech, recipes=RECIPES, vary=(), workers=1).designs[0]
    except TpeError as error:
        return {**row, "status": "failed", "reason": str(error), "made_from": keys}
    parts = {}
    for kind, front in design.fronts.items():
        points = [
            [
                *(p.mapped.label, round(p.period_ns, 6), round(p.area_um2, 4)),
                *(sum(p.mapped.cells.values()), p.mapped.flip_flops, p.mapped.full_adders),
            ]
            for p in front
        ]
        parts[kind] = {"made_from": keys[kind], "points": points}
    return {
        **row,
        "status": "ok",
        "parts": parts,
        "commit": commit(),
        "pyosys": version("pyosys"),
        "seconds": round(time.perf_counter() - began, 1),
    }


def _key(row: Row) -> str:
    return _named(row["pe"], row["array"], row["params"])


def _holds(row: Row | None, keys: dict[str, str]) -> bool:
    """Whether a line is of the RTL that there is."""
    if row is None:
        return False
    if row["status"] != "ok":
        return bool(row["made_from"] == keys)
    return {kind: part["made_from"] for kind, part in row["parts"].items()} == keys


def make(
    lines: Path, most: int | None, seconds: float | None, only: str | None, kept: bool
) -> None:
    """Make the lines that are missing or stale, each appended when it is done."""
    recipes = find_recipes(RECIPES)
    some = only.split(",") if only else pes.usable()
    tech, began, count = technology(LIBRARY), time.perf_counter(), 0
    done = {_key(row): row for row in kept_lines(lines)}
    for pe, array, params in (one for one in parameter_sets() if one[0] in some):
        engine = built(pe, array, params)
        assert engine is not None
        if _holds(done.get(_named(pe, array, params)), facts(engine, tech)):
            continue
        if kept and not all(is_kept(x[0], tech, recipes) for x in pe_parts(engine, ()).values()):
            continue
        if count == most or (seconds and time.perf_counter() - began > seconds):
            return
        row = line(pe, array, params, engine, tech)
        keep_line(lines, row)
        count += 1
        print(count, pe, array, params, row.get("seconds"), row.get("reason", ""), flush=True)


def prices(names: list[str]) -> None:
    """Entries of the table of prices, as a comparison asks for them; others stay as they are."""
    tech, recipes = technology(LIBRARY), find_recipes(DEFAULT_RECIPES)
    kept = json.loads(lzma.decompress(PRICES.read_bytes())) if PRICES.exists() else []
    plan = prepare(names, "gemm:8x8x8", Choice(), None, 0, None, "auto")
    for candidate in plan.candidates:
        engine = candidate.built
        vary = varied(engine)
        key = key_of(engine, tech, recipes, vary)
        if any(entry["key"] == key for entry in kept):
            continue
        price = price_of(engine, tech, recipes, (), vary, workers=1)
        best = price.densest((16, 16))
        place = price.options.index(best)
        energy = {place: energies_of(best, price.engine, tech)}
        pair = (candidate.pe, price.engine.array.name)
        kept = [entry for entry in kept if (entry["pe"], entry["array"]) != pair]
        kept.append({**entry_of(key, price, energy), "commit": commit()})
        PRICES.parent.mkdir(exist_ok=True)
        with whole_file(PRICES) as temporary:
            temporary.write_bytes(packed_prices(kept))
        print(candidate.pe, len(price.options), "options", flush=True)


def latest(lines: Path) -> list[Row]:
    """The last line of every set, in the order of the sets' names: appended ones replace older."""
    every = {_key(row): row for row in kept_lines(lines)}
    return [every[key] for key in sorted(every)]


def summary(rows: list[Row]) -> str:
    """How many lines there are, of how many parts that differ, and points of these."""
    good = [row for row in rows if row["status"] == "ok"]
    parts = {p["made_from"]: len(p["points"]) for row in good for p in row["parts"].values()}
    return (
        f"{len(good)} sets of parameters ({len(rows) - len(good)} more could not be mapped), "
        f"{len(parts)} parts that differ, {sum(parts.values())} points of area and clock, "
        f"{sum(row['seconds'] for row in good) / 3600:.1f} hours"
    )


def main() -> None:
    """Make, list or pack."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=Path, default=LINES)
    parser.add_argument("--most", type=int, help="lines to make")
    parser.add_argument("--pe", metavar="PE,...", help="lines of these alone; default: of all")
    parser.add_argument("--seconds", type=float, help="begin no line after so long")
    parser.add_argument("--kept", action="store_true", help="lines that need no mapping alone")
    parser.add_argument("--pack", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--prices", metavar="PE,...", help="entries of the table of prices")
    options = parser.parse_args()
    if options.prices:
        prices(options.prices.split(","))
        return
    if options.list:
        print(f"{len(parameter_sets())} sets in all")
    elif not options.pack:
        make(options.lines, options.most, options.seconds, options.pe, options.kept)
    rows = latest(options.lines)
    print(summary(rows))
    if options.pack:
        with whole_file(FILE) as temporary:
            temporary.write_bytes(packed([row for row in rows if row["status"] == "ok"]))


if __name__ == "__main__":
    main()
