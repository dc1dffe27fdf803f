"""What gets imported, and when: nothing heavy before it is needed. Asserted, never timed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"numba", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "cocotb", "onnx", "jinja2"}


def loaded_by(code: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


def command(*words: str) -> str:
    return (
        f"from tpe.cli.main import app\ntry:\n    app({list(words)!r})\n"
        "except SystemExit as end:\n    assert end.code == 0, end\n"
    )


def test_import_tpe_loads_not_even_numpy() -> None:
    assert not loaded_by("import tpe") & (HEAVY | {"numpy", "typer", "rich"})


@pytest.mark.parametrize(
    "words", [("list",), ("list", "--combinations"), ("--help",), ("run", "--help"), ("show",)]
)
def test_light_commands_load_nothing_heavy(words: tuple[str, ...]) -> None:
    assert not loaded_by(command(*words)) & HEAVY


def test_the_engine_loads_no_command_line_and_nothing_heavy() -> None:
    assert not loaded_by("import tpe\ntpe.Engine") & (HEAVY | {"typer", "rich"})


def test_a_dense_run_needs_no_kernels_and_no_frames() -> None:
    assert not loaded_by(command("run", "--workload", "gemm:2x3x4")) & HEAVY


def test_the_python_side_of_show_needs_no_command_line() -> None:
    code = "import tpe\nfrom tpe.report.describe import describe\ndescribe(tpe.Engine('opt4c'))"
    assert not loaded_by(code) & (HEAVY | {"typer", "rich"})
