"""JSON Schemas of every command's `--json`, from what the commands write.

    python -m tools.json_schemas [COMMAND ...]

Runs the commands below, a minute or two with what is cached, and writes `tpe/cli/schemas`. A field
that every document has is required, and no other may stand there, so that a field that comes or
goes is seen (`tests/cli/test_schemas.py`); what was null in all of them may be anything. Columns of
the flat table have the table's types. What depends on the data and not on the command is declared
below: objects whose keys are names (`MAPS`), values that may be unknown (`NULLABLE`), and those
that are integers or words (`WORDS`).
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save

from tpe.base.columns import Column
from tpe.base.table import COLUMNS, json_type

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "tpe" / "cli" / "schemas"
SMALL = "--workload gemm:8x8x8"
FAST = "--recipe ripple/fast"
CELLS = "--recipe brent_kung/small"
MULTIPLIER = (
    "tests/hdl/user_rtl/signmag_mul.v --port clk=clk --port valid=start --port a=a_in "
    "--port b=b_in --port out=prod --type a=int8 --type b=int8"
)
LANES = (
    "tests/hdl/user_rtl/dot_mac.sv --model mac --port clk=clk_i --port valid=en_i "
    "--port first=load_i --port a=x_i --port b=w_i --port out=acc_o --reset arst_ni:low "
    "--tie mode_i=1 --type a=int8 --type b=int8 --vectors 50"
)
DIFFERENT = "{folder}/table.csv {folder}/runs.csv --key m,k"
# Numbers of nobody: a paper's comparison without synthesis.
COSTS = """pe,clock_ns,area_um2,energy_fj_per_mac,leakage_uw
mac,2,1000,500,1
opt1,1,700,250,1
opt4c,0.5,250,,
"""

SPACE = """workload = "gemm:3x4x5"
objectives = ["cycles", "pe_count"]
[engines]
pe = ["mac", "opt1"]
rows = [2, 3, 4]
cols = [2, 4]
"""

COMMANDS: dict[str, tuple[str, ...]] = {
    "list": ("", "--combinations", "workloads", "{folder}/weights.safetensors"),
    "run": (
        "--pe opt4c --size 4x4",
        f"--pe opt1 --array ws --size 4x4 {SMALL} --energy",
        "--pe laconic --size 4x4 --workload gemm:64x64x64 --values none",
        "--pe opt4c --size 8x8 --workload onnx:light_squeezenet",
    ),
    "compare": (
        f"--pe mac,opt4c --array os --size 4x4 {SMALL}",
        "--pe mac,laconic --size 4x4 --workload gemm:64x64x64 --values none",
        f"--pe mac,opt1,sibia --iso area {FAST} --no-energy {SMALL}",
        f"--pe mac,opt1 --iso area {FAST} {SMALL}",
    ),
    "show": (
        "--pe opt3",
        "--pe sibia",
        "--pe opt2 --array cube3d --size 2x2x2",
        "--pe mac",
        "--pe tensorcore",
    ),
    "trace": ("--lanes 1,4", "--lanes 4 --workload digits_mlp"),
    "emit": ("--pe mac --size 2x2 -o {folder}/emit",),
    "verify": ("--pe mac --size 2x2", "--pe opt1 --size 2x2 -p overflow=flag -p guard_bits=4"),
    "prove": ("--pe mac --array os --size 2x2",),
    "vectors": (f"--pe mac --size 2x2 {SMALL} -o {{folder}}/vectors",),
    "mutate": ("--pe mac --count 6 --floor 0",),
    "synth": (
        f"--pe mac,opt4c {FAST}",
        f"--pe mac --array os --size 2x2 {FAST} --clock-ns 8 --front --critical-path",
        f"--pe mac {FAST} --power --clock-ns 8 --shares",
        f"--pe mac {FAST} --critical-path --fpga ice40",
        f"--pe mac --array os --size 2x2 {FAST} --export {{folder}}/export",
        "--pe mac --cost {folder}/cost.csv",
    ),
    "cosim": (
        "",
        f"{MULTIPLIER} --port out_valid=done",
        f"{MULTIPLIER} --latency 1 --port out_valid=done:low",
        LANES,
    ),
    "error": (
        "--pe lmul --operands normal:1 --lengths 8,16 --rows 4 --columns 4",
        "--pe mac --size 4x4 --lengths 8 --rows 4 --columns 4",
        "--pe table_mult --lengths 8 --rows 4 --columns 4",
    ),
    "reproduce": (
        "ent",
        "ent --no-energy",
        "hpca25 --cost {folder}/cost.csv",
        "tensorcore",
        f"fma_approxnorm --no-energy {CELLS}",
        f"lmul --no-energy {CELLS}",
        "gpperf --table {folder}/runs.csv",
    ),
    "sweep": (
        "{folder}/space.toml -o {folder}/sweep-0",
        "{folder}/space.toml -o {folder}/sweep-1 --best cycles",
    ),
    "optimize": ("{folder}/space.toml -o {folder}/search-0 --trials 8",),
    "fit": (
        "--table {folder}/table.csv --target ms --group m,k",
        "--table {folder}/table.csv --target ms --group m,k --closed mk",
    ),
    "predict": ("--pe opt4c --size 4x4", "--pe bitlet --size 4x4 --gemm 9x9x9", "--depth 1"),
    "pareto": (
        "--table {folder}/table.csv --objectives ms,-m",
        "--table {folder}/table.csv --objectives ms,k --rehearse m",
    ),
    "diff": ("{folder}/table.csv {folder}/table.csv --key m,k", DIFFERENT),
    "evaluate": (
        "digits_mlp --size 4x4",
        "digits_mlp --size 4x4 --samples 2 --types fc1:b_type=int4 --types fc2:a_type=int4",
        "digits_mlp --pe mac --size 4x4 --samples 2 --outliers fma",
        "digits_mlp --samples 2 --weights int4,bipolar1 --activations int8 --group 32",
        "minilm --samples 1",
    ),
    "doctor": ("",),
    "rerun": ("{folder}/list-0.json", "{folder}/changed.json"),
}
# Objects whose keys are data, and how many levels of them: names of PEs, designs, library cells,
# RTL modules, primitives, operators, parameters, metrics, ports.
MAPS = dict.fromkeys(
    "firings params parameters metrics exact waits lacking fronts left_out ports types operands "
    "cells paths_ns by_kill unsupported not_gemm critical_paths interval_ratio importance key told "
    "costs".split(),
    1,
) | dict.fromkeys("digits shares energy_shares by_part by_module fpga".split(), 2)
# What may be unknown, whether or not a line above left it so; columns of the flat table may anyway.
NULLABLE = frozenset(
    "assumed_operands without_values corner node_nm wire_load period_ns paths_ns timing_tool "
    "area_front_um2 area_finish_um2 recipe_front recipe_finish limited_by "
    "memory_bits_left_out macs_per_cycle no_energy cells_share latency latency_found "
    "latency_range got output input load_ff slew_ns engine_hash outputs_equal saed32 ours "
    "ours_over_one_stage spread_over_recipes firings inventory_k chain module rtl "
    "built_bits trade bias bias_standard_error outward_bias mean_absolute root_mean_square "
    "largest bits_per_weight".split()
)
# Parameters of engines: integers or words, as the PE has it.
WORDS = frozenset("legal value default params parameters".split())
FREE = frozenset({"before", "now"})  # of two results: whatever differs
Schema = dict[str, Any]


def infer(values: Sequence[Any], key: str = "") -> Schema:
    """A schema that all of `values` keep, as narrow as they show.

    >>> infer([1, 2.5, None])
    {'type': ['null', 'number']}
    >>> infer([{"a": 1}, {"a": 2, "b": "x"}])["required"]
    ['a']
    """
    objects = [value for value in values if isinstance(value, dict)]
    lists = [value for value in values if isinstance(value, list)]
    types = _types(values, key)
    if key in FREE or types in ([], ["null"]):
        return {}
    schema: Schema = {"type": types[0] if len(types) == 1 else types}
    if objects:
        schema |= _object(objects, key)
    if lists:
        items = [item for value in lists for item in value]
        schema["items"] = infer(items, key if key == "legal" else "")
    return schema


def _types(values: Sequence[Any], key: str) -> list[str]:
    """The types of `values`, and those that a field of this name may have besides."""
    types = {_type(value) for value in values}
    if types - {"null"} and (key in NULLABLE or key.endswith("_ratio")):
        types.add("null")
    if key in WORDS and types & {"integer", "string"} and "number" not in types:
        types |= {"integer", "string"}
    return sorted(types - {"integer"} if "number" in types else types)


def _object(objects: Sequence[dict[str, Any]], key: str) -> Schema:
    if key in MAPS:
        return _map(objects, key, MAPS[key])
    names = list(dict.fromkeys(name for found in objects for name in found))
    properties = {name: infer([o[name] for o in objects if name in o], name) for name in names}
    if "params_json" in names:  # an engine, or a row of the flat table
        properties |= {name: json_type(name) for name in names if name in COLUMNS}
    return {
        "properties": properties,
        "required": [name for name in names if all(name in found for found in objects)],
        "additionalProperties": False,
    }


def _map(objects: Sequence[dict[str, Any]], key: str, levels: int) -> Schema:
    """Objects whose keys are data, that many levels of them; the values are all of one kind.

    >>> _map([{"cell": {"killed": 3}}], "by_part", 2)["additionalProperties"]
    {'type': 'object', 'additionalProperties': {'type': 'integer'}}
    """
    every = [value for found in objects for value in found.values()]
    if levels == 1 or not every:
        own = key if key in WORDS or key == "firings" else ""  # a count may be unknown
        return {"additionalProperties": infer(every, own)}
    return {"additionalProperties": {"type": "object", **_map(every, key, levels - 1)}}


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    names = {int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def documents(command: str, folder: Path) -> list[Any]:
    """What a command writes for each of its lines."""
    found = []
    for number, line in enumerate(COMMANDS[command]):
        words = shlex.split(line.format(folder=folder))
        target = folder / f"{command}-{number}.json"
        call = [sys.executable, "-m", "tpe.cli.main", command, *words, "--json", str(target)]
        subprocess.run(call, cwd=ROOT, stdout=subprocess.DEVNULL, check=False)
        found.append(json.loads(target.read_text()))
    return found


def weights() -> bytes:
    """A safetensors file: two matrices of int8, the scale of one, a vector."""
    sides = {"a": np.zeros((2, 2), np.int8), "a_scale": np.zeros(1, np.float32)}
    return save(sides | {"b": np.zeros((1, 4), np.int8), "v": np.zeros(2, np.float16)})


def prepared(folder: Path) -> None:
    """The files that some commands read."""
    rows = [f"{m},{k},{m * k},{m * k}" for m in range(1, 7) for k in range(1, 4)]
    (folder / "table.csv").write_text("\n".join(["m,k,mk,ms", *rows]))
    heads = "m,n,k,bs1,bs2,bs3,kernel,runtime_ms"
    shapes = [f"{m},{n},1,64,64,32,gemm_2x2_,{m * n}" for m in (1, 2, 3) for n in (1, 2)]
    (folder / "runs.csv").write_text("\n".join([heads, *shapes]))
    (folder / "cost.csv").write_text(COSTS)
    (folder / "space.toml").write_text(SPACE)
    (folder / "weights.safetensors").write_bytes(weights())
    (found,) = documents("list", folder)[:1]
    found["pes"][0]["title"] = "another"
    (folder / "changed.json").write_text(json.dumps(found))


def with_columns(schema: Schema) -> Schema:
    """The schema of a run whose rows may have columns of other packages, which it declares.

    Their names are data: whatever stands in a row besides the table's own is a plain value.
    """
    value = {"type": ["boolean", "integer", "number", "string", "null"]}
    properties = schema["properties"]
    for rows in (properties["layers"]["items"], properties["totals"]):
        rows["additionalProperties"] = value
    column = [asdict(Column("x", "text", "", "", ("x",)))]
    properties["columns"] = infer(json.loads(json.dumps([column])))
    return schema


def with_engines(schema: Schema) -> Schema:
    """The schema of a proof, and beside it that of the proofs of several engines."""
    names = ("schema_version", "command", "ok")
    properties = {name: schema["properties"][name] for name in names}
    several = {
        "type": "object",
        "properties": properties | {"engines": {"type": "array", "items": schema}},
        "required": [*names, "engines"],
        "additionalProperties": False,
    }
    return {"anyOf": [schema, several]}


def with_metrics(schema: Schema) -> Schema:
    """The schema of an evaluation whose rows have the metrics of any model: numbers, or null."""
    row = schema["properties"]["rows"]["items"]
    own = ("weights", "per", "group", "activations", "bits_per_weight")
    row["properties"] = {name: row["properties"][name] for name in own}
    row |= {"required": list(own), "additionalProperties": {"type": ["null", "number"]}}
    return schema


# What no line above shows, or none in a minute.
MORE: dict[str, Callable[[Schema], Schema]] = {
    "evaluate": with_metrics,
    "run": with_columns,
    "prove": with_engines,
}


def main() -> None:
    """Write the schemas."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepared(folder)
        for command in sys.argv[1:] or COMMANDS:
            print(command, flush=True)
            head = {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": f"tpe {command} --json",
            }
            found = infer(documents(command, folder))
            schema = head | MORE.get(command, dict)(found)
            (SCHEMAS / f"{command}.json").write_text(json.dumps(schema, indent=1) + "\n")


if __name__ == "__main__":
    main()
