"""`tpe prove`: lemmas hold for the modules as they are, and every seeded fault is found."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tpe.base.errors import TpeError
from tpe.hdl.emit import sources
from tpe.hdl.formal.array_lemmas import uncovered_arrays
from tpe.hdl.formal.cell_lemmas import claims, uncovered
from tpe.hdl.formal.lemmas import at_widths, properties, query
from tpe.hdl.formal.prove import ProofReport, lemmas, prove
from tpe.hdl.formal.solve import OPEN, PROVED, REFUTED, Query, decide
from tpe.model.engine import Engine

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


def results(report: ProofReport) -> dict[str, str]:
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


STEPPED = ("product", "accumulate", "pace", "over", "hold", "valid", "finish", "cell")


@pytest.mark.parametrize(
    "pe", [pytest.param("stripes", marks=pytest.mark.full), "laconic", "bitlet"]
)
def test_cell_whose_steps_take_several_cycles(pe: str) -> None:
    report = prove(small(pe, lanes=2), 60, only=STEPPED)
    assert report.ok and report.full
    assert results(report) == dict.fromkeys(STEPPED, PROVED)


def test_cell_with_its_bit_weights_in_time() -> None:
    engine = small("opt2", bw="time", lanes=2)
    names = ("product, lane 0", "product, lane 1", "fold", "clear", "hold and valid", "finish")
    report = prove(engine, 60, only=(*names, "accumulate"))
    assert report.ok and set(results(report)) == {*names, "accumulate"}


@pytest.mark.parametrize("encoder", ["booth", "ent"])
def test_cell_fed_with_digits(encoder: str) -> None:
    engine = small("opt1", encode_in="edge", encoder=encoder)
    names = ("product", "product by digits", "accumulate", "encode_row", "cell")
    report = prove(engine, 60, only=names)
    assert report.ok and report.full and set(results(report)) == set(names)
    assert report.proofs[0].width == f"4 as {6 if encoder == 'booth' else 5} bits x 4, acc 16"


def test_every_operand_has_a_word_of_digits_that_the_proofs_speak_of() -> None:
    """What they assume of the words that are offered shuts no operand out."""
    from tpe.hdl.formal.solve import _decide

    text = """
