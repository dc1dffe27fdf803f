"""No command leaves a process behind, however it ends: every child is looked for by a marker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest

from tpe.base import supervisor
from tpe.base.processes import run, started

MARK = "TPE_TEST_MARK"


def marked(mark: str) -> dict[int, str]:
    """Processes whose environment carries a mark: number -> command line."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            environment = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if f"{MARK}={mark}".encode() in environment.split(b"\0") and state != "Z":
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # ended meanwhile, or somebody else's
    return found


def wait(condition, seconds=120.0):
    """Until a condition holds; fails if it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that")


@pytest.fixture
def mark():
    """A mark of its own; whatever still carries it in the end is killed."""
    name = uuid.uuid4().hex
    yield name
    for number in marked(name):
        os.kill(number, signal.SIGKILL)


def program(mark: str, *words: str, **more: str) -> subprocess.Popen[str]:
    """Python with a mark, interruptible as a command of a terminal is."""
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    command = [sys.executable, "-c", code + words[0], *words[1:]]
    environment = {**os.environ, MARK: mark, **more}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


SLEEPS = """
from tpe.base.processes import run
run(["sh", "-c", "sleep 600 & sh -c 'sleep 601 & sleep 602'"])
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_children_of_children_end_with_a_command_that_is_killed(how, mark):
    child = program(mark, SLEEPS)
    wait(lambda: sum("sleep 60" in x and "sh -c" not in x for x in marked(mark).values()) == 3)
    child.send_signal(how)
    child.communicate()
    wait(lambda: not marked(mark), 20)


VERIFY = """
import tpe.hdl.simulate.cosim as cosim
import sys
if sys.argv.pop() == "hang":  # no limit, and an engine from which no word leaves
    from dataclasses import replace
    plain, cosim.cycle_limit = cosim.build, lambda cycles: 0
    def broken(design):
        name = next(x for x in design.sources if x.endswith("_drain"))
        text = design.sources[name].replace("c_valid_o = c_valid_q", "c_valid_o = 1'b0")
        return plain(replace(design, sources={**design.sources, name: text}))
    cosim.build = broken
from tpe.cli.main import main
main()
"""
WORDS = (
    "verify",
    "--pe",
    "mac",
    "--array",
    "matrix2d",
    "--size",
    "1x1",
    "--workload",
    "gemm:1x1x1",
)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=str)
def test_verify_leaves_no_simulator(how, mark):
    child = program(mark, VERIFY, *WORDS, "hang")
    wait(lambda: any("builds/" in x and "verilator" not in x for x in marked(mark).values()), 600)
    child.send_signal(how)
    child.communicate()
    wait(lambda: not marked(mark), 20)


def test_verify_leaves_no_compiler(mark, tmp_path):
    child = program(mark, VERIFY, *WORDS, "run", TPE_CACHE_DIR=str(tmp_path))
    wait(lambda: any("cc1plus" in x for x in marked(mark).values()), 600)
    child.kill()
    child.communicate()
    wait(lambda: not marked(mark), 20)


def test_what_a_command_leaves_running_ends_with_it(mark):
    done = run(["sh", "-c", "sleep 600 & echo done"], env={**os.environ, MARK: mark})
    assert done.stdout == "done\n"
    assert not marked(mark)


def test_a_limit_and_an_exception_end_it_at_once(mark):
    environment = {**os.environ, MARK: mark}
    with pytest.raises(subprocess.TimeoutExpired, match="sleep"):
        run(["sh", "-c", "sleep 600 & sleep 601"], env=environment, timeout=1)
    assert not marked(mark)
    with pytest.raises(AssertionError), started(["sleep", "600"], env=environment):
        wait(lambda: False, 1)
    assert not marked(mark)


def test_a_group_runs_until_its_last_process_has_ended():
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as process:
        assert supervisor.runs(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not supervisor.runs(process.pid)  # though the system holds its number still


def test_a_supervisor_that_is_asked_to_end_takes_its_command_along(mark):
    with started(["sleep", "600"], env={**os.environ, MARK: mark}) as process:
        wait(lambda: "sleep 600 " in marked(mark).values())
        process.terminate()
        process.wait()
        assert not marked(mark)


def test_results_are_those_of_the_command(tmp_path):
    done = run(["sh", "-c", "cat; pwd; echo bad >&2; exit 5"], cwd=tmp_path, input="é\n")
    assert (done.returncode, done.stdout, done.stderr) == (5, f"é\n{tmp_path}\n", "bad\n")
    assert run(["sh", "-c", "kill -KILL $$"]).returncode == -signal.SIGKILL
    assert run(["sh", "-c", "kill -XCPU $$"]).returncode == -signal.SIGXCPU
    assert run(["sh", "-c", "cat"]).stdout == ""
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        run(["no-such-program"])
    with (tmp_path / "out").open("w") as file:
        run(["sh", "-c", "echo one; echo two >&2"], stdout=file, stderr=subprocess.STDOUT)
    assert (tmp_path / "out").read_text() == "one\ntwo\n"


EARLY = """
import os, subprocess, sys
from tpe.base import processes
plain = subprocess.Popen
def quick(*words, **options):
    plain(*words, **options)
    os._exit(0)  # while the supervisor begins
subprocess.Popen = quick
processes.run(["sleep", "600"])
"""


def test_a_starter_that_ends_at_once_leaves_nothing(mark):
    for _ in range(5):
        program(mark, EARLY).communicate()
    wait(lambda: not marked(mark), 20)
