"""PEs that do not compute in integers: the contract that every package's PE is held to.

The landing tier builds the engines of one array of each, the full tier of all. A cell whose lanes
are one sum has as many as its rule says, so that its arrays take long to build: of these the
landing tier builds those of `tests/hdl/test_tensor_core_cells.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tpe import array as arrays
from tpe import pe as pes
from tpe.numbers.arithmetic import INTEGER
from tpe.testing import checks

OTHERS = [name for name in pes.names() if pes.get(name).arithmetic != INTEGER]
OF_RTL = {"reads", "cell"}  # of a fused cell, in one array for all


def tiered(name: str) -> Iterator[Any]:
    """The checks of a PE, those marked that only the full tier runs."""
    pe = pes.get(name)
    first = f"{name}-{arrays.default_for(pe)}"
    for check in checks(name):
        away = check.subject != first
        later = check.what == "engines" and (away or pe.kernel.fused)
        later |= check.what in OF_RTL and away and pe.kernel.fused
        yield pytest.param(check, id=str(check), marks=[pytest.mark.full] if later else [])


@pytest.mark.parametrize("check", [check for name in OTHERS for check in tiered(name)])
def test_contract(check):
    check()


def test_there_are_some():
    assert {"lmul", "bipolar", "mixpe", "fma", "fma_approxnorm", "tensorcore"} <= set(OTHERS)
