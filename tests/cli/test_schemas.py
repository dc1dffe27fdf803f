"""The JSON of every command keeps its schema; a field that comes, goes or changes type is seen."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from typer.testing import CliRunner

from tools.json_schemas import CELLS, FAST, MULTIPLIER, prepared
from tpe import pe
from tpe.cli.main import app
from tpe.cli.schema import names, schema
from tpe.technology.technology import technology

# Other lines than those that the schemas were made from (`tools/json_schemas.py`).
LINES = {
    "list": (
        "--combinations",
        "pes",
        "{folder}/weights.safetensors",
        "{folder}/floats.safetensors",
    ),
    "run": (
        "--pe mac --size 2x2 --workload gemm:3x4x5",
        "--pe bitlet --workload gemm:9x9x9 --energy",
        "--pe lmul --size 2x2 --workload gemm:3x4x5",
        "--engine edge_16x16",
    ),
    "compare": (
        "--pe opt1,opt2 --size 4x4 --workload gemm:5x5x5",
        f"--pe opt1 --iso area {FAST} --no-energy --workload gemm:5x5x5",
        "--pe mac,opt1",
        "--pe mac,opt1 --iso power --cost {folder}/cost.csv",
    ),
    "show": (
        "--pe opt1 --array adder_tree --size 4x4",
        "--engine ascend_like_cube",
        *(f"--pe {name}" for name in pe.names()),
    ),
    "trace": ("--lanes 1", "--lanes 2 -p a_type=int4 --workload gemm:8x8x8"),
    "emit": ("--pe opt4c --size 2x2 -o {folder}/emitted",),
    "verify": ("--pe opt4c --size 2x2 -p depth=16",),
    "vectors": ("--pe opt1 --size 2x2 --workload gemm:3x4x5 -o {folder}/vectors",),
    "evaluate": ("digits_mlp --pe lmul --samples 20",),
    "doctor": ("",),
    "prove": ("--pe opt1 --array os --size 1x1",),
    "mutate": ("--pe mac --count 3 --floor 0 --seed 1", "--pe opt3 --count 3 --floor 0"),
    "synth": (
        f"--pe opt1 {FAST}",
        f"--pe opt1 {FAST} --clock-ns 9 --critical-path",
        f"--pe opt4c {FAST} --shares --fpga ice40",
        f"--pe mac {FAST} --liberty {{folder}}/other.lib --critical-path",
        "--pe opt1 --cost {folder}/cost.csv",
    ),
    "cosim": (f"{MULTIPLIER} --port out_valid=done --vectors 100",),
    "error": (
        "--pe lmul --operands normal:1 --lengths 4,8 --rows 3 --columns 3",
        "--pe opt1 --lengths 6 --rows 2 --columns 2 --relative products",
        "--pe table_mult --lengths 6 --rows 2 --columns 2",
    ),
    "reproduce": (
        "ent --cost {folder}/cost.csv",
        "hpca25 --no-energy --cost {folder}/cost.csv",
        "tensorcore",
        f"lmul --no-energy {CELLS}",
        "gpperf --table {folder}/runs.csv",
    ),
    "sweep": ("{folder}/space.toml -o {folder}/sweep-2 --sample 4 --best macs",),
    "optimize": ("{folder}/space.toml -o {folder}/search-1 --trials 3",),
    "fit": ("--table {folder}/table.csv --target ms --group m --closed mk",),
    "predict": ("--pe mac --size 4x4 --gemm 5x5x5 --clock-ns 40", "--rewrite store(encode)"),
    "pareto": ("--table {folder}/table.csv --objectives ms,k --rehearse m --show m",),
    "diff": ("{folder}/runs.csv {folder}/table.csv --key m", "{folder}/cost.csv {folder}/cost.csv"),
    "rerun": ("{folder}/list-0.json", "{folder}/changed.json", "{folder}/shorter.json"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that some lines read."""
    folder = tmp_path_factory.mktemp("lines")
    prepared(folder)
    found = json.loads((folder / "list-0.json").read_text())
    (folder / "shorter.json").write_text(json.dumps({**found, "pes": 1, "more": [None]}))
    floats = b'{"v":{"dtype":"F16","shape":[1,1],"data_offsets":[0,2]}}'
    (folder / "floats.safetensors").write_bytes(len(floats).to_bytes(8, "little") + floats + b"12")
    cells = (technology().files[0]).read_text()
    (folder / "other.lib").write_text(cells.replace("sky130_fd_sc_hd__", "other_"))
    return folder


def written(command: str, line: str, folder: Path) -> Any:
    target = folder / "out.json"
    words = [command, *line.format(folder=folder).split(), "--json", str(target)]
    CliRunner().invoke(app, words)
    return json.loads(target.read_text())


def test_every_command_with_json_has_one() -> None:
    commands = {c.name: c.callback for c in app.registered_commands if c.callback}
    with_json = {name for name, run in commands.items() if "json_file" in run.__annotations__}
    assert with_json == set(names()) == LINES.keys()
    for name in names():
        jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize(
    ("command", "line"), [(command, line) for command, lines in LINES.items() for line in lines]
)
def test_what_a_command_writes_keeps_it(command: str, line: str, folder: Path) -> None:
    document = written(command, line, folder)
    jsonschema.validate(document, schema(command))
    for changed in (
        {**document, "another": 1},
        {key: value for key, value in document.items() if key != "command"},
        {**copy.deepcopy(document), "schema_version": "1"},
    ):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(changed, schema(command))


def test_proofs_of_several_engines_keep_it(folder: Path) -> None:
    """`tpe prove` of every PE takes minutes; what it writes is the proofs of each, in a list."""
    one = written("prove", LINES["prove"][0], folder)
    several = {key: one[key] for key in ("schema_version", "command", "ok")} | {"engines": [one]}
    jsonschema.validate(several, schema("prove"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**several, "engines": [{}]}, schema("prove"))


def test_the_command_prints_them() -> None:
    done = CliRunner().invoke(app, ["schema", "run"])
    assert json.loads(done.output) == schema("run")
    listed = CliRunner().invoke(app, ["schema"]).output
    assert all(name in listed for name in names())
    wrong = CliRunner().invoke(app, ["schema", "rum"])
    assert wrong.exit_code == 2
    assert "unknown command 'rum' (did you mean 'run'?)" in wrong.output
