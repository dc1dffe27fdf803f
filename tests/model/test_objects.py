"""Public objects: what they look like, that they pickle, which are equal, and what they take."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pandas as pd
import pytest

import tpe
from tpe import array as arrays
from tpe import pe as pes
from tpe.engine.file import find_engine
from tpe.engine.presets import PRESETS
from tpe.hdl.foreign.report import Cosimulation
from tpe.hdl.formal.lemmas import at_widths
from tpe.nest.notation import mac, tile
from tpe.numbers.digits import ENCODINGS
from tpe.pe.parameters import Parameter
from tpe.testing.cases import operands, taken

A, B = np.arange(-6, 6).reshape(3, 4), np.arange(-4, 4).reshape(4, 2)
RUN = tpe.Engine("opt4c", size="4x4").run(A, B)
COMPARISON = tpe.compare(["mac", "opt4c"], {"a & <b>": (A, B)}, size=4)

# Every public name, and one object of it (or the name itself, for functions).
OBJECTS: dict[str, Any] = {
    "Blocks": tpe.quantise(np.ones((2, 32)), "mx_e4m3fn"),
    "Comparison": COMPARISON,
    "Cosimulation": Cosimulation,
    "Differences": tpe.differences(RUN.to_frame(), RUN.to_frame()),
    "Engine": RUN.engine,
    "ErrorStudy": tpe.error("lmul", "normal:1", [4], rows=2, columns=2),
    "ExactSums": tpe.exact_sums(A, B),
    "FewBits": tpe.evaluate_weights("digits_mlp", ["int4"], ["int8"], ["group"], 32, 4),
    "Layer": tpe.Layer("fc", "fc", A, B),
    "LayerRun": RUN.layers[0],
    "MultiplierTable": tpe.multiplier_table("mitchell"),
    "Nest": tpe.Engine("opt1", "os").nest,
    "NestEngine": tpe.NestEngine(tpe.Engine("opt1", "os").nest),
    "OneBit": tpe.one_bit([[1.0, -2.0]]),
    "OutlierProduct": tpe.outlier_matmul(
        tpe.Engine("mac"), tpe.Engine("fma", a_type="fp16"), [[1.0, 7.0]], [[1.0], [2.0]]
    ),
    "ParetoFront": tpe.pareto(pd.DataFrame({"x": [1.0, 2.0], "y": [2.0, 1.0]}), ["x", "y"]),
    "Prediction": tpe.predict_cost(tpe.Engine("opt1", "os").nest),
    "ProductQuantiser": tpe.product_quantiser(np.eye(8), 2, 1),
    "QuantisedTensor": tpe.quantise_integers([[1.0, -2.0]], "int8"),
    "Requant": tpe.Requant(np.array([3, 5]), 2, 1),
    "Run": RUN,
    "TpeError": tpe.TpeError("one line"),
    "WeightFile": tpe.WeightFile,
    "Workload": tpe.Workload.from_arrays({"fc": (A, B)}),
    "__version__": tpe.__version__,
    "Config": tpe.Config("opt4c", depth=64),
    **{name: getattr(tpe, name) for name in tpe.__all__ if name.islower() and name[0] != "_"},
}


def again(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


# ---- pickling ----


def test_every_public_name_is_pickled() -> None:
    assert sorted(OBJECTS) == sorted(tpe.__all__)
    for name, thing in OBJECTS.items():
        assert type(again(thing)) is type(thing), name


@pytest.mark.parametrize("pe", pes.names())
def test_engines_and_their_runs_pickle_whatever_functions_their_records_hold(pe: str) -> None:
    for array in (a for a in arrays.names() if not arrays.get(a).refuses(pes.get(pe))):
        engine = tpe.Engine(pe, array, **taken(pes.get(pe), a_type="int4"))
        assert again(engine) == engine and again(engine).hash == engine.hash
        run = engine.run(*operands(engine, 2, 3, 4, seed=0))
        copied = again(run)
        assert copied.rows() == run.rows() and np.array_equal(copied.C, run.C, equal_nan=True)


def test_records_pickle_by_name() -> None:
    for name in pes.names():
        assert again(pes.get(name)) is pes.get(name)
        assert copy.deepcopy(pes.get(name)) is pes.get(name)
    for name in arrays.names():
        assert again(arrays.get(name)) is arrays.get(name)
    for encoding in ENCODINGS.values():
        assert again(encoding) == encoding
    bits_in_time = tpe.Engine("opt2", "os", bw="time")
    assert again(bits_in_time) == bits_in_time != tpe.Engine("opt2", "os")
    assert again(bits_in_time).run(A, B).cycles == bits_in_time.run(A, B).cycles


def test_a_record_of_ones_own_that_is_not_listed_pickles_if_its_functions_have_names() -> None:
    own = replace(pes.get("mac"), name="mine", nest=None)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(own)  # functions without a name are not kept silently


def test_workloads_pickle_with_their_operands() -> None:
    for name in ("digits_mlp", "gemm:3x4x5", "onnx:light_squeezenet"):
        found = tpe.workload(name)
        copied = again(found)
        first, same = found.layers[0], copied.layers[0]
        assert (first.activations == same.activations).all()
        assert (first.weights == same.weights).all()


def test_engines_from_a_nest_pickle_and_a_comparison_keeps_its_refusals() -> None:
    engine = tpe.NestEngine(mac(*tile(2, 2, 4)))
    assert again(engine) == engine and again(engine).run(A, B).cycles == engine.run(A, B).cycles
    mixed = tpe.compare(["mac", "opt4c"], "gemm:4x4x4", array="os", size=4)
    assert again(mixed).rows() == mixed.rows()
    assert [row["status"] for row in again(mixed).rows()] == ["ok", "refused"]


# ---- equality ----


def test_engines_that_behave_alike_are_equal_and_others_are_not() -> None:
    plain = tpe.Engine("mac", "os", "4x4")
    same = tpe.Engine(pes.get("mac"), arrays.get("systolic_os"), (4, 4), acc_bits=32, bias=False)
    assert plain == same and hash(plain) == hash(same) and len({plain, same}) == 1
    others = [
        tpe.Engine("opt1", "os", "4x4"),
        tpe.Engine("mac", "matrix2d", "4x4"),
        tpe.Engine("mac", "os", "4x5"),
        tpe.Engine("mac", "os", "4x4", encoder="ent"),
        tpe.Engine("mac", "os", "4x4", acc_bits=24),
        tpe.NestEngine(mac(*tile(4, 4, 4))),
        "mac",
    ]
    assert all(plain != other for other in others)
    assert len({plain, *others}) == len(others) + 1


def test_parameters_of_an_engine_cannot_be_changed_behind_its_back() -> None:
    engine = tpe.Engine("mac", "os", "4x4")
    before, widths = engine.hash, engine.widths
    changes: list[Callable[[Any], Any]] = [
        lambda p: p.__setitem__("acc_bits", 24),
        lambda p: p.__delitem__("acc_bits"),
        lambda p: p.update(acc_bits=24),
        lambda p: p.pop("acc_bits"),
        lambda p: p.popitem(),
        lambda p: p.clear(),
        lambda p: p.setdefault("mine", 1),
        lambda p: p.__ior__({"acc_bits": 24}),
    ]
    for change in changes:
        with pytest.raises(tpe.TpeError, match="cannot be changed"):
            change(engine.params)
    assert (engine.hash, engine.widths) == (before, widths)
    assert {**engine.params, "acc_bits": 24}["acc_bits"] == 24


def test_an_engine_of_other_widths_is_another_one_and_has_its_own_nest() -> None:
    engine = tpe.Engine("mac", "matrix2d", "2x2")
    assert engine.nest.trips({tpe.nest.notation.BW}, *tpe.nest.notation.Place) == 4  # type: ignore[attr-defined]
    small = at_widths(engine, 3, 3, 8)
    assert small != engine and again(small).widths == small.widths
    assert small.nest.trips({tpe.nest.notation.BW}, *tpe.nest.notation.Place) == 2  # type: ignore[attr-defined]


# ---- looks ----


class Checked(HTMLParser):
    """Every tag is closed in order; the text is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.text: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.stack.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.mark.parametrize("name", ["Engine", "Run", "Comparison"])