`default_nettype none
module tpe_prop_legal (
    input  wire  logic [4:0]   code_i,
    output       logic         fails_o
);
  logic              legal;
  logic [7:0]        digit;
  logic signed [6:0] value;
  tpe_spec_code #(.AWidth(4), .CodeWidth(5), .Form(3)) u_code (
      .code_i, .legal_o(legal), .digit_o(digit), .value_o(value)
  );
  assign fails_o = legal && value == OPERAND;
endmodule
"""
    given = {name: properties()[name].read_text() for name in ("tpe_spec_code", "tpe_spec_digit")}
    for a in (-8, -7, -1, 0, 1, 6, 7):
        fixed = text.replace("OPERAND", str(a))
        asked = Query("tpe_prop_legal", {"tpe_prop_legal": fixed, **given}, 1, "any")
        assert _decide(asked, 60).result == REFUTED, f"no word stands for {a}"


@pytest.mark.full  # about a minute each; of every kind of array the landing tier refutes faults
@pytest.mark.parametrize(
    ("pe", "array", "parameters"),
    [
        ("opt4c", "matrix2d", {}),
        ("laconic", "matrix2d", {}),
        ("opt2", "matrix2d", {"bw": "time"}),
        ("mac", "systolic_os", {"encode_in": "stored", "encoder": "ent"}),
        ("mac", "systolic_os", {"overlap": "stream"}),
        ("opt1", "systolic_os", {"overlap": "drain"}),
        ("opt1", "matrix2d", {"overlap": "stream"}),
        ("mac", "systolic_ws", {}),
        ("opt1", "systolic_ws", {"overlap": "load"}),
        ("mac", "systolic_ws", {"lanes": 4}),
        ("mac", "systolic_ws", {"overlap": "stream"}),
        ("opt2", "systolic_ws", {}),
        ("opt2", "systolic_os", {"bw": "time"}),
        ("opt3", "matrix2d", {}),
        ("opt4c", "matrix2d", {"overlap": "load"}),
        ("opt4c", "matrix2d", {"drift": 1}),
    ],
)
def test_arrays_from_end_to_end(pe: str, array: str, parameters: dict[str, object]) -> None:
    report = prove(Engine(pe, array, "2x2", **NARROW, **parameters), 60, only=("array",))
    assert report.ok, report.proofs


def test_every_combination_is_covered() -> None:
    """Each legal combination of PE and array has lemmas on its cell and its streams."""
    from tpe import array as arrays
    from tpe import pe as pes

    found = 0
    for name in pes.of_integers():
        for array in arrays.names() if pes.get(name).rtl else ():
            size = "2x2x2" if array == "cube3d" else "2x2"
            try:
                engine = Engine(name, array, size)
            except TpeError:
                continue
            found += 1
            assert "cell" in lemmas(engine) and not uncovered(engine)
            # Four fronts to a cell are too many to follow, which the output says.
            assert ("array" in lemmas(engine)) == (name != "opt4e")
            assert len(uncovered_arrays(engine)) == (name == "opt4e")
    assert found == 24


def test_a_cell_that_does_not_say_how_long_a_step_takes_is_not_covered() -> None:
    engine = small("bitlet")
    pace = replace(engine.pe.pace, longest=None)
    vars(engine)["pe"] = replace(engine.pe, pace=pace)
    (line,) = uncovered(engine)
    assert line == "cell of bitlet: its record does not say how many cycles a step takes at most"
    assert "cell" not in lemmas(engine)


TWO = {"lanes": 2}
TIME = {"bw": "time", "lanes": 2}
STORED, EDGE = ({"encode_in": where, "encoder": "ent"} for where in ("stored", "edge"))
LOAD, STREAM = ({"overlap": what} for what in ("load", "stream"))
# lemma, module, what stands there, the fault, the PE and its parameters
FAULTS = [
    ("product", "tpe_map", "b_i, 1'b0}", "b_i, 1'b1}", "mac", {}),
    ("product", "tpe_encode_ent", "t == 3'd2", "t == 3'd1", "opt1", {"encoder": "ent"}),
    ("product by digits", "tpe_shift", "extended << Amount", "extended << 0", "opt1", {}),
    ("encode", "tpe_encode_booth", "high & ~(mid & low)", "high", "opt1", {}),  # -0
    ("map", "tpe_map", "+ Width'(neg)", "", "mac", {}),
    ("accumulate", "tpe_pe_opt1", "first ? '0 : psum_i", "'0", "opt1", {}),
    ("accumulate", "tpe_half_reduce", "majority << 1", "majority", "opt1", {}),
    ("clear", "tpe_pe_opt1", "first ? '0 : psum_i", "psum_i", "opt1", {}),
    ("clear", "tpe_pe_mac", "first[Stages-1] ? '0", "first[0] ? '0", "mac", {"stages": 2}),
    ("hold", "tpe_pe_opt1", "run && (valid", "(valid", "opt1", {}),
    ("valid", "tpe_pe_opt1", "run && (valid || !Held)", "run", "opt1", {}),
    ("finish", "tpe_add", "sum_i + carry_i", "sum_i ^ carry_i", "opt1", {}),
    ("finish", "tpe_shift_plane", "{plane_i, 1'b0}", "plane_i", "opt4c", {}),
    ("sparse", "tpe_sparse", "(nonzero_i - 1'b1)", "(nonzero_i - 2'd2)", "opt4c", {}),
    ("cell", "tpe_pe_mac", "if (run) word_s", "word_s", "mac", {"stages": 2}),
    ("tile control", "tpe_tile_ctrl", "Rows - 1)) state_d", "Rows - 2)) state_d", "mac", {}),
    ("tile control", "tpe_tile_ctrl", "first_q <= last_beat_i", "first_q <= 1'b0", "mac", {}),
    ("drain", "tpe_drain", "!(c_valid_q && !c_ready_i)", "1'b1", "mac", {}),
    ("drain", "tpe_drain", "en_col[c] && word_valid", "en_col[c]", "opt1", {}),
    ("tile control", "tpe_tile_ctrl", "Wait - (Rows - 1)", "Wait", "mac", STREAM),
    ("tile control", "tpe_tile_ctrl", "Wait - GapCycles", "Wait", "mac", {"overlap": "drain"}),
    ("drain", "tpe_drain", "shift_q} >> RowBits", "shift_q}", "mac", STREAM),
    ("array", "tpe_matrix2d", "room || !a_last_i", "1'b1 || !a_last_i", "mac", STREAM),
    ("array", "tpe_matrix2d", "valid_q <= beat", "valid_q <= stream && a_valid_i", "mac", {}),
    ("array", "tpe_matrix2d", "stream && en && a_valid_i", "stream && en", "mac", {}),
    ("front", "tpe_front_lane", "!busy_q || done", "1'b1", "opt4c", {}),
    ("front", "tpe_front_lane", "busy_q <= accept ||", "busy_q <=", "opt4c", {}),
    # steps of several cycles
    ("product", "tpe_pe_stripes", "start_s ? -sum_wide", "first_s ? -sum_wide", "stripes", TWO),
    ("accumulate by bits", "tpe_pe_stripes", "<< 1) + sum", "<< 1) - sum", "stripes", TWO),
    ("pace", "tpe_pe_stripes", "bit_now - 1'b1", "bit_now", "stripes", TWO),
    ("over", "tpe_pe_bitlet", "rest_q <= rest", "rest_q <= now", "bitlet", TWO),
    (
        "accumulate",
        "tpe_pe_laconic",
        "one_hot[l][e] && minus_s[l]",
        "one_hot[l][e]",
        "laconic",
        TWO,
    ),
    ("hold", "tpe_pe_laconic", "en_i && valid_i) a_q", "valid_i) a_q", "laconic", TWO),
    ("valid", "tpe_pe_bitlet", "if (en_i && valid_s) psum_q", "if (en_i) psum_q", "bitlet", TWO),
    ("cell", "tpe_pe_laconic", "en_i && valid_i) a_q", "valid_i) a_q", "laconic", TWO),
    ("array", "tpe_matrix2d_stepped", "!(&ready)", "!(|ready)", "bitlet", {}),
    # bit weights in time
    ("product, lane 1", "tpe_pe_opt2_time", "plane_i == Pl", "plane_q == Pl", "opt2", TIME),
    ("accumulate", "tpe_pe_opt2_time", "!first_i && (plane_i", "(plane_i", "opt2", TIME),
    ("fold", "tpe_pe_opt2_time", "valid_i && !same", "valid_i", "opt2", TIME),
    ("clear", "tpe_pe_opt2_time", "total_sum   <= first_i ? '0 :", "total_sum <=", "opt2", TIME),
    (
        "hold and valid",
        "tpe_pe_opt2_time",
        "if (en_i && valid_i) begin",
        "if (en_i) begin",
        "opt2",
        TIME,
    ),
    ("finish", "tpe_finish_total", "psum_i[AccWidth+:", "psum_i[2*AccWidth+:", "opt2", TIME),
    ("array", "tpe_planes", "close_q <= final_o", "close_q <= 1'b0", "opt2", TIME),
    # operands as digits
    ("product", "tpe_unpack", "sign ^ (high & low)", "sign", "opt1", STORED),
    ("product by digits", "tpe_unpack", "high & ~low, low", "high, low", "opt1", STORED),
    ("encode_row", "tpe_encode_row", "one & (neg ^ sign)", "one & neg", "opt1", EDGE),
    # arrays of sparse PEs
    (
        "array",
        "tpe_sparse_row",
        "read_valid_q && (read_first_q || |read_code_q[f])",
        "read_valid_q && |read_code_q[f]",
        "opt4c",
        {},
    ),
    ("array", "tpe_matrix2d_indexed", "loaded_q || !load_i", "1'b1", "opt4c", {}),
    ("row", "tpe_sparse_row", "en_front, en} = ~waits_q", "en_front, en} = '1", "opt4c", {}),
    ("row", "tpe_sparse_row", "(!full_q || slot_i)", "!full_q", "opt4c", {}),
    ("row", "tpe_sparse_row", "whole_q <= last_q", "whole_q <= last_q && !slot_i", "opt4e", {}),
    ("row", "tpe_sparse_row", "~{(Cols + 2){slot_next_i}}", "'1", "opt4c", {}),
    ("row", "tpe_sparse_row", "(full_q && !take_i));", "1'b0);", "opt4c", {}),
    (
        "array",
        "tpe_sparse_drain",
        "now_d ? drain_row_d : turn_next_i",
        "turn_next_i",
        "opt4c",
        {},
    ),
    ("row", "tpe_front_lane", "!busy_q || done", "1'b1", "opt3", {}),
]
MORE_FAULTS = [  # lemma array: module, what stands there, the fault, PE, array, parameters
    ("tpe_matrix2d_stepped", "if (!hold) valid_q", "valid_q", "laconic", "matrix2d", {}),
    ("tpe_matrix2d", "first && !close", "first", "opt2", "matrix2d", TIME),
    ("tpe_ws_column", "en_i && write_i", "write_i && take_i", "mac", "systolic_ws", {}),
    ("tpe_ws_weights", "<= shift_q[r-1]", "<= b_i", "mac", "systolic_ws", {}),
    ("tpe_systolic_ws", "r == 0 && clear_line[c+1]", "clear_line[c+1]", "opt1", "systolic_ws", {}),
    ("tpe_matrix2d_indexed", "clear_i && next_fresh", "clear_i", "opt4c", "matrix2d", {}),
    ("tpe_matrix2d_indexed", "bank = !bank_q", "bank = bank_q", "opt4c", "matrix2d", LOAD),
]
HARMLESS = [("drain", "tpe_drain", "en_col[c] && word_valid", "en_col[c]", "opt1", {})]


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


@pytest.mark.full
@pytest.mark.parametrize(("module", "old", "new", "pe", "array", "parameters"), MORE_FAULTS)
def test_fault_of_an_array_is_refuted(
    module: str, old: str, new: str, pe: str, array: str, parameters: dict[str, object]
) -> None:
    engine = Engine(pe, array, "2x2", **NARROW, **parameters)
    report = prove(engine, 60, only=("array",), replaced=broken(module, old, new))
    assert results(report) == {"array": REFUTED}
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

    monkeypatch.setattr("tpe.hdl.formal.prove.decide", slow)
    report = prove(engine, 60, only=("product",))
    (proof,) = report.proofs
    assert report.ok and not report.full
    assert (proof.width, proof.result) == ("4 x 4, acc 12", PROVED)
    assert proof.note == "4 x 4, acc 16 not finished in 60 s"


def test_nothing_that_finishes_is_not_ok(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = decide(query(small("mac"), "tpe_prop_map", {"BWidth": 4}, {}), 60)
    monkeypatch.setattr("tpe.hdl.formal.prove.decide", lambda *_: type(answer)(OPEN, "none", 1.0))
    report = prove(small("mac"), 60, only=("product",))
    assert not report.ok and results(report) == {"product": OPEN}


@pytest.mark.parametrize(
    "next_value",
    [
        "clear_i ? 1'b0 : held",  # were it 0 at first, it would be 0 for ever
        "held",
        "held & ~clear_i",
        "held | clear_i",
    ],
)
def test_a_register_that_starts_as_anything_is_no_choice_of_the_tools(next_value: str) -> None:
    """That it is 0, that it is 1, and that it differs from itself a cycle later but for clear_i."""
    for claimed, answer in (
        ("held", REFUTED),
        ("!held", REFUTED),
        ("seen_q && !clear_q && held != held_q", PROVED),
    ):
        text = f"""
        module tpe_prop_own (input wire logic clk_i, clear_i, output logic fails_o);
          logic held, held_q, clear_q;
          logic seen_q = 1'b0;
          always_ff @(posedge clk_i) begin
            held    <= {next_value};
            held_q  <= held;
            clear_q <= clear_i;
            seen_q  <= 1'b1;
          end
          assign fails_o = {claimed};
        endmodule
        """
        asked = Query("tpe_prop_own", {"tpe_prop_own": text}, 2, "any")
        assert decide(asked, 10).result == answer, claimed


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
    from tpe.cli.main import app

    def only_map(engine: Engine, limit: float, **_: object) -> ProofReport:
        return prove(engine, limit, only=("map", "encode"))

    monkeypatch.setattr("tpe.hdl.formal.prove.prove", only_map)
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
    from tpe.cli.main import app

    fault = broken("tpe_map", "+ Width'(neg)", "")

    def faulty(engine: Engine, limit: float, **_: object) -> ProofReport:
        return prove(engine, limit, only=("map",), replaced=fault)

    monkeypatch.setattr("tpe.hdl.formal.prove.prove", faulty)
    with pytest.raises(SystemExit) as end:
        app(["prove", "--pe", "mac"])
    assert end.value.code == 1
    printed = capsys.readouterr().out
    assert "1 REFUTED" in printed and "counterexample" in printed and "digit_i = 0x" in printed


def test_command_refuses_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    from tpe.cli.main import app

    with pytest.raises(SystemExit) as end:
        app(["prove", "--pe", "mac", "--limit", "nan"])
    assert end.value.code == 2
    assert "limit = nan is not legal" in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("pe", ["mac", "opt1", "opt4c"])
def test_full_width(pe: str) -> None:
    report = prove(Engine(pe, "matrix2d", "4x4"))
    assert report.ok and report.full


def chained(rounding: str, **parameters: object) -> Engine:
    """A MAC with a finish chain."""
    return Engine("mac", "matrix2d", "2x2", requant="tensor", rounding=rounding, **parameters)


CHAINS = [
    chained("half_up", overflow="flag", relu="on"),
    chained("half_even", overflow="saturate", out_type="uint8"),
    chained("half_away", overflow="saturate", guard_bits=1),
]


@pytest.mark.parametrize("engine", CHAINS, ids=lambda e: e.params["rounding"])
def test_finish_chain_narrows_and_rounds(engine: Engine) -> None:
    report = prove(engine, 60, only=("narrow", "requant"))
    assert results(report) == {"narrow": PROVED, "requant": PROVED}
    assert any("finish chain" in line for line in report.uncovered)


@pytest.mark.parametrize(
    ("lemma", "module", "old", "new", "engine"),
    [
        ("requant", "tpe_requant", "(rest > half) || tie;", "(rest > half);", CHAINS[0]),
        ("requant", "tpe_requant", "(tie && floor_odd)", "tie", CHAINS[1]),
        ("requant", "tpe_requant", "(tie && !negative)", "tie", CHAINS[2]),
        ("requant", "tpe_requant", "Relu == 1 && rounded", "Relu == 2 && rounded", CHAINS[0]),
        ("narrow", "tpe_narrow", "(|top) && !(&top)", "|top", CHAINS[1]),
        ("narrow", "tpe_narrow", "{negative, {(SumWidth", "{!negative, {(SumWidth", CHAINS[2]),
    ],
)
def test_fault_of_the_finish_chain_is_refuted(
    lemma: str, module: str, old: str, new: str, engine: Engine
) -> None:
    report = prove(engine, 60, only=(lemma,), replaced=broken(module, old, new))
    assert results(report) == {lemma: REFUTED}


def test_a_stopped_clock_is_not_what_lemmas_speak_of() -> None:
    report = prove(small("mac", gating="clock"), 60, only=("encode",))
    assert any("gating" in line for line in report.uncovered)


def test_the_flags_of_bitlet_are_its_lanes() -> None:
    engine = Engine("bitlet", "matrix2d", "2x2", **NARROW, lanes=3)
    (proof,) = prove(engine, 60, only=("sparse",)).proofs
    assert (proof.result, proof.width) == (PROVED, "3 flags")
