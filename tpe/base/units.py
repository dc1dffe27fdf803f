"""Quantities as a person reads them: at most four significant digits, in the unit that fits.

Tables, JSON and files hold exact numbers in the units that their columns name; these functions are
for the terminal alone. Every kind of quantity is given in the unit of its column.
"""

from __future__ import annotations

from collections.abc import Sequence

DIGITS = 4
LONGEST = 26  # characters of a name in a line
UNKNOWN = "-"  # what a table shows for None

# Kind -> its units, from small to large, each with what one of it is in the column's unit.
_UNITS: dict[str, tuple[tuple[str, float], ...]] = {
    "energy": (("fJ", 1e-3), ("pJ", 1.0), ("nJ", 1e3), ("uJ", 1e6), ("mJ", 1e9), ("J", 1e12)),
    "energy_per_mac": (("aJ", 1e-3), ("fJ", 1.0), ("pJ", 1e3), ("nJ", 1e6)),  # of a fJ
    "time": (("ns", 1e-3), ("us", 1.0), ("ms", 1e3), ("s", 1e6)),  # of a us
    "area": (("um2", 1.0), ("mm2", 1e6)),
    "power": (("nW", 1e-6), ("uW", 1e-3), ("mW", 1.0), ("W", 1e3)),  # of a mW
    "frequency": (("kHz", 1e-3), ("MHz", 1.0), ("GHz", 1e3)),  # of a MHz
}
_FIRST = {"area": {"mm2": 1e5}}  # from where on a unit is taken, if not from 1 of it


def quantity(value: float | None, kind: str) -> str:
    """One quantity with its unit; `kind` is a key of the table above; None is a dash.

    >>> quantity(2.3456e9, "energy"), quantity(1234.5, "time"), quantity(812.0, "frequency")
    ('2.346 mJ', '1.234 ms', '812 MHz')
    >>> quantity(312_000, "area"), quantity(99_000, "area"), quantity(None, "area")
    ('0.312 mm2', '99,000 um2', '-')
    """
    if value is None:
        return UNKNOWN
    unit, scale = _unit([value], kind)
    return f"{number(value / scale)} {unit}"


def count(value: int) -> str:
    """A count, exact up to twelve digits; a longer one would break every table.

    >>> count(1_234_567), count(3_868_705_531_529_000)
    ('1,234,567', '3.869e+15')
    """
    return f"{value:,}" if abs(value) < 10**12 else f"{value:.{DIGITS - 1}e}"


def column(values: Sequence[float | None], kind: str) -> tuple[str, list[str]]:
    """The unit that fits the largest of the values, and every value in it, None as a dash.

    >>> column([1500.0, 2.5e6, None], "energy")
    ('uJ', ['0.0015', '2.5', '-'])
    """
    unit, scale = _unit([value for value in values if value is not None], kind)
    return unit, [UNKNOWN if value is None else number(value / scale) for value in values]


def number(value: float | None, digits: int = DIGITS) -> str:
    """A number with at most so many significant digits, never with an exponent of its own.

    >>> number(0.123456), number(1234567.0), number(2.0), number(99.996), number(None)
    ('0.1235', '1,235,000', '2', '100', '-')
    """
    if value is None:
        return UNKNOWN
    if value == 0 or value != value or value in (float("inf"), float("-inf")):
        return f"{value:g}"
    rounded = float(f"{value:.{digits - 1}e}")
    places = digits - 1 - int(f"{rounded:e}".partition("e")[2])
    text = f"{rounded:,.{max(places, 0)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _unit(values: Sequence[float], kind: str) -> tuple[str, float]:
    """The largest unit of which the largest value has at least one."""
    largest = max((abs(value) for value in values), default=0.0)
    first = _FIRST.get(kind, {})
    fitting = [(n, s) for n, s in _UNITS[kind] if float(f"{largest:.3e}") >= first.get(n, s)]
    zero = (name_scale for name_scale in _UNITS[kind] if name_scale[1] == 1.0)
    return fitting[-1] if fitting else next(zero) if largest == 0 else _UNITS[kind][0]


def short(name: str) -> str:
    """A name that fits a line: its beginning and its end, if it is long.

    >>> short("onnx:" + "a" * 60 + ".onnx")
    'onnx:aaaaa...aaaaaaaa.onnx'
    """
    return name if len(name) <= LONGEST else f"{name[:10]}...{name[-13:]}"
