"""The command line beside the Python API on networks of many layers, in one process."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from typer.testing import CliRunner

import tpe
from benchmarks.timing import Figure, best
from tpe.cli.main import app

LIMIT = 1.5  # times the API's
LAYERS = (512, 2000)


def figures() -> Iterator[Figure]:
    """Reading, running and printing by the command, over reading and running by the API.

    Start-up of the interpreter and imports are in neither.
    """
    with tempfile.TemporaryDirectory() as folder:
        for count in LAYERS:
            yield command_line(Path(folder) / f"layers{count}.onnx", count)


def command_line(file: Path, count: int) -> Figure:
    """`tpe run` over `Engine.find` and `Engine.run`, of a chain of `count` small layers."""
    _chain(file, count)
    words = ["run", "--pe", "mac", "--array", "os", "--size", "4x4", "--workload", str(file)]

    def by_api() -> None:
        engine = tpe.Engine("mac", "os", "4x4")
        assert len(engine.run(engine.find(str(file))).layers) == count

    def by_command() -> None:
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output

    ratio = best(by_command) / best(by_api)
    name = f"tpe run over the Python API, one process, ONNX of {count:,} layers"
    return Figure(name, f"{ratio:.2f} x", f"<= {LIMIT} x", ratio <= LIMIT)


def _chain(file: Path, count: int) -> None:
    """An ONNX model of `count` MatMuls of 8 x 8, one behind the other."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.ones((8, 8), np.float32), "w")
    names = ["x", *(f"x{i}" for i in range(1, count)), "y"]
    nodes = [
        helper.make_node("MatMul", [names[i], "w"], [names[i + 1]], name=f"m{i}")
        for i in range(count)
    ]
    ends = [
        helper.make_tensor_value_info(n, TensorProto.FLOAT, [4, 8]) for n in (names[0], names[-1])
    ]
    graph = helper.make_graph(nodes, "chain", ends[:1], ends[1:], [weight])
    onnx.save(helper.make_model(graph), file)
