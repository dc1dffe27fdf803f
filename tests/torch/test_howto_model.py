"""docs/howto/model.md: its Python runs as it stands, and its commands are some of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.optional import needs
from tpe.base import registry

PAGE = (Path(__file__).parents[2] / "docs/howto/model.md").read_text()


def blocks() -> Iterator[Any]:
    """Python of the page; what needs PyTorch is marked."""
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)):
        marks = needs("torch") if "torch" in block else []
        yield pytest.param(block, id=str(number), marks=marks)


@pytest.mark.parametrize("block", list(blocks()))
def test_a_block_runs(block: str, capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block, "model.md", "exec"), {})
    assert capsys.readouterr().out.strip()


def test_its_commands_are_there() -> None:
    verbs = re.findall(r"^tpe (\w+)", PAGE, re.MULTILINE)
    assert verbs and set(verbs) <= set(registry.built_in("tpe.commands"))
