"""The cache directory: shared by processes that start at once, refused where it cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import tpe
from tpe.base.cache import cache_dir
from tpe.hdl.simulate.build import QUICK, build
from tpe.hdl.simulate.cosim import bench_design
from tpe.hdl.simulate.toolchain import verilator

WORK = """
import tpe
from tpe.hdl.simulate.build import QUICK, build
from tpe.hdl.simulate.cosim import bench_design
from tpe.hdl.simulate.toolchain import verilator
engine = tpe.Engine("opt4c", "matrix2d", (1, 1), depth=8)
print(build(bench_design([engine])))
"""
KERNELS = """assert engine.run([[3, -4]], [[5], [6]], values="bits").C.tolist() == [[-9]]
"""


def start(folder: Path, program: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TPE_CACHE_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("kernels", [False, pytest.param(True, marks=pytest.mark.full)])
def test_two_processes_fill_a_cache_at_once(kernels, tmp_path):
    """An empty one, compiled code of the model too; in the landing tier simulators alone."""
    if not kernels and (cache_dir() / "runtime").exists():
        whole = shutil.ignore_patterns(".*")  # what another process is writing
        shutil.copytree(cache_dir() / "runtime", tmp_path / "cache" / "runtime", ignore=whole)
    program = WORK + KERNELS if kernels else WORK
    both = [start(tmp_path / "cache", program) for _ in range(2)]
    printed = [process.communicate() for process in both]
    assert [process.returncode for process in both] == [0, 0], printed
    homes = {out.strip() for out, _ in printed}
    assert len(homes) == 1
    left = [path.name for path in (tmp_path / "cache" / "builds").iterdir()]
    assert left == [Path(homes.pop()).name]


def test_a_build_is_found_again_and_depends_on_content(monkeypatch, tmp_path):
    one, two = (tpe.Engine("mac", "os", (1, 1), stages=s) for s in (1, 2))
    assert bench_design([one]).sources != bench_design([two]).sources
    home = build(bench_design([one]))
    before = (home / "tpe_bench").stat().st_mtime_ns
    assert build(bench_design([one])) == home
    assert (home / "tpe_bench").stat().st_mtime_ns == before


def test_the_directory_is_the_users_choice(monkeypatch):
    monkeypatch.setenv("TPE_CACHE_DIR", "/some/where")
    assert cache_dir() == Path("/some/where")
    monkeypatch.delenv("TPE_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/other")
    assert cache_dir() == Path("/other/tpe")


def test_designs_share_what_is_compiled_alike():
    tool = verilator()
    plain = bench_design([tpe.Engine("mac", "os", (1, 1))])
    asserts = bench_design([tpe.Engine("opt1", "os", (2, 1))], asserts=True)
    traced = bench_design([tpe.Engine("mac", "os", (1, 1))], waves=".vcd")
    key = plain.runtime_key(tool)
    assert asserts.runtime_key(tool) == replace(plain, compiler=QUICK).runtime_key(tool) == key
    assert traced.runtime_key(tool) != key != replace(plain, cocotb=False).runtime_key(tool)
    assert replace(plain, compiler=QUICK).key(tool) != plain.key(tool) != asserts.key(tool)
