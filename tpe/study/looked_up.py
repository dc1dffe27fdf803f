"""Whether product-quantised look-ups pay: what the digits network reads with them, and their cost.

Codebooks are learnt from the images that the network was trained on, layer after layer, each from
what the looked-up layers before it give; the images that are read were held out of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tpe.base.errors import missing_extra
from tpe.numbers.formats import Array
from tpe.numbers.matrices import check_count
from tpe.numbers.product_quantiser import ProductQuantiser, product_quantiser
from tpe.workloads.digits_mlp import FloatDigits, load_float

Product = Callable[[str, Array, Array], Array]
WIDTHS = (16, 8, 4, 2, 1)
_HELD_OUT = 5  # images whose index is a multiple of it


@dataclass(frozen=True)
class LookedUpRow:
    """The digits network with all its products looked up, beside float32's.

    width                -- operands of K that a codebook stands for, at most
    codebooks            -- of each layer
    accuracy, agreement  -- share of the images read rightly, and as in float32
    look_ups_per_mac     -- each with an addition, where a MAC has a product and one
    comparisons_per_mac  -- of the hashes, which all columns of a layer share
    entries_per_weight   -- of the tables, where a MAC has a weight
    """

    width: int
    tables: str
    codebooks: tuple[int, ...]
    accuracy: float
    accuracy_float: float
    agreement: float
    look_ups_per_mac: float
    comparisons_per_mac: float
    entries_per_weight: float

    def to_json(self) -> dict[str, Any]:
        """The row as data."""
        return asdict(self)


def looked_up_digits(
    widths: Sequence[int] = WIDTHS, tables: str = "int8", depth: int = 4
) -> list[LookedUpRow]:
    """A row for every width of subspaces, 1 to 64; tables and depth as `ProductQuantiser` has them.

    The images that it learns from come with scikit-learn (extra `dse`).

    >>> row = looked_up_digits([8])[0]
    >>> row.codebooks, row.look_ups_per_mac, row.entries_per_weight
    ((8, 8, 4), 0.125, 2.0)
    """
    network = load_float()
    plain = network.scores(lambda name, x, w: x @ w)
    training = replace(network, images=_training_images())
    rows = []
    for width in widths:
        check_count(width, "width", network.images.shape[1])
        learnt = _learnt(training, width, tables, depth)
        ours = network.scores(_looked_up(learnt, tables))
        rows.append(_row(network, learnt, (width, tables, depth), ours, plain))
    return rows


def _looked_up(learnt: Mapping[str, ProductQuantiser], tables: str) -> Product:
    return lambda name, x, w: learnt[name].matmul(x, w, tables)


def _learnt(
    training: FloatDigits, width: int, tables: str, depth: int
) -> dict[str, ProductQuantiser]:
    """Codebooks of every layer, by its name."""
    learnt: dict[str, ProductQuantiser] = {}

    def product(name: str, x: Array, w: Array) -> Array:
        learnt[name] = product_quantiser(x, -(-x.shape[1] // width), depth)
        return learnt[name].matmul(x, w, tables)

    training.scores(product)
    return learnt


def _row(
    network: FloatDigits,
    learnt: dict[str, ProductQuantiser],
    choice: tuple[int, str, int],
    ours: Array,
    plain: Array,
) -> LookedUpRow:
    width, tables, depth = choice
    codebooks = tuple(len(one.dimensions) for one in learnt.values())
    shapes = [weights.shape for weights, _ in network.layers]
    macs = sum(k * n for k, n in shapes)
    look_ups = sum(c * n for c, (_, n) in zip(codebooks, shapes, strict=True))
    read, read_plain = ours.argmax(axis=1), plain.argmax(axis=1)
    return LookedUpRow(
        width=width,
        tables=tables,
        codebooks=codebooks,
        accuracy=float(np.mean(read == network.labels)),
        accuracy_float=float(np.mean(read_plain == network.labels)),
        agreement=float(np.mean(read == read_plain)),
        look_ups_per_mac=look_ups / macs,
        comparisons_per_mac=depth * sum(codebooks) / macs,
        entries_per_weight=(look_ups << depth) / macs,
    )


def _training_images() -> Array:
    """(1437, 64) float32 within 0..1: those of scikit-learn's that are not held out."""
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise missing_extra("scikit-learn", "dse") from None
    images = np.asarray(load_digits().data)
    kept: Array = images[np.arange(len(images)) % _HELD_OUT != 0]
    return (kept / 16).astype(np.float32)
