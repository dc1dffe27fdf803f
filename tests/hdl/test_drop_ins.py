"""Modules that stand in for others in synthesis compute what those compute."""

from __future__ import annotations

import numpy as np
import pytest

from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.formal.cell_lemmas import claims
from tpe.hdl.formal.solve import PROVED, REFUTED, decide
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.images import Case
from tpe.model.engine import Engine
from tpe.synth.area import designs

LEMMAS = ("product by digits", "product", "accumulate", "clear", "hold", "valid")
NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
# PE, parameters, lanes; together they take every stand-in, each encoder, one and more lanes
ENGINES = [
    ("mac", {}),
    ("opt1", {"encoder": "ent"}),
    ("opt2", {}),
    ("opt3", {}),
    ("opt4c", {}),
    ("opt4e", {}),
]


def rebuilt(engine: Engine) -> dict[str, str]:
    """The modules of the engine's cell with every stand-in in it."""
    parts = designs.pe_parts(engine, ("negate",))["cell"]
    assert [part.variant for part in parts] == ["", designs.FREE_BITS]
    return dict(parts[1].modules)


def answers(engine: Engine, given: dict[str, str]) -> dict[str, str]:
    """Result of every lemma that speaks of what a single step leaves in the psum."""
    wanted = [c for c in claims(engine) if c.name.split(",")[0] in LEMMAS]
    assert wanted
    return {c.name: decide(c.build(engine, given).query, 120).result for c in wanted}


@pytest.mark.parametrize(("pe", "parameters"), ENGINES)
def test_the_cell_keeps_its_specification(pe: str, parameters: dict[str, str]) -> None:
    engine = Engine(pe, "matrix2d", "2x2", **NARROW, **parameters)
    given = designs.drop_ins().keys() & rebuilt(engine).keys()
    found = answers(engine, {name: designs.drop_ins()[name] for name in given})
    assert found == dict.fromkeys(found, PROVED)


@pytest.mark.full
@pytest.mark.parametrize("pe", ["mac", "opt1", "opt3", "opt4c"])
def test_the_cell_keeps_its_specification_at_full_width(pe: str) -> None:
    engine = Engine(pe, "matrix2d", "2x2")
    wanted = [c for c in claims(engine) if c.name == "accumulate" or c.name.startswith("product")]
    wanted = [c for c in wanted if c.name != "product" or pe.startswith("opt")]
    given = designs.drop_ins()
    found = {c.name: decide(c.build(engine, given).query, 300).result for c in wanted}
    assert found["accumulate"] == PROVED
    assert PROVED in {found.get("product by digits"), found.get("product")}


def test_a_fault_in_a_stand_in_is_seen() -> None:
    engine = Engine("opt1", "matrix2d", "2x2", **NARROW)
    good = designs.drop_ins()["tpe_partial_products"]
    bad = good.replace("negative[i-1]) << (2 * (i - 1))", "negative[i-1]) << (2 * i)")
    assert bad != good
    found = answers(engine, {**designs.drop_ins(), "tpe_partial_products": bad})
    assert REFUTED in found.values()


@pytest.mark.parametrize("pe", ["mac", "opt2", "opt4c", "opt4e"])
def test_an_engine_of_stand_ins_multiplies(pe: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every int8 pair through the array's own bench, in Verilator."""
    engine = Engine(pe, "matrix2d", (2, 2))
    real = sources.text
    monkeypatch.setattr(sources, "text", lambda name: designs.drop_ins().get(name) or real(name))
    assert "tpe_map_complement" in emit.engine_modules(engine)
    every = np.arange(-128, 128)
    a, b = every[:, None].repeat(4, axis=1), every[None, :].repeat(4, axis=0)
    outcome = cosim.cosimulate([Case(engine, a, b)])[0]
    assert outcome.ok
    assert (outcome.C == 4 * np.multiply.outer(every, every)).all()


def test_a_stand_in_has_its_namesake_s_ports_and_reads_without_a_warning() -> None:
    for name, text in designs.drop_ins().items():
        if name in sources.modules():
            theirs, own = sources.port_names(sources.text(name)), sources.port_names(text)
            assert own == theirs
    for pe, parameters in ENGINES:
        modules = rebuilt(Engine(pe, "matrix2d", "2x2", **parameters))
        assert lint(modules, "tpe_cell") == ""
