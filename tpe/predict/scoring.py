"""Scores of models on groups that were held out, intervals from what was missed there, and hulls.

Everything here is of logarithms: a model predicts log targets (rows,) or (rows, outputs), an error
is a ratio. A group is held out whole: rows of one experiment, or of one family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tpe.predict.table import Floats

Ints = npt.NDArray[np.int64]
Fold = tuple[Ints, Ints]  # rows that a model learns from, rows that are held out
Make = Callable[[], Any]  # an estimator that knows nothing yet
SHARE = 0.9  # of what is predicted lies in an interval


def r2(measured: Floats, predicted: Floats) -> float:
    """The share of the variance that is explained; below 0 for less than the mean explains.

    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 3.0]))
    1.0
    """
    spread = float(((measured - measured.mean()) ** 2).sum())
    return 1 - float(((measured - predicted) ** 2).sum()) / spread if spread else 0.0


def grouped_folds(groups: Ints, count: int, seed: int) -> list[Fold]:
    """Folds of groups in random order; of as many as there are if `count` is more.

    >>> [sorted(test.tolist()) for _, test in grouped_folds(np.array([0, 0, 1, 1]), 5, 0)]
    [[0, 1], [2, 3]]
    """
    order = np.random.default_rng(seed).permutation(int(groups.max()) + 1)
    fold = (order % min(count, len(order)))[groups]
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(fold.max() + 1)]


def one_group_each(groups: Ints) -> Iterator[Fold]:
    """A fold for each group, which is held out alone."""
    for group in np.unique(groups):
        yield np.flatnonzero(groups != group), np.flatnonzero(groups == group)


def held_out(make: Make, x: Floats, y: Floats, folds: Sequence[Fold]) -> Floats:
    """What models predict of every row, each made without the row's fold."""
    found = np.zeros_like(y)
    for train, test in folds:
        found[test] = make().fit(x[train], y[train]).predict(x[test])
    return found


def score(measured: Floats, predicted: Floats) -> dict[str, float]:
    """Of logarithms: R2 of values and of logarithms, and relative errors.

    >>> round(score(np.log([1.0, 2.0]), np.log([1.1, 2.2]))["error_mean"], 3)
    0.1
    """
    error = np.abs(np.exp(predicted - measured) - 1)
    return {
        "r2": r2(np.exp(measured), np.exp(predicted)),
        "r2_log": r2(measured, predicted),
        "error_mean": float(error.mean()),
        "error_median": float(np.median(error)),
        "error_90": float(np.quantile(error, 0.9)),
    }


def half_width(missed: Floats, groups: Ints, share: float = SHARE) -> float:
    """The log ratio within which a share of new rows lies, from rows that were held out.

    Conformal: the quantile of what was missed, one place up, since the new row is one more. Groups
    weigh alike, however many rows they have.

    >>> half_width(np.array([0.1, -0.2, 0.3]), np.array([0, 1, 2]), 0.6)
    0.3
    """
    each = 1.0 / np.bincount(groups)[groups]
    order = np.argsort(np.abs(missed))
    below = np.cumsum(each[order])
    wanted = share * (below[-1] + 1)
    place = min(int(np.searchsorted(below, wanted - 1e-12)), len(missed) - 1)
    return float(np.abs(missed[order[place]]))


def coverage(missed: Floats, groups: Ints, folds: Sequence[Fold], share: float = SHARE) -> float:
    """The share of rows that lie in intervals which the other folds' rows gave."""
    inside = np.zeros(len(missed), bool)
    for train, test in folds:
        inside[test] = np.abs(missed[test]) <= half_width(missed[train], groups[train], share)
    return float(inside.mean())


def importance(
    make: Make, x: Floats, y: Floats, folds: Sequence[Fold], names: Sequence[str], seed: int = 0
) -> dict[str, float]:
    """By how much the mean error of held-out groups grows where one input is shuffled among them.

    Largest first. An input that another one says too may be unimportant beside it.
    """
    rng = np.random.default_rng(seed)
    grown = np.zeros(len(names))
    for train, test in folds:
        model = make().fit(x[train], y[train])
        least = np.abs(model.predict(x[test]) - y[test]).sum()
        for place in range(len(names)):
            mixed = x[test].copy()
            mixed[:, place] = rng.permutation(mixed[:, place])
            grown[place] += np.abs(model.predict(mixed) - y[test]).sum() - least
    order = np.argsort(-grown)
    return {names[i]: float(grown[i] / y.size) for i in order}


@dataclass(frozen=True, eq=False)
class Hull:
    """The range of every input in training: outside of it a model guesses.

    >>> hull = Hull.of(np.array([[1.0, 0.0], [2.0, 0.0]]), ("bits", "lanes"))
    >>> hull.outside(np.array([[1.5, 0.0], [3.0, 1.0]]))
    ['', 'bits, lanes']
    """

    low: Floats
    high: Floats
    names: tuple[str, ...]

    @classmethod
    def of(cls, x: Floats, names: Sequence[str]) -> Hull:
        """That of the rows of training."""
        return cls(x.min(axis=0), x.max(axis=0), tuple(names))

    def outside(self, x: Floats) -> list[str]:
        """Of every row, the inputs that lie outside, by name; empty where none does."""
        slack = 1e-9 * np.maximum(1.0, np.abs(self.high))
        out = (x < self.low - slack) | (x > self.high + slack)
        if not out.any():
            return [""] * len(x)
        return [", ".join(n for n, o in zip(self.names, row, strict=True) if o) for row in out]
