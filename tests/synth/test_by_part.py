"""An array composed for a clock by modules that have budgets of their own."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest

from tpe.model.engine import Engine
from tpe.synth.area.by_part import composed_by_part, spent_ns
from tpe.synth.area.compose import ArrayFront, array_front, compose, timed
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

RECIPES = "sklansky/fast,sklansky/small,brent_kung/fast"


@cache
def front() -> ArrayFront:
    """OPT1 in an array of 2 x 2: its finish stands before an enable, its cells do not."""
    recipes = find_recipes(RECIPES)
    return array_front(Engine("opt1", "matrix2d", (2, 2)), technology("tpe130"), recipes, workers=1)


def test_one_module_after_another_is_made_faster_until_the_clock_is_met() -> None:
    found = front()
    tech, top, versions = found.technology, found.top, found.versions
    slow = timed(tech, compose(tech, top, versions, {}, float("inf"))).period_ns
    clock = (found.fastest.period_ns + slow) / 2
    made = composed_by_part(tech, top, versions, {}, clock)
    assert made[-1].period_ns <= clock and all(c.period_ns > clock for c in made[:-1])
    for one, other in pairwise(made):
        changed = [name for name in versions if one.versions[name] != other.versions[name]]
        assert len(changed) == 1 and spent_ns(one)[changed[0]] > 0.0
        assert other.versions[changed[0]].period_ns < one.versions[changed[0]].period_ns


def test_what_a_path_spends_is_all_of_it() -> None:
    composed = front().fastest
    assert sum(spent_ns(composed).values()) == pytest.approx(composed.period_ns)
    assert set(spent_ns(composed)) <= set(front().versions)


def test_a_clock_that_no_choice_meets_ends_at_the_fastest_of_a_path() -> None:
    found = front()
    made = composed_by_part(found.technology, found.top, found.versions, {}, 0.1)
    last = made[-1]
    for name, nanoseconds in spent_ns(last).items():
        fastest = min(version.period_ns for version in found.versions[name])
        assert nanoseconds == 0.0 or last.versions[name].period_ns == fastest
