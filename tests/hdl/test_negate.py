"""Where the 1 of a negative multiple is added is nobody's affair outside a cell."""

from __future__ import annotations

import numpy as np
import pytest

from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.formal.cell_lemmas import claims
from tpe.hdl.formal.solve import PROVED, REFUTED, decide
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.images import Case
from tpe.model.engine import Engine
from tpe.synth.area import designs

STEPS = ("product by digits", "product", "accumulate", "clear", "hold", "valid")
PRIMITIVES = ("map", "map_complement", "half_reduce 3:2", "half_reduce_ones 3:2")
NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16, "negate": "free_bits"}
# PE and parameters; together they take every module that leaves a 1 to others, and each encoder
ENGINES = [
    ("mac", {}),
    ("opt1", {"encoder": "ent"}),
    ("opt2", {}),
    ("opt3", {}),
    ("opt4c", {}),
    ("opt4e", {}),
]


def answers(engine: Engine, lemmas: tuple[str, ...], overrides: dict[str, str]) -> dict[str, str]:
    """Result of every lemma of these names."""
    wanted = [c for c in claims(engine) if c.name.split(",")[0] in lemmas]
    assert wanted
    return {c.name: decide(c.build(engine, overrides).query, 120).result for c in wanted}


@pytest.mark.parametrize(("pe", "parameters"), ENGINES)
def test_the_cell_keeps_its_specification(pe: str, parameters: dict[str, str]) -> None:
    engine = Engine(pe, "matrix2d", "2x2", **NARROW, **parameters)
    found = answers(engine, STEPS, {})
    assert found == dict.fromkeys(found, PROVED)


@pytest.mark.full
@pytest.mark.parametrize("pe", ["mac", "opt1", "opt3", "opt4c"])
def test_the_cell_keeps_its_specification_at_full_width(pe: str) -> None:
    engine = Engine(pe, "matrix2d", "2x2", negate="free_bits")
    wanted = [c for c in claims(engine) if c.name == "accumulate" or c.name.startswith("product")]
    wanted = [c for c in wanted if c.name != "product" or pe.startswith("opt")]
    found = {c.name: decide(c.build(engine, {}).query, 300).result for c in wanted}
    assert found["accumulate"] == PROVED
    assert PROVED in {found.get("product by digits"), found.get("product")}


def test_its_primitives_have_lemmas_of_their_own() -> None:
    found = answers(Engine("opt4c", "matrix2d", "2x2", **NARROW), PRIMITIVES, {})
    assert found == dict.fromkeys(PRIMITIVES, PROVED)


@pytest.mark.parametrize(
    ("lemma", "pe", "module", "old", "new"),
    [
        ("product", "opt1", "tpe_partial_products", "[i-1]) << (2 * (i - 1))", "[i-1]) << (2 * i)"),
        ("map_complement", "mac", "tpe_map_complement", "b_i, 1'b0}", "b_i, 1'b1}"),
        ("half_reduce_ones 3:2", "opt4c", "tpe_half_reduce_ones", "one_i[r]", "1'b0"),
        ("accumulate", "opt4c", "tpe_half_reduce_ones", "majority << 1", "majority"),
        ("product", "opt2", "tpe_pe_opt2", ".one_i  (negative_s[bw])", ".one_i  ('0)"),
    ],
)
def test_a_fault_is_seen(lemma: str, pe: str, module: str, old: str, new: str) -> None:
    good = sources.text(module)
    assert old in good
    engine = Engine(pe, "matrix2d", "2x2", **NARROW)
    found = answers(engine, (lemma,), {module: good.replace(old, new)})
    assert REFUTED in found.values()


@pytest.mark.parametrize("pe", ["mac", "opt2", "opt4c", "opt4e"])
def test_an_engine_multiplies(pe: str) -> None:
    """Every int8 pair through the array's own bench, in Verilator."""
    engine = Engine(pe, "matrix2d", (2, 2), negate="free_bits")
    assert "tpe_map_complement" in emit.engine_modules(engine)
    every = np.arange(-128, 128)
    a, b = every[:, None].repeat(4, axis=1), every[None, :].repeat(4, axis=0)
    outcome = cosim.cosimulate([Case(engine, a, b)])[0]
    assert outcome.ok
    assert (outcome.C == 4 * np.multiply.outer(every, every)).all()


def test_it_is_priced_as_it_is_emitted() -> None:
    """A variant's name says the parameters whose RTL it is."""
    for pe in ("mac", "opt1", "opt2", "opt4c"):
        engine = Engine(pe, "matrix2d", "2x2")
        for part in designs.pe_parts(engine)["cell"]:
            modules = emit.engine_modules(
                Engine(pe, "matrix2d", "2x2", **designs.changed(part.variant))
            )
            needed = designs.reachable(modules, part.top)  # its package cut to the types it uses
            assert dict(part.modules) == needed


@pytest.mark.parametrize("pe", ["opt2", "opt3", "opt4c", "opt4e"])
def test_another_tree_has_no_free_bit_in_its_carry_words(pe: str) -> None:
    with pytest.raises(TpeError, match=r"pe opt\w+: tree = 'dadda' is not legal with negate"):
        Engine(pe, "matrix2d", "2x2", negate="free_bits", tree="dadda")


def test_switching_is_counted_of_whole_multiples_alone() -> None:
    with pytest.raises(TpeError, match="negate = 'adder', not 'free_bits'"):
        Engine("opt1", "matrix2d", "2x2", negate="free_bits").toggles([[1, 2]], [[3], [4]])
