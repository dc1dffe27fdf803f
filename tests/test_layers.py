"""The house: every room imports lower layers and itself alone, lazily and for types too."""

from __future__ import annotations

from pathlib import Path

import tpe

ROOT = Path(tpe.__file__).parent
LAYERS = (
    ("base", "version"),
    ("numbers", "technology"),
    ("nest", "workloads"),
    ("pe",),
    ("array",),
    ("engine",),
    ("model",),
    ("hdl", "memory"),
    ("synth",),
    ("study", "predict"),
    ("report",),
    ("cli",),
)
LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}
