"""The contract of every choice of a PE and an array, one table: reports/choices.md.

    python -m tools.choice_table -o reports/choices.md

Of every choice, in one of its PE's arrays: all 65,536 int8 pairs in RTL; GEMMs of constant corners
and of several K, with and without stalls, whose every output and cycle must agree; lemmas;
mutants. Hours on two cores, so that lines are kept beside the page, in reports/choices.jsonl: one
is made again when the RTL that it speaks of is another text, or the count or the limit is.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np

import tpe
from tests.contract.combos import LEGAL, WITH_RTL, engine, own_variants
from tests.contract.test_rtl import gemms
from tools.kept_lines import Row, keep_line, kept_lines
from tools.revision import commit
from tpe.array.base import Array
from tpe.base.cache import digest
from tpe.base.errors import TpeError
from tpe.base.files import whole_file
from tpe.hdl import emit
from tpe.hdl.formal.prove import prove
from tpe.hdl.mutate.mutate import judge_engine
from tpe.hdl.mutate.subjects import small
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.model.engine import Engine
from tpe.pe.base import PE
from tpe.study.forms import form_text

COLUMNS = ("PE", "array", "choice", "pairs", "GEMMs exact", "lemmas", "mutants killed", "left")


def choices() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(PE, array, choice) of every line."""
    for pe, array in WITH_RTL:
        yield from ((pe.name, array.name, variant) for variant in own_variants(pe, array))


def measure(pe: str, array: str, choice: dict[str, Any], count: int, limit: float) -> Row:
    """One line: what was compared, proved and killed."""
    record, placed = _records(pe, array)
    built = engine(record, placed, (2, 2), **choice)
    every = np.arange(-128, 128)
    pairs = Case(built, every[:, None], every[None, :])
    outcomes = cosimulate([pairs, *gemms(built)])
    right = int((outcomes[0].C == np.multiply.outer(every, every)).sum())
    return {
        "pe": pe,
        "array": array,
        "choice": choice,
        "rtl": content(pe, array, choice),
        "asked": [count, limit],
        "commit": commit(),
        "pairs": right,
        "exact": sum(outcome.ok for outcome in outcomes[1:]),
        "gemms": len(outcomes) - 1,
        **_lemmas(engine(record, placed, (1, 2), **choice), limit),
        **_mutants(small(record, placed, choice), count, limit),
    }


def _records(pe: str, array: str) -> tuple[PE, Array]:
    return next(c for c in LEGAL if (c[0].name, c[1].name) == (pe, array))


def content(pe: str, array: str, choice: dict[str, Any]) -> str:
    """A hash of the RTL of a line's engines."""
    record, placed = _records(pe, array)
    built = (engine(record, placed, (2, 2), **choice), small(record, placed, choice))
    return digest([emit.engine_modules(one) for one in built])


def _lemmas(built: Engine, limit: float) -> Row:
    report = prove(built, limit)
    found = Counter(f"{p.result} narrower" if p.note else p.result for p in report.proofs)
    others = [p.lemma for p in report.proofs if p.result != "proved"]
    return {"lemmas": dict(found), "unproved": others, "uncovered": list(report.uncovered)}


def _mutants(built: Any, count: int, limit: float) -> Row:
    verdicts = judge_engine(built, count, 0, limit).verdicts
    fates = Counter(verdict.fate for verdict in verdicts)
    return {
        "mutants": len(verdicts),
        "killed": fates["killed"],
        "equivalent": fates["equivalent"],
        "left": [f"{v.proof}: {v.mutant.describe()}" for v in verdicts if v.fate == "survived"],
    }


def line(row: Row) -> str:
    """A line of the table; no cell is empty."""
    choice = form_text(row["choice"]) or "as it is"
    lemmas = ", ".join(f"{n} {result}" for result, n in sorted(row["lemmas"].items())[::-1])
    lemmas += f"; not proved: {', '.join(row['unproved'])}" if row["unproved"] else ""
    lemmas += f"; no lemma on {', '.join(row['uncovered'])}" if row["uncovered"] else ""
    killed = f"{row['killed']} of {row['mutants'] - row['equivalent']}"
    killed += f" ({row['equivalent']} equivalent)" if row["equivalent"] else ""
    cells = (
        f"`{row['pe']}`",
        row["array"],
        choice,
        f"{row['pairs']:,}",
        f"{row['exact']} of {row['gemms']}",
        lemmas or "none",
        killed,
        "; ".join(row["left"]) or "none",
    )
    return f"| {' | '.join(cells)} |"


def document(rows: list[Row], count: int, limit: float) -> str:
    """The page."""
    total, killed = (sum(row[name] for row in rows) for name in ("mutants", "killed"))
    equivalent = sum(row["equivalent"] for row in rows)
    text = [
        "# The contract, choice by choice",
        "",
        f"Made by `python -m tools.choice_table` of tpe {tpe.__version__}, lines at "
        f"{', '.join(dict.fromkeys(row['commit'] for row in rows))}. Pairs: of "
        "65,536 in an array of 2 x 2. Lemmas: of an array of 1 x 2, int8, at most "
        f"{limit:g} s each; narrower: full widths took longer, and the lemma is proved of the "
        "widest operands that did not (control is always proved of a few bits). "
        f"Mutants: {count} a choice, of an engine of narrow operands, seed 0.",
        "",
        f"Mutants in all: {total:,}, {killed:,} killed, {equivalent:,} shown equivalent: "
        f"{killed / (total - equivalent):.2%} of those that are not.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---|---|---|--:|--:|---|---|---|",
        *map(line, rows),
        "",
    ]
    return "\n".join(text)


def made(kept: Path, count: int, limit: float, workers: int) -> list[Row]:
    """Every line in order; those that are in `kept` already and still hold are not made again."""
    every, done = list(choices()), {_key(*_place(row)): row for row in kept_lines(kept)}
    asked = [one for one in every if not _holds(done.get(_key(*one)), one, count, limit)]
    print(f"{len(every)} lines, {len(asked)} of them to make", flush=True)
    with ProcessPoolExecutor(workers) as pool:
        jobs = {pool.submit(measure, *one, count, limit): one for one in asked}
        for i, job in enumerate(as_completed(jobs)):
            try:
                row = job.result()
            except TpeError as error:
                raise TpeError(f"{jobs[job]}: {error}") from error
            done[_key(*jobs[job])] = row
            keep_line(kept, row)
            print(f"{i + 1} of {len(asked)}: {line(row)}", flush=True)
    return [done[_key(*one)] for one in every]


def _holds(row: Row | None, one: tuple[str, str, dict[str, Any]], count: int, limit: float) -> bool:
    """Whether a line that was kept is of the RTL that there is, and of as many mutants."""
    return row is not None and row["asked"] == [count, limit] and row["rtl"] == content(*one)


def _place(row: Row) -> tuple[str, str, dict[str, Any]]:
    return row["pe"], row["array"], row["choice"]


def _key(pe: str, array: str, choice: dict[str, Any]) -> str:
    return json.dumps([pe, array, choice], sort_keys=True)


def main() -> None:
    """Make every line and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/choices.md"))
    parser.add_argument("--count", type=int, default=6, help="mutants a choice")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds of a proof")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    kept = options.out.with_suffix(".jsonl")
    rows = made(kept, options.count, options.limit, options.workers)
    with whole_file(options.out) as temporary:
        temporary.write_text(document(rows, options.count, options.limit))
    with whole_file(kept) as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    main()
