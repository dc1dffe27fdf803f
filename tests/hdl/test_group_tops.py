"""Engines whose groups of K have scales, emitted with the unit behind their array."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tests.contract.agreement import assert_all_agree, assert_no_latch, break_module
from tpe.array.base import ALWAYS
from tpe.hdl import emit
from tpe.hdl.simulate.build import lint
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.grouped import drawn_scales, scaled_words
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS
from tpe.model.group_scaled import group_scaled
from tpe.numbers.floats import FP32
from tpe.numbers.quantised_tensor import QuantisedTensor


def engine(pe: str = "mac", array: str = "matrix2d", size: Any = (3, 2), **own: Any) -> tpe.Engine:
    return tpe.Engine(pe, array, size, **{"b_type": "int4", "scale_group": 8, **own})


def drawn(e: tpe.Engine, m: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(k)
    return e.a_format.drawn(rng, (m, k)), e.b_format.drawn(rng, (k, n))


def cases(e: tpe.Engine) -> list[Case]:
    """One group, several, a short last one; without stalls the cycles are the model's."""
    return [
        Case(e, *drawn(e, m, n, k), handshake)
        for m, n, k, handshake in (
            (1, 1, 1, ALWAYS),
            (5, 3, 8, STALLS),
            (4, 5, 21, ALWAYS),
            (4, 5, 21, STALLS),
            (7, 2, 64, ALWAYS),
        )
    ]


def test_words_are_those_of_products_in_groups() -> None:
    """What the bench expects is what a product in groups gives for the same codes and scales."""
    e = engine(scale_type="bf16")
    a, b = drawn(e, 4, 5, 21)
    codes = drawn_scales(e, 21, 5)
    scales = (codes.astype(np.uint32) << 16).view(np.float32)
    tensor = QuantisedTensor(e.b_format, b, scales, axis=0, group=8)
    wanted = group_scaled(e, a, tensor)
    assert (FP32.values(scaled_words(e, a, b) & 0xFFFFFFFF) == wanted).all()


def test_dense_and_bit_serial_arrays_agree() -> None:
    found = cases(engine("mixpe", lanes=3, scale_type="fp16"))
    found += cases(engine("lut_tc", scale_group=6, scale_type="bf16", stages=1))
    assert_all_agree(found + cases(engine("mac", "systolic_os", scale_group=5, acc_bits=24)))


@pytest.mark.full
@pytest.mark.parametrize("pe", ["mac", "opt1", "bipolar", "mixpe"])
def test_others_agree(pe: str) -> None:
    own = {"a_type": "bipolar3", "b_type": "bipolar2"} if pe == "bipolar" else {}
    found = []
    for array in ("matrix2d", "systolic_os"):
        for group, kept in ((1, "fp32"), (128, "fp16")):
            found += cases(engine(pe, array, (4, 3), scale_group=group, scale_type=kept, **own))
    assert_all_agree(found)


@pytest.mark.full
def test_a_group_that_is_no_first_one_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    e = engine()
    break_module(monkeypatch, e, "tpe_group_post", ".first_i(group_i[0])", ".first_i(1'b1)")
    assert not all(o.ok for o in cosimulate(cases(e)))


def test_the_emitted_top_has_the_unit(tmp_path: Path) -> None:
    e = engine(scale_type="fp16")
    modules = emit.engine_modules(e)
    assert {"tpe_group_post", "tpe_group_scale", "tpe_fp_scale"} <= modules.keys()
    for port in ("group_scale_i", "group_i", "c_take_o"):
        assert port in modules["tpe_engine"]
    assert lint(modules, "tpe_engine") == ""
    assert_no_latch(modules, "tpe_engine", tmp_path)


@pytest.mark.parametrize(
    ("pe", "array", "own", "text"),
    [
        ("mac", "systolic_ws", {}, "is model only for pe mac in systolic_ws"),
        ("opt4c", "matrix2d", {}, "is model only for pe opt4c in matrix2d"),
        ("mac", "matrix2d", {"overlap": "stream"}, "with overlap = stream"),
        ("mac", "matrix2d", {"encode": "weights"}, "with encode = weights"),
        ("mac", "matrix2d", {"zero_points": "offset"}, "with zero_points = offset"),
    ],
)
def test_what_has_no_unit_is_said(pe: str, array: str, own: dict[str, Any], text: str) -> None:
    with pytest.raises(tpe.TpeError, match=f"scale_group = 8 .*{text}"):
        emit.engine_modules(engine(pe, array, **own))
