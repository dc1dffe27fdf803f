"""Facts about published libraries that their Liberty files do not state, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True)
class Known:
    """What holds for libraries whose name matches `pattern`.

    `dont_use` are patterns of cells that logic synthesis leaves alone; `source` says where the
    library and these facts come from.
    """

    pattern: str
    node_nm: int
    dont_use: tuple[str, ...]
    source: str


_SKY130_DONT_USE = ("*lpflow*", "*probe*", "*macro*", "*dlclk*", "*edf*", "*sdf*")

KNOWN = (
    Known(
        "tpe130",
        130,
        ("*dlclk*",),
        "fitted by tools/fit_technology.py to sky130_fd_sc_hd tt 25 C 1.80 V of the SkyWater PDK, "
        "https://github.com/google/skywater-pdk, Apache-2.0",
    ),
    Known(
        "sky130_fd_sc_h[ds]*",
        130,
        _SKY130_DONT_USE,
        "SkyWater PDK, https://github.com/google/skywater-pdk, Apache-2.0",
    ),
    Known(
        "osu018_stdcells",
        180,
        (),
        "Oklahoma State University 0.18 um cells, Debian's qflow-tech-osu018",
    ),
    Known(
        "asap7sc7p5t*",
        7,
        ("*x1p*_ASAP7*", "*xp*", "SDF*", "ICG*"),
        "ASAP7 predictive PDK, https://github.com/The-OpenROAD-Project/asap7, BSD-3-Clause; "
        "dont_use of OpenROAD-flow-scripts",
    ),
)


def known(library: str) -> Known | None:
    """The facts of a library by its name, None if there are none.

    >>> known("sky130_fd_sc_hd__tt_025C_1v80").node_nm
    130
    """
    return next((entry for entry in KNOWN if fnmatchcase(library, entry.pattern)), None)
