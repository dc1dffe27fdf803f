"""`reset`: registers of everything emitted are reset at once, or at the clock's edge."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import tpe
from tests.contract.combos import WITH_RTL, combo_id, engine
from tpe.base.errors import TpeError
from tpe.cli.main import app
from tpe.hdl import emit
from tpe.hdl.emit import resets, sources
from tpe.hdl.emit.package import default_prefix, emit_directory, package_texts
from tpe.hdl.emit.sva import sva_modules
from tpe.hdl.simulate.build import QUICK, Design, build, lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.slang import check
from tpe.hdl.simulate.verify import STALLS
from tpe.testing.cases import operands

KINDS: list[tuple[str, str, tuple[int, ...], dict[str, Any]]] = [
    ("mac", "os", (2, 3), {"stages": 2, "overflow": "flag", "bias": "on"}),
    ("mac", "ws", (3, 2), {"zero_points": "subtract", "a_type": "uint8", "overlap": "load"}),
    ("opt4c", "matrix2d", (2, 2), {"depth": 16, "requant": "column", "drift": 2}),
    ("laconic", "matrix2d", (2, 2), {"gating": "clock"}),
    ("mac", "matrix2d", (2, 2), {"stages": 3, "gating": "clock"}),
    ("stripes", "matrix2d", (2, 2), {"gating": "clock"}),  # a register is reset to one
]
kinds = pytest.mark.parametrize(("pe", "array", "size", "params"), KINDS, ids=lambda x: str(x))


# ---- the rewriting ----


def test_a_register_keeps_all_but_the_edge_of_its_reset() -> None:
    for name in sources.modules():
        text = sources.text(name)
        new = resets.rewritten({name: text}, "sync")[name]
        assert new == text.replace(" or negedge rst_ni", "")
        assert resets.asynchronous(new) == []
        assert len(resets.asynchronous(text)) == text.count("negedge rst_ni")
        assert resets.rewritten({name: text}, "async") == {name: text}


FORMS = {
    "always @(posedge c, negedge r) if (~r) q <= 0;": "always @(posedge c) if (~r) q <= 0;",
    "always @( posedge r or posedge c )\n begin : b\n if (r)": (
        "always @(posedge c)\n begin : b\n if (r)"
    ),
    "always_ff @(negedge c or negedge r) begin if(!r)": "always_ff @(negedge c) begin if(!r)",
    "always_ff @(negedge c) q <= d;": "always_ff @(negedge c) q <= d;",
    "// @(posedge c or negedge r)": "// @(posedge c or negedge r)",
}


@pytest.mark.parametrize("text", FORMS)
def test_forms_of_other_hands(text: str) -> None:
    assert resets.rewritten({"m": text}, "sync")["m"] == FORMS[text]


LEFT = (
    "always @(posedge c or negedge r) q <= d;",
    "always @(posedge c or negedge r or negedge s) if (!r) q <= 0;",
    "always @(posedge c or negedge r) if (!r && e) q <= 0;",
)


@pytest.mark.parametrize("text", LEFT)
def test_what_cannot_be_rewritten_is_refused_never_left(text: str) -> None:
    with pytest.raises(TpeError) as error:
        resets.rewritten({"tpe_x": text}, "sync")
    assert str(error.value).startswith("tpe_x: no synchronous reset can be made of @(")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("wrong", ["", "asynchronous", "none", "1"])
def test_another_reset_is_one_line(wrong: str, tmp_path: Path) -> None:
    one = tpe.Engine("mac", "os", (1, 1))
    for call in (
        lambda: tpe.emit(one, tmp_path / "e", reset=wrong),
        lambda: emit.engine_modules(one, wrong),
        lambda: tpe.verify(one, reset=wrong),
    ):
        with pytest.raises(TpeError, match=r"^unknown reset .*legal: async, sync$"):
            call()
    for command in ("emit", "verify"):
        done = CliRunner().invoke(app, [command, "--size", "1x1", "--reset", wrong or "x"])
        assert done.exit_code == 2 and len(done.output.strip().splitlines()) == 1, done.output


# ---- what is emitted ----


def test_the_default_is_asynchronous() -> None:
    one = tpe.Engine("mac", "os", (2, 2))
    assert package_texts(one, "mine") == package_texts(one, "mine", reset="async")
    assert emit.engine_modules(one) == emit.engine_modules(one, "async")
    assert default_prefix(one) == "tpe_mac_systolic_os_2x2"
    assert default_prefix(one, "sync") == "tpe_mac_systolic_os_2x2_sync"


@pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
def test_no_list_of_events_holds_a_reset(combo: Any) -> None:
    for gating in ("none", "clock"):
        one = engine(*combo, (2, 2), gating=gating)
        modules = {**emit.engine_modules(one, "sync"), **sva_modules(one, reset="sync")}
        assert not [name for name, text in modules.items() if resets.asynchronous(text)]
        assert not [name for name, text in modules.items() if "negedge rst_ni" in text]


@kinds
def test_everything_emitted_lints_and_says_so(
    pe: str, array: str, size: tuple[int, ...], params: dict[str, Any]
) -> None:
    one = tpe.Engine(pe, array, size, **params)
    texts = package_texts(one, "mine", reset="sync")
    rtl = {n.removesuffix(".sv"): texts[n] for n in texts["mine.f"].split()}
    axis = {n.removesuffix(".sv"): texts[n] for n in texts["mine_axis.f"].split()}
    assert lint({**rtl, **axis}, "mine_axis") == ""
    own = {**emit.engine_modules(one, "sync"), **sva_modules(one, reset="sync")}
    assert str(check(own, "tpe_engine")) == ""
    every = {name: text for name, text in texts.items() if name.endswith(".sv")}
    assert not [name for name, text in every.items() if resets.asynchronous(text)]
    assert "reset = sync" in texts["mine.sv"]
    readme, sdc = texts["README.md"], texts["mine.sdc"]
    assert "| `reset` | sync |" in readme and "| reset, synchronous, active low |" in readme
    assert "asynchronous" not in readme + sdc and "set_false_path" not in sdc
    assert sdc.count("[get_ports rst_ni]") >= 3


def test_a_gated_clock_runs_in_reset() -> None:
    gated = tpe.Engine("mac", "os", (1, 1), gating="clock", stages=2)
    assert ".en_i (!rst_ni || (en_i && live))" in emit.engine_modules(gated, "sync")["tpe_cell"]
    assert ".en_i (en_i && live)" in emit.engine_modules(gated)["tpe_cell"]


@kinds
def test_values_and_cycles_are_the_models(
    pe: str, array: str, size: tuple[int, ...], params: dict[str, Any]
) -> None:
    one = tpe.Engine(pe, array, size, **params)
    k = 1 if one.chain.narrow else 9
    cases = [
        Case(one, *operands(one, 5, 4, k, seed=s), chain_inputs=_drawn(one, s)) for s in (1, 2)
    ]
    cases.append(
        Case(one, *operands(one, 3, 2, k, seed=3), STALLS, chain_inputs=_drawn(one, 3, 3, 2))
    )
    for outcome in cosimulate(cases, asserts=True, reset="sync"):
        assert outcome.ok, outcome.first_mismatch()


def _drawn(one: Any, seed: int, m: int = 5, n: int = 4) -> Any:
    return emit.finish.drawn(one, np.random.Generator(np.random.Philox(seed)), m, n)


def test_the_smoke_bench_passes_beside_the_properties(tmp_path: Path) -> None:
    one = tpe.Engine("mac", "ws", (2, 2), gating="clock", stages=2)
    home = tmp_path / "e"
    emit_directory(one, home, "mine", reset="sync")
    names = [n for f in ("", "_sva", "_smoke") for n in (home / f"mine{f}.f").read_text().split()]
    texts = {name.removesuffix(".sv"): (home / name).read_text() for name in names}
    program = build(Design(texts, "mine_smoke", ("--assert",), False, QUICK)) / "mine_smoke"
    done = subprocess.run([program], cwd=home, env={}, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "PASS" in done.stdout, done.stdout


RESET_TB = """
module tb;
  logic clk = 1'b0, rst_n = 1'b1;
  always #2 clk = !clk;
  logic [7:0] a = '0, b = '0;
  logic a_ready, b_ready, c_valid, c_last, fell = 1'b0;
  logic [31:0] c;
  tpe_engine u_dut (.clk_i(clk), .rst_ni(rst_n), .a_valid_i(1'b1), .a_ready_o(a_ready),
                    .a_last_i(1'b1), .a_i(a), .b_valid_i(1'b1), .b_ready_o(b_ready), .b_i(b),
                    .c_valid_o(c_valid), .c_ready_i(1'b0), .c_last_o(c_last), .c_o(c));
  initial begin
    rst_n = 1'b0;
    repeat (2) @(posedge clk);
    #1 rst_n = 1'b1;
    while (!c_valid) @(posedge clk);
    #1 rst_n = 1'b0;
    #1 fell = !c_valid;  // between two edges
    repeat (2) @(posedge clk);
    #1 $display("fell %0d, then %0d", fell, c_valid);
    $finish;
  end
endmodule
"""


@pytest.mark.parametrize(("reset", "fell"), [("async", 1), ("sync", 0)])
def test_two_edges_reset_an_engine_and_sync_waits_for_one(reset: str, fell: int) -> None:
    modules = emit.engine_modules(tpe.Engine("mac", "os", (1, 1)), reset)
    design = Design({**modules, "tb": RESET_TB}, "tb", (), False, QUICK)
    done = subprocess.run([build(design) / "tb"], capture_output=True, text=True, check=False)
    assert f"fell {fell}, then 0" in done.stdout.splitlines()


@pytest.mark.full
@pytest.mark.parametrize("combo", WITH_RTL, ids=combo_id)
def test_every_combination_agrees(combo: Any) -> None:
    one = engine(*combo, (2, 3))
    for outcome in tpe.verify(one, reset="sync").outcomes:
        assert outcome.ok, outcome.first_mismatch()


def test_the_command_line_takes_it_and_says_it(tmp_path: Path) -> None:
    words = ["emit", "--pe", "opt1", "--size", "1x1", "--reset", "SYNC", "-o", str(tmp_path / "e")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "--reset sync" in done.output, done.output
    assert "tpe_opt1_matrix2d_1x1_sync" in done.output
    words = ["emit", "--pe", "opt1", "--size", "1x1", "-o", str(tmp_path / "f")]
    assert "--reset" not in CliRunner().invoke(app, words).output
