"""The contract of every PE x array as one table: what was exhausted, compared, proved, killed.

    tpe mutate --count 1000 --seed 0 --json reports/mutation.json
    python -m tools.contract_table reports/mutation.json -o reports/contract.md

Everything but the mutants is run here, on the engines of `tests/contract`; half an hour on two
cores. The table says from which commit it was made.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

import tpe
from tests.contract.combos import LANDING_SIZES, WITH_RTL, engine
from tests.contract.test_rtl import shapes
from tools.revision import commit
from tpe.array.base import Array
from tpe.hdl.formal.prove import prove
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.pe.base import PE

HEAD = ("combination", "pairs, model and RTL", "shapes cycle-exact", "needed / built width")
COLUMNS = (*HEAD, "proof", "mutants killed")


def pairs(pe: PE, array: Array) -> str:
    """All 65 536 int8 pairs through a 4 x 4 array: bit-level model and RTL."""
    e = engine(pe, array, (4, 4))
    every = np.arange(-128, 128)
    a, b = every[:, None], every[None, :]
    product = np.multiply.outer(every, every)
    model = int((e.run(a, b, values="bits").C == product).sum())
    rtl = int((cosimulate([Case(e, a, b)])[0].C == product).sum())
    return f"{model:,}, {rtl:,} of {product.size:,}"


def exact_shapes(pe: PE, array: Array) -> str:
    """GEMMs whose every output and cycle count agree, over sizes, K and handshakes."""
    outcomes = cosimulate(list(shapes(pe, array, LANDING_SIZES)))
    return f"{sum(o.ok for o in outcomes)} of {len(outcomes)}"


def widths(pe: PE, array: Array) -> str:
    """Needed and built width of every primitive of the default engine."""
    e = engine(pe, array, (4, 4))
    if not e.has_nest:
        return f"accumulator {e.widths.acc} / {e.widths.acc}; no nest"
    built = e.pe.built(e.widths) if e.pe else {}
    units = [u for u in e.inventory(4, 4, 512) if u.op != "sync" and u.copies]
    return ", ".join(f"{u.op} {u.bits}/{built[u.op]}" for u in units)


def proof(pe: PE, array: Array, limit: float) -> str:
    """Lemmas proved, and at which widths those that do not finish at full ones."""
    report = prove(engine(pe, array, (2, 2)), limit)
    results = Counter(p.result for p in report.proofs)
    text = ", ".join(f"{count} {result}" for result, count in sorted(results.items(), reverse=True))
    narrow = [f"{p.lemma} at {p.width}" for p in report.proofs if p.note]
    unproved = [p.lemma for p in report.proofs if p.result != "proved"]
    text += f"; not full width: {', '.join(narrow)}" if narrow else ""
    text += f"; not proved: {', '.join(unproved)}" if unproved else ""
    return text + (f"; no lemma on {', '.join(report.uncovered)}" if report.uncovered else "")


def mutants(report: dict[str, Any], pe: PE, array: Array) -> str:
    """Killed, of those that are not proved equivalent, over this combination's engines."""
    total = killed = equivalent = 0
    for subject in report["subjects"]:
        if (subject["pe"], subject["array"]) == (pe.name, array.name):
            total += subject["mutants"]
            killed += subject["mutants"] - len(subject["survivors"])
            equivalent += sum(s["proof"] == "equivalent" for s in subject["survivors"])
    return f"{killed} of {total - equivalent} ({equivalent} equivalent)"


def main() -> None:
    """Make the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mutation", type=Path, help="what `tpe mutate --json` wrote")
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/contract.md"))
    parser.add_argument("--limit", type=float, default=60.0, help="seconds of a proof")
    options = parser.parse_args()
    report = json.loads(options.mutation.read_text())
    rows = []
    for pe, array in WITH_RTL:
        print(f"{pe.name} in {array.name}", flush=True)
        cells = (pairs(pe, array), exact_shapes(pe, array), widths(pe, array))
        more = (proof(pe, array, options.limit), mutants(report, pe, array))
        rows.append((f"`{pe.name}` `{array.name}`", *cells, *more))
        options.out.write_text(document(rows, report, options.limit))


def document(rows: list[tuple[str, ...]], report: dict[str, Any], limit: float) -> str:
    """The page."""
    lines = [
        "# The contract, combination by combination",
        "",
        f"Made by `python -m tools.contract_table` of tpe {tpe.__version__} at {commit()}, seed 0; "
        f"mutants by `{report['command']}`. Proofs: at most {limit:g} s of processor each.",
        f"Sizes: {', '.join(f'{r}x{c}' for r, c in LANDING_SIZES)}; K from 1 to 33; with and "
        "without idle source and busy sink. Widths: int8, K = 512.",
        "",
        "| " + " | ".join(COLUMNS) + " |",
        "|" + "---|" * len(COLUMNS),
        *("| " + " | ".join(row) + " |" for row in rows),
        "",
        f"Mutants in all: {report['mutants']}, {report['killed']} killed, "
        f"{report['equivalent']} proved equivalent, {report['survived']} left: "
        f"{report['rate']:.1%} of those that are not equivalent "
        f"({report['raw_rate']:.1%} of all). Survivors: docs/mutation.md.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
