"""Pipeline stages of cells beyond `mac` and `opt1`, in RTL: values, cycles, proofs, faults."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

import tpe
from tests.contract.agreement import assert_all_agree, break_module
from tests.contract.combos import operands
from tpe import pe as pes
from tpe.array.base import ALWAYS, Handshake
from tpe.base.errors import TpeError
from tpe.hdl.emit import sources
from tpe.hdl.formal.prove import prove
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS

HANDSHAKES = (ALWAYS, STALLS, Handshake(0, 0x7FFF_FFFE), Handshake(0x5A5A_1F0F, 0x0FF0_6C36))
OVERLAPS = ("none", "drain", "stream")
STEPPED = ("stripes", "laconic", "bitlet")
MOST = {pe: p.legal[-1] for pe in STEPPED if (p := pes.get(pe).parameter("cell_stages"))}
MORE = [(pe, stages) for pe in STEPPED for stages in range(2, MOST[pe] + 1)]


def stepped(pe: str, stages: int, size: tuple[int, int] = (3, 2), **choice: Any) -> tpe.Engine:
    return tpe.Engine(pe, "matrix2d", size, **{"lanes": 2, "cell_stages": stages, **choice})


def opt2(array: str = "matrix2d", **choice: Any) -> tpe.Engine:
    return tpe.Engine("opt2", array, (3, 2), **{"stages": 2, **choice})


def cases(e: tpe.Engine) -> list[Case]:
    """Several tiles; K of one step and of many, some of them empty; several handshakes."""
    found = []
    for k in (1, e.widths.lanes + 1, 19):
        a, b = operands(e, 2 * e.rows + 1, e.cols + 1, k, seed=k)
        a[:, 6:10] = 0
        found += [Case(e, a, b, h) for h in HANDSHAKES]
    found.append(Case(e, a, b, a_hold=0x0F0F_3355, b_hold=0x1248_F00F))
    return found


full = pytest.mark.full


@pytest.mark.parametrize("turn", [0, pytest.param(1, marks=full), pytest.param(2, marks=full)])
def test_cells_of_steps_of_several_cycles_equal_the_rtl(turn: int) -> None:
    found = []
    for i, (pe, stages) in enumerate(MORE):
        found += cases(stepped(pe, stages, overlap=OVERLAPS[(i + turn) % len(OVERLAPS)]))
    assert_all_agree(found)


@full
@pytest.mark.parametrize("pe", STEPPED)
def test_other_sizes_lanes_and_types_equal_the_rtl(pe: str) -> None:
    most = MOST[pe]
    found = cases(stepped(pe, most, (1, 1), lanes=1, overlap="stream"))
    found += cases(stepped(pe, most, (5, 1), lanes=3, a_type="int5", b_type="int3", acc_bits=16))
    found += cases(stepped(pe, most, gating="clock", a_type="uint4", encode="weights"))
    assert_all_agree(found)


LEAN: dict[str, Any] = {"negate": "row", "biased": "on", "hold": "zero"}
FORMS: list[dict[str, Any]] = [{}, LEAN, {"negate": "free_bits", "lanes": 3, "overlap": "stream"}]


def test_opt2_equals_the_rtl() -> None:
    found = [case for form in FORMS for case in cases(opt2(**form))]
    assert_all_agree(found + cases(opt2("systolic_ws", lanes=2)))


@full
@pytest.mark.parametrize("array", ["systolic_os", "systolic_ws"])
def test_opt2_equals_the_rtl_where_operands_move(array: str) -> None:
    found = []
    for value in ("none", "stream"):
        choices: tuple[dict[str, Any], ...] = ({"encode_in": "edge"}, {"negate": "free_bits"})
        for choice in choices:
            found += cases(opt2(array, overlap=value, **choice))
    assert_all_agree(found)


# ---- the rule ----


@pytest.mark.parametrize("overlap", OVERLAPS)
@pytest.mark.parametrize(("pe", "stages"), MORE)
def test_a_stage_is_a_cycle_of_fill_drain_and_no_other(pe: str, stages: int, overlap: str) -> None:
    plain = stepped(pe, 1, overlap=overlap)
    a, b = operands(plain, 10, 4, 21, seed=4)
    before = plain.run(a, b).terms
    after = stepped(pe, stages, overlap=overlap).run(a, b).terms
    tiles = 4 * 2
    often = {"none": tiles, "drain": tiles, "stream": 1}[overlap]
    assert after.fill_drain == before.fill_drain + (stages - 1) * often
    assert after == replace(before, fill_drain=after.fill_drain)


def test_what_is_legal() -> None:
    assert MOST == {"stripes": 3, "laconic": 4, "bitlet": 3}
    for pe in STEPPED:
        with pytest.raises(TpeError, match="cell_stages = 5 is not legal: an integer from 1 to"):
            stepped(pe, 5)
    with pytest.raises(TpeError, match="stages = 2 is not legal with bw = 'time'; legal: 1"):
        opt2(bw="time")


# ---- proofs ----

NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}
STEPS = ("product", "accumulate", "pace", "over", "hold", "valid", "cell", "tile control")


def narrow(pe: str) -> tpe.Engine:
    if pe == "opt2":
        return tpe.Engine("opt2", "matrix2d", (2, 2), stages=2, lanes=2, **NARROW)
    return stepped(pe, MOST[pe], (2, 2), **NARROW)


@full
@pytest.mark.parametrize("pe", STEPPED)
def test_a_cell_with_stages_is_proved(pe: str) -> None:
    report = prove(narrow(pe), 60, only=STEPS)
    assert {p.lemma: p.result for p in report.proofs} == dict.fromkeys(STEPS, "proved")


@full
@pytest.mark.parametrize("pe", STEPPED)
def test_an_array_of_cells_with_stages_is_proved(pe: str) -> None:
    report = prove(narrow(pe), 60, only=("array",))
    assert [p.result for p in report.proofs] == ["proved"]


@pytest.mark.parametrize(
    "names",
    [
        ("product, lane 1", "clear", "hold", "valid"),
        pytest.param(("accumulate, pair 1", "cell"), marks=pytest.mark.full),
    ],
    ids=["step", "sum"],
)
def test_a_cell_of_opt2_with_stages_is_proved(names: tuple[str, ...]) -> None:
    report = prove(narrow("opt2"), 60, only=names)
    assert {p.lemma: p.result for p in report.proofs} == dict.fromkeys(names, "proved")


REFUTED = [
    ("stripes", "over", "tpe_pe_stripes", "first_i, last})", "first_i, ready_o})"),
    ("stripes", "cell", "tpe_pe_stripes", ".Cycles(CellStages - 1)", ".Cycles(1)"),
    ("stripes", "valid", "tpe_pe_stripes", "if (en_i && valid_s) begin", "if (en_i) begin"),
    ("laconic", "accumulate", "tpe_pe_laconic", "start_i && first_i})", "first_i})"),
    ("laconic", "product", "tpe_pe_laconic", "active_s[l] ? NumExps", "active[l] ? NumExps"),
    ("laconic", "cell", "tpe_pe_laconic", "<< power_s[l]", "<< power[l]"),
    ("bitlet", "accumulate", "tpe_pe_bitlet", "some_s[p] ?", "some[p] ?"),
    ("bitlet", "over", "tpe_pe_bitlet", "= |now[p];", "= 1'b1;"),
    ("opt2", "clear", "tpe_pe_opt2", "pair = first_s ?", "pair = first_i ?"),
    ("opt2", "cell", "tpe_pe_opt2", "run && (valid_s ||", "run && (valid_i ||"),
    ("opt2", "cell", "tpe_pe_opt2", ".Cycles(Stages - 1)\n  ) u_words", ".Cycles(0)\n  ) u_words"),
]


@pytest.mark.parametrize("fault", REFUTED, ids=lambda f: f"{f[0]} {f[1]}: {f[4]}")
def test_a_fault_is_refuted(fault: tuple[str, str, str, str, str]) -> None:
    pe, lemma, module, right, wrong = fault
    text = sources.text(module)
    assert text.count(right) == 1
    report = prove(narrow(pe), 60, only=(lemma,), replaced={module: text.replace(right, wrong)})
    assert [proof.result for proof in report.proofs] == ["refuted"]


# ---- a test that cannot fail shows nothing ----

FREE = ".en_i(1'b1),\n      "
FAULTS = [
    ("laconic", "tpe_matrix2d_stepped", ".Cycles(CellLatency)", ".Cycles(0)"),
    ("bitlet", "tpe_matrix2d_stepped", ".en_i(en_drain),\n", ".en_i(en_drain && !hold),\n"),
    ("bitlet", "tpe_matrix2d_stepped", "? 1 + CellLatency : 0", "? 1 : 0"),
    ("bitlet", "tpe_pe_bitlet", ".en_i,\n      .d_i({some", FREE + ".d_i({some"),
    ("stripes", "tpe_pe_stripes", ".en_i,\n      .d_i({valid_i", FREE + ".d_i({valid_i"),
    ("laconic", "tpe_pe_laconic", ".en_i,\n      .d_i(count)", FREE + ".d_i(count)"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda f: f"{f[1]}: {f[3].strip()}")
def test_a_fault_is_seen(fault: tuple[str, str, str, str], monkeypatch: Any) -> None:
    pe, module, right, wrong = fault
    overlap = "drain" if wrong == "? 1 : 0" else "stream"
    rows = 6 if pe == "stripes" else 2  # words leave while the next tile's first step begins
    e = stepped(pe, MOST[pe], (rows, 2), overlap=overlap)
    break_module(monkeypatch, e, module, right, wrong)
    a, b = operands(e, 3 * rows, 4, 9, seed=2)
    a[:, 4:6] = 0
    outcomes = cosimulate([Case(e, a, b, h) for h in HANDSHAKES])
    assert not all(outcome.ok for outcome in outcomes)


def test_a_fault_in_opt2_is_seen(monkeypatch: Any) -> None:
    e = opt2(negate="free_bits", overlap="stream")
    right = ".en_i(run),\n      .d_i ({negative, pp})"
    break_module(monkeypatch, e, "tpe_pe_opt2", right, right.replace("run", "1'b1"))
    a, b = operands(e, 6, 4, 9, seed=2)
    assert not all(x.ok for x in cosimulate([Case(e, a, b, h) for h in HANDSHAKES]))
