"""The emitted properties: they hold on every engine, tools take them, seeded faults break them."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tpe
from tpe.array.base import Handshake
from tpe.engine.finish import ChainInputs
from tpe.hdl import emit
from tpe.hdl.emit.package import emit_directory
from tpe.hdl.emit.sva import sva_modules
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.build import build, lint
from tpe.hdl.simulate.images import Case, images
from tpe.hdl.simulate.toolchain import verilator

KINDS = [
    ("mac", "os", {}),
    ("opt1", "matrix2d", {"overflow": "flag"}),
    ("opt4c", "matrix2d", {"relu": "on", "bias": "on"}),
    ("mac", "ws", {"requant": "tensor"}),
    ("mac", "cube3d", {"c0": "on", "overflow": "saturate", "gating": "clock"}),
]


@pytest.mark.parametrize(("pe", "array", "params"), KINDS, ids=lambda x: str(x))
def test_the_emitted_properties_lint_and_stay_out_of_the_rtl_list(pe, array, params, tmp_path):
    size = (2, 2, 2) if array == "cube3d" else (3, 2)
    engine = tpe.Engine(pe, array, size, **params)
    emit_directory(engine, tmp_path / "e", "mine")
    assert (tmp_path / "e" / "mine_sva.f").read_text() == "mine_sva.sv\n"
    assert "sva" not in (tmp_path / "e" / "mine.f").read_text()
    assert "mine_sva.sv" in (tmp_path / "e" / "mine.core").read_text()
    tool = verilator()
    done = subprocess.run(
        [
            tool.executable,
            "--lint-only",
            "-Wall",
            "--assert",
            "-f",
            "mine.f",
            "-f",
            "mine_sva.f",
            "--top-module",
            "mine",
        ],
        cwd=tmp_path / "e",
        env=tool.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_an_engine_without_the_ports_has_no_such_property():
    plain = sva_modules(tpe.Engine("mac", "os", (2, 2)))["tpe_sva"]
    assert "overflow" not in plain and "c_take" not in plain and "a_beats_pair" in plain
    sparse = sva_modules(tpe.Engine("opt4c", "matrix2d", (2, 2)))["tpe_sva"]
    assert "a_beats_pair" not in sparse and "a_last_ends_a_tile" in sparse
    assert "a_last_ends_a_tile" not in sva_modules(tpe.Engine("mac", "ws", (2, 2)))["tpe_sva"]


# ---- seeded faults: module, text, replacement, the property that must fire ----

FAULTS = [
    ("none", "tpe_post", "", "", ""),
    ("crowds", "tpe_post", "!valid_q || ready_i;", "1'b1;", "a_takes_where_there_is_room"),
    ("slips", "tpe_post", "if (take_o) begin", "if (valid_i) begin", "a_word_holds"),
    (
        "drops",
        "tpe_post",
        "if (ready_o) valid_q <= valid_i;",
        "valid_q <= take_o;",
        "a_word_waits",
    ),
    ("early", "tpe_drain", "RowWidth'(Rows - 1)", "RowWidth'(Rows - 2)", "a_last_ends_a_tile"),
    (
        "fades",
        "tpe_post",
        "else if (overflow_clear_i) overflow_q",
        "else overflow_q",
        "a_overflow_stays",
    ),
    (  # a word that the chain refuses raises the flag: it is told before it is there
        "foretells",
        "tpe_post",
        "if (take_o && |over) overflow_q",
        "if (valid_i && |over) overflow_q",
        "a_overflow_comes_with_a_word",
    ),
    ("alone", "tpe_systolic_os", "stream && en && b_valid_i", "stream && en", "a_beats_pair"),
    ("first", "tpe_post", "valid_q    <= 1'b0;", "valid_q    <= 1'b1;", "a_no_word_before_a_beat"),
]


ALONE = ("drops", "first")  # without addends, whose own properties would see these first


def faulty(number: int) -> tuple[tpe.Engine, dict[str, str]]:
    """An engine of its own for a fault, and its modules with the fault in place."""
    name, module, right, wrong, _ = FAULTS[number]
    bias = "off" if name in ALONE else "on"
    engine = tpe.Engine(
        "mac", "os", (3, 2), overflow="flag", acc_bits=16, bias=bias, requant_bits=16 + number
    )
    prefix = f"e{number}"
    modules = emit.rename(cosim._harnessed(engine, asserts=True), prefix)
    if right:
        place = module.replace("tpe_", f"{prefix}_", 1)
        assert right in modules[place], module
        modules[place] = modules[place].replace(right, wrong)
    if name == "alone":  # the source offers A and no B, which pairs them no more
        source = modules[f"{prefix}_source"]
        offer = "assign b_valid_o = offer_b_i && b_live;"
        assert offer in source
        late = "assign b_valid_o = offer_b_i && b_live && n_count_i[31:0] == 0;"
        modules[f"{prefix}_source"] = source.replace(offer, late)
    return engine, modules


def test_every_fault_is_seen_by_its_property():
    made = [faulty(i) for i in range(len(FAULTS))]
    engines = [engine for engine, _ in made]
    design = cosim.bench_design(engines, asserts=True)
    modules = dict(design.sources)
    for _, own in made:
        assert own.keys() <= modules.keys()
        modules |= own
    home = build(replace(design, sources=modules))
    rng = np.random.default_rng(4)
    a, b = rng.integers(-128, 128, (7, 12)), rng.integers(-128, 128, (12, 3))
    for number, (name, *_, fires) in enumerate(FAULTS):
        given = ChainInputs() if name in ALONE else ChainInputs(bias=np.array([9, -9, 20000]))
        hand, own = Handshake(busy=0x0F0F_3333), (a, b)
        if name == "foretells":  # the first word fits, the second does not and is refused
            hand = Handshake(busy=0x7FFF_FFFE)
            own = np.where(np.arange(7)[:, None] % 3 == 0, 0, np.full((7, 12), 127)), 0 * b + 127
        image = images(Case(engines[number], *own, hand, chain_inputs=given))
        with tempfile.TemporaryDirectory() as folder:
            memories = Path(folder) / "0"
            memories.mkdir()
            image.write(memories)
            job = [{"folder": str(memories), "sel": number, **image.settings}]
            if not fires:
                assert cosim.simulate(home, job, Path(folder))[0]["cycles"] > 0
                continue
            with pytest.raises(RuntimeError) as error:
                cosim.simulate(home, job, Path(folder))
        assert fires in str(error.value), (name, str(error.value)[-1500:])


def test_properties_change_nothing_of_the_rtl():
    engine = tpe.Engine("mac", "os", (2, 2), overflow="flag")
    modules = emit.engine_modules(engine)
    assert "tpe_sva" not in modules
    assert lint({**modules, **sva_modules(engine)}, "tpe_engine") == ""
