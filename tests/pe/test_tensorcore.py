"""Tensor cores as engines: one C in every array, cycles of dense PEs, sums in parts, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tpe
from tests.numbers.slow_tensor_core import dot
from tpe.array.base import Handshake
from tpe.testing.cases import fitted

ARRAYS = {"systolic_ws": (3, 2), "systolic_os": (2, 3), "matrix2d": (2, 2), "adder_tree": (1, 3)}
ARRAYS["cube3d"] = (2, 2, 1)
CHOICES: list[dict[str, Any]] = [
    {},
    {"arch": "volta"},
    {"arch": "ampere", "a_type": "tf32"},
    {"arch": "ada", "a_type": "e5m2", "b_type": "e4m3fn"},
    {"arch": "ada", "a_type": "e4m3fn", "acc_bits": 16},
    {"a_type": "e4m3fn", "promote_every": 64},
    {"arch": "blackwell", "a_type": "e4m3fn", "c_add": "late"},
    {"arch": "blackwell", "a_type": "e2m3", "b_type": "e2m1", "split_k": 3},
    {"arch": "ampere", "a_type": "bf16", "c_add": "none", "promote_every": 8},
]
every_choice = pytest.mark.parametrize("choice", CHOICES, ids=str)


def engine(array: str, choice: dict[str, Any], **more: Any) -> tpe.Engine:
    record = tpe.Engine("mac", array).array
    size = fitted(tpe.Engine("tensorcore").record, record, ARRAYS[array], choice)
    return tpe.Engine("tensorcore", array, size, **choice, **more)


def operands(e: tpe.Engine, m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return e.a_format.drawn(rng, (m, k)), e.b_format.drawn(rng, (k, n))


def by_hand(e: tpe.Engine, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Words of C by Python's integers, k ascending."""
    p, k, lanes = e.params, a.shape[1], e.lanes
    every = p["promote_every"]
    if p["split_k"] > 1:  # parts as even as whole steps are
        every = -(-k // (p["split_k"] * lanes)) * lanes
    names, out = (p["a_type"], p["b_type"]), "fp16" if p["acc_bits"] == 16 else "fp32"
    c_add = "fused" if p["c_add"] == "none" else p["c_add"]  # promoted after each step
    codes = e.a_format.codes(a), e.b_format.codes(b).T
    own = (names, p["arch"], out)
    how = {"c_add": c_add, "promote_every": every}
    return np.array(
        [[dot(x.tolist(), y.tolist(), *own, **how) for y in codes[1]] for x in codes[0]]
    )


@every_choice
@pytest.mark.parametrize("k", [1, 33, 150])
def test_c_is_the_rule_in_every_array(choice, k):
    first = engine("matrix2d", choice)
    a, b = operands(first, 4, 5, k)
    expected = first.arithmetic.result.values(by_hand(first, a, b))
    for array in ARRAYS:
        for values in ("fast", "bits"):
            c = engine(array, choice).run(a, b, values=values).C
            assert np.array_equal(c, expected, equal_nan=True), f"{array}, {values}"
    turned = engine("matrix2d", choice, encode="weights").run(a, b, values="bits").C
    assert np.array_equal(turned, expected, equal_nan=True)


@pytest.mark.parametrize("array", ARRAYS)
def test_cycles_are_those_of_a_dense_pe_with_as_many_lanes(array):
    for choice in CHOICES:
        e = engine(array, choice)
        lanes = {} if array in ("adder_tree", "cube3d") else {"lanes": e.lanes}
        other = tpe.Engine("mac", array, e.size, **lanes)
        for m, n, k in ((1, 1, 1), (5, 4, 33), (3, 7, 100)):
            a, b = np.ones((m, k)), np.ones((k, n))
            ours, dense = e.run(a, b), other.run(a.astype(int), b.astype(int))
            assert ours.cycles == dense.cycles and ours.terms == dense.terms
            busy = Handshake(idle=0b1011, busy=0b110)
            stalled = other.run(a.astype(int), b.astype(int), handshake=busy).cycles
            assert e.run(a, b, handshake=busy).cycles == stalled


def test_c_does_not_depend_on_size():
    e = tpe.Engine("tensorcore", "systolic_ws", (1, 1), arch="ampere", a_type="bf16")
    a, b = operands(e, 9, 6, 70)
    for size in ((1, 1), (2, 5), (16, 16)):
        for array in ("systolic_ws", "systolic_os", "matrix2d"):
            other = tpe.Engine("tensorcore", array, size, arch="ampere", a_type="bf16")
            assert np.array_equal(e.run(a, b).C, other.run(a, b, values="bits").C, equal_nan=True)


def test_lanes_are_the_fused_k():
    lanes = {
        ("volta", "fp16"): 4,
        ("turing", "fp16"): 8,
        ("ampere", "tf32"): 4,
        ("ada", "e5m2"): 16,
        ("hopper", "bf16"): 16,
        ("hopper", "tf32"): 8,
        ("blackwell", "e2m1"): 32,
    }
    for (arch, a_type), count in lanes.items():
        assert tpe.Engine("tensorcore", "os", arch=arch, a_type=a_type).lanes == count
    assert tpe.Engine("tensorcore").params["arch"] == "hopper"


REFUSED = {  # array, size, parameters -> what is said
    "rows": ("tree", "8x4", {}, "rows = 8 is not legal .*: 16, .*, 8 with arch = ampere"),
    "depth": ("cube", "4x4x4", {"arch": "ada"}, "depth = 4 is not legal .*: 8, .*4 with arch = v"),
    "format": ("os", 4, {"arch": "volta", "a_type": "bf16"}, "arch = volta: fp16 into fp32 or"),
    "pair": ("os", 4, {"a_type": "e5m2", "b_type": "fp16"}, "e5m2 x fp16 into fp32 is not legal"),
    "sums": ("os", 4, {"a_type": "bf16", "acc_bits": 16}, "bf16 x bf16 into fp16 is not legal"),
    "integers": ("os", 4, {"a_type": "int8"}, "PEs that take it: mac, .*opt1"),
    "promote": ("os", 4, {"promote_every": 24}, "0, or a multiple of 16, the fused K of arch = h"),
    "split": ("os", 4, {"promote_every": 32, "split_k": 2}, "split_k = 2 is not legal with promo"),
    "none": ("os", 4, {"c_add": "none"}, "legal with promote_every = 16"),
    "half": ("os", 4, {"acc_bits": 16, "split_k": 2}, "acc_bits = 16 is legal with c_add = fused"),
    "lanes": ("os", 4, {"lanes": 8}, "unknown parameter of tensorcore in systolic_os 'lanes'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_together_is_refused_in_a_line(name):
    array, size, params, message = REFUSED[name]
    with pytest.raises(tpe.TpeError, match=message) as error:
        tpe.Engine("tensorcore", array, size, **params)
    assert "\n" not in str(error.value)


def test_floats_for_integers_name_the_pes_that_take_them():
    for a in ([[0.5]], np.array([[0.5]], np.float32)):
        with pytest.raises(
            tpe.TpeError, match=r"A are float\d+; .*PE that takes floats: .*tensorc"
        ):
            tpe.Engine("mac").run(a, [[1]])
    with pytest.raises(tpe.TpeError, match=r"A holds 70000 at \[0, 0\]; legal for a_type = fp16"):
        tpe.Engine("tensorcore").run([[70000]], [[1]])
    assert tpe.Engine("tensorcore").run([[3, -4]], [[2], [1]]).C.tolist() == [[2.0]]


def test_what_was_compared_is_said_of_an_engine():
    said = {
        arch: tpe.describe(tpe.Engine("tensorcore", arch=arch))["evidence"]
        for arch in ("turing", "ada")
    }
    assert said == {"turing": "oracle only", "ada": "measured: Ada, L40S"}
    assert tpe.describe(tpe.Engine("mac"))["evidence"] is None
