"""The finish chain: its arithmetic against definitions and onnxruntime; its RTL, bit and cycle."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

import tpe
from tpe.array.base import ALWAYS, Handshake
from tpe.engine.finish import NOTHING, ROUNDINGS, ChainInputs, scaled
from tpe.hdl.emit import sources
from tpe.hdl.simulate.build import Design, build
from tpe.hdl.simulate.cosim import cosimulate
from tpe.hdl.simulate.images import Case
from tpe.hdl.simulate.verify import STALLS

SLOW_SINK = Handshake(busy=0x7FFF_FFFE)


# ---- arithmetic: by definition, in Python's integers ----


def rounded(x: Fraction, rounding: str) -> int:
    """The nearest integer, ties by name."""
    floor = x.numerator // x.denominator
    rest = x - floor
    if rest != Fraction(1, 2):
        return floor + (rest > Fraction(1, 2))
    if rounding == "half_even":
        return floor + floor % 2
    return floor + (rounding == "half_up" or x > 0)


def finished(
    x: int, multiplier: int, shift: int, zero: int, low: int, high: int, **kind: Any
) -> int:
    y = rounded(Fraction(x * multiplier, 1 << shift), kind["rounding"]) + zero
    y = max(y, zero) if kind["relu"] else y
    return min(max(y, low), high)


@pytest.mark.parametrize("rounding", ROUNDINGS)
@pytest.mark.parametrize("bits", [(16, 16), (32, 31), (32, 32), (48, 32)])
def test_scaling_is_the_definition(rounding, bits):
    acc, scale = bits
    rng = np.random.default_rng(acc + scale)
    ends = [-(1 << (acc - 1)), 1 - (1 << (acc - 1)), -3, -1, 0, 1, 3, (1 << (acc - 1)) - 1]
    x = np.array([*ends, *rng.integers(ends[0], ends[-1] + 1, 200)], np.int64)
    for multiplier in (0, 1, 3, 1 << (scale - 1), (1 << scale) - 1, int(rng.integers(1 << scale))):
        for shift in (0, 1, 2, scale - 1, scale + 7, 61, 62, 63):
            got = scaled(x, np.array([multiplier]), np.array([shift]), rounding)
            by_hand = [rounded(Fraction(int(v) * multiplier, 1 << shift), rounding) for v in x]
            assert got.tolist() == by_hand


def test_ties_go_where_their_name_says():
    x = np.array([-6, -2, 2, 6])  # -1.5, -0.5, 0.5, 1.5
    one = np.array([1])
    ties = {r: scaled(x, one, np.array([2]), r).tolist() for r in ROUNDINGS}
    assert ties["half_up"] == [-1, 0, 1, 2]
    assert ties["half_even"] == [-2, 0, 0, 2]
    assert ties["half_away"] == [-2, -1, 1, 2]


def gemmlowp_rounding_divide_by_pot(x: int, exponent: int) -> int:
    """RoundingDivideByPOT as gemmlowp's fixedpoint.h defines it, in Python's integers."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if x < 0 else 0)
    return (x >> exponent) + ((x & mask) > threshold)


def test_half_away_is_gemmlowps_divide_and_half_up_tflites_single_rounding():
    rng = np.random.default_rng(2)
    x = np.array([*range(-300, 301), *rng.integers(-(1 << 31), 1 << 31, 500)], np.int64)
    multiplier = np.array([1])
    for shift in (1, 2, 5, 31):
        away = scaled(x, multiplier, np.array([shift]), "half_away")
        assert away.tolist() == [gemmlowp_rounding_divide_by_pot(int(v), shift) for v in x]
        up = scaled(x, np.array([0x4000_0001]), np.array([shift + 30]), "half_up")
        total = shift + 30
        assert up.tolist() == [(int(v) * 0x4000_0001 + (1 << (total - 1))) >> total for v in x]


