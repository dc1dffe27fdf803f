"""A pytest fixture for RTL teams: `tpe_cosim` runs a PE beside a model and fails on a mismatch.

::

    def test_my_pe(tpe_cosim):
        ports = {"clk": "clk", "a": "in_a", "b": "in_b", "out": "p"}
        tpe_cosim("rtl/my_pe.v", "my_pe", "multiply", ports, reset="rst_n:low", latency=2)
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tpe.hdl.foreign.report import Cosimulation


@pytest.fixture
def tpe_cosim(request: pytest.FixtureRequest) -> Callable[..., Cosimulation]:
    """`tpe.cosim` that fails the test, with the first mismatches, unless every result is right.

    Takes what `tpe.cosim` takes and returns its report; `check=False` only returns it. Files and
    directories that are not absolute are looked for beside the test, then where pytest
    runs.
    """
    beside = request.path.parent

    def find(name: str | os.PathLike[str]) -> Path:
        path = beside / name
        return path if path.exists() else Path(name)

    def run(
        file: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *arguments: Any,
        check: bool = True,
        include: Sequence[str | os.PathLike[str]] = (),
        libraries: Sequence[str | os.PathLike[str]] = (),
        file_lists: Sequence[str | os.PathLike[str]] = (),
        **options: Any,
    ) -> Cosimulation:
        __tracebackhide__ = True
        from tpe.hdl.foreign.cosim import cosim

        files = [find(x) for x in ([file] if isinstance(file, str | os.PathLike) else file)]
        report = cosim(
            files,
            *arguments,
            include=[find(x) for x in include],
            libraries=[find(x) for x in libraries],
            file_lists=[find(x) for x in file_lists],
            **options,
        )
        if check and not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report

    return run
