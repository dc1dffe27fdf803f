"""Results made again: equal ones, changed ones, and files that hold no command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tpe.cli.main import app

RUN = ["run", "--pe", "opt4c", "--size", "4x4", "--workload", "gemm:8x8x8"]


def result(path: Path, words: list[str] = RUN) -> dict[str, object]:
    assert CliRunner().invoke(app, [*words, "--json", str(path)]).exit_code == 0
    found: dict[str, object] = json.loads(path.read_text())
    return found


def test_a_result_of_another_version_is_equal(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    found = result(file)
    text = json.dumps(found).replace(f'"tpe_version": "{found["layers"][0]["tpe_version"]}"', "@")
    file.write_text(text.replace("@", '"tpe_version": "0.0.1"'))
    done = CliRunner().invoke(app, ["rerun", str(file)])
    assert done.exit_code == 0
    assert "equal: nothing differs. Made by tpe 0.0.1, this is" in done.output


def test_a_value_that_differs_is_named(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    found = result(file)
    cycles = found["totals"]["cycles"]
    found["totals"]["cycles"] += 1
    file.write_text(json.dumps(found))
    done = CliRunner().invoke(app, ["rerun", str(file), "--json", str(tmp_path / "d.json")])
    assert done.exit_code == 1
    assert "1 values differ" in done.output
    told = json.loads((tmp_path / "d.json").read_text())
    expected = {"where": "totals.cycles", "before": cycles + 1, "now": cycles}
    assert (told["equal"], told["differences"]) == (False, [expected])


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("{", "cannot be read as result"),
        ("[" * 100_000, "cannot be read as result"),
        ("[]", "holds no command of tpe"),
        ('{"command": "rm -rf /"}', "holds no command of tpe"),
        ('{"command": "tpe emit -o out"}', "tpe emit is not made again; legal: the JSON of tpe"),
        ('{"command": "tpe \'run"}', "holds no command of tpe"),
        ('{"command": "tpe run --pe nothing"}', "tpe run left no result: it ended with code 2"),
    ],
)
def test_files_that_are_no_result(tmp_path: Path, content: str, part: str) -> None:
    file = tmp_path / "r.json"
    file.write_text(content)
    done = CliRunner().invoke(app, ["rerun", str(file)])
    assert done.exit_code == 2
    assert part in done.output.replace("\n", " ")


def test_a_file_that_is_not_there() -> None:
    done = CliRunner().invoke(app, ["rerun", "none.json"])
    assert done.exit_code == 2 and "none.json: cannot be read as result" in done.output
