"""Estimators of logarithms: a closed form, a log-linear fit, a random forest, boosted trees.

Those `of the ratio` stand on a base: they learn what it leaves, the log of the ratio to it. A
forest predicts no more than it has seen; on top of what grows as it should it need not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from tpe.base.errors import missing_extra, pick
from tpe.predict.table import Floats

TREES = 100
RATIO = " of ratio"


class Regressor(Protocol):
    """What scikit-learn's models have."""

    def fit(self, x: Floats, y: Floats) -> Any:
        """Learn."""

    def predict(self, x: Floats) -> Floats:
        """What was learned of these rows."""


@dataclass
class ClosedFormModel:
    """A closed form that is an input: its own logarithm, and one factor for all rows."""

    place: int
    factor: Any = 0.0

    def fit(self, x: Floats, y: Floats) -> ClosedFormModel:
        """The factor, which is the mean log ratio."""
        self.factor = float(np.mean(y - x[:, self.place]))
        return self

    def predict(self, x: Floats) -> Floats:
        """The closed form times the factor."""
        found: Floats = x[:, self.place] + self.factor
        return found


@dataclass
class Ratio:
    """A model of what another one leaves: the log of the ratio to it."""

    base: Regressor
    rest: Regressor

    def fit(self, x: Floats, y: Floats) -> Ratio:
        """Both, the base first."""
        self.base.fit(x, y)
        self.rest.fit(x, y - self.base.predict(x))
        return self

    def predict(self, x: Floats) -> Floats:
        """The base times the ratio, in logarithms."""
        return self.base.predict(x) + self.rest.predict(x)


@dataclass
class OneThread:
    """An estimator whose fit takes one thread: more wait for each other on a machine in use."""

    model: Any

    def fit(self, x: Floats, y: Floats) -> OneThread:
        """Learn."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            self.model.fit(x, y)
        return self

    def predict(self, x: Floats) -> Floats:
        """What was learned of these rows."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1):
            found: Floats = self.model.predict(x)
        return found


@dataclass
class PerOutput:
    """A model for each column of a target (rows, outputs), of an estimator that takes one."""

    make: Callable[[], Any]
    models: list[Any] = field(default_factory=list)

    def fit(self, x: Floats, y: Floats) -> PerOutput:
        """All of them."""
        self.models = [self.make().fit(x, column) for column in y.reshape(len(y), -1).T]
        return self

    def predict(self, x: Floats) -> Floats:
        """(rows,) of one target, else (rows, outputs)."""
        found = np.stack([model.predict(x) for model in self.models], axis=1)
        return found[:, 0] if len(self.models) == 1 else found


def _linear(seed: int) -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def _ridge(seed: int) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), Ridge(1.0))


def _forest(seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(TREES, random_state=_forest_seed(seed))


def _boosted(seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingRegressor

    state = _forest_seed(seed)
    trees = {"random_state": state, "max_iter": TREES, "early_stopping": False}
    return PerOutput(lambda: OneThread(HistGradientBoostingRegressor(**trees)))


MAKERS: dict[str, Callable[[int], Any]] = {
    "forest": _forest,
    "log-linear": _linear,
    "ridge": _ridge,
    "boosted": _boosted,
}


def learner(name: str, seed: int = 0, base: Regressor | None = None) -> Regressor:
    """A model by name: of MAKERS, or `NAME of ratio` on a base.

    >>> from sklearn.ensemble import RandomForestRegressor
    >>> isinstance(learner("forest"), RandomForestRegressor)
    True
    """
    try:
        made = MAKERS[pick("model", name.removesuffix(RATIO), MAKERS)](seed)
    except ImportError:
        raise missing_extra("scikit-learn", "dse") from None
    if not name.endswith(RATIO):
        found: Regressor = made
        return found
    assert base is not None, "a ratio is one to something"
    return Ratio(base, made)


def _forest_seed(seed: int) -> int:
    """A seed as scikit-learn takes it, of 32 bits: a longer one is mixed into so many.

    >>> _forest_seed(7), _forest_seed(2**40) < 2**32
    (7, True)
    """
    return seed if seed < 1 << 32 else int(np.random.SeedSequence(seed).generate_state(1)[0])
