"""What cells leave to their row comes back with the finish: proved against the textbook cell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tpe.base.errors import TpeError
from tpe.hdl import emit
from tpe.hdl.emit import sources
from tpe.hdl.formal.cell_lemmas import claims, uncovered
from tpe.hdl.formal.prove import all_claims
from tpe.hdl.formal.solve import PROVED, REFUTED, decide
from tpe.model.engine import Engine

NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
ROW = {"negate": "row", "biased": "on"}
LEAN = {**ROW, "top": "increment"}
STOPPED = {**ROW, "hold": "zero"}
PAIR = "tpe_accumulate_pair"
STEPS = ("product by digits", "product", "accumulate", "clear", "hold", "valid", "finish")
CELLS = [
    ("mac", {"negate": "row"}),
    ("mac", {"biased": "on", "stages": 2}),
    ("mac", {**ROW, "stages": 3, "encoder": "ent"}),
    ("mac", {**ROW, "lanes": 2}),
    ("opt1", {"negate": "row"}),
    ("opt1", {"biased": "on", "negate": "free_bits"}),
    ("opt1", {**ROW, "stages": 2}),
    ("opt1", {**LEAN, "encoder": "ent"}),
    ("opt1", {**LEAN, "stages": 2, "lanes": 2}),
    ("mac", {"hold": "zero"}),
    ("mac", {"dot": "compressed", "lanes": 2}),
    ("mac", {**ROW, "dot": "compressed", "lanes": 2, "stages": 3, "tree": "three_greedy"}),
    ("mac", {"negate": "free_bits", "tree": "three_greedy"}),
    ("opt1", {"tree": "three_greedy"}),
    ("opt1", {**LEAN, "stages": 2, "lanes": 2, "tree": "three_greedy"}),
    ("mac", {**ROW, "hold": "zero", "stages": 3}),
    ("opt1", {**LEAN, "hold": "zero", "stages": 2}),
    ("opt2", {"negate": "row", "lanes": 2}),
    ("opt2", {"biased": "on", "negate": "free_bits", "lanes": 2}),
    ("opt2", {**ROW, "lanes": 1, "encoder": "ent", "tree": "dadda"}),
    ("opt2", {**ROW, "lanes": 2, "hold": "zero"}),
]


def answers(engine: Engine, names: tuple[str, ...], given: dict[str, str]) -> dict[str, str]:
    """Result of every lemma of these names."""
    wanted = [c for c in claims(engine) if c.name.split(",")[0] in names]
    assert wanted
    return {c.name: decide(c.build(engine, given).query, 120).result for c in wanted}


# Proofs of minutes: many pairs of two lanes. Of the others every second one is in the full tier.
LONG = [("opt2", x) for pe, x in CELLS if pe == "opt2" and x["lanes"] == 2]


@pytest.mark.parametrize(
    ("pe", "parameters"),
    [
        pytest.param(*x, marks=[pytest.mark.full] if i % 2 or x in LONG else [])
        for i, x in enumerate(CELLS)
    ],
)
def test_pair_and_row_term_are_the_textbook_sum(pe: str, parameters: dict[str, object]) -> None:
    engine = Engine(pe, "matrix2d", "2x2", **{**NARROW, **parameters})
    found = answers(engine, STEPS, {})
    assert found == dict.fromkeys(found, PROVED)


@pytest.mark.parametrize(("pe", "parameters"), [("mac", ROW), ("opt1", LEAN)])
@pytest.mark.parametrize("acc", [8, 9, 10])
def test_they_are_in_an_accumulator_as_short_as_may_be(
    pe: str, parameters: dict[str, object], acc: int
) -> None:
    """Three bits by five: the biased words reach a bit beyond the product, or the accumulator."""
    engine = Engine(pe, "matrix2d", "2x2", **parameters).with_widths(a=3, b=5, acc=acc)
    found = answers(engine, STEPS, {})
    assert found == dict.fromkeys(found, PROVED)


@pytest.mark.parametrize(
    ("pe", "parameters"),
    [
        ("mac", {**ROW, "dot": "compressed", "lanes": 2}),
        ("opt1", {**LEAN, "lanes": 2}),
        ("opt1", ROW),
    ],
)
def test_a_bit_that_is_wrongly_said_to_be_zero_is_missed(
    pe: str, parameters: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The top bit of the first word: the shaped tree leaves it out, and the sum lacks it."""
    given = {**NARROW, **parameters, "tree": "three_greedy"}
    engine = Engine(pe, "matrix2d", "2x2", **given)
    right = emit.hardware(engine)
    ((pair, (first, *others)),) = right.shapes(engine.widths, engine.params).items()
    wrong = {pair: (first._replace(zeros=first.zeros | 1 << (engine.widths.b + 1)), *others)}
    broken = replace(right, shapes=lambda widths, params: wrong)
    monkeypatch.setattr("tpe.hdl.emit.hardware", lambda _: broken)
    assert REFUTED in answers(engine, ("product", "accumulate"), {}).values()