def test_reprs_are_a_short_line_and_html_is_valid_and_escaped(name: str) -> None:
    thing = OBJECTS[name]
    assert repr(thing).startswith(f"<{name} ") and len(repr(thing)) < 105
    parser = Checked()
    parser.feed(thing._repr_html_())
    parser.close()
    assert parser.stack == [] and set(parser.tags) <= set(
        "table caption thead tbody tr th td".split()
    )
    assert 10 <= len(thing.summary().columns) <= 14


def test_names_that_look_like_tags_are_text_in_html_and_long_ones_are_shortened() -> None:
    name = "<script>alert('x')</script>" + "y" * 400
    run = tpe.Engine("mac", size=4).run({name: (A, B)})
    text = replace(run, workload=name)._repr_html_()
    assert "<script>" not in text and "&lt;script&gt;" in text
    assert len(repr(replace(run, workload=name))) < 105
    many = tpe.Engine("mac", size=4).run({f"fc{i}": ([[1]], [[1]]) for i in range(500)})
    assert many._repr_html_().count("<tr>") < 70 and "441 rows are left out" in many._repr_html_()
    assert len(many.summary()) == 501


def test_summaries_hold_the_numbers_of_the_table() -> None:
    frame, full = RUN.summary(), RUN.to_frame()
    assert (
        frame["cycles"].tolist() == [RUN.cycles, RUN.cycles] and frame["layer"].iloc[-1] == "total"
    )
    assert frame["macs"].iloc[0] == full["macs"].iloc[0]
    assert frame.dtypes["cycles"] == full.dtypes["cycles"]
    table = COMPARISON.summary()
    assert table["label"].tolist() == ["mac", "opt4c"]
    assert table["cycles_ratio"].tolist() == COMPARISON.to_frame()["cycles_ratio"].tolist()
    assert tpe.Engine("mac", "cube3d", "2x3x4").summary().iloc[0]["depth"] == 4


