"""Where points get area, clock and energy: the door through which prices come.

A price is a function of an engine and a clock that gives columns of the flat table, or None where
it knows nothing; it is found by the name of a library, under the entry point group `tpe.prices`.
What depends on cycles besides follows here. What is not known is null, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tpe.base import registry
from tpe.base.errors import TpeError
from tpe.engine.config import Config

GROUP = "tpe.prices"
Price = Callable[[Config, float | None], Mapping[str, Any] | None]
"""(engine, clock in ns or None) -> columns such as area_um2, energy_fj_per_mac; or None"""

# Columns that a price may fill; the rest follows from them and from cycles.
PRICED = (
    *("library", "node_nm", "corner", "clock_ns", "clock_met", "fmax_mhz", "recipe", "area_um2"),
    *("power_mw", "leakage_mw", "energy_fj_per_mac", "cost_source", "activity_source"),
    "annotated_fraction",
)


@lru_cache(maxsize=64)
def price_of(library: str) -> Price | None:
    """What prices engines in a library; None if nothing does."""
    if library not in registry.homes(GROUP):
        return None
    price: Price = registry.find(GROUP, library)
    return price


def priced(engine: Config, library: str | None, clock_ns: float | None) -> dict[str, Any]:
    """The columns of cost of an engine: what its price says, or the library and clock alone.

    TpeError for a column that is no price's to fill.
    """
    asked = {"library": library, "clock_ns": clock_ns}
    price = None if library is None else price_of(library)
    columns = None if price is None else price(engine, clock_ns)
    if columns is None:
        return asked
    for name in columns:
        if name not in PRICED:
            raise TpeError(f"price of {library} fills {name}; legal: {', '.join(PRICED)}")
    return {**asked, **columns}


def followed(row: Mapping[str, Any], costs: Mapping[str, Any]) -> dict[str, Any]:
    """The costs, and the columns that follow from them and from cycles and MACs of a row.

    >>> own = followed({"cycles": 1000, "macs": 4000}, {"clock_ns": 2.0, "area_um2": 1e6})
    >>> own["time_us"], own["throughput_tops"], own["tops_per_mm2"], own["energy_pe_pj"]
    (2.0, 0.004, 0.004, None)
    """
    cycles, macs = row["cycles"], row["macs"]
    clock, area, each = (costs.get(x) for x in ("clock_ns", "area_um2", "energy_fj_per_mac"))
    time_us = None if clock is None else cycles * clock / 1000
    tops = None if not time_us else 2 * macs / time_us / 1e6
    return {
        **costs,
        "time_us": time_us,
        "throughput_tops": tops,
        "tops_per_mm2": None if tops is None or not area else tops / (area / 1e6),
        "energy_pe_pj": None if each is None else each * macs / 1000,
        "tops_per_w": None if not each else 2000 / each,
    }
