"""PEs that do not compute in integers: the contract that every package's PE is held to."""

from __future__ import annotations

from tpe import pe as pes
from tpe.numbers.arithmetic import INTEGER
from tpe.testing import contract

OTHERS = [name for name in pes.names() if pes.get(name).arithmetic != INTEGER]


@contract(*OTHERS)
def test_contract(check):
    check()


def test_there_are_some():
    assert {"lmul", "bipolar", "fma", "fma_approxnorm"} <= set(OTHERS)