@pytest.mark.full
@pytest.mark.parametrize(("pe", "parameters"), [("mac", ROW), ("opt1", LEAN)])
def test_they_are_at_full_width(pe: str, parameters: dict[str, object]) -> None:
    engine = Engine(pe, "matrix2d", "2x2", **parameters)
    names = ("product by digits", "accumulate", "finish")
    found = answers(engine, names, {})
    assert found == dict.fromkeys(found, PROVED)


@pytest.mark.parametrize("hold", ["mux", "zero"])
@pytest.mark.parametrize("pe", ["mac", pytest.param("opt1", marks=pytest.mark.full)])
def test_every_step_reaches_psum_and_term_once_and_in_order(pe: str, hold: str) -> None:
    parameters = {**(LEAN if pe == "opt1" else ROW), "stages": 2, "hold": hold}
    engine = Engine(pe, "matrix2d", "2x2", **NARROW, **parameters)
    claim = next(claim for claim in all_claims(engine) if claim.name == "cell")
    assert decide(claim.build(engine, {}).query, 300).result == PROVED


@pytest.mark.parametrize(
    ("lemma", "module", "old", "new", "pe", "parameters"),
    [
        ("product", "tpe_row_digits", "- Excess", "", "mac", ROW),
        ("product", "tpe_row_digits", "digit[i][2] &&", "digit[i][1] &&", "opt1", LEAN),
        ("product", "tpe_partial_products", "word[i] ^ sign", "word[i]", "opt1", ROW),
        ("product", "tpe_row_digits", "AWidth + 1) / 2", "AWidth + 1) / 2 - 1", "mac", ROW),
        ("accumulate", PAIR, "'(out[CarryWidth-1])", "'(out[0])", "opt1", LEAN),
        ("accumulate", PAIR, "= out << 1", "= out", "opt1", LEAN),
        ("valid", "tpe_partial_products", "valid_i && Biased", "Biased", "mac", STOPPED),
        ("finish", "tpe_finish_word", ".carry_i(acc_i)", ".carry_i('0)", "mac", ROW),
        ("finish", "tpe_finish_carry_save", "{acc_i, ", "{sum, ", "opt1", LEAN),
        ("finish", "tpe_finish_bit_weights", "{acc_i, ", "{sum, ", "opt2", ROW),
        ("product", "tpe_pe_opt2", "[BWidth+1] ^ step_s", "[BWidth+1]", "opt2", ROW),
        ("valid", "tpe_pe_opt1", "first_i && step", "first_i", "opt1", STOPPED),
        ("valid", "tpe_pe_opt2", "first_i && step", "first_i", "opt2", STOPPED),
        ("valid", "tpe_pe_opt2", "[BWidth+1] ^ step_s", "[BWidth+1] ^ 1'b1", "opt2", STOPPED),
    ],
)
def test_a_fault_is_seen(
    lemma: str, module: str, old: str, new: str, pe: str, parameters: dict[str, object]
) -> None:
    good = sources.text(module)
    assert old in good
    engine = Engine(pe, "matrix2d", "2x2", **NARROW, **parameters)
    assert REFUTED in answers(engine, (lemma,), {module: good.replace(old, new)}).values()


