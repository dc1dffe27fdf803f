"""Adding a PE is two files: every listing, command and contract test then covers it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

MODEL = '''"""A toy: the multiplication operator and a word accumulator."""

from tpe.base.jit import kernel
from tpe.nest.notation import mac
from tpe.pe.base import PE, Hardware, Way
from tpe.pe.kernel import Kernel, Psum, resolve_type, step_type
from tpe.pe.paces import Dense


@kernel(step_type)
def step(codes, b, plane, psum, facts):
    for lane in range(codes.shape[0]):
        for n in range(codes.shape[1]):
            word = psum[0, n] + codes[lane, n] * b[lane, n]
            psum[0, n] = word & ((1 << facts.psum_bits) - 1)


@kernel(resolve_type)
def resolve(psum, plane, acc, facts):
    acc[:] = psum[0]


RECORD = PE(
    name="toy",
    title="toy multiplier",
    source="this test",
    nest=lambda loops, params: mac(*loops),
    kernel=Kernel(Psum("word", lambda w: w.acc), step, resolve),
    pace=Dense(lanes=range(1, 2)),
    ways=frozenset({Way.KEEP}),
    hardware=Hardware(
        cell="toy",
        finish="word",
        built=lambda w: {
            "encode": 3,
            "map": w.b + 2,
            "shift": w.a + w.b,
            "half_reduce": w.a + w.b,
            "add": w.a + w.b,
            "accumulate": w.acc,
        },
        trees=lambda w, params: ((w.digits, w.a + w.b),),
    ),
)
'''


def toy_rtl() -> str:
    """The MAC's cell under another name: its inventory is the nest's."""
    text = (ROOT / "rtl/pe/tpe_pe_mac.sv").read_text()
    return text.replace("tpe_pe_mac", "tpe_pe_toy")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the project with the two files added, and nothing else changed."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("tpe", "rtl", "sim", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "tpe/pe/toy.py").write_text(MODEL)
    (folder / "rtl/pe/tpe_pe_toy.sv").write_text(toy_rtl())
    return folder


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_commands_cover_it(copy):
    assert "toy multiplier" in run(copy, "-m", "tpe.cli.main", "list")
    assert "accuracy" in run(copy, "-m", "tpe.cli.main", "run", "--pe", "toy")
    assert "tpe_pe_toy" in run(copy, "-m", "tpe.cli.main", "show", "--pe", "toy")
    run(copy, "-m", "tpe.cli.main", "emit", "--pe", "toy", "-o", "out")
    assert (copy / "out" / "tpe_toy_matrix2d_4x4_pe_toy.sv").exists()
    assert "are equal" in run(copy, "-m", "tpe.cli.main", "verify", "--pe", "toy", "--size", "2x2")


def test_the_contract_covers_it(copy):
    tests = [
        "tests/contract/test_model.py",
        "tests/contract/test_rtl.py::test_inventory_is_what_elaborates",
        "tests/contract/test_rtl.py::test_cell_on_all_pairs_and_on_random_steps",
        "tests/contract/test_rtl.py::test_variants_types_corners_and_all_pairs",
    ]
    options = ("-k", "toy", "-p", "no:cacheprovider", "-o", "addopts=", "-v")
    printed = run(copy, "-m", "pytest", *options, *tests)
    for test in (
        "test_all_int8_pairs[toy-systolic_os]",
        "test_all_int8_pairs[toy-matrix2d]",
        "test_inventory_is_what_elaborates[toy-matrix2d]",
        "test_cell_on_all_pairs_and_on_random_steps[toy-default]",
        "test_variants_types_corners_and_all_pairs[toy-systolic_os]",
    ):
        assert f"{test} PASSED" in printed
