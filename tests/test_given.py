"""What the functions of `tpe` refuse: one line, a TpeError, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tpe
from tpe.nest.notation import mac, tile

ENGINE = tpe.Engine("mac", "os", "2x2")
NEST = tpe.NestEngine(mac(*tile(2, 2, 4)))
MASKED = np.ma.masked_array([[3.0]], mask=[[True]])
FLOATS = tpe.Engine("lmul", "os", "2x2")
ANY: Any = tpe
NO_ENGINES = ("mac", None, 5, NEST)

REFUSED: dict[str, Callable[[], Any]] = {
    **{
        f"{name} of {engine!r}": lambda name=name, engine=engine: getattr(ANY, name)(engine)
        for name in ("price", "verify", "prove")
        for engine in NO_ENGINES
    },
    "describe of a name": lambda: ANY.describe("mac"),
    "emit of a name": lambda: ANY.emit("mac", "x1"),
    "emit into None": lambda: ANY.emit(ENGINE, None),
    "emit with a prefix": lambda: ANY.emit(ENGINE, "x1", prefix=3),
    "emit at a clock": lambda: ANY.emit(ENGINE, "x1", clock_ns="a"),
    "vectors of None": lambda: ANY.vectors(None, "x1"),
    "vectors into None": lambda: ANY.vectors(ENGINE, None),
    "verify with a seed": lambda: tpe.verify(ENGINE, seed=2**63),
    "point on a technology": lambda: ANY.point(ENGINE, "gemm:2x2x2", 3),
    "point at a clock": lambda: ANY.point(ENGINE, "gemm:2x2x2", "tpe130", clock_ns="a"),
    "point at a clock alone": lambda: tpe.point(ENGINE, "gemm:2x2x2", clock_ns=2.0),
    "point by recipes alone": lambda: tpe.point(ENGINE, "gemm:2x2x2", recipes="quick"),
    "point with energy": lambda: ANY.point(ENGINE, "gemm:2x2x2", energy="x"),
    "point by recipes": lambda: ANY.point(ENGINE, "gemm:2x2x2", "tpe130", recipes=3),
    "price of a library": lambda: ANY.price(ENGINE, None),
    "price at a clock": lambda: tpe.price(ENGINE, clocks_ns=[-1]),
    "price at no number": lambda: tpe.price(ENGINE, clocks_ns=[float("nan")]),
    "price at one": lambda: ANY.price(ENGINE, clocks_ns=4.0),
    "synthesise on": lambda: ANY.synthesise("mac", liberty=3),
    "mutate within": lambda: tpe.mutate(1, limit=-1),
    "mutate by": lambda: tpe.mutate(1, seed=-1),
    "mutate some": lambda: ANY.mutate("a"),
    "mutate a name": lambda: ANY.mutate(1, engines=["mac"]),
    "trace of lanes": lambda: ANY.trace("gemm:8x4x4", 4),
    "cosim of None": lambda: ANY.cosim(None, "top", "multiply", {}),
    "columns": lambda: ANY.Engine("mac", "os", 2).run([[1]], [[1]]).with_columns(3),
    "Requant": lambda: ANY.Requant("a", None),
    "a size without order": lambda: ANY.Config("mac", "os", {4, 5}),
    "a config as a PE": lambda: ANY.Engine(tpe.Config("mac")),
    "a nest as a PE": lambda: ANY.Engine(NEST.nest),
    "a PE as a nest": lambda: ANY.NestEngine("mac"),
    "masked operands": lambda: FLOATS.run(MASKED, [[1.0]]),
    "weights of None": lambda: ANY.read_weights(None),
    "weights of a folder": lambda: tpe.read_weights("."),
    "integers of a name": lambda: ANY.quantise_integers("a", "int4"),
    "signs of None": lambda: tpe.one_bit(None),
    "masked numbers": lambda: tpe.rounded(MASKED, "bf16"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_a_line(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(tpe.TpeError) as error:
        REFUSED[name]()
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_is_frozen_and_says_what_it_is() -> None:
    config = tpe.Config("mac", "os", "2x2")
    for name in ("size", "params"):
        with pytest.raises(tpe.TpeError, match="cannot be taken away"):
            delattr(config, name)
    assert repr(config) == repr(ENGINE).replace("Engine", "Config", 1)
    assert repr(NEST).startswith("<NestEngine nest_2x2: int8 x int8, acc 32, hash ")


def test_a_comparison_takes_a_config() -> None:
    configs = [tpe.Config("mac", "os", "2x2"), tpe.Config("opt1", "os", "2x2")]
    rows = tpe.compare(configs, "gemm:4x4x4").rows()
    assert [row["label"] for row in rows] == ["mac", "opt1"]
    assert rows[0]["cycles"] == tpe.point(configs[0], "gemm:4x4x4")["cycles"]


@pytest.mark.filterwarnings("error")
def test_a_signalling_nan_is_one_like_any_other() -> None:
    signalling = np.array([[0x7F800001]], np.uint32).view(np.float32)
    assert np.isnan(FLOATS.run(signalling, [[1.0]]).C).all()
