"""`tpe prove`: lemmas hold for the modules as they are, and every seeded fault is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tpe.engine import Engine
from tpe.errors import TpeError
from tpe.hdl import sources
from tpe.hdl.prove import Report, prove
from tpe.hdl.prove_solve import OPEN, PROVED, REFUTED, Query, decide
from tpe.hdl.prove_specs import at_widths, claims, properties, query

NARROW = {"a_type": "int4", "b_type": "int4", "acc_bits": 16}


@pytest.fixture(autouse=True)
def _fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test proves is proved in it."""
    monkeypatch.setenv("TPE_CACHE_DIR", str(tmp_path / "cache"))


def small(pe: str, **parameters: object) -> Engine:
    """A PE at 4 x 4 bits in 2 x 2."""
    return Engine(pe, "matrix2d", "2x2", **NARROW, **parameters)


def broken(module: str, old: str, new: str) -> dict[str, str]:
    """A module with one text replaced by another."""
    text = sources.text(module)
    assert text.count(old) >= 1, f"{module} holds {old!r}"
    return {module: text.replace(old, new, 1)}


def results(report: Report) -> dict[str, str]:
    """Result by lemma."""
    return {proof.lemma: proof.result for proof in report.proofs}


SINGLE = ("product", "product by digits", "accumulate", "clear", "hold", "valid", "finish")


@pytest.mark.parametrize(("pe", "encoder"), [("mac", "booth"), ("opt1", "ent")])
def test_cell_equals_its_specification(pe: str, encoder: str) -> None:
    report = prove(small(pe, encoder=encoder), 60, only=(*SINGLE, "encode", "map"))
    assert report.ok and report.full
    assert results(report) == dict.fromkeys((*SINGLE, "encode", "map"), PROVED)
    assert all(proof.width for proof in report.proofs)


def test_pipelined_cell() -> None:
    report = prove(small("mac", stages=3), 60, only=("product", "accumulate", "valid", "cell"))
    assert report.ok and len(report.proofs) == 4


def test_digit_serial_cell_and_front() -> None:
    engine = Engine("opt4c", "matrix2d", "2x2", **NARROW, depth=8)
    report = prove(engine, 60, only=("product", "accumulate", "finish", "sparse", "cell", "front"))
    assert report.ok
    assert any("matrix2d_indexed" in line for line in report.uncovered)


# lemma, module, what stands there, the fault, the PE and its parameters
FAULTS = [
    ("product", "tpe_map", "b_i, 1'b0}", "b_i, 1'b1}", "mac", {}),
    ("product", "tpe_encode_ent", "t == 3'd2", "t == 3'd1", "opt1", {"encoder": "ent"}),
    ("product by digits", "tpe_shift", "extended << Amount", "extended << 0", "opt1", {}),
    ("encode", "tpe_encode_booth", "high & ~(mid & low)", "high", "opt1", {}),  # -0
    ("map", "tpe_map", "+ Width'(neg)", "", "mac", {}),
    ("accumulate", "tpe_pe_opt1", "first_i ? '0 : psum_i", "'0", "opt1", {}),
    ("accumulate", "tpe_half_reduce", "majority << 1", "majority", "opt1", {}),
    ("clear", "tpe_pe_opt1", "first_i ? '0 : psum_i", "psum_i", "opt1", {}),
    ("clear", "tpe_pe_mac", "first[Stages-1] ? '0", "first[0] ? '0", "mac", {"stages": 2}),
    ("hold", "tpe_pe_opt1", "en_i && valid_i", "valid_i", "opt1", {}),
    ("valid", "tpe_pe_opt1", "en_i && valid_i", "en_i", "opt1", {}),
    ("finish", "tpe_add", "sum_i + carry_i", "sum_i ^ carry_i", "opt1", {}),
    ("finish", "tpe_shift_plane", "{plane_i, 1'b0}", "plane_i", "opt4c", {}),
    ("sparse", "tpe_sparse", "(nonzero_i - 1'b1)", "(nonzero_i - 2'd2)", "opt4c", {}),
    ("cell", "tpe_pe_mac", "if (en_i) product_s", "product_s", "mac", {"stages": 2}),
    ("tile control", "tpe_tile_ctrl", "Rows - 1)) state_d", "Rows - 2)) state_d", "mac", {}),
    ("tile control", "tpe_tile_ctrl", "first_q <= last_beat_i", "first_q <= 1'b0", "mac", {}),
    ("drain", "tpe_drain", "!(c_valid_q && !c_ready_i)", "1'b1", "mac", {}),
    ("drain", "tpe_drain", "if (row_valid_q) c_q", "c_q", "opt1", {}),
    ("array", "tpe_matrix2d", "valid_q <= beat", "valid_q <= stream && a_valid_i", "mac", {}),
    ("array", "tpe_matrix2d", "stream && en && a_valid_i", "stream && en", "mac", {}),
    ("front", "tpe_front_lane", "!busy_q || done", "1'b1", "opt4c", {}),
    ("front", "tpe_front_lane", "busy_q <= accept ||", "busy_q <=", "opt4c", {}),
]
HARMLESS = [("drain", "tpe_drain", "if (row_valid_q) c_q", "c_q", "opt1", {})]


@pytest.mark.parametrize(
    ("lemma", "module", "old", "new", "pe", "parameters"),
    [fault for fault in FAULTS if fault not in HARMLESS],
)
def test_fault_is_refuted(
    lemma: str, module: str, old: str, new: str, pe: str, parameters: dict[str, object]
) -> None:
    engine = small(pe, **parameters)
    report = prove(engine, 60, only=(lemma,), replaced=broken(module, old, new))
    assert results(report) == {lemma: REFUTED}
    assert not report.ok
    assert report.proofs[0].trace, "a counterexample"


