"""Prices of the table that ships: those of synthesis, and none where the RTL is another."""

from __future__ import annotations

import json
import lzma
from pathlib import Path

import pytest

import tpe
from tpe.base.errors import TpeError
from tpe.study import price_table
from tpe.study.price import price, varied
from tpe.study.price_table import entry_of, key_of, packed, tabled
from tpe.synth.area.designs import sized
from tpe.synth.netlist.recipes import find_recipes
from tpe.technology.technology import technology

TECH, FAST = technology("tpe130"), find_recipes("ripple/fast")
SIZES = ((4, 4), (7, 5), (16, 16))


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A table of one engine, by a recipe that is quick."""
    engine = tpe.Config("mac", "systolic_os", "2x2")
    made = price(engine, TECH, FAST, vary=())
    energies = {
        0: {
            "parts": {"cell": [100.0, 2.0], "finish": [40.0, 1.0]},
            "cycles": 10,
            "macs": 5,
            "activity": "table",
        }
    }
    file = tmp_path / "prices.json.xz"
    file.write_bytes(packed([entry_of(key_of(engine, TECH, FAST, ()), made, energies)]))
    monkeypatch.setattr(price_table, "FILE", file)
    price_table._entries.cache_clear()
    yield engine, made, file
    price_table._entries.cache_clear()


def test_a_price_of_the_table_is_that_of_synthesis(table) -> None:
    engine, made, _ = table
    found = tabled(engine, TECH, FAST, ())
    assert found is not None and found.source.startswith("table that ships")
    for own, other in zip(found.options, made.options, strict=True):
        assert (own.period_ns, own.recipe, own.params) == (
            other.period_ns,
            other.recipe,
            dict(other.params),
        )
        for size in SIZES:
            assert own.area_um2(size) == pytest.approx(other.area_um2(size))
            assert own.memory_bits(size) == other.memory_bits(size)
            assert own.cells_share(size) == pytest.approx(other.cells_share(size))


def test_another_size_is_the_same_price_and_other_rtl_none(table) -> None:
    engine, _, _ = table
    assert tabled(sized(engine, (16, 16)), TECH, FAST, ()) is not None
    assert tabled(sized(engine, None, acc_bits=40), TECH, FAST, ()) is None
    assert tabled(engine, TECH, FAST, varied(engine)) is None
    assert tabled(engine, TECH, find_recipes("ripple/small"), ()) is None
    assert tabled(tpe.Config("opt1", "systolic_os", "2x2"), TECH, FAST, ()) is None


def test_energy_is_of_the_pe_with_its_share_of_the_finish_and_leaks_with_the_clock(table) -> None:
    engine, _, _ = table
    option = tabled(engine, TECH, FAST, ()).options[0]

    def draw():
        raise AssertionError("operands are not drawn")

    small, slow = (option.energy(clock, (4, 4), draw) for clock in (2.0, 4.0))
    # (100 + 40) fJ of dynamic energy and 3 nW x 2 ns, over 5 MACs in 10 cycles
    assert small.fj_per_mac == pytest.approx((140 + 3 * 2e-3) * 2)
    assert slow.fj_per_mac - small.fj_per_mac == pytest.approx(3 * 2e-3 * 2)
    assert small.leakage_mw == pytest.approx(3e-6) and small.activity_source == "table"


def test_an_option_without_an_energy_says_how_to_get_one(table) -> None:
    engine, made, file = table
    file.write_bytes(packed([entry_of(key_of(engine, TECH, FAST, ()), made, {})]))
    price_table._entries.cache_clear()
    option = tabled(engine, TECH, FAST, ()).options[0]
    with pytest.raises(TpeError, match="with --recipe quick it is synthesised"):
        option.energy(2.0, (4, 4), lambda: "normal:20")


def test_a_table_that_is_damaged_is_one_line(table) -> None:
    engine, _, file = table
    for content in (b"nothing", lzma.compress(json.dumps([{"no": "key"}]).encode())):
        file.write_bytes(content)
        price_table._entries.cache_clear()
        with pytest.raises(TpeError, match="no table of prices"):
            tabled(engine, TECH, FAST, ())