# ---- what is taken ----


def test_true_and_false_are_on_and_off() -> None:
    on = tpe.Engine("mac", "os", 4, bias=True, relu=np.True_, c0="TRUE")
    assert [on.params[name] for name in ("bias", "relu", "c0")] == ["on"] * 3
    assert tpe.Engine("mac", bias=False, relu="false") == tpe.Engine("mac")
    for parameter, value in (("requant", True), ("stages", True), ("encoder", False)):
        with pytest.raises(tpe.TpeError, match=f"{parameter} = {value} is not legal"):
            tpe.Engine("mac", **{parameter: value})


def test_names_are_taken_in_upper_and_lower_case() -> None:
    engine = tpe.Engine("OPT4C", "Matrix2D", 8, a_type="INT8", encoder="EnT", encode="Weights")
    assert engine == tpe.Engine("opt4c", "matrix2d", "8x8", encoder="ent", encode="weights")
    assert tpe.Engine("Mac", "OS").array is arrays.get("systolic_os")
    assert [e.label for e in tpe.compare(["MAC", "Opt1"], "gemm:2x2x2").entries] == ["mac", "opt1"]
    for preset in PRESETS:
        assert find_engine(tpe.Engine, preset.upper()) == find_engine(tpe.Engine, preset)  # type: ignore[attr-defined]
    two = Parameter("word", "a", ("a", "A", "b"), "")
    assert (two.check("A"), two.check("B")) == ("A", "b")


def test_one_number_is_every_side() -> None:
    assert tpe.Engine("mac", size=16) == tpe.Engine("mac", size=(16, 16))
    assert tpe.Engine("mac", size=np.int64(16)) == tpe.Engine("mac", size="16")
    assert tpe.Engine("mac", "cube3d", 4) == tpe.Engine("mac", "cube3d", "4x4x4")
    assert tpe.compare(["mac"], "gemm:2x2x2", size=8)["mac"].engine.size == (8, 8)
    for bad in (16.0, True, 0, 1025, "16.0", [16.0, 16], b"16", {}, [], [1, 2, 3], float("nan")):
        with pytest.raises(tpe.TpeError, match=r"^size = .* is not legal for matrix2d"):
            tpe.Engine("mac", size=bad)  # type: ignore[arg-type]
        assert "\n" not in str(bad)