def test_harmless_change_is_not_refuted() -> None:
    """A word that is not valid may be anything."""
    lemma, module, old, new, pe, _ = HARMLESS[0]
    assert prove(small(pe), 60, only=(lemma,), replaced=broken(module, old, new)).ok


def test_counterexample_is_one() -> None:
    """The digit and the operand of the trace do give a wrong product in the broken module."""
    fault = broken("tpe_map", "+ Width'(neg)", "")
    (proof,) = prove(small("mac"), 60, only=("map",), replaced=fault).proofs
    (inputs,) = proof.trace
    neg, two, one = (inputs["digit_i"] >> bit & 1 for bit in (2, 1, 0))
    b = inputs["b_i"] - 16 * (inputs["b_i"] >> 3)
    magnitude = b * (two * 2 + one)
    assert (two, one) in {(0, 1), (1, 0)}
    assert (~magnitude if neg else magnitude) != (-magnitude if neg else magnitude)


def test_widths_that_do_not_finish_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = small("mac")
    full = next(c for c in claims(engine) if c.name == "product").build(engine, {}).query.key

    def slow(asked: Query, limit: float) -> object:
        answer = decide(asked, limit)
        if asked.key != full:
            return answer
        return type(answer)(OPEN, answer.method, limit)

    monkeypatch.setattr("tpe.hdl.prove.decide", slow)
    report = prove(engine, 60, only=("product",))
    (proof,) = report.proofs
    assert report.ok and not report.full
    assert (proof.width, proof.result) == ("4 x 4, acc 12", PROVED)
    assert proof.note == "4 x 4, acc 16 not finished in 60 s"


def test_nothing_that_finishes_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = decide(query(small("mac"), "tpe_prop_map", {"BWidth": 4}, {}), 60)
    monkeypatch.setattr("tpe.hdl.prove.decide", lambda *_: type(answer)(OPEN, "none", 1.0))
    report = prove(small("mac"), 60, only=("product",))
    assert not report.ok and results(report) == {"product": OPEN}


def test_cache_keeps_what_is_decided_and_knows_the_source() -> None:
    engine = small("opt1")
    first = prove(engine, 60, only=("map",)).proofs[0]
    again = prove(engine, 60, only=("map",)).proofs[0]
    assert (first.cached, again.cached) == (False, True)
    fault = broken("tpe_map", "+ Width'(neg)", "")
    assert prove(engine, 60, only=("map",), replaced=fault).proofs[0].result == REFUTED


def test_operands_with_zero_points() -> None:
    for mode in ("subtract", "offset"):
        types = {"a_type": "uint8", "b_type": "int8", "zero_points": mode}
        engine = Engine("mac", "matrix2d", "2x2", **types)
        assert prove(engine, 60, only=("operand a",)).ok
    fault = broken("tpe_operand", "{~x[InWidth-1]", "{x[InWidth-1]")
    assert not prove(engine, 60, only=("operand a",), replaced=fault).ok


def test_a_narrow_engine_keeps_its_own() -> None:
    engine = small("opt1")
    assert at_widths(engine, 3, 3, 8).widths.a == 3
    assert engine.widths.a == 4


def test_bad_input_is_named() -> None:
    with pytest.raises(TpeError, match=r"limit = 0 .* seconds from 1"):
        prove(small("mac"), 0)
    with pytest.raises(TpeError, match=r"unknown lemma 'produkt'.*did you mean 'product'"):
        prove(small("mac"), only=("produkt",))
    with pytest.raises(TpeError, match="unknown module"):
        prove(small("mac"), replaced={"tpe_nothing": ""})


def test_every_property_is_a_module_of_its_own_name() -> None:
    for name, path in properties().items():
        assert f"module {name} #(" in path.read_text()


def test_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from tpe.cli import app

    def only_map(engine: Engine, limit: float, **_: object) -> Report:
        return prove(engine, limit, only=("map", "encode"))

    monkeypatch.setattr("tpe.hdl.prove.prove", only_map)
    words = ["prove", "--pe", "mac", "-p", "a_type=int4", "--json", "-"]
    with pytest.raises(SystemExit) as end:
        app(words)
    assert end.value.code == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert found["ok"] and [p["lemma"] for p in found["proofs"]] == ["encode", "map"]
    assert "2 lemmas proved" in printed.err


def test_command_fails_with_a_counterexample(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tpe.cli import app

    fault = broken("tpe_map", "+ Width'(neg)", "")

    def faulty(engine: Engine, limit: float, **_: object) -> Report:
        return prove(engine, limit, only=("map",), replaced=fault)

    monkeypatch.setattr("tpe.hdl.prove.prove", faulty)
    with pytest.raises(SystemExit) as end:
        app(["prove", "--pe", "mac"])
    assert end.value.code == 1
    printed = capsys.readouterr().out
    assert "1 REFUTED" in printed and "counterexample" in printed and "digit_i = 0x" in printed


def test_command_refuses_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    from tpe.cli import app

    with pytest.raises(SystemExit) as end:
        app(["prove", "--pe", "mac", "--limit", "nan"])
    assert end.value.code == 2
    assert "limit = nan is not legal" in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("pe", ["mac", "opt1", "opt4c"])
def test_full_width(pe: str) -> None:
    report = prove(Engine(pe, "matrix2d", "4x4"))
    assert report.ok and report.full
