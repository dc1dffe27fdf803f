"""What an engine does to a model's output: every GEMM on it, beside the same model in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tpe.base.errors import TpeError, pick
from tpe.engine.config import Config, checked_config
from tpe.model.engine import Engine
from tpe.model.outliers import THRESHOLD
from tpe.numbers.formats import Array
from tpe.numbers.matrices import is_int
from tpe.study.products import OutlierCount, formats_of, on_engine
from tpe.workloads import digits_mlp, minilm
from tpe.workloads.layer_types import LayerTypes, resolved

Progress = Callable[[str], None]
_CHUNK = 8  # sentences that go through the network at once


@dataclass(frozen=True)
class Evaluation:
    """A model on an engine beside itself in float32.

    samples  of the data that were taken: images, or pairs of sentences
    metrics  by name, None where one is not defined (a ranking of things that are all alike);
             `MEANINGS` says what each is
    types    of products whose operands had other formats than the engine
    outliers the engine of columns with outliers, None if there was none
    """

    model: str
    engine: Config
    samples: int
    metrics: Mapping[str, float | None]
    types: LayerTypes = field(default_factory=dict)
    outliers: Config | None = None

    def to_json(self) -> dict[str, Any]:
        """The content of `tpe evaluate --json`."""
        return {
            "model": self.model,
            "engine": self.engine.describe(),
            "samples": self.samples,
            "metrics": dict(self.metrics),
            "types": {name: dict(own) for name, own in self.types.items()},
            "outliers": self.outliers.describe() if self.outliers else None,
        }


@dataclass(frozen=True)
class _Model:
    title: str
    samples: str  # what they are
    most: Callable[[], int]
    products: Callable[[], list[str]]
    run: Callable[[str, minilm.Product, Array, Progress], dict[str, float | None]]


MEANINGS = {
    "accuracy": "share of the images that are read rightly",
    "accuracy_float": "the same in float32",
    "agreement": "share of the images that are read as in float32",
    "score_error": "largest distance of a score from float32's, over the largest score",
    "cosine_mean": "cosine of a sentence's vector and float32's, mean over sentences",
    "cosine_least": "the same, the least of all",
    "similarity_error": "distance of a pair's similarity from float32's, mean",
    "spearman": "rank correlation of the pairs' similarities with float32's",
    "kendall": "the same, as Kendall's tau-b",
    "grade_spearman": "rank correlation of the pairs' similarities with their grades",
    "grade_spearman_float": "the same in float32",
    "outlier_share": "columns of activations with outliers, of all columns",
    "cycles": "of the engine, for all products",
    "outlier_cycles": "the same of the engine of the outliers",
}


def evaluate_model(
    name: str,
    engine: Config,
    samples: int | None = None,
    progress: Progress | None = None,
    types: LayerTypes | None = None,
    outliers: Config | None = None,
    threshold: float = THRESHOLD,
) -> Evaluation:
    """Run a model with every GEMM on an engine, and compare its output with float32's.

    name: `digits_mlp`, handwritten digits by a perceptron with its float weights, or `minilm`,
    embeddings of 210 pairs of sentences by a transformer (extra `minilm`), attention included.
    engine: as `tpe.matmul` takes one, which quantises or rounds the operands of every product.
    samples: how many of the images or pairs, evenly spread over all; None: all of them.
    progress: called with a name as each part begins.
    types: {product: {"a_type": ..., "b_type": ...}}, see `tpe.layer_types`: what the operands of
    single products are quantised to, signed integers no wider than the engine's, which computes
    with them as they are. Products are called fc1 to fc3, and of minilm as `MiniLm.embed` says.
    outliers, threshold: a second engine, of floating point, for the columns of activations in which
    a magnitude is beyond the threshold, as `tpe.outlier_matmul` takes them; the metrics have their
    share, and the cycles of both engines.
    Raises TpeError for an unknown model, a number of samples that there are not, and as `matmul`.

    >>> result = evaluate_model("digits_mlp", Engine("mac", "matrix2d", "16x16"))
    >>> result.samples, result.metrics["accuracy_float"] == 352 / 360
    (360, True)
    """
    model = _MODELS[pick("model", name, _MODELS)]
    runner = Engine.of(checked_config(engine))
    if types is not None and outliers is not None:
        raise TpeError("types and outliers are both given; legal: one of them")
    own = {} if types is None else resolved(types, model.products())
    apart = None if outliers is None else OutlierCount(runner, outliers, threshold)
    product = apart.product if apart else on_engine(runner, formats_of(runner, own))
    count, metrics = compared(name, product, runner.name, samples, progress)
    metrics |= apart.metrics() if apart else {}
    return Evaluation(name, runner, count, metrics, own, outliers)


def compared(
    name: str,
    product: minilm.Product,
    label: str,
    samples: int | None = None,
    progress: Progress | None = None,
) -> tuple[int, dict[str, float | None]]:
    """How many samples were taken, and the metrics of a model with other products than float32's.

    label: what stands for the products in `progress`; all else as `evaluate_model`.
    """
    model = _MODELS[pick("model", name, _MODELS)]
    most = model.most()
    count = most if samples is None else samples
    if not is_int(count) or not 1 <= count <= most:
        raise TpeError(f"samples = {samples!r} is not legal: 1 to {most} {model.samples}")
    chosen = np.arange(count) * most // count
    return int(count), model.run(label, product, chosen, progress or _silent)


def models() -> dict[str, str]:
    """The models that `evaluate_model` has, each with a title.

    >>> list(models())
    ['digits_mlp', 'minilm']
    """
    return {name: model.title for name, model in _MODELS.items()}


def _silent(name: str) -> None:
    """No progress."""


# ---- models ----


def _digits(
    name: str, product: minilm.Product, chosen: Array, progress: Progress
) -> dict[str, float | None]:
    network = digits_mlp.load_float()
    progress("float32")
    plain = network.scores(minilm.exact_product)[chosen]
    progress(name)
    ours = replace(network, images=network.images[chosen]).scores(product)
    labels, read, read_plain = network.labels[chosen], ours.argmax(axis=1), plain.argmax(axis=1)
    return {
        "accuracy": float(np.mean(read == labels)),
        "accuracy_float": float(np.mean(read_plain == labels)),
        "agreement": float(np.mean(read == read_plain)),
        "score_error": float(np.abs(ours - plain).max() / np.abs(plain).max()),
    }


def _minilm(
    name: str, product: minilm.Product, chosen: Array, progress: Progress
) -> dict[str, float | None]:
    every = minilm.sentence_pairs()
    pairs = [every[int(i)] for i in chosen]
    sentences = list(dict.fromkeys(text for _, *both in pairs for text in both))
    sentences.sort(key=lambda text: (len(text), text))  # of one length together
    plain = _plain_vectors(tuple(sentences), progress)
    ours = _vectors(sentences, name, product, progress)
    place = {text: i for i, text in enumerate(sentences)}
    first = [place[pair.first] for pair in pairs]
    second = [place[pair.second] for pair in pairs]
    alike, alike_plain = ((x[first] * x[second]).sum(axis=1) for x in (ours, plain))
    cosine = (ours * plain).sum(axis=1)
    grades = np.array([pair.grade for pair in pairs])
    return {
        "cosine_mean": float(cosine.mean()),
        "cosine_least": float(cosine.min()),
        "similarity_error": float(np.abs(alike - alike_plain).mean()),
        "spearman": spearman(alike, alike_plain),
        "kendall": kendall(alike, alike_plain),
        "grade_spearman": spearman(alike, grades),
        "grade_spearman_float": spearman(alike_plain, grades),
    }


_MODELS = {
    "digits_mlp": _Model(
        "handwritten digits, float weights",
        "images",
        lambda: len(digits_mlp.load().labels),
        lambda: [layer.name for layer in digits_mlp.load().layers],
        _digits,
    ),
    "minilm": _Model(
        "embeddings of sentences, all-MiniLM-L6-v2",
        "pairs of sentences",
        lambda: len(minilm.sentence_pairs()),
        minilm.products,
        _minilm,
    ),
}


def _vectors(
    sentences: Sequence[str], label: str, product: minilm.Product, progress: Progress
) -> Array:
    """A vector for every sentence, (sentences, 384) float64."""
    vectors = []
    for start in range(0, len(sentences), _CHUNK):
        progress(f"{label}, {start} of {len(sentences)} sentences")
        vectors.append(minilm.load().embed(sentences[start : start + _CHUNK], product))
    return np.concatenate(vectors).astype(np.float64)


_PLAIN: dict[tuple[str, ...], Array] = {}  # of the sentences that were asked for last


def _plain_vectors(sentences: tuple[str, ...], progress: Progress) -> Array:
    """The same in float32: computed once for models on several engines."""
    if sentences not in _PLAIN:
        found = _vectors(sentences, "float32", minilm.exact_product, progress)
        _PLAIN.clear()
        _PLAIN[sentences] = found
    return _PLAIN[sentences]


# ---- rankings ----


def spearman(x: Array, y: Array) -> float | None:
    """Pearson's correlation of ranks, equal values at their mean rank; None where all are equal.

    >>> spearman(np.array([1, 2, 3]), np.array([10, 30, 20]))
    0.5
    """
    a, b = (_ranks(np.asarray(side)) for side in (x, y))
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / size if size > 0 else None


def kendall(x: Array, y: Array) -> float | None:
    """Kendall's tau-b: pairs in order less pairs out of it, ties taken out; None if all are ties.

    >>> kendall(np.array([1, 2, 3]), np.array([10, 20, 30]))
    1.0
    """
    a, b = (np.sign(side[:, None] - side[None, :]).astype(np.int64) for side in (x, y))
    size = float(np.sqrt(float((a * a).sum()) * float((b * b).sum())))
    return float((a * b).sum()) / size if size > 0 else None


def _ranks(x: Array) -> Array:
    """Ranks from 0, equal values at their mean."""
    _, place, counts = np.unique(x, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    ranks: Array = (ends - (counts + 1) / 2)[place]
    return ranks
