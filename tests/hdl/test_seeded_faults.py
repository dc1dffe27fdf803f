"""Faults that somebody might write, each seen by a case of the landing tier's simulations.

`docs/mutation.md` has the table. All engines stand in one simulator, each with modules of its own
and one text of one of them exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import tpe
from tests.contract import scale
from tests.contract.combos import LEGAL, engine, variants
from tests.contract.test_rtl import shapes, varied
from tests.engine import test_post
from tpe.hdl import emit
from tpe.hdl.emit.templates import template
from tpe.hdl.simulate import cosim
from tpe.hdl.simulate.build import QUICK, Design, build
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.sizes import SETTINGS

DOCUMENT = Path(__file__).parents[2] / "docs" / "mutation.md"


def combination(pe: str, array: str):
    return next(x for x in LEGAL if (x[0].name, x[1].name) == (pe, array))


def deep(pe, array):
    return list(scale.deep(*combination(pe, array)))


def odd(pe, array, drift):
    return [
        c for c in scale.odd_planes(*combination(pe, array)) if c.engine.params["drift"] == drift
    ]


def apart(pe, array):
    return list(scale.apart(engine(*combination(pe, array), (4, 4))))


def small(pe, array, size):
    return list(shapes(*combination(pe, array), [size]))


def variant(pe, array, **choice):
    name, value = next(iter(choice.items()))
    one = combination(pe, array)
    return [c for c in varied(*one, variants(*one)) if c.engine.params[name] == value]


def post(**choice):
    """The cases of the first engine of the finish chain's tests with these parameters."""
    for number, (pe, array, size, params) in enumerate(test_post.ENGINES):
        if all(params.get(name) == value for name, value in choice.items()):
            e = tpe.Engine(pe, array, size, **params)
            more = (*test_post.ties(e), *test_post.last_overflows(e))
            return [*test_post.cases_of(e, number), *more]
    raise AssertionError(choice)


PLAIN = {"relu": None}
# What the fault is: module, text, what stands there instead, the cases that see it, how.
FAULTS: dict[str, tuple[str, str, str, list[Case], str]] = {
    "flush counter of 5 bits": (
        "tile_ctrl",
        "CountWidth = $clog2(CountMax + 1);",
        "CountWidth = 5;",
        deep("mac", "systolic_os"),
        "value",
    ),
    "load address of B wraps at 64": (
        "matrix2d_indexed",
        "b_last_i ? '0 : load_index_q + 1'b1;",
        "b_last_i ? '0 : (load_index_q + 1'b1) & IndexWidth'(63);",
        deep("opt4c", "matrix2d"),
        "value",
    ),
    "flag rises with a word that is still refused": (
        "post",
        "if (take_o && |over)",
        "if (valid_i && |over)",
        post(overflow="flag", a_type="uint8"),
        "flag",
    ),
    "a shift of 0 makes ties": (
        "requant",
        "(rest == half) && (half != '0)",
        "(rest == half)",
        post(rounding="half_up", **PLAIN),
        "value",
    ),
    "half_away rounds odd negatives up": (
        "requant",
        "(tie && !negative)",
        "(tie && (!negative || floor_odd))",
        post(rounding="half_away", **PLAIN),
        "value",
    ),
    "A is accepted without B": (
        "matrix2d",
        "assign a_ready_o = stream && en && b_valid_i;",
        "assign a_ready_o = stream && en;",
        apart("mac", "matrix2d"),
        "value",
    ),
    "FIFO's pointer runs past a depth of 3": (
        "fifo",
        "if (push) write_q <= (write_q == Last) ? '0 : write_q + 1'b1;",
        "if (push) write_q <= write_q + 1'b1;",
        odd("opt4c", "matrix2d", 3),
        "value",
    ),
    "the last plane is the one with all bits set": (
        "matrix2d_indexed",
        "(plane_q == PlaneWidth'(NumDigits - 1))",
        "(&plane_q)",
        odd("opt4c", "matrix2d", 1),
        "cycles",
    ),
    "psum buffer's address of 5 bits": (
        "systolic_ws",
        ".write_addr_i(addr_line[Write+c]),",
        ".write_addr_i(addr_line[Write+c] & AddrWidth'(31)),",
        deep("mac", "systolic_ws"),
        "value",
    ),
    "the final adder stops at 24 bits": (
        "add",
        "assign resolved = sum_i + carry_i;",
        "assign resolved = InWidth'(24'(sum_i + carry_i));",
        deep("opt1", "systolic_os"),
        "value",
    ),
    "a word that the sink refuses is overwritten": (
        "drain",
        "assign en        = !(c_valid_q && !c_ready_i);",
        "assign en        = 1'b1;",
        small("mac", "matrix2d", (2, 2)),
        "deadlock",
    ),
    "every plane is closed as the last one": (
        "planes",
        "close_q <= final_o;",
        "close_q <= last_beat_i;",
        variant("opt2", "systolic_os", bw="time"),
        "value",
    ),
    "an empty first group does not clear the psum": (
        "sparse_row",
        "read_valid_q && (read_first_q || |read_code_q[f])",
        "read_valid_q && |read_code_q[f]",
        small("opt3", "matrix2d", (3, 1)),
        "value",
    ),
}


