"""Folds, intervals, hulls: groups stay whole, intervals cover what they say, guesses are told."""

from __future__ import annotations

import numpy as np
import pytest

from tpe.predict.learners import ClosedFormModel, learner
from tpe.predict.scoring import (
    Hull,
    coverage,
    grouped_folds,
    half_width,
    held_out,
    importance,
    one_group_each,
)


def drawn(groups: int = 60, each: int = 5, noise: float = 0.1, seed: int = 0):
    """Inputs of groups, and log targets of a line through two of three inputs."""
    rng = np.random.default_rng(seed)
    number = np.repeat(np.arange(groups), each)
    x = rng.normal(size=(groups, 3))[number]
    own = noise * rng.standard_normal(groups)
    y = 2 * x[:, 0] - x[:, 1] + own[number] + 0.01 * rng.standard_normal(len(number))
    return x, y, number


def test_groups_are_never_on_both_sides() -> None:
    _, _, groups = drawn()
    folds = [*grouped_folds(groups, 5, 3), *one_group_each(groups)]
    assert len(folds) == 5 + 60
    for train, test in folds:
        assert not set(groups[train]) & set(groups[test])
        assert len(train) + len(test) == len(groups)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_intervals_cover_new_groups_as_often_as_they_say(share: float) -> None:
    inside = []
    for seed in range(12):
        x, y, groups = drawn(seed=seed)
        missed = held_out(lambda: learner("log-linear"), x, y, grouped_folds(groups, 5, seed)) - y
        width = half_width(missed, groups, share)
        model = learner("log-linear").fit(x, y)
        x2, y2, _ = drawn(400, 1, seed=1000 + seed)
        inside.append(np.mean(np.abs(model.predict(x2) - y2) <= width))
    assert share - 0.05 < np.mean(inside) < share + 0.09


def test_intervals_of_rows_of_one_group_are_not_as_many_witnesses() -> None:
    """A group of a thousand equal rows counts as one."""
    missed = np.concatenate([np.full(1000, 0.01), [0.5, 0.6, 0.7]])
    groups = np.concatenate([np.zeros(1000, int), [1, 2, 3]])
    assert half_width(missed, groups, 0.5) == 0.6
    assert half_width(missed, np.arange(1003), 0.5) == 0.01


def test_coverage_is_of_intervals_that_other_folds_gave() -> None:
    groups = np.arange(10)
    folds = grouped_folds(groups, 5, 0)
    assert coverage(np.full(10, 0.1), groups, folds) == 1.0
    rising = np.array([10.0**i for i in range(10)])
    assert coverage(rising, groups, [(np.arange(9), np.array([9]))] * 1) == 0.0


def test_importance_finds_the_inputs_that_matter() -> None:
    x, y, groups = drawn()
    names = ("two", "one", "none")
    found = importance(lambda: learner("forest"), x, y, grouped_folds(groups, 5, 0), names)
    assert list(found)[:2] == ["two", "one"] and abs(found["none"]) < 0.1 * found["two"]


def test_a_ratio_extrapolates_where_a_forest_cannot() -> None:
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 5, (300, 1))
    y = x[:, 0] + np.where(x[:, 0] > 2, 0.1, 0.0)
    far = np.array([[9.0]])
    assert learner("forest").fit(x, y).predict(far)[0] < 5.2
    ratio = learner("forest of ratio", 0, ClosedFormModel(0)).fit(x, y)
    assert ratio.predict(far)[0] == pytest.approx(9.1, abs=0.02)


def test_the_hull_names_what_no_row_of_training_had() -> None:
    hull = Hull.of(np.array([[1.0, 0.0, 5.0], [3.0, 0.0, 5.0]]), ("bits", "lookup", "lanes"))
    assert hull.outside(np.array([[2.0, 0.0, 5.0], [4.0, 1.0, 5.0]])) == ["", "bits, lookup"]
