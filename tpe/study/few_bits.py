"""What weights of few bits do to a model: each of its matrices quantised, products exact.

The values of such weights do not depend on the engine that multiplies them, as long as it does so
exactly; so no engine is named here. Engines' cycles and errors: `tpe.evaluate_model`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING, Any

import numpy as np

from tpe.base.errors import TpeError, unknown
from tpe.numbers.formats import FORMATS, Array
from tpe.numbers.matrices import is_int
from tpe.numbers.quantise import largest_scale, quantised
from tpe.numbers.quantised_tensor import TERNARY, QuantisedTensor
from tpe.numbers.quantisers import DEFAULT_GROUP, NUMBERS, quantise_integers
from tpe.study.evaluate import Progress, compared
from tpe.workloads.minilm import exact_product

if TYPE_CHECKING:
    import pandas as pd

WEIGHTS = ("int8", "int4", "int2", "ternary", "bipolar1")
ACTIVATIONS = ("int8", "int16")
PER = ("channel", "group")
FLOAT = "float32"  # activations as they are
EXACT = "products are exact: no engine's rounding is in them"
_SCALE_BITS = 16  # that a scale counts for where bits a weight are told


@dataclass(frozen=True)
class FewBits:
    """A model with quantised weights beside itself in float32, a row for every way to quantise.

    samples  of the data that were taken
    rows     weights, per, group (None per channel), activations, bits_per_weight, then the metrics
             of `tpe.evaluate_model`
    """

    model: str
    samples: int
    rows: Sequence[Mapping[str, Any]]

    def to_frame(self) -> pd.DataFrame:
        """The rows as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.rows)

    def to_json(self) -> dict[str, Any]:
        """The content of `tpe evaluate --weights --json`."""
        rows = [dict(row) for row in self.rows]
        return {"model": self.model, "samples": self.samples, "products": EXACT, "rows": rows}


def evaluate_weights(
    model: str,
    weights: Iterable[str] = WEIGHTS,
    activations: Iterable[str] = ACTIVATIONS,
    per: Iterable[str] = PER,
    group: int = DEFAULT_GROUP,
    samples: int | None = None,
    progress: Progress | None = None,
) -> FewBits:
    """Quantise a model's weights in every one of these ways, and compare its output with float32's.

    model, samples, progress: as `tpe.evaluate_model` takes them.
    weights: what `tpe.quantise_integers` makes of every matrix, signed: int2 to int8, ternary,
    bipolar1. per: channel, a scale for every output, or group, one for every `group` weights of it
    along K. activations: signed integers of 2 to 16 bits, a scale for every token, or float32, as
    they are. Products of two activations (attention) are not quantised.

    All products are exact, in float64: the values of an engine that computes exactly, whichever it
    is. bits_per_weight counts 16 bits a scale, which is not rounded to them, and log2(3) for a
    ternary weight.
    Raises TpeError for an unknown name, a group that is none, and as `tpe.evaluate_model`.

    >>> study = evaluate_weights("digits_mlp", ["int8", "bipolar1"], ["int8"], ["channel"])
    >>> [(row["weights"], round(row["bits_per_weight"], 2)) for row in study.rows]
    [('int8', 8.26), ('bipolar1', 1.26)]
    >>> study.rows[0]["agreement"] > 0.99 > study.rows[1]["agreement"]
    True
    """
    chosen = {
        "weights": _checked(weights, "weights", [n for n, x in NUMBERS.items() if x.signed]),
        "activations": _checked(activations, "activations", _ACTIVATIONS),
        "per": _checked(per, "per", PER),
    }
    if not is_int(group) or group < 1:
        raise TpeError(f"group = {group!r} is not legal: an integer of 1 or more")
    rows, count = [], 0
    for number in chosen["weights"]:
        for lines in chosen["per"]:
            made = _Quantised(number, lines, group)
            for taken in chosen["activations"]:
                label = f"{number} per {lines}, {taken}"
                made.activations = taken
                count, metrics = compared(model, made.product, label, samples, progress)
                own = {"weights": number, "per": lines, "group": made.group, "activations": taken}
                rows.append({**own, "bits_per_weight": made.bits(), **metrics})
    return FewBits(model, count, tuple(rows))


_ACTIVATIONS = (*(name for name, number in FORMATS.items() if number.signed), FLOAT)


def _checked(names: Iterable[str], field: str, legal: Sequence[str]) -> list[str]:
    """Names, each once; TpeError for another one, for none and for no list."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TpeError(f"{field} = {names!r} is not legal: a list such as {list(legal[:2])}")
    found = list(names)
    for name in found:
        if name not in legal:
            raise unknown(field, name, legal)
        if found.count(name) > 1:
            raise TpeError(f"{field}: {name} is there twice; legal: once")
    if not found:
        raise TpeError(f"{field} names none; legal: {', '.join(legal)}")
    return found


class _Quantised:
    """Products by weights that are quantised once, when they are met first."""

    def __init__(self, number: str, per: str, group: int) -> None:
        self.number, self.per = number, per
        self.group = group if per == "group" else None
        self.activations = FLOAT
        self.tensors: dict[str, tuple[QuantisedTensor, Array]] = {}

    def product(self, name: str, x: Array, w: Array) -> Array:
        """x @ w; of weights and activations that are quantised, unless both are activations."""
        if name.endswith((".scores", ".context")):
            return exact_product(name, x, w)
        if name not in self.tensors:
            tensor = quantise_integers(w, self.number, per=self.per, group=self.group, axis=0)
            self.tensors[name] = tensor, tensor.values()
        return _by_token(x, self.activations) @ self.tensors[name][1]

    def bits(self) -> float:
        """Bits a weight of all matrices, their scales included."""
        number = NUMBERS[self.number]
        each = log2(3) if number is TERNARY else number.bits
        tensors = [tensor for tensor, _ in self.tensors.values()]
        weights = sum(tensor.codes.size for tensor in tensors)
        return each + _SCALE_BITS * sum(tensor.scales.size for tensor in tensors) / weights


def _by_token(x: Array, name: str) -> Array:
    """Activations (tokens, K) as their integers mean them, float64, a scale for every token."""
    reals: Array = x.astype(np.float64)
    if name == FLOAT:
        return reals
    scale = largest_scale(reals, FORMATS[name], 1)
    codes: Array = quantised(reals, FORMATS[name], scale) * scale
    return codes