def test_a_mapping_of_pairs_is_a_workload_everywhere() -> None:
    pairs = {"first": (A, B), "second": (B, A[:2])}
    by_name = tpe.Engine("opt1", size=4).run(pairs)
    assert [layer.name for layer in by_name.layers] == ["first", "second"]
    assert (by_name.layers[0].C == A @ B).all()
    assert (
        tpe.compare(["mac", "opt1"], pairs, size=4, overlap="none")["opt1"].rows() == by_name.rows()
    )
    assert tpe.workload(pairs).layers[1].m == 4
    for bad in ({}, {"fc": A}, {"fc": (A, A)}, {3: (A, B)}, {"fc": (A, None)}):
        with pytest.raises(tpe.TpeError):
            tpe.Engine("mac").run(bad)


BAD: dict[str, Callable[[], Any]] = {
    "array in a list": lambda: tpe.Engine("mac", ["os"]),  # type: ignore[arg-type]
    "load of None": lambda: tpe.Engine.load(None),  # type: ignore[arg-type]
    "load of bytes": lambda: tpe.Engine.load(b"engine.toml"),  # type: ignore[arg-type]
    "run of nothing": lambda: tpe.Engine("mac").run(None),
    "run of a name and None": lambda: tpe.Engine("mac").run("x", None),
    "run of a name and B": lambda: tpe.Engine("mac").run("gemm:2x2x2", B),
    "run of None and B": lambda: tpe.Engine("mac").run(None, B),
    "run of one matrix": lambda: tpe.Engine("mac").run(A),
    "run of a set": lambda: tpe.Engine("mac").run({1, 2}, {3}),
    "negative seed": lambda: tpe.Engine("mac").run("gemm:2x2x2", seed=-1),
    "seed of text": lambda: tpe.Engine("mac").run(A, B, seed="1"),  # type: ignore[arg-type]
    "seed of 1.0": lambda: tpe.compare(["mac"], "gemm:2x2x2", seed=1.0),  # type: ignore[arg-type]
    "large seed": lambda: tpe.compare(["mac"], "gemm:2x2x2", seed=2**63),
    "parameter of a list": lambda: tpe.Engine("mac", stages=[1]),
    "parameter of inf": lambda: tpe.Engine("mac", stages=float("inf")),
    "parameter of None": lambda: tpe.Engine("mac", encoder=None),
    "word as bytes": lambda: tpe.Engine("mac", encoder=b"ent"),
    "engines None": lambda: tpe.compare(None),  # type: ignore[arg-type]
    "engines of None": lambda: tpe.compare([None]),  # type: ignore[list-item]
    "workload None": lambda: tpe.compare(["mac"], None),  # type: ignore[arg-type]
    "size of floats": lambda: tpe.compare(["mac"], size=(4.0, 4)),  # type: ignore[arg-type]
    "array of numbers": lambda: tpe.compare(["mac"], array=5),  # type: ignore[arg-type]
    "per_pe of no mapping": lambda: tpe.compare(["mac"], per_pe={"mac": 5}),  # type: ignore[dict-item]
    "run loaded from None": lambda: tpe.Run.load(None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_type_is_one_line(case: str) -> None:
    with pytest.raises(tpe.TpeError) as error:
        BAD[case]()
    assert "\n" not in str(error.value) and len(str(error.value)) < 400


def test_numpy_integers_are_integers() -> None:
    import json

    engine = tpe.Engine("mac", "os", np.array([4, 4]), stages=np.int64(2), acc_bits=np.int16(24))
    assert engine == tpe.Engine("mac", "os", 4, stages=2, acc_bits=24)
    run = engine.run("gemm:2x2x2", seed=np.int64(3))  # type: ignore[arg-type]
    assert json.loads(json.dumps(run.to_json()))["totals"]["seed"] == 3
