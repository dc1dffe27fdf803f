"""Results made again: equal ones, changed ones, and files that hold no command."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pytest
from typer.testing import CliRunner

import tpe
from tools.json_schemas import COSTS
from tpe.base import registry
from tpe.cli import installed
from tpe.cli.main import app
from tpe.cli.paths import Role, option_name, role_of
from tpe.cli.rerun import AGAIN, redirected

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
    assert "1 value differs." in done.output
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
        ('{"command": "tpe run --help"}', "tpe run --help ended well and wrote no result; legal: "),
        ('{"format": "tpe run", "command": ""}', "a saved run, made by no command; tpe.Run.load"),
        (
            '{"format": "tpe comparison"}',
            "a saved comparison, made by no command; tpe.Compar",
        ),
        ('{"format": "tpe run", "command": "tpe run"}', "r.json: format version None"),
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


def test_a_command_that_fails_says_so_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "r.json"
    file.write_text('{"command": "tpe run --size 0x0"}')
    done = CliRunner().invoke(app, ["rerun", str(file)])
    assert (done.exit_code, done.output) == (2, "")
    told = capfd.readouterr().err
    assert told.count("\n") == 1 and told.startswith("tpe: error: ") and "0x0" in told


def test_saved_runs_and_comparisons_are_made_again_by_their_command(tmp_path: Path) -> None:
    model = ["run", "--pe", "mac", "--size", "4x4", "--workload", "onnx:light_squeezenet"]
    for words, engine in ((RUN, "opt4c"), ([*model, "--values", "none"], "mac")):
        found = result(tmp_path / "r.json", words)
        options = dict(zip(words[1::2], words[2::2], strict=True))
        run = tpe.Engine(engine, "matrix2d", "4x4").run(
            options["--workload"], values=options.get("--values", "auto")
        )
        file = tmp_path / "saved.json"
        replace(run, command=found["command"]).save(file)
        done = CliRunner().invoke(app, ["rerun", str(file)])
        assert (done.exit_code, "equal: nothing differs." in done.output) == (0, True), done.output
    words = ["compare", "--pe", "mac,opt1", "--size", "2x2", "--workload", "gemm:2x3x2"]
    found = result(tmp_path / "r.json", words)
    comparison = tpe.compare(["mac", "opt1"], "gemm:2x3x2", size="2x2")
    replace(comparison, command=found["command"]).save(file)
    done = CliRunner().invoke(app, ["rerun", str(file)])
    assert (done.exit_code, "equal: nothing differs." in done.output) == (0, True), done.output


# ---- files that the command names ----

FAST = "--recipe ripple/fast"
LINES = {  # a short line of each command that has more outputs than --json
    "run": "--pe mac --size 2x2 --workload gemm:2x3x2",
    "compare": "--pe mac,opt1 --size 2x2 --workload gemm:2x3x2",
    "show": "--pe mac",
    "trace": "--lanes 1 --workload gemm:8x8x8",
    "verify": "--pe mac --size 2x2 --workload gemm:2x3x2",
    "synth": f"--pe mac {FAST}",
    "cosim": "--vectors 50",
    "reproduce": "ent --cost cost.csv",
}
WITH = {"--export": " --array os --size 2x2", "--saif": " --power --clock-ns 8"}  # what they take
ENDINGS = {"--table": ".csv", "--figure": ".png", "--waves": ".fst", "--save": ".toml"}


def outputs(verb: str) -> dict[str, Role]:
    """The options of a command that name what it writes, but for --json, which goes apart."""
    function = registry.load(registry.built_in(installed.GROUP)[verb]).function
    hints = get_type_hints(function, include_extras=True)
    roles = {option_name(hint, name): role_of(hint) for name, hint in hints.items()}
    return {k: role for k, role in roles.items() if role and role.written and k != "--json"}


def test_a_line_stands_here_for_every_command_with_outputs() -> None:
    assert {verb for verb in AGAIN if outputs(verb)} == LINES.keys()


@pytest.mark.parametrize(
    ("verb", "option"), [(verb, option) for verb in LINES for option in outputs(verb)]
)
def test_a_file_that_the_command_names_is_not_written(
    verb: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cost.csv").write_text(COSTS)
    line = LINES[verb] + WITH.get(option, "")
    named = tmp_path / f"the one{ENDINGS.get(option, '')}"
    words = [verb, *line.split(), option, named.name]
    assert CliRunner().invoke(app, [*words, "--json", "r.json"]).exit_code == 0
    found = json.loads((tmp_path / "r.json").read_text())
    (tmp_path / "r.json").write_text(json.dumps({**found, "command": shlex.join(["tpe", *words])}))
    assert named.exists()
    kept = named / "kept" if named.is_dir() else named
    kept.write_text("mine")
    before = set(tmp_path.rglob("*"))
    CliRunner().invoke(app, ["rerun", "r.json", "--json", "d.json"])
    told = json.loads((tmp_path / "d.json").read_text())
    assert kept.read_text() == "mine"
    assert set(tmp_path.rglob("*")) == {*before, tmp_path / "d.json"}
    assert all(row["where"].endswith("command") for row in told["differences"])
    assert "/tpe-" not in json.dumps(told)  # the folder that it was made in


def test_every_form_of_an_option_is_seen() -> None:
    folder = Path("/none")
    for words, safe in (
        (
            ["run", "--table", "a b.csv", "-p", "x=1"],
            ["run", "--table", "/none/0.csv", "-p", "x=1"],
        ),
        (["run", "--json=a.json", "--table=a.csv"], ["run", "--table", "/none/0.csv"]),
        (["run", "--json", "-", "--energy"], ["run", "--energy"]),
        (["run", "-p", "--table", "--pe", "mac"], ["run", "-p", "--table", "--pe", "mac"]),
        (["emit", "-oout", "--seed", "1"], ["emit", "-o", "/none/0", "--seed", "1"]),
        (["fit", "--table", "a.csv"], ["fit", "--table", "a.csv"]),
        (["cosim", "--", "--waves", "a.v"], ["cosim", "--", "--waves", "a.v"]),
        (["run", "--table"], ["run", "--table"]),
    ):
        assert redirected(words, folder)[0] == safe
