"""The short hash of an engine: what it is, in twelve hexadecimal digits."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tpe.nest.notation import Nest
from tpe.nest.render import render

DIGITS = 12
PLACE = ("pe", "array", "rows", "cols", "depth")


def identity_hash(
    facts: Mapping[str, Any], parameters: Mapping[str, Any], nest: Nest | None = None
) -> str:
    """Twelve hexadecimal digits of everything that determines how an engine behaves.

    PE, array, rows, cols, depth of `facts`, and every parameter with its value, given or default;
    for an engine from a nest, the nest in place of the PE. Neither the version of tpe nor the
    layout of a file enters. A PE or array record of your own enters with its name only.

    >>> facts = {"pe": "mac", "array": "systolic_os", "rows": 2, "cols": 4, "depth": None}
    >>> identity_hash(facts, {"acc_bits": 32}) == identity_hash(facts, {"acc_bits": 24})
    False
    """
    content = {key: facts[key] for key in PLACE}
    content["params"] = parameters
    if nest is not None:
        content["nest"] = render(nest)
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]
