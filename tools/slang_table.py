"""What slang says of everything that is emitted, combination by combination.

    python -m tools.slang_table -o reports/slang.md

Every variant, pair of types and way of zero points of `tests/contract`, each with its properties;
about a minute of one core.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

import tpe
from tests.contract.combos import TYPES, UNSIGNED, WITH_RTL, engine, types_of, variants
from tpe.array.base import Array
from tpe.hdl import emit
from tpe.hdl.emit.sva import sva_modules
from tpe.hdl.simulate.slang import GROUPS, WAIVERS, check
from tpe.pe.base import PE

SIZE = (2, 2)


def row(pe: PE, array: Array) -> tuple[str, int, int, int]:
    """A combination: its name, the designs read, slang's errors and warnings."""
    kinds = [{"a_type": a, "b_type": b, "zero_points": mode} for a, b, mode, *_ in UNSIGNED]
    choices = [*variants(pe, array), *(types_of(*pair) for pair in TYPES), *kinds]
    errors = warnings = 0
    for choice in choices:
        one = engine(pe, array, SIZE, **choice)
        modules = {**emit.engine_modules(one), **sva_modules(one)}
        found = check(emit.rename(modules, "mine"), "mine")
        errors += len(found.errors)
        warnings += len(found.warnings)
    return f"`{pe.name}` `{array.name}`", len(choices), errors, warnings


def document(rows: list[tuple[str, int, int, int]]) -> str:
    """The page."""
    total = ("all", *(sum(x[i] for x in rows) for i in (1, 2, 3)))
    lines = [
        "# slang on all emitted combinations",
        "",
        f"Made by `python -m tools.slang_table` of tpe {tpe.__version__} with pyslang "
        f"{version('pyslang')}; warnings asked for: {', '.join(GROUPS)}. Size 2 x 2; every choice "
        "of RTL, type and way of zero points of the contract's tests, with its properties.",
        "",
        "| combination | designs | errors | warnings |",
        "|---|---|---|---|",
        *("| " + " | ".join(str(x) for x in row) + " |" for row in [*rows, total]),
        "",
        "Waived, by slang's name:",
        "",
        *(
            f"- `{name}`{'' if which == '.*' else f' of {which.strip(chr(39))}'}: {reason}"
            for name, (reason, which) in WAIVERS.items()
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Make the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=Path("reports/slang.md"))
    options = parser.parse_args()
    options.out.write_text(document([row(*combination) for combination in WITH_RTL]))


if __name__ == "__main__":
    main()
