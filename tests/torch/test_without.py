"""Without PyTorch: one line with the pip command."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import tpe
import tpe.torch


@pytest.fixture
def _no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)


ENGINE = tpe.Config("mac", "os", "2x2")


@pytest.mark.usefixtures("_no_torch")
@pytest.mark.parametrize(
    "call", [lambda: tpe.capture(None), lambda: tpe.torch.swap_linears(None, ENGINE)]
)
def test_it_says_how_to_get_it(call: Any) -> None:
    with pytest.raises(tpe.TpeError, match=r"torch is not installed; run: pip install -e '.\[cap"):
        call()


def test_other_names_are_none() -> None:
    with pytest.raises(AttributeError, match=r"module 'tpe\.torch' has no attribute 'Linaer'"):
        tpe.torch.Linaer  # noqa: B018
