"""Choices that the landing tier and the report of choices take are all that there are."""

from __future__ import annotations

import pytest

from tests.contract.combos import LEGAL, WITH_RTL, landing_variants, own_variants, variants
from tools import choice_table


@pytest.mark.parametrize("pe", dict.fromkeys(pe.name for pe, _ in LEGAL))
def test_every_choice_of_a_pe_is_built_in_one_of_its_arrays(pe):
    homes = [(owner, array) for owner, array in LEGAL if owner.name == pe]
    every = {repr(v) for home in homes for v in variants(*home) if v}
    own = [repr(v) for home in homes for v in own_variants(*home) if v]
    assert sorted(own) == sorted(every)
    assert all({} in own_variants(*home) for home in homes)


def test_every_choice_of_a_sparse_pe_is_built_by_one_that_has_it():
    sparse = [(pe, array) for pe, array in WITH_RTL if pe.sparse]
    every = {repr(v) for home in sparse for v in own_variants(*home) if v}
    built = [repr(v) for home in sparse for v in landing_variants(*home) if v]
    assert sorted(built) == sorted(every)
    assert all({} in landing_variants(*home) for home in sparse)


def test_the_report_has_a_line_for_each():
    found = [(pe, array) for pe, array, choice in choice_table.choices() if not choice]
    assert found == [(pe.name, array.name) for pe, array in WITH_RTL]


@pytest.mark.full
def test_a_line_of_the_report():
    row = choice_table.measure("mac", "matrix2d", {"negate": "row"}, 3, 30.0)
    assert row["pairs"] == 65536 and row["exact"] == row["gemms"] > 20
    assert row["mutants"] == row["killed"] + row["equivalent"] == 3
    assert not row["unproved"] and row["lemmas"]["proved"] > 5
    text = choice_table.document([row], 3, 30.0)
    assert "| negate = row | 65,536 |" in text and "||" not in text.replace("|---|---|", "")


def test_a_line_holds_while_its_rtl_is_the_same():
    one = ("mac", "matrix2d", {"negate": "row"})
    row = {"rtl": choice_table.content(*one), "asked": [8, 60.0]}
    assert choice_table._holds(row, one, 8, 60.0)
    assert not choice_table._holds(row, one, 9, 60.0)
    assert not choice_table._holds(row, ("mac", "matrix2d", {"negate": "adder"}), 8, 60.0)
    assert not choice_table._holds(None, one, 8, 60.0)
