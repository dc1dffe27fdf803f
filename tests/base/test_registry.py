"""Extensions: found by name, of tpe and of others; a name taken twice is refused."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from tpe.base import registry
from tpe.base.errors import TpeError
from tpe.model.columns import ColumnSet


@pytest.fixture
def installed(monkeypatch):
    """What packages install beside tpe: (name, module:attribute) of the group `tpe.columns`."""

    def pretend(*found: tuple[str, str]) -> None:
        points = [EntryPoint(name, home, "tpe.columns") for name, home in found]
        monkeypatch.setattr(registry, "entry_points", lambda group: points)
        registry.homes.cache_clear()

    yield pretend
    registry.homes.cache_clear()


def test_every_extension_of_ours_is_there() -> None:
    assert all(
        callable(registry.find("tpe.figures", name)) for name in registry.homes("tpe.figures")
    )
    for name in registry.homes("tpe.columns"):
        assert registry.record("tpe.columns", name, ColumnSet).name == name


def test_one_of_somebody_elses_is_found(installed) -> None:
    installed(("roots", "math:sqrt"))
    assert registry.find("tpe.columns", "roots")(9) == 3


def test_a_name_taken_twice_is_refused(installed) -> None:
    installed(("energy", "theirs:energy"))
    with pytest.raises(TpeError, match=r"two packages have tpe\.columns 'energy': tpe and theirs"):
        registry.find("tpe.columns", "energy")


def test_a_name_that_is_none_tells_the_legal_ones() -> None:
    with pytest.raises(TpeError, match=r"unknown tpe\.columns 'area'.*legal: energy"):
        registry.find("tpe.columns", "area")