def faulty(engines: Sequence[tpe.Engine], words: int, *_: Any) -> Design:
    """One simulator of all engines, fault i in the modules of engine i and of no other."""
    modules: dict[str, str] = {}
    harnesses = []
    for i, (e, fault) in enumerate(zip(engines, FAULTS.values(), strict=True)):
        module, right, wrong, *_ = fault
        own = emit.rename(cosim._harnessed(e), f"f{i}")
        assert own[f"f{i}_{module}"].count(right) == 1, module
        own[f"f{i}_{module}"] = own[f"f{i}_{module}"].replace(right, wrong)
        modules |= own
        parameters = cosim.harness_parameters(e, words)
        harnesses.append(
            {"module": f"f{i}_harness", "parameters": parameters, "settings": SETTINGS}
        )
    modules["tpe_bench"] = template("bench.sv.j2", harnesses=harnesses, settings=SETTINGS)
    return Design(modules, "tpe_bench", compiler=QUICK)


def seen(outcome: cosim.Outcome) -> set[str]:
    """How an outcome differs from the model."""
    signs = {
        "deadlock": bool(outcome.deadlock),
        "value": outcome.mismatches > 0,
        "cycles": outcome.cycles_rtl != outcome.cycles_model and not outcome.deadlock,
        "flag": outcome.flags_wrong > 0,
    }
    return {name for name, sign in signs.items() if sign}


@pytest.fixture(scope="module")
def kills() -> dict[str, set[str]]:
    """Fault -> how its cases saw it."""
    cases, owner = [], []
    for name, (*_, own, _) in FAULTS.items():
        e = own[0].engine  # one engine a fault: cases of equal engines are put on it
        own = [replace(c, engine=e) for c in own if c.engine.params == e.params]
        cases += own
        owner += [name] * len(own)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cosim, "bench_design", faulty)
        patch.setattr(cosim, "build", build)
        patch.setattr(cosim, "ENGINES", len(FAULTS))  # one simulator: `faulty` counts its engines
        outcomes = cosim.cosimulate(cases)
    found: dict[str, set[str]] = {name: set() for name in FAULTS}
    for name, outcome in zip(owner, outcomes, strict=True):
        assert outcome.ok == (not seen(outcome))
        found[name] |= seen(outcome)
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_seen(fault, kills):
    assert FAULTS[fault][-1] in kills[fault], kills[fault]


def test_the_table_lists_them():
    text = DOCUMENT.read_text()
    for name, (module, *_) in FAULTS.items():
        assert f"| {name} | `tpe_{module}` |" in text
