"""docs/howto/multiplier.md: its Python runs in order, its commands are some of ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tpe.base import registry
from tpe.numbers.multipliers import table_of

PAGE = (Path(__file__).parents[2] / "docs/howto/multiplier.md").read_text()


def test_its_python_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = []
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "multiplier.md", "exec"), {})
        printed.append(capsys.readouterr().out)
    assert len(printed) == 4 and all(printed)
    assert printed[1].split() == ["31"]  # products with zero are 1
    assert printed[2].startswith("[[80]] ") and "truncated.npy@" in printed[2]  # 8 + 72


def test_its_commands_are_there() -> None:
    verbs = re.findall(r"^tpe (\w+)", PAGE, re.MULTILINE)
    assert verbs and set(verbs) <= set(registry.built_in("tpe.commands"))


@pytest.mark.parametrize("name", ["mitchell", "kulkarni"])
def test_its_table_is_what_is_computed(name: str) -> None:
    errors = table_of(name).errors
    relative = 100 * errors.mean_relative
    cells = [
        f"{relative:.2f} %",
        f"{relative * (255 / 256) ** 2:.2f} %",
        f"{100 * errors.largest_relative:.1f} %",
        f"{100 * errors.error_rate:.1f} %",
        f"{errors.mean_absolute:.1f}",
        f"{errors.bias:.1f}",
    ]
    assert f"| `{name}` | {' | '.join(cells)} |" in PAGE
