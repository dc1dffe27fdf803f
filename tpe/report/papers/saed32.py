"""The synthesis rows of the HPCA 2025 repository, and the ratios that follow from them.

Only rows whose timing is said to be met count. A design's row is the one with the most steps a
second and area, as everywhere here; its energy per step is (dynamic + leakage) times its clock.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tpe.base.errors import unknown

Name = tuple[str, str]
FILE = Path(__file__).with_name("data") / "saed32_synthesis.csv"
SOURCE = "SAED 32 nm, vectorless power, the paper's repository"


@dataclass(frozen=True)
class Row:
    """One published result; None where the file gives nothing."""

    design: str
    variant: str
    dims: str
    clock_ns: float
    met: bool
    area_um2: float | None
    power_mw: float | None  # dynamic and leakage
    pes: int = 1  # that a column has; a whole array counts as one and is compared with its like


@dataclass(frozen=True)
class Published:
    """A ratio of two rows: how much better the design is, and the two rows."""

    area: float
    energy: float | None
    design: Row
    baseline: Row


@cache
def rows() -> tuple[Row, ...]:
    """Every row of the file."""
    lines = [x for x in FILE.read_text().splitlines() if not x.startswith("#")]
    return tuple(_row(fields) for fields in csv.DictReader(lines))


def _row(fields: dict[str, str]) -> Row:
    area, column = fields["cell_area_um2"], re.fullmatch(r"N(\d+) column", fields["dims"])
    powers = [fields["dynamic_mw"], fields["leakage_mw"]]
    return Row(
        design=fields["design"],
        variant=fields["variant"],
        dims=fields["dims"],
        clock_ns=float(fields["clock_ns"]),
        met=fields["timing"] == "met",
        area_um2=float(area) if area else None,
        power_mw=sum(map(float, powers)) if all(powers) else None,
        pes=int(column[1]) if column else 1,
    )


def best(design: str, variant: str) -> Row:
    """The met row of a design with the least area times clock; TpeError if there is none."""
    found = [r for r in rows() if (r.design, r.variant) == (design, variant)]
    met = [(r.area_um2 / r.pes * r.clock_ns, r) for r in found if r.met and r.area_um2 is not None]
    if not met:
        known = dict.fromkeys(f"{r.design} {r.variant}" for r in rows() if r.met)
        raise unknown("published design", f"{design} {variant}", known)
    return min(met, key=lambda pair: pair[0])[1]


def ratio(design: Name, baseline: Name, steps: float = 1.0) -> Published:
    """A design over its baseline, (design, variant) each, both at their best met row.

    steps -- cycles that the design takes for one operand, where it takes several

    >>> round(ratio(("OS_systolic_array", "OPT1"), ("OS_systolic_array", "MAC")).area, 2)
    2.18
    """
    one, two = best(*design), best(*baseline)
    assert one.area_um2 is not None and two.area_um2 is not None
    time = steps * one.clock_ns
    area = (two.area_um2 / two.pes * two.clock_ns) / (one.area_um2 / one.pes * time)
    energy = None
    if one.power_mw is not None and two.power_mw is not None:
        energy = (two.power_mw / two.pes * two.clock_ns) / (one.power_mw / one.pes * time)
    return Published(area, energy, one, two)