def onnx_matmul(a: Any, a_zero: int, b: Any, b_zero: int, scale: float, zero: int, out: str) -> Any:
    """QLinearMatMul in onnxruntime."""
    onnx, runtime = pytest.importorskip("onnx"), pytest.importorskip("onnxruntime")
    helper, types = (
        onnx.helper,
        {
            n: onnx.helper.np_dtype_to_tensor_dtype(np.dtype(n))
            for n in ("int8", "uint8", "float32")
        },
    )
    values = {
        "a": a,
        "as": np.array(scale, np.float32),
        "az": np.array(a_zero, a.dtype),
        "b": b,
        "bs": np.array(1, np.float32),
        "bz": np.array(b_zero, b.dtype),
        "ys": np.array(1, np.float32),
        "yz": np.array(zero, out),
    }
    inputs = [
        helper.make_tensor_value_info(name, types[x.dtype.name], x.shape)
        for name, x in values.items()
    ]
    output = helper.make_tensor_value_info("y", types[out], (len(a), b.shape[1]))
    graph = helper.make_graph(
        [helper.make_node("QLinearMatMul", list(values), ["y"])], "g", inputs, [output]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(None, values)[0]


@pytest.mark.parametrize(
    ("a_type", "b_type", "out", "zeros"),
    [
        ("uint8", "int8", "uint8", (7, 0, 128)),
        ("uint8", "uint8", "uint8", (128, 3, 0)),
        ("int8", "int8", "int8", (0, 0, -5)),
    ],
)
def test_requant_is_onnxruntimes_where_the_scale_is_exact(a_type, b_type, out, zeros):
    # 3 / 64 times sums below 2**20: exact in float32, with ties and both ends of the range.
    rng = np.random.default_rng(3)
    a = rng.integers(*(np.iinfo(a_type).min, np.iinfo(a_type).max + 1), (24, 5)).astype(a_type)
    b = rng.integers(-4 * (b_type == "int8"), 5, (5, 20)).astype(b_type)
    theirs = onnx_matmul(a, zeros[0], b, zeros[1], 3 / 64, zeros[2], out)
    engine = tpe.Engine(
        "mac",
        "os",
        (4, 4),
        a_type=a_type,
        b_type=b_type,
        out_type=out,
        requant="tensor",
        zero_points="none" if a_type == "int8" else "subtract",
    )
    ours = engine.run(a, b, a_zero=zeros[0], b_zero=zeros[1], requant=tpe.Requant(3, 6, zeros[2])).C
    assert (ours == theirs).all()
    exact = (a.astype(int) - zeros[0]) @ (b.astype(int) - zeros[1]) * 3
    assert (exact % 64 == 32).any()  # ties
    assert len(np.unique(ours)) > 30


@pytest.mark.parametrize("scale", [1.0, 0.0037, 2.0**-40, 3.5, 0.999999, 1e-9])
def test_scales_have_a_nearest_multiplier(scale):
    for bits in (16, 32):
        requant = tpe.Requant.of_scale(scale, bits=bits)
        assert 0 < requant.multiplier < 1 << bits
        error = abs(Fraction(requant.multiplier, 1 << requant.shift) - Fraction(scale))
        fine = requant.shift == 63 or requant.multiplier >= 1 << (bits - 1)
        assert fine and error <= Fraction(1, 2 << requant.shift)


# ---- the whole chain ----


def by_hand(engine: tpe.Engine, case: Case) -> tuple[list[list[int]], bool]:
    """C and the overflow flag by Python's integers, one output at a time."""
    params, given = engine.params, case.chain_inputs
    acc, out = params["acc_bits"], params["out_type"]
    low, high = -(1 << (acc - 1)), (1 << (acc - 1)) - 1
    n_count, rows, over = case.b.shape[1], [], False
    at = lambda x, n: int(np.broadcast_to(x, n_count)[n])  # noqa: E731
    for m in range(case.a.shape[0]):
        row = []
        for n in range(n_count):
            total = sum(
                (int(x) - case.a_zero) * (int(y) - case.b_zero)
                for x, y in zip(case.a[m], case.b[:, n], strict=True)
            )
            total += 0 if given.c0 is None else int(given.c0[m][n])
            total += 0 if given.bias is None else at(given.bias, n)
            over |= not low <= total <= high
            if params["overflow"] == "saturate":
                total = min(max(total, low), high)
            total = (total - low) % (1 << acc) + low
            requant = given.requant
            relu = params["relu"] == "on"
            if requant is not None:
                bits = int(out.removeprefix("u").removeprefix("int"))
                ends = (
                    (0, (1 << bits) - 1)
                    if out[0] == "u"
                    else (-(1 << bits - 1), (1 << bits - 1) - 1)
                )
                total = finished(
                    total,
                    at(requant.multiplier, n),
                    at(requant.shift, n),
                    requant.zero_point,
                    *ends,
                    rounding=params["rounding"],
                    relu=relu,
                )
            elif relu:
                total = max(total, 0)
            row.append(total)
        rows.append(row)
    return rows, over


def given_for(
    engine: tpe.Engine, m: int, n: int, rng: np.random.Generator, corner: int
) -> ChainInputs:
    """Values for every stage; corners 1 to 4 put multiplier and shift at their ends."""
    chain = engine.chain
    half = 1 << (chain.acc_bits - 1)
    top = (1 << chain.requant_bits) - 1
    scales = {
        0: (rng.integers(top // 2, top + 1, n), rng.integers(-8, 0, n) + chain.requant_bits + 12),
        1: (np.zeros(n, int), np.full(n, 5)),
        2: (np.full(n, top), np.zeros(n, int)),
        3: (np.full(n, top), np.full(n, 63)),
        4: (np.ones(n, int), rng.integers(1, 4, n)),  # many ties
    }
    multiplier, shift = scales[corner]
    if chain.requant == "tensor":
        multiplier, shift = int(multiplier[0]), int(shift[0])
    zero = int(rng.choice([chain.out.low, chain.out.high, 0 if corner else 1]))
    return ChainInputs(
        c0=rng.integers(-half // 4, half // 4, (m, n)) if chain.c0 else None,
        bias=rng.integers(-half // 8, half // 8, n) if chain.bias else None,
        requant=tpe.Requant(multiplier, shift, zero) if chain.requant != "off" else None,
    )


def cases_of(engine: tpe.Engine, seed: int) -> list[Case]:
    """K of 1 and odd, more than a tile, hesitant sources and sinks, extreme operands."""
    rng = np.random.default_rng(seed)
    a, b = engine.a_format, engine.b_format
    offset = engine.params["zero_points"] == "offset"
    zeros = {"a_zero": a.high // 3, "b_zero": b.high // 5} if offset else {}
    cases = []
    for i, (k, hand) in enumerate(
        (k, h) for k in (1, 7, 12) for h in (ALWAYS, STALLS, SLOW_SINK, Handshake(0x5555, 0x33CC))
    ):
        m, n = engine.grid.m + 2 - i % 2, engine.grid.n + i % 3
        x, y = rng.integers(a.low, a.high + 1, (m, k)), rng.integers(b.low, b.high + 1, (k, n))
        if i % 4 == 1:
            x[:] = a.low
            y[:] = rng.choice([b.low, b.high], n)
        given = given_for(engine, m, n, rng, i % 5) if engine.chain.valued else NOTHING
        cases.append(Case(engine, x, y, hand, chain_inputs=given, **zeros))
    return cases


def ties(engine: tpe.Engine) -> list[Case]:
    """Halves of small numbers of either sign that no output saturates, and a shift of nothing."""
    if engine.chain.requant == "off" or engine.a_format.low >= 0:
        return []
    a = np.arange(-4, 5)[:, None]
    b = np.ones((1, engine.grid.n), int)
    m, n = len(a), engine.grid.n
    cases = []
    for shift in (0, 1, 2):
        one, by = (1, shift) if engine.chain.requant == "tensor" else (np.ones(n, int), None)
        given = ChainInputs(
            c0=np.zeros((m, n), int) if engine.chain.c0 else None,
            bias=np.zeros(n, int) if engine.chain.bias else None,
            requant=tpe.Requant(one, by if by is not None else np.full(n, shift), 0),
        )
        cases.append(Case(engine, a, b, STALLS, chain_inputs=given))
    return cases


def last_overflows(engine: tpe.Engine) -> list[Case]:
    """A tile of zeros but for its last word, which overflows, in front of a sink that is slow.

    A flag that rises with a word that still waits is seen above the words before it.
    """
    if not engine.chain.narrow:
        return []
    a, b = engine.a_format, engine.b_format
    offset = engine.params["zero_points"] == "offset"
    zeros = {"a_zero": a.high // 3, "b_zero": b.high // 5} if offset else {}
    x = np.full((engine.grid.m, 12), zeros.get("a_zero", 0))
    y = np.full((12, engine.grid.n), zeros.get("b_zero", 0))
    x[-1], y[:, -1] = a.low or a.high, b.low or b.high
    m, n = len(x), y.shape[1]
    given = ChainInputs(
        c0=np.zeros((m, n), int) if engine.chain.c0 else None,
        bias=np.zeros(n, int) if engine.chain.bias else None,
        requant=tpe.Requant(1, 0, 0) if engine.chain.requant == "tensor" else None,
    )
    if engine.chain.requant == "column":
        given = replace(given, requant=tpe.Requant(np.ones(n, int), np.zeros(n, int), 0))
    return [Case(engine, x, y, SLOW_SINK, chain_inputs=given, **zeros)]


ALL = {"c0": "on", "bias": "on", "relu": "on", "acc_bits": 16}
ENGINES: list[tuple[str, str, tuple[int, ...], dict[str, Any]]] = [
    ("mac", "os", (2, 3), {"c0": "on"}),
    ("opt1", "matrix2d", (3, 2), {"bias": "on"}),
    ("opt4c", "matrix2d", (2, 2), {"requant": "tensor", "depth": 8}),
    ("mac", "cube3d", (2, 2, 2), {"relu": "on"}),
    ("mac", "ws", (3, 2), {"overflow": "saturate", "acc_bits": 16}),
    (
        "opt1",
        "matrix2d",
        (2, 2),
        {"overflow": "flag", "a_type": "uint8", "zero_points": "offset", "acc_bits": 16},
    ),
    (
        "mac",
        "os",
        (1, 2),
        {
            **ALL,
            "requant": "column",
            "overflow": "saturate",
            "out_type": "uint8",
            "rounding": "half_up",
        },
    ),
    (
        "opt4c",
        "matrix2d",
        (3, 2),
        {
            **ALL,
            "requant": "column",
            "overflow": "flag",
            "out_type": "int4",
            "guard_bits": 5,
            "rounding": "half_away",
            "encode": "weights",
        },
    ),
    ("mac", "ws", (2, 2), {**ALL, "requant": "column", "overflow": "saturate", "overlap": "load"}),
    (
        "opt1",
        "cube3d",
        (2, 3, 2),
        {
            **ALL,
            "requant": "tensor",
            "overflow": "wrap",
            "a_type": "uint8",
            "b_type": "uint4",
            "zero_points": "offset",
            "requant_bits": 16,
            "out_type": "int16",
        },
    ),
    (
        "mac",
        "matrix2d",
        (2, 1),
        {
            "requant": "column",
            "a_type": "int16",
            "b_type": "int16",
            "overflow": "saturate",
            "out_type": "uint2",
            "relu": "on",
            "rounding": "half_away",
        },
    ),
    (
        "stripes",
        "matrix2d",
        (2, 2),
        {**ALL, "requant": "column", "overflow": "saturate", "lanes": 3, "out_type": "int8"},
    ),
    (
        "laconic",
        "matrix2d",
        (2, 2),
        {**ALL, "requant": "tensor", "overflow": "flag", "lanes": 2, "rounding": "half_up"},
    ),
    (
        "bitlet",
        "matrix2d",
        (2, 3),
        {
            **ALL,
            "overflow": "saturate",
            "lanes": 4,
            "a_type": "uint8",
            "zero_points": "offset",
        },
    ),
    # Without ReLU, which would hide what becomes of negative ties.
    ("mac", "os", (1, 1), {"requant": "tensor", "rounding": "half_up", "requant_bits": 16}),
    ("mac", "os", (1, 1), {"requant": "column", "rounding": "half_away", "requant_bits": 16}),
]


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    engines = [tpe.Engine(pe, array, size, **params) for pe, array, size, params in ENGINES]
    drawn = [case for i, engine in enumerate(engines) for case in cases_of(engine, i)]
    return drawn + [case for e in engines for case in (*ties(e), *last_overflows(e))]


def test_the_model_is_the_definition(cases):
    overflowed = set()
    for case in cases:
        c, over = by_hand(case.engine, case)
        for values in ("fast", "bits"):
            run = case.engine.run(
                case.a,
                case.b,
                a_zero=case.a_zero,
                b_zero=case.b_zero,
                values=values,
                **vars(case.chain_inputs),
            )
            assert run.C.tolist() == c, (case.engine.name, case.engine.params)
            assert run.overflowed == over
        overflowed.add((case.engine.params["overflow"], over))
    assert {("saturate", True), ("flag", True), ("saturate", False)} <= overflowed


def test_model_and_rtl_agree_in_every_word_cycle_and_flag(cases):
    outcomes = cosimulate(cases, asserts=True)
    wrong = [
        f"{o.case.engine.name} {o.case.engine.params} {o.case.a.shape} {o.case.handshake}: "
        f"{o.mismatches} {o.first_mismatch()}, cycles {o.cycles_rtl}, model {o.cycles_model}, "
        f"overflow {o.overflow_rtl}, model {o.overflow_model}"
        for o in outcomes
        if not o.ok
    ]
    assert not wrong, "\n".join(wrong[:10])
    assert len(outcomes) == len(cases) > 12 * len(ENGINES)
    assert any(o.overflow_rtl for o in outcomes)
    assert any(not o.overflow_rtl for o in outcomes if o.case.engine.chain.narrow)


def test_the_register_costs_one_cycle_a_gemm():
    a, b = np.ones((9, 5), int), np.ones((5, 9), int)
    for pe, array in (("mac", "os"), ("opt4c", "matrix2d"), ("mac", "ws"), ("opt1", "cube3d")):
        size = (2, 2, 2) if array == "cube3d" else (2, 2)
        plain = tpe.Engine(pe, array, size).run(a, b)
        chained = tpe.Engine(pe, array, size, relu="on").run(a, b)
        assert chained.cycles == plain.cycles + 1
        assert chained.terms.fill_drain == plain.terms.fill_drain + 1
        slow = tpe.Engine(pe, array, size, relu="on").run(a, b, handshake=SLOW_SINK)
        assert slow.terms.stall == slow.cycles - chained.cycles > 0


@pytest.mark.parametrize("overflow", ["saturate", "flag"])
def test_the_flag_is_exact_at_both_ends(overflow):
    engine = tpe.Engine("mac", "os", (1, 1), overflow=overflow, acc_bits=16, c0="on")
    for total, over in ((32767, False), (32768, True), (-32768, False), (-32769, True)):
        c0 = total - 127 * 127 if total > 0 else total + 127 * 127
        a = 127 if total > 0 else -127
        run = engine.run([[a]], [[127]], c0=[[c0]])
        assert run.overflowed is over
        wrapped = (total + 32768) % 65536 - 32768
        assert run.C[0, 0] == (
            min(max(total, -32768), 32767) if overflow == "saturate" else wrapped
        )


def test_saturation_equals_the_product_while_it_fits_and_says_how_far_it_is_off():
    rng = np.random.default_rng(0)
    a, b = rng.integers(-128, 128, (6, 40)), rng.integers(-128, 128, (40, 6))
    engine = tpe.Engine("opt1", "matrix2d", (2, 2), acc_bits=16, overflow="saturate")
    run = engine.run(a, b)
    assert run.overflowed and (run.C == np.clip(a @ b, -32768, 32767)).all()
    row = run.to_frame().iloc[0]
    assert not row["exact"]
    assert row["max_abs_error_vs_exact"] == np.abs(a @ b - run.C).max()
    assert row["acc_bits"] == 16 and engine.widths.acc == 24
    assert engine.run(a[:1, :1], b[:1]).to_frame().iloc[0]["exact"]


def test_a_workload_saturates_and_takes_no_other_stage():
    plain = tpe.Engine("mac", "os", (4, 4)).run("digits_mlp")
    wide = tpe.Engine("mac", "os", (4, 4), overflow="saturate").run("digits_mlp")
    assert wide.metrics == plain.metrics
    assert not wide.overflowed
    assert wide.cycles == plain.cycles + sum(layer.repeat for layer in plain.layers)
    with pytest.raises(tpe.TpeError, match=r"workload gives nothing to \(bias\)"):
        tpe.Engine("mac", "os", (4, 4), relu="on", bias="on").run("digits_mlp")


@pytest.mark.parametrize(
    ("params", "given", "words"),
    [
        ({}, {"c0": [[1]]}, "c0 is given, and the engine has c0 = off"),
        ({"c0": "on"}, {}, "c0 is missing, and the engine has c0 = on"),
        ({"requant": "column"}, {}, "requant is missing, and the engine has requant = column"),
        (
            {"c0": "on"},
            {"c0": [[1, 2]]},
            "c0 has shape (1, 2); legal: one integer or 1 x 1 of them",
        ),
        (
            {"bias": "on"},
            {"bias": [0.5]},
            "bias is float64; legal: integers from -2147483648 to 2147483647",
        ),
        ({"bias": "on"}, {"bias": [True]}, "bias is bool; legal: integers from"),
        ({"bias": "on"}, {"bias": [1 << 31]}, "bias = 2147483648 is not legal: -2147483648 to"),
        ({"c0": "on"}, {"c0": [[1], [2, 3]]}, "c0 is not legal: an array of equal rows"),
        ({"requant": "tensor"}, {"requant": 3}, "requant = 3 is not legal: a tpe.Requant"),
        ({"requant": "tensor"}, {"requant": tpe.Requant(1 << 32, 0)}, "multiplier = 4294967296"),
        ({"requant": "tensor"}, {"requant": tpe.Requant(-1, 0)}, "multiplier = -1 is not legal"),
        (
            {"requant": "tensor"},
            {"requant": tpe.Requant(1, 64)},
            "shift = 64 is not legal: 0 to 63",
        ),
        (
            {"requant": "tensor"},
            {"requant": tpe.Requant([1, 2], 0)},
            "multiplier has shape (2,); legal: one",
        ),
        ({"requant": "tensor"}, {"requant": tpe.Requant(1, 0, 128)}, "zero_point = 128 is not"),
        ({"bias": "on"}, {"bias": [(1 << 31) - 1]}, "with C0 and bias, need an accumulator of 33"),
        ({"relu": 2}, {}, "relu = 2 is not legal"),
        ({"overflow": "saturate", "guard_bits": 9}, {}, "guard_bits = 9 is not legal"),
        ({"requant": "row"}, {}, "requant"),
        ({"rounding": "half_odd"}, {}, "rounding"),
    ],
)
def test_what_is_illegal_says_so(params, given, words):
    with pytest.raises(tpe.TpeError) as error:
        tpe.Engine("mac", "os", (1, 1), **params).run([[1]], [[1]], **given)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_guard_bits_that_are_too_few_are_refused():
    engine = tpe.Engine("mac", "os", (1, 1), acc_bits=16, overflow="flag", guard_bits=1)
    with pytest.raises(tpe.TpeError, match="acc_bits = 16 and guard_bits = 1"):
        engine.run(np.ones((1, 9), int), np.ones((9, 1), int))


@pytest.mark.parametrize("scale", [0, -1.0, float("inf"), float("nan"), 1e20, 1e-30])
def test_scales_out_of_reach_are_refused(scale):
    with pytest.raises(tpe.TpeError, match="scale"):
        tpe.Requant.of_scale(scale)


def test_points_differ_with_what_a_run_is_given():
    engine = tpe.Engine("mac", "os", (1, 1), bias="on")
    points = {engine.run([[1]], [[1]], bias=[x]).to_frame()["point_id"][0] for x in (1, 2, 1)}
    assert len(points) == 2


# ---- the flag's clear port, which the harness leaves alone ----

CLEARING = """
module tpe_flag_tb;
  logic        clk = 1'b0, rst_n = 1'b0, clear = 1'b0, valid = 1'b0, over, take, ready;
  logic        valid_o, last_o;
  logic [19:0] word = '0;
  logic [15:0] c;
  always #1 clk = !clk;

  tpe_post #(
      .Count(1), .AccWidth(20), .SumWidth(16), .Narrow(2), .YWidth(16)
  ) u_post (
      .clk_i(clk), .rst_ni(rst_n), .valid_i(valid), .ready_o(ready), .last_i(1'b0), .c_i(word),
      .take_o(take), .c_add_i('0), .bias_i('0), .scale_i('0), .shift_i('0), .out_zero_i('0),
      .valid_o(valid_o), .ready_i(1'b1), .last_o(last_o), .c_o(c),
      .overflow_clear_i(clear), .overflow_o(over)
  );

  // A word and the clear in one cycle; then what the flag is and, of a word, what leaves.
  task automatic step(input logic v, input logic [19:0] w, input logic cl, input logic expected,
                      input logic [15:0] out);
    @(negedge clk);
    valid = v;
    word  = w;
    clear = cl;
    @(posedge clk);
    #0.5;
    if (over != expected || (v && c != out)) begin
      $fatal(1, "FAIL: word %h, clear %b: flag %b, out %h", w, cl, over, c);
    end
  endtask

  initial begin
    #5 rst_n = 1'b1;
    step(1, 20'h07FFF, 0, 0, 16'h7FFF);  // the highest that fits
    step(1, 20'hF8000, 0, 0, 16'h8000);  // the lowest
    step(1, 20'h08000, 0, 1, 16'h7FFF);
    step(1, 20'h00001, 0, 1, 16'h0001);  // sticks
    step(0, 20'h80000, 1, 0, 16'h0000);  // cleared; what is not valid sets nothing
    step(1, 20'hF7FFF, 0, 1, 16'h8000);
    step(1, 20'h80000, 1, 1, 16'h8000);  // a word that does not fit wins over the clear
    step(1, 20'h00002, 1, 0, 16'h0002);
    $display("PASS");
    $finish;
  end
endmodule
"""


def test_the_flag_is_cleared_by_its_port_unless_a_word_sets_it():
    design = Design(sources.closure({"tpe_flag_tb": CLEARING}), "tpe_flag_tb", cocotb=False)
    done = subprocess.run(
        [build(design) / "tpe_flag_tb"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, "PASS" in done.stdout) == (0, True), done.stdout + done.stderr


def test_a_scale_may_be_any_number_and_nothing_else():
    same = [tpe.Requant.of_scale(kind(0.375), bits=16) for kind in (float, np.float32, np.float16)]
    assert {(r.multiplier, r.shift) for r in same} == {(49152, 17)}
    for scale in ("x", None, [0.1, 0.2], np.array([0.1, 0.2]), float("nan"), float("inf"), 0, -1):
        with pytest.raises(tpe.TpeError, match="is not legal: a positive number"):
            tpe.Requant.of_scale(scale)
    for bits in (0, 15, 33, "a", True):
        with pytest.raises(tpe.TpeError, match="is not legal: an integer from 16 to 32"):
            tpe.Requant.of_scale(0.5, bits=bits)


def test_relu_needs_no_values_and_so_takes_a_workload():
    run = tpe.Engine("mac", "os", "4x4", relu="on").run("gemm:5x6x7:normal:30")
    c = tpe.Engine("mac", "os", "4x4").run("gemm:5x6x7:normal:30").layers[0].C
    assert (c < 0).any() and (run.layers[0].C == np.maximum(c, 0)).all()
    with pytest.raises(tpe.TpeError, match=r"a workload gives nothing to \(bias\)"):
        tpe.Engine("mac", "os", "4x4", relu="on", bias="on").run("gemm:5x6x7")