PASSED = [
    ("mac", ROW),
    ("opt1", {**LEAN, "overlap": "stream"}),
    ("mac", {**ROW, "hold": "zero", "finish_stages": 2}),
]


def passed(pe: str, parameters: dict[str, object], given: dict[str, str], seconds: float) -> str:
    """What becomes of the lemma on systolic_ws from end to end."""
    engine = Engine(pe, "systolic_ws", "2x2", **{**NARROW, "lanes": 1, **parameters})
    claim = next(claim for claim in all_claims(engine) if claim.name == "array")
    return decide(claim.build(engine, given).query, seconds).result


@pytest.mark.full
@pytest.mark.parametrize(("pe", "parameters"), PASSED)
def test_a_term_passes_down_beside_its_psums(pe: str, parameters: dict[str, object]) -> None:
    assert passed(pe, parameters, {}, 1200) == PROVED


TERMS = "tpe_ws_terms"


@pytest.mark.parametrize(
    ("module", "old", "new", "pe", "parameters"),
    [
        (TERMS, "r == 0 && first_i", "first_i", "mac", ROW),
        (TERMS, "r == 0 && first_i", "r == 0", "mac", ROW),
        (TERMS, "en_i && write_i", "en_i", "opt1", LEAN),
        (TERMS, ".term_i (term[r*", ".term_i (term[0*", "mac", ROW),
        (TERMS, "<= term_q[(c-1)*", "<= term[Rows*", "opt2", ROW),
        (TERMS, ".write_data_i(term_q[0+", ".write_data_i(term[Rows*AccWidth+", "mac", ROW),
        ("tpe_systolic_ws", "valid_q[r][0];", "valid_line[r];", "mac", ROW),
        ("tpe_systolic_ws", "(addr_line[Read])", "(addr_line[Write])", "mac", ROW),
        ("tpe_systolic_ws", ".en_i (en_row[r]),", ".en_i (1'b1),", "mac", {**ROW, "hold": "zero"}),
        ("tpe_ws_column", ".acc_i  (term_i)", ".acc_i  ('0)", "opt2", ROW),
    ],
)
def test_a_fault_in_the_column_of_terms_is_seen(
    module: str, old: str, new: str, pe: str, parameters: dict[str, object]
) -> None:
    good = sources.text(module)
    assert old in good
    assert passed(pe, parameters, {module: good.replace(old, new)}, 300) == REFUTED


def test_a_clock_that_others_stop_is_told_where_cells_are_proved() -> None:
    (line,) = uncovered(Engine("mac", "matrix2d", "2x2", hold="zero"))
    assert line == "hold: the lemmas let a row have its clock, stopped or not"


@pytest.mark.parametrize(
    ("pe", "parameters", "said"),
    [
        ("opt1", {"top": "increment"}, "not legal with biased = 'off': words are negative"),
        ("mac", {"multiplier": "behavioural", "biased": "on"}, "leaves nothing to its row"),
        (
            "opt2",
            {"negate": "row", "bw": "time"},
            "not legal with bw = 'time', whose cells see one",
        ),
        ("opt2", {"hold": "zero", "bw": "time"}, "not legal with bw = 'time', .*; legal: mux"),
        ("stripes", {"biased": "on"}, "unknown parameter of stripes in matrix2d 'biased'"),
    ],
)
def test_what_does_not_go_together_is_one_line(
    pe: str, parameters: dict[str, object], said: str
) -> None:
    with pytest.raises(TpeError, match=said) as error:
        Engine(pe, "matrix2d", "2x2", **parameters)
    assert "\n" not in str(error.value)


def test_switching_is_counted_of_the_textbook_cell_alone() -> None:
    with pytest.raises(TpeError, match="toggles are counted of"):
        Engine("opt1", "matrix2d", "2x2", biased="on").toggles([[1, 2]], [[3], [4]])
