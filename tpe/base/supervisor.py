"""Run one command and end with it; if whoever started it goes away, end it and all it started.

    python -I -S supervisor.py FD COMMAND ...

FD is the reading end of a pipe whose other end the starter holds: it reads as closed when the
starter closes it or ends, however it ends. Started by `tpe.base.processes`; it imports nothing of
this package, so that it is there in a hundredth of a second.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress


def main() -> None:
    """Start the command in a process group of its own and wait for it, or for the pipe."""
    pipe, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(pipe, False)
    waking, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    ends = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    for number in (signal.SIGCHLD, *ends):
        signal.signal(number, lambda *_: None)
    child = os.fork()
    if child == 0:
        start(command)
    with suppress(OSError):  # here as well: the pipe may be closed before the child gets there
        os.setpgid(child, 0)
    watch = select.poll()
    for descriptor in (pipe, waking):
        watch.register(descriptor, select.POLLIN)
    status = None
    while status is None:
        ready = [descriptor for descriptor, _ in watch.poll()]
        told = os.read(waking, 64) if waking in ready else b""
        if pipe in ready or any(number in told for number in ends):
            break
        done, code = os.waitpid(child, os.WNOHANG)
        status = code if done else None
    end(child)
    if status is None:
        status = os.waitpid(child, 0)[1]
    wait(child)
    leave(os.waitstatus_to_exitcode(status))


def start(command: list[str]) -> None:
    """Become the command, in a new process group; never returns."""
    os.setpgid(0, 0)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)
    os._exit(127)


def end(group: int) -> None:
    """Kill what is left of a process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def wait(group: int) -> None:
    """Until no process of a killed group runs: whoever is killed on a busy machine ends later."""
    late = time.monotonic() + 10  # a process in a call of a slow disk ends when that returns
    while runs(group) and time.monotonic() < late:
        time.sleep(0.002)


def runs(group: int) -> bool:
    """Whether a process of the group runs still; one that waits to be collected does not."""
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    entries = os.listdir("/proc") if os.path.isdir("/proc") else []
    return any(member(entry, group) for entry in entries if entry.isdigit())


def member(number: str, group: int) -> bool:
    """Whether a process is of the group and has not ended."""
    try:
        with open(f"/proc/{number}/stat", "rb") as stat:
            state, _, its_group = stat.read().rpartition(b")")[2].split()[:3]
    except OSError:
        return False
    return int(its_group) == group and state not in (b"Z", b"X")


def leave(code: int) -> None:
    """End as the command did: with its exit status, or by the signal that ended it."""
    if code >= 0:
        os._exit(code)
    signal.signal(-code, signal.SIG_DFL) if -code != signal.SIGKILL else None
    os.kill(os.getpid(), -code)
    os._exit(128 - code)


if __name__ == "__main__":
    main()
