"""The golden files are what their rules make; `python -m tests.golden.make` writes them anew."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden import make


@pytest.mark.parametrize("name", make.FILES)
def test_a_file_is_what_its_rule_makes(name: str) -> None:
    committed, now = make.path(name).read_text(), make.text(name)
    if committed != now:  # the first entries that differ say more than two long texts
        old, new = json.loads(committed), json.loads(now)
        moved = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        raise AssertionError(f"{len(moved)} entries of {name} moved: {', '.join(moved[:5])}")


def test_every_file_has_a_rule() -> None:
    assert {path.stem for path in make.HERE.glob("*.json")} == set(make.FILES)
    assert {path.name for path in make.GEN.iterdir() if path.is_dir()} == set(make.COMMITTED)


@pytest.mark.parametrize("name", make.COMMITTED)
def test_committed_configurations_are_what_emit_writes(name: str, tmp_path: Path) -> None:
    make.emit(name, tmp_path / name)
    made = {path.name: path.read_text() for path in (tmp_path / name).iterdir()}
    assert made == {path.name: path.read_text() for path in (make.GEN / name).iterdir()}
